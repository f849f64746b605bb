"""Training on tiny pictures: what a run leaves, that it resumes to the bit, and that nothing is lost."""

import contextlib
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from scumble import GAN, GANSettings
from scumble.errors import DataError, DivergedError, ImageError, RunError, SettingsError
from scumble.events import Finished, Noted, Preview, Progress, Saved, Warned
from scumble.gan.tasks.latent import LatentGAN
from scumble.gan.train import train_events
from scumble.storage import checkpoint
from scumble.storage.run import Run
from scumble.training import loop
from scumble.training.task import Outcome
from scumble.training.trainer import Trainer

TINY = {"width": 4, "latent": 8, "batch": 8}


@pytest.fixture(autouse=True)
def told_of_every_step(monkeypatch, one_thread):
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", -1.0)


@pytest.fixture
def data(tmp_path) -> Path:
    pictures = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", x=pictures)
    return tmp_path / "noise.npz"


def settings(**others) -> GANSettings:
    return GANSettings(**(TINY | {"images": 8 * 50, "grids": 2} | others))


def trained(data, run, **others) -> list:
    return list(train_events(data, run, settings(**others)))


def state(run: Path) -> dict[str, torch.Tensor]:
    path = sorted((run / "checkpoints").glob("*.safetensors"))[-1]
    return safetensors.torch.load_file(path)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def figures(run: Path) -> list[dict]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in rows]


@pytest.mark.parametrize("preset", ["sndcgan", "dcgan"])
def test_a_run_leaves_a_model_grids_and_figures(data, tmp_path, preset):
    run = tmp_path / "run"
    events = trained(data, run, preset=preset)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.outputs == [run / "model", run / "grids" / "000000000400.png"]
    assert all(path.exists() for path in finished.outputs)
    assert finished.figures["images"] == 400
    progress = [event.done for event in events if isinstance(event, Progress) and event.job == "train"]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 400)
    assert len([event for event in events if isinstance(event, Preview)]) == 1
    assert len([event for event in events if isinstance(event, Saved)]) == 2
    assert [row["images"] for row in figures(run)] == [160, 320, 400]
    for row in figures(run):
        assert 0 < row["d_real"] < 1
        assert 0 < row["d_fake"] < 1
        assert row["gradient_d"] > 0
        assert row["gradient_g"] > 0
    facts = json.loads((run / "settings.json").read_text())
    assert facts["data"]["count"] == 40
    assert facts["settings"]["preset"] == preset


def test_the_grid_holds_samples_of_the_seeds_beside_real_pictures(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    with Image.open(tmp_path / "run" / "grids" / "000000000080.png") as picture:
        sheet = np.asarray(picture)
    first = np.asarray(GAN.from_pretrained(tmp_path / "run").sample([0])[0]).repeat(4, 0).repeat(4, 1)
    assert np.array_equal(sheet[:64, :64, 0], first)
    pictures = np.load(data)["x"]
    real = sheet[:64:4, 8 * 66 - 2 + 8 :: 4, 0][:, :16]
    assert any(np.array_equal(real, picture) for picture in pictures)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_run_on_a_gpu_goes_on(data, tmp_path):
    for images in (160, 400):
        assert isinstance(trained(data, tmp_path / "run", images=images, device="cuda")[-1], Finished)


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"preset": "dcgan", "flip": "yes"},
        {"augment": True, "augment_colour": True},
        {"precision": "bfloat16"},
        {"preset": "wgan-gp", "batch": 4},
        {"accumulate": 4},
        {"preset": "began"},
        {"preset": "aae"},
        {"preset": "lapgan", "accumulate": 2},
    ],
)
def test_a_training_that_was_stopped_twice_ends_with_the_bits_of_one_that_was_not(data, tmp_path, others):
    trained(data, tmp_path / "whole", **others)
    for stop_at in (7, 33):
        events = train_events(data, tmp_path / "parts", settings(**others))
        for event in events:
            if isinstance(event, Progress) and event.job == "train" and event.done >= 8 * stop_at:
                break
        events.close()
    trained(data, tmp_path / "parts", **others)
    assert same(state(tmp_path / "whole"), state(tmp_path / "parts"))
    assert figures(tmp_path / "whole") == figures(tmp_path / "parts")
    for file in ("model.safetensors", "samples.png"):
        assert (tmp_path / "whole/model" / file).read_bytes() == (tmp_path / "parts/model" / file).read_bytes()


def test_a_training_that_was_stopped_before_a_grid_draws_it(data, tmp_path):
    trained(data, tmp_path / "whole", images=320, grids=4)
    events = train_events(data, tmp_path / "parts", settings(images=320, grids=4))
    for event in events:
        if isinstance(event, Preview):
            break
    events.close()  # and killed just before: its state is there, the grid is not
    event.path.unlink()
    trained(data, tmp_path / "parts", images=320, grids=4)
    names = [sorted(path.name for path in (tmp_path / run / "grids").iterdir()) for run in ("whole", "parts")]
    assert names[0] == names[1]
    for name in names[0]:
        assert (tmp_path / "whole/grids" / name).read_bytes() == (tmp_path / "parts/grids" / name).read_bytes()


def test_lines_of_figures_are_the_same_bytes_after_a_stop(data, tmp_path):
    for run, stop in (("whole", 10**9), ("parts", 56)):
        events = train_events(data, tmp_path / run, settings(images=320))
        for event in events:
            if isinstance(event, Progress) and event.job == "train" and event.done >= stop:
                events.close()
    trained(data, tmp_path / "parts", images=320)
    lines = [[list(row) for row in figures(tmp_path / run)] for run in ("whole", "parts")]
    assert lines[0] == lines[1]


SCRIPT = """
import sys
from scumble import GANSettings
from scumble.gan.train import train_events
from scumble.training import loop
loop.CHECKPOINT_SECONDS, loop.LOG_STEPS = 0.05, 3
settings = GANSettings(width=4, latent=8, batch=8, images=8 * 400, grids=4)
for event in train_events(sys.argv[1], sys.argv[2], settings):
    if type(event).__name__ == "Started" and event.job == "train":
        print("started", flush=True)
print("finished", flush=True)
"""


def test_a_training_that_is_killed_at_random_moments_ends_with_the_same_bits(data, tmp_path):
    def process(run: str) -> subprocess.Popen:
        command = [sys.executable, "-c", SCRIPT, str(data), str(tmp_path / run)]
        one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=one_thread)

    with process("whole") as whole:
        assert "finished" in (whole.communicate(timeout=120)[0])
    moments = random.Random(0)
    for _ in range(3):
        with process("killed") as job:
            assert job.stdout is not None
            assert job.stdout.readline() == "started\n"
            with contextlib.suppress(subprocess.TimeoutExpired):
                job.wait(moments.uniform(0.0, 1.0))
            job.send_signal(signal.SIGKILL)
    with process("killed") as job:
        assert "finished" in job.communicate(timeout=120)[0]
    assert same(state(tmp_path / "whole"), state(tmp_path / "killed"))
    assert figures(tmp_path / "whole") == figures(tmp_path / "killed")


def test_a_real_ctrl_c_at_any_moment_loses_nothing(data, tmp_path):
    settings = ["--width", "4", "--latent", "8", "--batch", "8", "--images", "3200", "--grids", "4"]
    command = [sys.executable, "-m", "scumble.cli.app", "gan", "train", str(data), *settings, "--json", "--run"]
    one_thread = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run([*command, tmp_path / "whole"], env=one_thread, check=True, capture_output=True, timeout=120)
    for number, delay in ((signal.SIGINT, 0.3), (signal.SIGTERM, 0.7)):
        with subprocess.Popen(
            [*command, tmp_path / "parts"],
            env=one_thread,
            stdout=subprocess.PIPE,
            text=True,
            # Whoever starts the tests in a shell's background has them ignore Ctrl-C, and all their children.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as job:
            assert job.stdout is not None
            next(line for line in job.stdout if json.loads(line).get("job") == "train")
            time.sleep(delay)
            job.send_signal(number)
            events = [json.loads(line) for line in job.stdout]
            assert job.wait(60) == 130
            assert events[-1]["event"] == "stopped"
    subprocess.run([*command, tmp_path / "parts"], env=one_thread, check=True, capture_output=True, timeout=120)
    assert same(state(tmp_path / "whole"), state(tmp_path / "parts"))
    assert figures(tmp_path / "whole") == figures(tmp_path / "parts")


def test_another_process_may_not_train_in_the_same_folder(data, tmp_path):
    events = train_events(data, tmp_path / "run", settings())
    next(event for event in events if isinstance(event, Progress) and event.job == "train")
    with pytest.raises(RunError, match="another process is training"):
        trained(data, tmp_path / "run")
    events.close()
    trained(data, tmp_path / "run")


def test_the_same_call_again_does_nothing_and_a_longer_one_goes_on(data, tmp_path):
    trained(data, tmp_path / "run", decay="none")
    before = state(tmp_path / "run")
    again = trained(data, tmp_path / "run", decay="none")
    assert [event.done for event in again if isinstance(event, Progress) and event.job == "train"] == [400]
    assert same(before, state(tmp_path / "run"))
    trained(data, tmp_path / "run", decay="none", images=480)
    trained(data, tmp_path / "whole", decay="none", images=480)
    assert same(state(tmp_path / "run"), state(tmp_path / "whole"))


def test_settings_that_are_not_given_are_those_of_the_run(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    list(train_events(data, tmp_path / "run", GANSettings(images=160)))
    assert json.loads((tmp_path / "run/settings.json").read_text())["settings"]["width"] == 4


@pytest.mark.parametrize(
    ("others", "complaint"),
    [({"width": 8}, "a run with width 4; got width 8"), ({"preset": "dcgan"}, "preset sndcgan; got preset dcgan")],
)
def test_a_run_of_other_settings_is_refused_and_left_as_it_is(data, tmp_path, others, complaint):
    trained(data, tmp_path / "run", images=80)
    before = state(tmp_path / "run")
    with pytest.raises(RunError, match=complaint):
        trained(data, tmp_path / "run", **others)
    assert same(before, state(tmp_path / "run"))


def test_a_run_on_other_pictures_is_refused(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    np.savez(tmp_path / "other.npz", x=np.zeros((20, 16, 16), np.uint8))
    with pytest.raises(RunError, match=r"a run on noise.npz \(40 pictures\); got other.npz \(20 pictures\)"):
        trained(tmp_path / "other.npz", tmp_path / "run", images=160)


def test_fresh_starts_over_and_touches_nothing_else(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    (tmp_path / "run/notes.txt").write_text("mine")
    list(train_events(data, tmp_path / "run", settings(width=8, images=80), fresh=True))
    assert (tmp_path / "run/notes.txt").read_text() == "mine"
    assert json.loads((tmp_path / "run/settings.json").read_text())["settings"]["width"] == 8


def test_fresh_removes_nothing_from_a_folder_that_is_no_run(data, tmp_path):
    (tmp_path / "mine/model").mkdir(parents=True)
    (tmp_path / "mine/model/precious.txt").write_text("")
    trained(data, tmp_path / "run", images=80)
    for folder in (tmp_path / "mine", tmp_path / "run/model"):
        before = sorted(folder.rglob("*"))
        for fresh in (True, False):
            with pytest.raises(RunError, match="is no run"):
                list(train_events(data, folder, settings(), fresh=fresh))
        assert sorted(folder.rglob("*")) == before


def test_fresh_removes_nothing_if_the_new_pictures_cannot_be_read(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    with pytest.raises(DataError):
        list(train_events(tmp_path / "nothing", tmp_path / "run", settings(), fresh=True))
    assert state(tmp_path / "run")


def test_a_folder_that_is_no_run_is_refused(data, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run/thesis.tex").write_text("")
    with pytest.raises(RunError, match="is no run"):
        trained(data, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_run_of_another_version_is_refused(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    path = tmp_path / "run/settings.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(RunError, match="format 99"):
        trained(data, tmp_path / "run")


def test_a_checkpoint_cut_in_half_is_told_of_and_the_one_before_is_used(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    trained(data, tmp_path / "whole")
    trained(data, tmp_path / "cut")
    newest = sorted((tmp_path / "cut/checkpoints").iterdir())[-1]
    newest.write_bytes(newest.read_bytes()[: newest.stat().st_size // 2])
    events = trained(data, tmp_path / "cut")
    [warning] = [event.message for event in events if isinstance(event, Warned)]
    assert newest.name in warning
    assert "damaged" in warning
    assert any("at 392 images" in event.message for event in events if isinstance(event, Noted))
    assert same(state(tmp_path / "whole"), state(tmp_path / "cut"))


def test_a_run_whose_checkpoints_are_all_damaged_is_refused(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    for path in (tmp_path / "run/checkpoints").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(RunError, match="no checkpoint that can be used"):
        trained(data, tmp_path / "run")


def test_a_checkpoint_of_another_run_or_with_pieces_missing_is_not_used(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    good = tmp_path / "run/checkpoints/000000000080.safetensors"
    saved = checkpoint.read(good)
    weight = next(name for name in saved.tensors if name.startswith("modules.generator."))
    moments = next(name for name in saved.tensors if name.startswith("optimizers.g.") and name.endswith(".exp_avg"))
    broken = [
        saved._replace(facts=saved.facts | {"identity": "another"}),
        saved._replace(facts={}),
        saved._replace(facts=saved.facts | {"step": -1}),
        saved._replace(tensors={name: t for name, t in saved.tensors.items() if name != weight}),
        saved._replace(tensors=saved.tensors | {moments: torch.zeros(2)}),
        saved._replace(tensors={name: t for name, t in saved.tensors.items() if name != moments}),
    ]
    for number, state in enumerate(broken):
        checkpoint.write(tmp_path / "run/checkpoints", 100 + number, state)
        events = trained(data, tmp_path / "run", images=80)
        [warning] = [event.message for event in events if isinstance(event, Warned)]
        assert f"{100 + number:012}" in warning or "another run" in warning or "checkpoint" in warning
        (tmp_path / "run/checkpoints" / f"{100 + number:012}.safetensors").unlink()


def test_a_run_that_lost_its_checkpoints_starts_over_and_says_so(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    for path in (tmp_path / "run/checkpoints").iterdir():
        path.unlink()
    events = trained(data, tmp_path / "run", images=80)
    assert ["has lost its checkpoints" in event.message for event in events if isinstance(event, Warned)] == [True]
    assert [row["images"] for row in figures(tmp_path / "run")] == [80]


def test_grids_of_a_run_inside_the_data_folder_are_no_data(tmp_path):
    for number in range(20):
        pixels = np.random.default_rng(number).integers(0, 256, (16, 16), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    trained(tmp_path, tmp_path / "run", images=80)
    assert isinstance(trained(tmp_path, tmp_path / "run", images=160)[-1], Finished)


def test_a_model_is_not_saved_over_a_run(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    with pytest.raises(RunError, match="is a run; wanted a folder of its own"):
        GAN.from_pretrained(tmp_path / "run").save_pretrained(tmp_path / "run")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"settings": {', '"settings": [{'),
        ('"threads": 1', '"threads": "many"'),
        ('"width": 4', '"width": "x"'),
        ("{", "["),
    ],
)
def test_settings_edited_by_hand_are_refused_in_one_line(data, tmp_path, old, new):
    trained(data, tmp_path / "run", images=80)
    path = tmp_path / "run/settings.json"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(RunError, match="settings.json"):
        list(train_events(data, tmp_path / "run", GANSettings()))


def test_odd_lines_of_figures_are_left_out(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    with (tmp_path / "run/metrics.jsonl").open("ab") as file:
        file.write(b'5\nnull\n[]\n{"a": 1}\n{"images": "x"}\n\xff\n')
    assert len(Run(tmp_path / "run").metrics()) == 1


def test_a_full_disk_is_told_of_and_the_training_goes_on(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    real, calls = checkpoint.paths.write_atomically, itertools.count()

    def sometimes_full(path, content):
        if path.suffix == ".safetensors" and path.parent.name == "checkpoints" and next(calls) == 1:
            raise OSError(28, "No space left on device")
        real(path, content)

    monkeypatch.setattr(checkpoint.paths, "write_atomically", sometimes_full)
    events = trained(data, tmp_path / "run")
    [warning] = [event.message for event in events if isinstance(event, Warned)]
    assert "No space left on device" in warning
    assert isinstance(events[-1], Finished)


def test_a_disk_that_is_full_for_a_while_loses_grids_only(data, tmp_path, monkeypatch):
    real_save, real_add = loop.files.save, Run.add_metrics
    saves, lines = itertools.count(), itertools.count()

    def save(pixels, path, made_by=None):
        if path.parent.name == "grids" and next(saves) == 0:
            raise ImageError("no space for a grid")
        real_save(pixels, path, made_by)

    def add_metrics(run, row):
        if next(lines) == 0:
            raise RunError("no space for a line")
        real_add(run, row)

    monkeypatch.setattr(loop.files, "save", save)
    monkeypatch.setattr(Run, "add_metrics", add_metrics)
    events = trained(data, tmp_path / "run")
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == ["no space for a line; the training goes on", "no space for a grid; the training goes on"]
    assert isinstance(events[-1], Finished)
    assert [row["images"] for row in figures(tmp_path / "run")] == [160, 320, 400]


def test_figures_that_cannot_be_written_put_no_checkpoint_off(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(loop, "LOG_STEPS", 1)

    def add_metrics(run, row):
        raise RunError("no space for a line")

    monkeypatch.setattr(Run, "add_metrics", add_metrics)
    written, real = [], checkpoint.write
    monkeypatch.setattr(
        loop.checkpoint, "write", lambda folder, at, state: written.append(at) or real(folder, at, state)
    )
    events = trained(data, tmp_path / "run")
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert warnings == ["no space for a line; the training goes on"]
    assert written[:4] == [0, 8, 16, 24]


def with_nan(outcome: Outcome) -> Outcome:
    """The same loss, but figures that are no numbers."""
    return outcome._replace(figures={name: value * float("nan") for name, value in outcome.figures.items()})


def test_losses_that_are_not_finite_go_back_to_the_last_checkpoint(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    real, calls = LatentGAN.discriminator_loss, itertools.count(1)

    def sometimes_nan(game, batch, moment):
        outcome = real(game, batch, moment)
        return with_nan(outcome) if next(calls) == 30 else outcome

    monkeypatch.setattr(LatentGAN, "discriminator_loss", sometimes_nan)
    events = trained(data, tmp_path / "run")
    [warning] = [event.message for event in events if isinstance(event, Warned)]
    assert warning == "the losses left the finite numbers at 320 images: back to 232"
    assert [row["images"] for row in figures(tmp_path / "run")] == [160, 320, 400]
    assert isinstance(events[-1], Finished)


def break_weights_at(step: int, monkeypatch) -> None:
    """Once, after that step, a weight is not a number."""
    real, done = Trainer.train_step, []

    def train_step(trainer):
        real(trainer)
        if trainer.step == step and not done:
            done.append(step)
            next(trainer.task.modules["generator"].parameters()).data.view(-1)[0] = float("nan")

    monkeypatch.setattr(Trainer, "train_step", train_step)


def test_a_training_that_went_back_and_was_stopped_ends_like_one_that_only_went_back(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        break_weights_at(25, patch)
        trained(data, tmp_path / "whole")
    with monkeypatch.context() as patch:
        break_weights_at(25, patch)
        events = train_events(data, tmp_path / "parts", settings())
        next(event for event in events if isinstance(event, Warned))
        next(event for event in events if isinstance(event, Progress))
        events.close()
    trained(data, tmp_path / "parts")
    assert same(state(tmp_path / "whole"), state(tmp_path / "parts"))


def test_a_training_that_is_stopped_after_it_went_wrong_keeps_what_was_right(data, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        break_weights_at(25, patch)
        events = train_events(data, tmp_path / "run", settings())
        next(event for event in events if isinstance(event, Progress) and event.done == 8 * 25)
        events.close()
    assert all(tensor.isfinite().all() for tensor in state(tmp_path / "run").values())
    assert not any(isinstance(event, Warned) for event in trained(data, tmp_path / "run"))


def test_losses_that_stay_not_finite_end_the_training_after_the_third_time_back(data, tmp_path, monkeypatch):
    real = LatentGAN.discriminator_loss
    monkeypatch.setattr(LatentGAN, "discriminator_loss", lambda *given: with_nan(real(*given)))
    events = train_events(data, tmp_path / "run", settings())
    warnings = (event for event in events if isinstance(event, Warned))
    for _ in range(3):
        assert "left the finite numbers" in next(warnings).message
    with pytest.raises(DivergedError, match="after going back 3 times"):
        next(warnings)
    assert all(tensor.isfinite().all() for tensor in state(tmp_path / "run").values())


def test_wrong_settings_are_refused_before_anything_is_written(data, tmp_path):
    with pytest.raises(SettingsError, match="device"):
        trained(data, tmp_path / "run", device="abacus")
    with pytest.raises(DataError):
        trained(tmp_path / "nothing.zip", tmp_path / "run")
    assert not (tmp_path / "run").exists()
    for size in ("8", "16x5000", "big"):
        with pytest.raises(SettingsError, match="size: got"):
            GANSettings(size=size)


def test_a_line_of_figures_that_was_cut_short_is_left_out(data, tmp_path):
    trained(data, tmp_path / "run", images=80)
    with (tmp_path / "run/metrics.jsonl").open("a") as file:
        file.write('{"images": 1')
    trained(data, tmp_path / "run", images=240)
    assert [row["images"] for row in figures(tmp_path / "run")] == [80, 160, 240]
    assert len(Run(tmp_path / "run").metrics()) == 3


def test_ctrl_c_waits_for_the_end_of_a_step(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, interrupted)
    try:
        done = []

        def work():
            with checkpoint.uninterrupted():
                signal.raise_signal(signal.SIGINT)
                done.append("all of it")

        with pytest.raises(KeyboardInterrupt):
            work()
        assert done == ["all of it"]
        assert signal.getsignal(signal.SIGINT) is interrupted
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_second_ctrl_c_does_not_stop_the_saving(data, tmp_path, monkeypatch):
    """Stopping saves what there is; who presses twice, or a system that signals twice, gets it all the same."""
    fsync = os.fsync

    def fsync_and_interrupt(number):
        signal.raise_signal(signal.SIGINT)
        fsync(number)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        events = train_events(data, tmp_path / "run", settings(images=240))
        next(event for event in events if isinstance(event, Progress) and event.job == "train" and event.done)
        monkeypatch.setattr(os, "fsync", fsync_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            events.throw(KeyboardInterrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert checkpoint.numbers_in(tmp_path / "run/checkpoints")[-1] > 0
