"""Work that was stopped, gently or not, and goes on: the same bytes as if it had never been."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from scumble import paths
from scumble.errors import RunError
from scumble.events import Noted, Progress, Saved, Warned
from scumble.image import recipe
from scumble.perceptual.vgg import VGG19
from scumble.storage import checkpoint
from scumble.storage.folder import as_safetensors
from scumble.style import inputs, stages
from scumble.style import resume as resume_module
from scumble.style.files import there
from scumble.style.optimization.adam import Adam
from scumble.style.optimization.lbfgs import LBFGS
from scumble.style.preparation.sources import Sources
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events, stylize_events

KINDS = {
    "quick": StyleSettings(size=48, scales=2, steps=4),
    "gatys": StyleSettings(preset="gatys", backbone="pocket", size=40, steps=8),
    "fine": StyleSettings(preset="fine", backbone="pocket", size=48, scales=2, steps=4),
    "noise": StyleSettings(size=40, steps=3, init="noise", optimizer="adam", scales=2),
    "enlarge": StyleSettings(preset="fine", backbone="pocket", size=80, scales=2, steps=3, enlarge=True),
    "finish and enlarge": StyleSettings(size=80, scales=1, steps=3, finish=3, enlarge=True),
    "sketch": StyleSettings(preset="fine", size=40, steps=3, sketch=2, scales=2),
}


def stopped_after(events, steps: int) -> bool:
    """Close a job after so many evaluations; whether there were that many."""
    seen = 0
    for event in events:
        seen += isinstance(event, Progress)
        if seen == steps:
            events.close()
            return True
    return False


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("every", [1, 3])
def test_stopped_again_and_again_ends_with_the_same_bytes(
    kind, every, content_file, style_file, weights_file, tmp_path, monkeypatch
):
    settings = KINDS[kind]
    if kind == "sketch":
        settings = settings.model_copy(update={"weights": weights_file})
    for module in (stages, inputs):
        monkeypatch.setattr(module, "PAINTED_SIDE", 48)
    monkeypatch.setattr(stages, "FINISHES", "pocket")
    list(stylize_events(content_file, style_file, settings, tmp_path / "whole.png"))
    output = tmp_path / "out.png"
    starts = 1
    while stopped_after(stylize_events(content_file, style_file, settings, output, resume=starts > 1), every):
        assert resume_module.Unfinished(output, {}).exists()
        starts += 1
        assert starts < 30
    assert starts > 1
    assert output.read_bytes() == (tmp_path / "whole.png").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["content.png", "out.png", "style.png", "whole.png"]


@pytest.mark.parametrize("kind", ["quick", "fine"])
def test_stopped_in_the_first_move_of_a_scale_ends_with_the_same_bytes(
    kind, content_file, style_file, tmp_path, monkeypatch
):
    settings = KINDS[kind]
    list(stylize_events(content_file, style_file, settings, tmp_path / "whole.png"))
    optimizer = LBFGS if settings.optimizer == "lbfgs" else Adam
    move, stops = optimizer.move, [KeyboardInterrupt]

    def move_and_stop(self, canvas, gradient):
        moved = move(self, canvas, gradient)
        if canvas.shape[3] == 48 and stops:
            raise stops.pop()
        return moved

    monkeypatch.setattr(optimizer, "move", move_and_stop)
    with pytest.raises(KeyboardInterrupt):
        list(stylize_events(content_file, style_file, settings, tmp_path / "out.png"))
    list(stylize_events(content_file, style_file, settings, tmp_path / "out.png", resume=True))
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


@pytest.mark.parametrize("kind", ["quick", "gatys"])
def test_tiles_that_shrank_on_the_way_are_gone_on_with(kind, content_file, style_file, tmp_path, monkeypatch):
    """Memory fails in the middle of a job, which goes on in smaller tiles: a state of it knows them."""
    settings = KINDS[kind].model_copy(update={"size": 320, "scales": 1, "steps": 6})
    walk, scarce = VGG19.walk, False

    def walk_or_fail(self, image, layers):
        if scarce and image.shape[2] * image.shape[3] > 80_000:
            raise MemoryError
        return walk(self, image, layers)

    monkeypatch.setattr(VGG19, "walk", walk_or_fail)
    output, whole = tmp_path / "out.png", tmp_path / "whole.png"
    for path, stops_after in ((whole, None), (output, 4)):
        scarce = False
        events = stylize_events(content_file, style_file, settings, path)
        for event in events:
            scarce = scarce or (isinstance(event, Progress) and event.done == 3)
            if isinstance(event, Progress) and event.done == stops_after:
                events.close()
    list(stylize_events(content_file, style_file, settings, output, resume=True))
    assert output.read_bytes() == whole.read_bytes()


def test_textures_go_on_as_well(style_file, tmp_path):
    settings = TextureSettings(size=40, steps=6, scales=2, backbone="pocket")
    list(paint_events(Sources(None, [style_file]), settings, tmp_path / "whole.png"))
    for resume, steps in ((False, 4), (True, 5), (True, 100)):
        stopped_after(paint_events(Sources(None, [style_file]), settings, tmp_path / "out.png", resume=resume), steps)
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "whole.png").read_bytes()


KILLABLE = """
import sys
from scumble.style import resume
resume.SECONDS = 0.0
from scumble.cli.app import main
sys.argv[0] = "scumble"
main()
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_at_random_moments_ends_with_the_same_bytes(content_file, style_file, tmp_path):
    command = [sys.executable, "-c", KILLABLE, "stylize", str(content_file), str(style_file), "--preset", "fine"]
    command += ["--size", "96", "--steps", "300", "--scales", "2", "--tolerance", "0", "--backbone", "pocket"]
    whole, output = tmp_path / "whole.png", tmp_path / "out.png"
    assert subprocess.run([*command, "-q", "-o", whole], timeout=600, check=True)
    chance = random.Random(1)
    for resumed in (False, True, True, True, True):
        resume = ["--resume"] if resumed else []
        with subprocess.Popen([*command, "--json", "-o", output, *resume], stdout=subprocess.PIPE, text=True) as job:
            assert job.stdout is not None
            while json.loads(job.stdout.readline())["event"] != "progress":
                pass
            time.sleep(chance.uniform(0.0, 0.4))
            job.send_signal(signal.SIGKILL)
        assert job.returncode == -signal.SIGKILL  # and not at its end already
    told = subprocess.run([*command, "--resume", "-o", output], capture_output=True, text=True, timeout=600, check=True)
    assert "going on with" in told.stderr or "there is no" in told.stderr
    assert output.read_bytes() == whole.read_bytes()


@pytest.fixture
def stopped(content_file, style_file, tmp_path) -> Path:
    """The output of a job that was stopped."""
    settings = KINDS["fine"]
    assert stopped_after(stylize_events(content_file, style_file, settings, tmp_path / "out.png"), 6)
    return tmp_path / "out.png"


@pytest.mark.parametrize(
    ("change", "message"), [({"steps": 8}, "its settings steps was 4, this one's is 8"), ({"seed": 5}, "settings seed")]
)
def test_a_state_of_other_settings_is_refused(stopped, content_file, style_file, change, message):
    settings = StyleSettings(**KINDS["fine"].model_dump() | change)
    before = stopped.read_bytes()
    with pytest.raises(RunError, match=f"{stopped.name}.unfinished is of another job: .*{message}"):
        list(stylize_events(content_file, style_file, settings, stopped, resume=True))
    assert stopped.read_bytes() == before
    assert resume_module.Unfinished(stopped, {}).exists()


def test_a_state_of_other_pictures_or_versions_is_refused(stopped, content_file, style_file, monkeypatch):
    settings = KINDS["fine"]
    with pytest.raises(RunError, match="its inputs content"):
        list(stylize_events(style_file, style_file, settings, stopped, resume=True))
    now = recipe.versions()
    monkeypatch.setattr(recipe, "versions", lambda: now | {"scumble": "0.0.0"})
    with pytest.raises(RunError, match=r"its versions scumble was .*, this one's is 0\.0\.0"):
        list(stylize_events(content_file, style_file, settings, stopped, resume=True))


@pytest.mark.parametrize("content", [b"", b"no safetensors", None])
def test_a_damaged_state_is_refused(stopped, content_file, style_file, content):
    path = resume_module.Unfinished(stopped, {}).path
    path.write_bytes(path.read_bytes()[:-100] if content is None else content)
    with pytest.raises(RunError, match="damaged"):
        list(stylize_events(content_file, style_file, KINDS["fine"], stopped, resume=True))


def test_what_becomes_of_a_state_is_told(stopped, content_file, style_file, tmp_path):
    settings = KINDS["fine"]

    def told(output: Path, resume: bool) -> str:
        events = list(stylize_events(content_file, style_file, settings, output, resume=resume))
        return " ".join(event.message for event in events if isinstance(event, Noted | Warned))

    assert "starting at the beginning" in told(tmp_path / "new.png", True)
    assert "going on with" in told(stopped, True)
    assert "unfinished" not in told(stopped, False)  # it is finished


def test_a_job_begun_anew_beside_a_state_warns(stopped, content_file, style_file):
    events = stylize_events(content_file, style_file, KINDS["fine"], stopped)
    assert any(isinstance(event, Warned) and "--resume would go on" in event.message for event in events)


def test_a_full_disk_is_told_and_the_last_state_stays(content_file, style_file, tmp_path, monkeypatch):
    monkeypatch.setattr(resume_module, "SECONDS", 0.0)
    output, written = tmp_path / "out.png", []
    write = paths.write_atomically

    def full(path: Path, data: bytes) -> None:
        if path.suffix == there.SUFFIX:
            written.append(path)
            if len(written) > 3:
                raise OSError(28, "No space left on device")
        write(path, data)

    monkeypatch.setattr(paths, "write_atomically", full)
    settings = StyleSettings(backbone="pocket", size=64, steps=150)
    seen = []
    for event in stylize_events(content_file, style_file, settings, output):
        seen.append(event)
        if len(written) == 5 and isinstance(event, Progress):
            assert resume_module.Unfinished(output, {}).exists()
    assert any(isinstance(event, Warned) and "No space left on device" in event.message for event in seen)
    assert isinstance(seen[-2], Saved)


def test_an_output_folder_that_vanishes_comes_back(content_file, style_file, tmp_path, monkeypatch):
    monkeypatch.setattr(resume_module, "SECONDS", 0)
    output = tmp_path / "folder" / "out.png"
    output.parent.mkdir()
    for event in stylize_events(content_file, style_file, KINDS["gatys"], output):
        if isinstance(event, Progress):
            shutil.rmtree(output.parent, ignore_errors=True)
    assert [path.name for path in output.parent.iterdir()] == ["out.png"]


HOSTILE = [
    ("stage", 9), ("stage", -1), ("stage", "0"), ("before", None), ("tile_sides", []), ("tile_sides", [0, 0]),
    ("tile_sides", ["a", None]), ("tile_sides", 5), ("history_bytes", 10**15), ("history_bytes", -1),
    ("evaluation", 0), ("evaluation", 10**9), ("evaluation", "1"), ("finished", "no"), ("good", 3), ("good", [1.0]),
    ("good", ["a", {}]), ("best", [1.0, {"relu1_1": "a"}]), ("average", "a"), ("average", 1e308), ("lowest", []),
    ("lowest", ["a"]), ("length", None), ("length", -1.0), ("retreats", [1]), ("optimizer", 1), ("optimizer", {}),
    ("optimizer", {"moves": "a"}),
]  # fmt: skip


def refused(output: Path, content: Path, style: Path, match: str) -> None:
    """Without a word to the picture, or to the state."""
    path = resume_module.Unfinished(output, {}).path
    before = output.read_bytes(), path.read_bytes()
    with pytest.raises(RunError, match=match) as raised:
        list(stylize_events(content, style, KINDS["fine"], output, resume=True))
    assert "\n" not in str(raised.value)
    assert (output.read_bytes(), path.read_bytes()) == before


@pytest.mark.parametrize("remove", [False, True])
def test_facts_that_somebody_has_edited_are_refused(stopped, content_file, style_file, remove):
    path = resume_module.Unfinished(stopped, {}).path
    state = checkpoint.read(path)
    for name, value in HOSTILE:
        facts = {key: held for key, held in state.facts.items() if key != name} | ({} if remove else {name: value})
        path.write_bytes(as_safetensors(state.tensors, checkpoint.metadata(facts)))
        refused(stopped, content_file, style_file, "is damaged")


def test_tensors_that_somebody_has_edited_are_refused(stopped, content_file, style_file):
    path = resume_module.Unfinished(stopped, {}).path
    state = checkpoint.read(path)
    for name, tensor in state.tensors.items():
        for other in (None, tensor[..., :-1], tensor.int(), tensor * float("nan")):
            tensors = {key: held for key, held in state.tensors.items() if key != name}
            if name == "best_canvas" and other is None:
                continue  # there where it is not the canvas itself
            tensors |= {} if other is None else {name: other}
            path.write_bytes(as_safetensors(tensors, checkpoint.metadata(state.facts)))
            refused(stopped, content_file, style_file, "is damaged")


def test_a_second_ctrl_c_does_not_stop_the_saving(content_file, style_file, tmp_path, monkeypatch):
    """Who presses twice gets the unfinished picture all the same, and can go on."""
    settings = KINDS["quick"]
    list(stylize_events(content_file, style_file, settings, tmp_path / "whole.png"))
    fsync = os.fsync

    def fsync_and_interrupt(number):
        signal.raise_signal(signal.SIGINT)
        fsync(number)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        events = stylize_events(content_file, style_file, settings, tmp_path / "out.png")
        next(event for event in events if isinstance(event, Progress) and event.done)
        monkeypatch.setattr(os, "fsync", fsync_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            events.throw(KeyboardInterrupt)
    finally:
        signal.signal(signal.SIGINT, before)
        monkeypatch.setattr(os, "fsync", fsync)
    assert resume_module.Unfinished(tmp_path / "out.png", {}).exists()
    list(stylize_events(content_file, style_file, settings, tmp_path / "out.png", resume=True))
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "whole.png").read_bytes()
