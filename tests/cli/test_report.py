"""What a command says while it loads the engine and while it works, and what loading leaves behind."""

import gc
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from rich.console import Console

from scumble.cli import report
from scumble.cli import terminal as terminal_module
from scumble.cli.progress import Pace
from scumble.events import Detailed, Event, Finished, Progress, Saved, Started


class Shown(io.StringIO):
    """What standard error shows, as a terminal or as a pipe."""

    def __init__(self, is_terminal: bool):
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


def showing(monkeypatch, is_terminal: bool) -> io.StringIO:
    shown = Shown(is_terminal)
    for name in terminal_module.FORCED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(terminal_module, "sys", SimpleNamespace(stderr=shown))  # the other one is pytest's
    console = Console(file=shown, force_terminal=is_terminal)
    monkeypatch.setattr(terminal_module, "console", lambda: console)
    return shown


@pytest.fixture
def terminal(monkeypatch) -> io.StringIO:
    return showing(monkeypatch, is_terminal=True)


def test_a_terminal_is_told_that_the_engine_is_loaded(terminal):
    with report.starting():
        assert terminal.getvalue() == "loading PyTorch\r"
    assert terminal.getvalue().endswith("\r\x1b[2K")  # and nothing of that stays


def test_who_wants_silence_and_who_reads_a_pipe_is_told_nothing(terminal, monkeypatch):
    with report.starting(quiet=True):
        pass
    assert terminal.getvalue() == ""
    lines = showing(monkeypatch, is_terminal=False)
    with report.starting():
        pass
    assert lines.getvalue() == ""


def test_the_collector_works_on_also_when_loading_fails():
    gc.unfreeze()  # what other tests have frozen

    def load() -> None:
        with report.starting():
            assert not gc.isenabled()
            raise ImportError

    with pytest.raises(ImportError):
        load()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


PICTURE = Image.new("RGB", (2, 2))
STEPS = [Progress("stylize", done, 200, 1234.5, {"style relu1_1": 3.0}) for done in (1, 100, 199, 200)]
PAINTED = [
    Started("stylize", 200, "evaluations"),
    Detailed("stylize: 32x32 pixels, 1 of 2"),
    *STEPS[:3],
    Saved(Path("out-000100.png")),
    STEPS[3],
    Saved(Path("out.png")),
    Finished("stylize", [Path("out.png")], 2.0, PICTURE, {"evaluations": 300, "loss": 1234.5, "terms": {}}),
]


def followed(events: Sequence[Event], verbose: bool = False) -> None:
    report.run((event for event in events), verbose=verbose)


@pytest.fixture
def lines(monkeypatch) -> io.StringIO:
    """What is no terminal; every progress is told."""
    monkeypatch.setattr(report, "SECONDS_BETWEEN_LINES", -1.0)
    return showing(monkeypatch, is_terminal=False)


def test_lines_count_one_thing_from_0_to_100_percent_and_tell_no_loss(lines, capsys):
    followed(PAINTED)
    told = lines.getvalue().splitlines()
    assert [line.partition(",")[0] for line in told[:-1]] == [
        "stylize: 0%",
        "stylize: 50%",
        "stylize: 99%",
        "stylize: 100%",
    ]
    assert [line.endswith("0:00:00 left") for line in told] == [False, True, True, False, False]
    assert told[-1] == "2.0 seconds"
    assert capsys.readouterr().out == "out-000100.png\nout.png\n"


def test_whoever_looks_closely_is_told_the_loss_and_the_scales(lines):
    followed(PAINTED, verbose=True)
    told = lines.getvalue().splitlines()
    assert told[0] == "stylize: 32x32 pixels, 1 of 2"
    assert told[1] == "stylize: 0%, loss 1234.5"
    assert told[-1] == "evaluations 300, loss 1234.5, 2.0 seconds"


def test_whoever_stops_before_one_percent_is_told_what_there_is(lines, capsys):
    """Early evaluations of a large picture are less than one of its last stage, and are saved nevertheless."""

    def events():
        yield from (Started("stylize", 300, "evaluations"), Progress("stylize", 0, 300, 1.0))
        raise KeyboardInterrupt

    kept = report.Kept("stylize", "evaluations", Path("out.png"), "--resume goes on; the best picture is")
    with pytest.raises(KeyboardInterrupt):
        report.run(events(), kept=kept)
    assert lines.getvalue().endswith("stopped after 0%: --resume goes on; the best picture is out.png\n")
    with pytest.raises(KeyboardInterrupt):
        report.run(events(), as_lines_of_json=True, kept=kept)
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == {"event": "stopped", "outputs": ["out.png"], "evaluations": 0}


def test_what_people_can_count_is_counted(lines):
    followed([Started("label", 3, "pictures"), Progress("label", 1, 3)])
    assert lines.getvalue() == "label: 1 of 3 pictures\n"


def test_the_time_left_of_work_that_goes_on_is_reckoned_from_where_it_began():
    pace = Pace("evaluations")
    assert pace.left(Progress("stylize", 90, 100), 1000.0) == []
    assert pace.left(Progress("stylize", 92, 100), 1004.0) == ["0:00:16 left"]
    assert pace.left(Progress("stylize", 100, 100), 1020.0) == []


def test_the_bar_goes_on_when_a_file_is_written_and_ends_with_100_percent(terminal, capsys):
    """Also where the last scale ended early."""
    early = [event for event in PAINTED if event not in STEPS[2:]]
    followed(early)
    *_, last = re.findall(r"(\d+)%", terminal.getvalue())
    assert last == "100"
    assert "loss" not in terminal.getvalue()
    assert "32x32" not in terminal.getvalue()
    assert capsys.readouterr().out == "out-000100.png\nout.png\n"
