"""What the tests of GANs share: tiny runs and their data."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan_material import TINY_TRAINING, halves_of_noise
from scumble import GAN, GANSettings, device
from scumble.data.dataset import Dataset
from scumble.gan.probe import linear
from scumble.gan.tasks.games import GAMES
from scumble.gan.tasks.latent import LatentGAN
from scumble.gan.train import train, train_events


@pytest.fixture(scope="session")
def noise_run(tmp_path_factory):
    """A run of a few steps on noise in colour, with two grids."""
    folder = tmp_path_factory.mktemp("gan")
    np.savez(folder / "noise.npz", x=np.random.default_rng(0).integers(0, 256, (40, 16, 20, 3), dtype=np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        settings = GANSettings(preset="dcgan", width=4, latent=8, batch=8, images=8 * 50, grids=2)
        list(train_events(folder / "noise.npz", folder / "run", settings))
    return folder / "run"


@pytest.fixture
def noise_gan(noise_run) -> GAN:
    return GAN.from_pretrained(noise_run)


@pytest.fixture
def one_c(monkeypatch):
    """What cross-validation chooses is tested elsewhere."""
    monkeypatch.setattr(linear, "GRID", (10.0,))


@pytest.fixture
def halves(tmp_path):
    """A data set with a part for testing."""
    (x, y), (x_test, y_test) = halves_of_noise(48, 0), halves_of_noise(30, 1)
    np.savez(tmp_path / "halves.npz", x_train=x, y_train=y, x_test=x_test, y_test=y_test)
    return tmp_path / "halves.npz"


@pytest.fixture
def halves_run(halves, tmp_path) -> Path:
    train(halves, tmp_path / "run", **TINY_TRAINING)
    return tmp_path / "run"


@pytest.fixture
def game() -> Callable[..., LatentGAN]:
    """Makes two tiny networks in float32: on noise, in some number of pictures, or on those of a store."""

    def make(
        pictures: Dataset | int = 32,
        labels: np.ndarray | None = None,
        shape: tuple[int, int, int] = (1, 16, 16),
        flip: bool = False,
        **given,
    ) -> LatentGAN:
        if isinstance(pictures, int):
            pixels = np.random.default_rng(0).integers(0, 256, (pictures, *shape), dtype=np.uint8)
            classes = (
                ()
                if labels is None
                else tuple(map(str, range(labels.shape[1] if labels.ndim == 2 else labels.max() + 1)))
            )
            pictures = Dataset("noise", pixels, labels, classes, "")
        settings = GANSettings.model_validate(
            {"width": 4, "latent": 8, "batch": 8, "categories": 3, "continuous": 1} | given
        )
        return GAMES[settings.task](settings, pictures, flip, device.choose("cpu", "float32"))

    return make
