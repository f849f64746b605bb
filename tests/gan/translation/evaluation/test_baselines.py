import numpy as np
import torch

from scumble.gan.translation.evaluation.baselines import fit
from translation_material import flat, kind_of, numbered, opened, png


def coloured(folder, count=30, side=16):
    folder.mkdir(parents=True)
    for number in range(count):
        random = np.random.default_rng(number)
        pixels = random.integers(40, 200, (1, 1, 3)) + random.integers(-30, 30, (side, side, 3))
        (folder / f"{number:02}.png").write_bytes(png(pixels.astype(np.uint8)))


def test_regression_finds_an_affine_map_of_the_channels(tmp_path):
    coloured(tmp_path / "A")
    (tmp_path / "B").mkdir()
    for number in range(30):
        pixels = np.random.default_rng(number)
        base = pixels.integers(40, 200, (1, 1, 3)) + pixels.integers(-30, 30, (16, 16, 3))
        mixed = base @ np.array([[0.2, 0.5, 0.1], [0.3, 0.1, 0.4], [0.3, 0.2, 0.2]]) + 20
        (tmp_path / "B" / f"{number:02}.png").write_bytes(png(mixed.round().astype(np.uint8)))
    pictures = opened(tmp_path)
    batch = pictures.withheld(3)
    found = fit(pictures).results(batch["a"])
    assert (found["regression"] - batch["b"]).abs().max() * 127.5 < 1
    assert torch.equal(found["identity"], batch["a"])


def test_regression_of_grey_to_colour_is_the_least_squares_of_all_pixels(tmp_path):
    coloured(tmp_path / "photos")
    pictures = opened(tmp_path / "photos", pairs="grey")
    learnt = pictures.shown(range(pictures.amount("learning")), "learning")
    x = learnt["a"].permute(0, 2, 3, 1).reshape(-1, 1).double().numpy()
    y = learnt["b"].permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    wanted = np.linalg.lstsq(np.hstack([np.ones_like(x), x]), y, rcond=None)[0]
    assert np.allclose(fit(pictures).weights.numpy(), wanted, atol=1e-5)


def test_nearest_is_the_truth_of_the_training_picture_that_is_most_alike(tmp_path):
    numbered(tmp_path / "A", range(0, 100, 5))
    (tmp_path / "B").mkdir()
    for level in range(0, 100, 5):
        (tmp_path / "B" / f"{level:03}.png").write_bytes(png(flat(200 - level)))
    pictures = opened(tmp_path)
    batch = pictures.withheld(2)
    found = fit(pictures).results(batch["a"])["nearest"]
    learnt = pictures.shown(range(pictures.amount("learning")), "learning")
    for one, picture in zip(found, batch["a"], strict=True):
        nearest = (learnt["a"] - picture).abs().mean((1, 2, 3)).argmin()
        assert torch.equal(one, learnt["b"][nearest])


def test_results_that_are_larger_are_compared_with_bicubic_ones(tmp_path):
    coloured(tmp_path / "photos", side=32)
    pictures = opened(tmp_path / "photos", kind_of(enlarges=4), pairs="x4", size="32")
    found = fit(pictures).results(pictures.withheld(2)["a"])
    assert {name: tuple(one.shape) for name, one in found.items()} == dict.fromkeys(
        ("bicubic", "regression", "nearest"), (2, 3, 32, 32)
    )
    wanted = torch.nn.functional.interpolate(pictures.withheld(2)["a"], (32, 32), mode="bicubic", antialias=True)
    assert torch.equal(found["bicubic"], wanted.clamp(-1, 1))


def test_pictures_that_are_no_pairs_have_no_regression(tmp_path):
    coloured(tmp_path / "A")
    coloured(tmp_path / "B")
    pictures = opened(tmp_path, kind_of("domains"))
    assert set(fit(pictures).results(pictures.withheld(2)["a"])) == {"identity", "nearest"}
