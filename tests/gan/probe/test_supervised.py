"""Networks that learn with labels: the supervised baseline."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from gan_material import HALVES, facts_of_noise, halves_of_noise
from scumble import GAN
from scumble.gan.probe import supervised
from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.trials import Trial
from scumble.gan.settings import ClassifySettings, GANSettings
from scumble.training.trainer import Trainer

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")


def run_of(settings: GANSettings) -> GAN:
    """As much of a run as the baseline needs."""
    return cast(GAN, SimpleNamespace(facts=facts_of_noise(settings), discriminator=torch.nn.Linear(1, 1)))


@pytest.mark.parametrize("preset", ["sndcgan", "dcgan", "gan", "wgan-gp", "sgan", "rpgan", "ebgan", "aae"])
def test_the_supervised_network_is_of_the_gans_shape_with_batch_norm(preset):
    gan = run_of(GANSettings(preset=preset, width=4, latent=8))
    network = supervised.fresh_network(gan, 3, seed=0)
    has_norm = any(isinstance(part, torch.nn.BatchNorm2d | torch.nn.BatchNorm1d) for part in network.modules())
    assert has_norm == (preset != "rpgan")
    assert network(torch.randn(4, 1, 16, 16), None).shape == (4, 4)


def test_the_supervised_network_learns_its_few_labels():
    gan = run_of(GANSettings(width=4, latent=8))
    pixels, names = halves_of_noise(30, 0)
    labels = np.array([HALVES.index(name) for name in names])
    network = supervised.fresh_network(gan, 3, seed=0)
    trainer = Trainer(supervised.supervised_task(network, pixels[:, None], labels, seed=0))
    for _ in range(100):
        trainer.train_step()
    assert (supervised.predictions(network.eval(), pixels[:, None]) == labels).all()


@pytest.mark.parametrize(("count", "steps"), [(12, 40), (640, 50)])
def test_the_supervised_network_sees_all_of_many_pictures_five_times(monkeypatch, count, steps):
    gan = run_of(GANSettings(width=4))
    pixels, labels = np.zeros((count, 1, 16, 16), np.uint8), np.arange(count) % 3
    parts = cast(
        ProbeData,
        SimpleNamespace(
            draw=lambda per_class, seed, draw: np.arange(count),
            pixels=pixels,
            labels=labels,
            classes=HALVES,
            test_pixels=pixels[:2],
        ),
    )
    seen = []
    monkeypatch.setattr(Trainer, "train_step", lambda trainer: seen.append(trainer.task.size))
    supervised.supervised(gan, parts, ClassifySettings(supervised_steps=40))(Trial("supervised", None, 0))
    assert seen == [min(count, supervised.BATCH)] * steps
