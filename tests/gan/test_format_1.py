"""A run that version 0.1 had begun: opened for samples, and continued."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from scumble import GAN, train_events
from scumble.data import dataset
from scumble.data.sources.opener import open_source
from scumble.device import choose
from scumble.events import Finished, Noted, returned
from scumble.gan.format_1 import NETWORKS, SUMS, UPDATES
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.latent import LatentGAN
from scumble.storage import checkpoint

pytestmark = pytest.mark.usefixtures("one_thread")

OLD = Path(__file__).with_name("format-1")
SAVED = OLD / "checkpoints/000000000400.safetensors"


@pytest.fixture
def run(tmp_path) -> Path:
    """A copy, beside the pictures that it was begun with."""
    shutil.copytree(OLD, tmp_path / "run")
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", x=pixels)
    return tmp_path / "run"


def test_its_average_and_its_discriminator_are_the_model():
    gan, saved = GAN.from_pretrained(OLD), checkpoint.read(SAVED).tensors
    assert gan.facts.images_seen == 400
    for network, name in ((gan.generator, "average"), (gan.discriminator, "discriminator")):
        for key, value in network.state_dict().items():
            assert torch.equal(value, saved[f"{name}.{key}"])
    assert gan.sample([1])[0].size == (16, 16)


def test_everything_that_was_saved_is_in_the_trainer_under_its_name(run):
    pictures = returned(dataset.prepare(open_source(run.parent / "noise.npz"), None, None))
    settings = GANSettings(**json.loads((run / "settings.json").read_text())["settings"])
    trainer = LatentGAN(settings, pictures, True, choose("cpu", "float32")).trainer("of today")
    _, complaints = checkpoint.newest(run / "checkpoints", trainer.restored)
    assert not complaints
    assert (trainer.step, trainer.images_seen, trainer.averaged_at) == (50, 400, {"generator": 50})
    old, new = checkpoint.read(SAVED).tensors, trainer.state().tensors
    names = {f"{a}.{key}": f"{b}.{key}" for a, b in NETWORKS.items() for key in checkpoint.under(a, old)}
    for a, update in UPDATES.items():
        for number, name in enumerate(trainer.parameters[update]):
            moments = checkpoint.under(f"{a}.{number}", old)
            assert set(moments) == {"step", "square_avg"}
            names |= {f"{a}.{number}.{key}": f"optimizers.{update}.{name}.{key}" for key in moments}
    assert set(names) == set(old) - {"sums"}
    for a, b in names.items():
        assert torch.equal(old[a], new[b]), b
    assert set(new) - set(names.values()) == {f"figures.{name}" for name in SUMS if old["sums"][-1]}


def test_it_is_continued_by_its_command(run):
    events = list(train_events(run.parent / "noise.npz", run, GANSettings(images=480)))
    assert f"continuing {run} at 400 images" in [event.message for event in events if isinstance(event, Noted)]
    assert isinstance(events[-1], Finished)
    assert events[-1].figures["images"] == 480
    assert json.loads((run / "settings.json").read_text())["format_version"] == 2
    assert GAN.from_pretrained(run / "model").facts.images_seen == 480
