"""What measures and writes the tables of docs/timeline.md."""

import math
import sys

import numpy as np
import pytest
import scipy.stats
import torch

from conftest import REPOSITORY
from scumble import GANSettings
from scumble.storage import checkpoint

sys.path.insert(0, str(REPOSITORY / "recipes"))
ring = pytest.importorskip("ring", reason="needs the folder recipes, which packages do not hold")
tables = pytest.importorskip("tables")
stacked = pytest.importorskip("stacked")

pytestmark = pytest.mark.usefixtures("one_thread")


class Drawn:
    """A generator that draws the ring itself, or some of its modes, with a deviation of its own."""

    settings = GANSettings(latent=3)

    def __init__(self, modes: int, deviation: float):
        self.modes, self.deviation = modes, deviation
        self.averages = {"generator": self.points}

    def points(self, latents: torch.Tensor) -> torch.Tensor:
        centres = ring.CENTRES[torch.arange(len(latents)) % self.modes]
        return (centres + self.deviation * latents[:, :2])[:, :, None, None]


@pytest.mark.parametrize("modes", [1, 5, 8])
@pytest.mark.parametrize("spread", [0.5, 1.0, 2.0])
def test_modes_and_samples_near_them_are_counted(modes, spread):
    """In the plane, the distance from the centre has Rayleigh's distribution: 1 - exp(-r^2 / 2) are within r."""
    found = ring.measured(Drawn(modes, spread * ring.DEVIATION), Drawn.settings)
    assert found["modes"] == modes
    assert found["close"] == pytest.approx(1 - math.exp(-((3 / spread) ** 2) / 2), abs=0.015)


def test_points_between_modes_find_none():
    found = ring.measured(Drawn(8, 100 * ring.DEVIATION), Drawn.settings)
    assert found["modes"] == 0
    assert found["close"] < 0.02


def test_a_training_on_the_ring_goes_on_from_its_checkpoint_to_the_same_bits(tmp_path):
    settings = GANSettings(preset="cgan", **ring.COMMON | {"width": 4, "batch": 8, "images": 48})
    whole = ring.trained(settings, tmp_path / "whole")
    parts = ring.Ring(settings, ring.PLACEHOLDER, False, ring.device.choose("cpu", "float32")).trainer()
    for _ in range(3):
        parts.train_step()
    checkpoint.write(tmp_path / "parts", parts.images_seen, parts.state())
    resumed = ring.trained(settings, tmp_path / "parts")
    assert resumed.images_seen == whole.images_seen == 48
    generators = [trainer.task.modules["generator"].parameters() for trainer in (whole, resumed)]
    assert all(torch.equal(*pair) for pair in zip(*generators, strict=True))


def test_a_table_takes_the_place_of_the_old_one_and_nothing_else(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- a -->\n| old |\n<!-- end of a -->\nbelow\n")
    for _ in range(2):
        tables.write(page, "a", ["x", "y"], [["1", "2"]])
    assert page.read_text() == "above\n<!-- a -->\n| x | y |\n| --- | --- |\n| 1 | 2 |\n<!-- end of a -->\nbelow\n"
    with pytest.raises(SystemExit, match="no place for the table b"):
        tables.write(page, "b", ["x"], [])


def test_a_preset_with_few_labels_learns_the_ring_too(tmp_path):
    settings = GANSettings(preset="sgan", **ring.COMMON | {"width": 4, "batch": 8, "images": 16})
    trainer = ring.trained(settings, tmp_path)
    assert ring.measured(trainer, settings)["finite"]
    labels = trainer.task.batch(trainer.moment())["labels"]
    assert labels is not None
    assert (labels[1::2] == ring.UNLABELLED).all()
    assert (labels[::2] >= 0).all()


@pytest.mark.parametrize("preset", ring.SHOWN)
def test_every_preset_of_the_ring_learns_points_and_has_its_line(preset, tmp_path, monkeypatch):
    monkeypatch.setattr(ring, "COMMON", ring.COMMON | {"width": 4, "batch": 16})
    monkeypatch.setattr(ring, "GENERATOR_STEPS", 1)
    found = ring.result(preset, 0, tmp_path)
    assert found["finite"]
    assert ring.row(preset, [found])[0] == f"`{preset}`"
    assert ring.result(preset, 0, tmp_path) == found  # read


def test_modes_of_stacked_digits_are_counted_and_their_divergence_is_that_of_scipy():
    found = torch.randint(1000, (5000,), generator=torch.Generator().manual_seed(0))
    clear = torch.arange(5000) % 2 == 0
    figures = stacked.figures(found, clear)
    counts = np.bincount(found, minlength=1000)
    assert figures["modes"] == np.count_nonzero(counts)
    assert figures["clear_modes"] == len(set(found[::2].tolist()))
    assert figures["divergence"] == pytest.approx(scipy.stats.entropy(counts, np.ones(1000)))
    assert figures["clear"] == 0.5
    one = stacked.figures(torch.zeros(10, dtype=torch.int64), torch.ones(10, dtype=torch.bool))
    assert (one["modes"], one["divergence"]) == (1, pytest.approx(math.log(1000)))


def test_the_kind_of_a_stacked_picture_is_its_three_digits():
    def reads(pictures: torch.Tensor) -> torch.Tensor:
        """Logits of the digit that is written in the first pixel."""
        return 20.0 * torch.nn.functional.one_hot(pictures[:, 0, 0, 0].long(), 10)

    digits = np.arange(10, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 16, 16), np.uint8)
    pictures = stacked.stacked(digits, 20, seed=0)
    found, clear = stacked.kinds(reads, torch.from_numpy(pictures).permute(0, 3, 1, 2).float())
    assert found.tolist() == [int("".join(map(str, picture[0, 0]))) for picture in pictures]
    assert clear.all()
