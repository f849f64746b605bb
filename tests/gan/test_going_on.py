"""Runs that go on: after a full disk, with settings that may change, and never with what is not theirs."""

import json
import resource
from pathlib import Path

import numpy as np
import pytest
import torch

from scumble import GANSettings
from scumble.errors import RunError
from scumble.events import Finished, Noted, Progress, Warned
from scumble.gan import train
from scumble.gan.models.gan import GAN
from scumble.gan.train import train_events
from scumble.storage import checkpoint
from scumble.storage.run import Run
from scumble.training import loop

pytestmark = pytest.mark.usefixtures("one_thread")

FULL = OSError(28, "No space left on device")


@pytest.fixture
def data(tmp_path) -> Path:
    np.savez(tmp_path / "noise.npz", x=np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8))
    return tmp_path / "noise.npz"


def trained(data, run, **given) -> list:
    tiny = {"width": 4, "latent": 8, "batch": 8, "grids": 1, "images": 80}
    return list(train_events(data, run, GANSettings(**(tiny | given))))


def facts(run: Path) -> dict:
    return json.loads((run / "settings.json").read_text())


def newest(run: Path) -> checkpoint.Checkpoint:
    return checkpoint.read(sorted((run / "checkpoints").iterdir())[-1])


def same(one: Path, other: Path) -> bool:
    a, b = newest(one).tensors, newest(other).tensors
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def messages(events: list, kind: type) -> list[str]:
    return [event.message for event in events if isinstance(event, kind)]


def full_for(monkeypatch, is_full) -> None:
    """Writing fails where `is_full` of a path says so."""
    real = checkpoint.paths.write_atomically

    def write(path, content):
        if is_full(path):
            raise FULL
        real(path, content)

    monkeypatch.setattr(checkpoint.paths, "write_atomically", write)


# --- Full disks ---


@pytest.mark.parametrize("unwritable", ["settings.json", "000000000000.safetensors"])
@pytest.mark.parametrize("was_there", [False, True])
def test_what_never_began_leaves_nothing_and_begins_when_there_is_room(
    data, tmp_path, monkeypatch, unwritable, was_there
):
    run = tmp_path / "some/where/run"
    if was_there:
        run.mkdir(parents=True)
    with monkeypatch.context() as patch:
        full_for(patch, lambda path: path.name == unwritable)
        with pytest.raises(RunError, match="No space left"):
            trained(data, run)
    assert list(run.iterdir()) == [] if was_there else not (tmp_path / "some").exists()
    assert isinstance(trained(data, run)[-1], Finished)


def test_what_an_earlier_version_left_of_a_run_that_never_began_is_no_hindrance(data, tmp_path):
    (tmp_path / "run").mkdir()
    for name in (".lock", "metrics.jsonl"):
        (tmp_path / "run" / name).touch()
    assert isinstance(trained(data, tmp_path / "run")[-1], Finished)


def test_a_run_that_goes_on_as_it_was_writes_nothing_before_its_first_step(data, tmp_path, monkeypatch):
    trained(data, tmp_path / "run")
    full_for(monkeypatch, lambda path: True)
    events = train_events(data, tmp_path / "run", GANSettings())
    assert next(event.done for event in events if isinstance(event, Progress) and event.job == "train") == 80


def test_older_checkpoints_make_room_and_the_end_is_kept(data, tmp_path, monkeypatch):
    trained(data, tmp_path / "whole", images=320, decay="none")
    for images in (80, 160, 240):
        trained(data, tmp_path / "run", images=images, decay="none")
    folder = tmp_path / "run/checkpoints"
    full_for(monkeypatch, lambda path: path.parent == folder and len(list(folder.glob("0*"))) > 1)
    warnings = messages(trained(data, tmp_path / "run", images=320, decay="none"), Warned)
    assert len(warnings) == 1
    assert warnings[0].endswith("No space left on device: 2 older checkpoints were removed, and there it is")
    assert checkpoint.numbers_in(folder) == [240, 320]
    assert same(tmp_path / "run", tmp_path / "whole")


def test_a_checkpoint_that_nothing_can_be_done_with_is_not_the_one_that_is_kept(data, tmp_path):
    for images in (80, 160, 240):
        trained(data, tmp_path / "run", images=images)
    folder = tmp_path / "run/checkpoints"
    path = checkpoint.at(folder, 240)
    path.write_bytes(path.read_bytes()[:1000])
    assert checkpoint.make_room(folder, lambda saved: saved) == 2
    assert checkpoint.numbers_in(folder) == [160]


def test_where_no_checkpoint_fits_the_model_is_written_and_the_last_checkpoint_stays(data, tmp_path, monkeypatch):
    trained(data, tmp_path / "run", decay="none")
    full_for(monkeypatch, lambda path: path.parent.name == "checkpoints")
    with pytest.raises(RunError, match="No space left"):
        trained(data, tmp_path / "run", images=160, decay="none")
    assert checkpoint.numbers_in(tmp_path / "run/checkpoints")[-1] == 80
    assert GAN.from_pretrained(tmp_path / "run/model").facts.images_seen == 160


def test_a_line_of_figures_is_written_wholly_or_not_at_all(tmp_path):
    run = Run(tmp_path)
    run.add_metrics({"images": 8, "loss": 0.5})
    length = (tmp_path / "metrics.jsonl").stat().st_size
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length + 10, limits[1]))
    try:
        with pytest.raises(RunError, match="cannot be written"):
            run.add_metrics({"images": 16, "loss": 0.5})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run.add_metrics({"images": 24, "loss": 0.5})
    assert [row["images"] for row in run.metrics()] == [8, 24]


# --- What may change ---

CHANGES = {"lr": 1e-3, "lr_generator": 5e-4, "batch": 16, "accumulate": 2, "augment": True}


def test_what_may_change_is_written_down_with_the_images_seen(data, tmp_path):
    run = tmp_path / "run"
    trained(data, run)
    events = list(train_events(data, run, GANSettings(images=160, **CHANGES)))
    told = "batch is 16 and no longer 8, accumulate is 2 and no longer 1, lr is 0.001 and no longer 0.0002"
    assert any(message.startswith(f"from 80 images on, {told}") for message in messages(events, Noted))
    assert {name: facts(run)["settings"][name] for name in CHANGES} == CHANGES
    changed = {"batch": [8, 16], "accumulate": [1, 2], "lr": [0.0002, 0.001], "lr_generator": [None, 0.0005]}
    changed |= {"augment": [False, True]}
    [change] = facts(run)["changes"]
    assert change == {"images": 80, "settings": changed | {"images": [80, 160]}}
    assert [row for row in Run(run).metrics() if "changed" in row] == [{"images": 80, "changed": changed}]
    assert facts(run / "model")["changes"] == facts(run)["changes"]
    saved = newest(run).facts
    assert (saved["step"], saved["images_seen"]) == (15, 160)
    assert not messages(list(train_events(data, run, GANSettings())), Warned)
    assert len(facts(run)["changes"]) == 1  # nothing more has changed


def test_a_training_that_is_stopped_after_a_change_ends_with_the_same_bits(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "PROGRESS_SECONDS", -1.0)
    changed = GANSettings(images=240, batch=16, lr_discriminator=1e-4)
    for name in ("whole", "parts"):
        trained(data, tmp_path / name)
    list(train_events(data, tmp_path / "whole", changed))
    events = train_events(data, tmp_path / "parts", changed)
    next(event for event in events if isinstance(event, Progress) and event.job == "train" and event.done >= 144)
    events.close()
    list(train_events(data, tmp_path / "parts", GANSettings()))
    assert same(tmp_path / "whole", tmp_path / "parts")


def test_a_preset_that_is_given_again_takes_nothing_back(data, tmp_path):
    trained(data, tmp_path / "run", preset="dcgan")
    trained(data, tmp_path / "run", preset="dcgan", lr=1e-3)
    trained(data, tmp_path / "run", preset="dcgan")
    assert facts(tmp_path / "run")["settings"]["lr"] == 1e-3


@pytest.mark.parametrize("others", [{"width": 8}, {"seed": 1}, {"preset": "dcgan"}, {"loss": "bce"}])
def test_what_may_not_change_is_refused_before_the_pictures_are_read(data, tmp_path, monkeypatch, others):
    trained(data, tmp_path / "run")
    monkeypatch.setattr(train.dataset, "prepare", lambda *given: pytest.fail("pictures were read"))
    with pytest.raises(RunError, match=f"a run with {next(iter(others))}"):
        trained(data, tmp_path / "run", **others)


def test_each_network_has_a_learning_rate_of_its_own(game):
    trainer = game(lr=1e-3, lr_generator=1e-4, decay="none").trainer()
    trainer.train_step()
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in trainer.optimizers.items()}
    assert rates == {"d": 1e-3, "g": 1e-4}


def test_a_run_from_before_identities_were_written_down_goes_on_and_may_change(data, tmp_path):
    trained(data, tmp_path / "run")
    old = {name: value for name, value in facts(tmp_path / "run").items() if name not in ("identity", "changes")}
    (tmp_path / "run/settings.json").write_text(json.dumps(old))
    assert GAN.from_pretrained(tmp_path / "run").facts.images_seen == 80
    assert not messages(trained(data, tmp_path / "run", images=160, batch=16), Warned)
    assert not messages(trained(data, tmp_path / "run", images=240, batch=16), Warned)


# --- What is not taken ---


def test_a_checkpoint_with_an_average_that_is_no_number_is_passed_over(data, tmp_path):
    for images in (80, 160):
        trained(data, tmp_path / "run", images=images)
    saved = newest(tmp_path / "run")
    name = next(name for name in saved.tensors if name.startswith("averages."))
    saved.tensors[name].view(-1)[0] = float("nan")
    checkpoint.write(tmp_path / "run/checkpoints", 160, saved)
    [warning] = messages(trained(data, tmp_path / "run", images=160), Warned)
    assert "no finite numbers" in warning
    assert warning.endswith("the one before it is used")
