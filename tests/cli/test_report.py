"""What a command says while it loads the engine, and what loading leaves behind."""

import gc
import io

import pytest
from rich.console import Console

from scumble.cli import report


@pytest.fixture
def terminal(monkeypatch) -> io.StringIO:
    shown = io.StringIO()
    monkeypatch.setattr(report, "console", Console(file=shown, force_terminal=True))
    return shown


def test_a_terminal_is_told_that_the_engine_is_loaded(terminal):
    with report.starting():
        assert terminal.getvalue() == "loading PyTorch\r"
    assert terminal.getvalue().endswith("\r\x1b[2K")  # and nothing of that stays


def test_who_wants_silence_and_who_reads_a_pipe_is_told_nothing(terminal, monkeypatch):
    with report.starting(quiet=True):
        pass
    assert terminal.getvalue() == ""
    monkeypatch.setattr(report, "console", Console(file=terminal, force_terminal=False))
    with report.starting():
        pass
    assert terminal.getvalue() == ""


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
