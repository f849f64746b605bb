"""The benchmark of the preset `instant`: what it counts, and what it calls sharp and steady."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from conftest import REPOSITORY, photograph

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
instant = pytest.importorskip("instant", reason="needs the folder benchmarks, which packages do not hold")


def test_multiply_adds_are_those_of_the_convolutions_one_by_one():
    trunk, decoder = instant.multiply_adds(8, 8)
    whole, half, quarter, eighth = 64, 16, 4, 1  # places
    assert trunk == 9 * (
        whole * (3 * 16 + 16 * 16) + half * (16 * 32 + 32 * 32) + quarter * (32 * 64 + 3 * 64 * 64) + eighth * 64 * 128
    )
    coarse = 128 * 128 + 9 * (130 * 96 + 96 * 96 + 96 * 96)
    middle = 64 * 64 + 9 * ((96 + 64 + 2) * 64 + 64 * 64 + 64 * 48)
    fine = 32 * 32 + 9 * ((48 + 32 + 12) * 32 + 32 * 32)
    assert decoder == eighth * coarse + quarter * middle + half * (fine + 9 * 44 * 12)


def test_a_blurred_picture_is_less_sharp_and_a_flat_one_not_at_all():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8))
    assert instant.finest(picture) > 2 * instant.finest(picture.reduce(2).resize(picture.size)) > 0
    assert instant.finest(Image.new("RGB", (64, 64), "teal")) == 0


def test_what_only_follows_its_picture_is_steady_when_it_is_moved():
    picture = photograph(128, 96)
    for name, (changed, follow) in instant.changes(0).items():
        apart = np.asarray(changed(picture), float) - np.asarray(follow(picture), float)
        assert (np.abs(apart).max() == 0) == (not name.startswith("noise"))


def test_a_command_is_watched_by_itself(tmp_path: Path):
    clock, processor, memory = instant.ran([sys.executable, "-c", "print(sum(range(10**6)))"])
    assert clock >= 0
    assert processor > 0
    assert 2 < memory < 200
    with pytest.raises(SystemExit, match="oh no"):
        instant.ran([sys.executable, "-c", "raise SystemExit('oh no')"])


def test_the_training_leaves_out_what_is_held_back_tiny_broken_or_kept_out(tmp_path):
    train = sys.modules["train_instant"]
    names = [name for number in range(200) if not train.is_held_back(name := f"{number}.png")][:4]
    for seed, (name, side) in enumerate(zip(names, (128, 160, 100), strict=False)):
        photograph(side, side, seed=seed).save(tmp_path / name)
    (tmp_path / names[3]).write_bytes(b"no picture")
    held_back = next(name for number in range(200) if train.is_held_back(name := f"{number}.png"))
    photograph(128, 128, seed=9).save(tmp_path / held_back)
    assert [item.name for item in train.trained_on(tmp_path, [])] == names[:2]
    mark = train.material.thumbprint(Image.open(tmp_path / names[0]))
    assert [item.name for item in train.trained_on(tmp_path, [mark])] == names[1:2]
