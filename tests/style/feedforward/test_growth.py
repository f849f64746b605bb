"""Larger pictures: painted over smaller ones, without seams."""

import itertools

import numpy as np
import pytest

from feedforward_material import numbers_of, picture, unlearnt_decoder
from scumble.style.feedforward import growth, painter, pieces, styles, weights
from scumble.style.feedforward.growth import Painting, painted_like, sizes
from scumble.style.feedforward.onnx_networks import OnnxNetworks
from scumble.style.feedforward.styles import Style, resized


@pytest.fixture(autouse=True)
def drawn_decoder(monkeypatch):
    numbers = numbers_of(unlearnt_decoder())
    monkeypatch.setattr(weights, "_decoder", lambda: numbers)


@pytest.fixture
def small_sizes(monkeypatch):
    """In which a picture of 200 pixels is as large as one of 2,000."""
    monkeypatch.setattr(growth, "FIRST", 64)
    monkeypatch.setattr(painter, "LOOKED_AT", 96)
    monkeypatch.setattr(painter, "LOOKED_AT_TO_PAINT", 96)
    monkeypatch.setattr(painter, "WINDOW", 40)


def painted(photograph: np.ndarray, strength: float = 1.0) -> np.ndarray:
    painting = Painting([Style(picture(1, 60, 60))], [1.0], [1.0], strength)
    result = np.full(photograph.shape, np.nan, np.float32)
    shares = [0.0]
    for done, place, pixels in painted_like(OnnxNetworks(), photograph, painting, 0):
        assert done > shares[-1]
        shares.append(done)
        if pixels is not None:
            result[place] = pixels
    assert shares[-1] == 1
    return result


@pytest.mark.parametrize("size", [(512, 300), (100, 80), (660, 660), (700, 400), (1024, 768), (2048, 10), (9000, 6000)])
def test_sizes_grow_by_no_more_than_twice(size):
    found = sizes(size)
    assert found[-1] == size
    assert len(found) == 1 or max(found[0]) == growth.FIRST
    for smaller, larger in itertools.pairwise(found):
        assert 1 < max(larger) / max(smaller) <= 2.01


def test_a_small_picture_is_painted_once():
    assert sizes((660, 500)) == [(660, 500)]


def test_pieces_of_a_large_picture_are_parts_of_the_whole(small_sizes, monkeypatch):
    photograph = picture(0, 200, 150)
    whole = painted(photograph)
    assert not np.isnan(whole).any()
    monkeypatch.setattr(pieces, "LARGEST", 72)
    # Smaller pictures are kept in 8 bits, and enlarged in them.
    np.testing.assert_allclose(painted(photograph), whole, atol=3 / 255)
    assert np.abs(painted(photograph) - whole).mean() < 1e-4


def test_a_large_picture_has_something_of_the_smaller_one(small_sizes, monkeypatch):
    photograph = picture(0, 200, 150)
    grown = painted(photograph)
    monkeypatch.setattr(growth, "GROWN", 0.0)
    assert np.abs(painted(photograph) - grown).mean() > 1e-3


def test_bytes_are_painted_as_floats_are(small_sizes):
    as_bytes = (picture(0, 100, 80) * 255).round().astype(np.uint8)
    np.testing.assert_allclose(painted(as_bytes), painted(pieces.floats(as_bytes)), atol=3 / 255)


def spreads(photograph: np.ndarray, monkeypatch) -> list[float]:
    """The deviation of what is painted, before and after it is given the painting's colours."""
    found = []
    for part in (0.0, 0.9):
        monkeypatch.setattr(growth, "FINISHED", part)
        found.append(float(painted(photograph).std((0, 1)).mean()))
    return found


def test_a_result_is_given_the_paintings_distribution_of_colours(monkeypatch):
    before, after = spreads(0.3 * picture(0, 48, 64) + 0.3, monkeypatch)
    wanted = picture(1, 60, 60).std((0, 1)).mean()
    assert abs(after - wanted) < abs(before - wanted)


def test_what_strokes_there_are_of_a_plain_photograph_are_not_enlarged_without_end(monkeypatch):
    numbers = weights._decoder()
    faint = numbers | {name: 0.05 * numbers[name] for name in numbers if name.startswith("to_pixels")}
    monkeypatch.setattr(weights, "_decoder", lambda: faint)
    before, after = spreads(np.full((48, 64, 3), 0.5, np.float32), monkeypatch)
    assert before < after < 2 * before


def test_a_painting_is_not_enlarged_beyond_what_memory_holds(monkeypatch):
    monkeypatch.setattr(styles, "MOST", 100 * 150)
    style = Style(picture(1, 40, 60))
    for shorter in (90, 110, 10**6):
        style.at(shorter, OnnxNetworks())
    assert list(style.known) == [(135, 90), (150, 100)]


def test_floats_are_resized_as_bytes_are():
    as_bytes = (picture(0, 60, 80) * 128 + 64).astype(np.uint8)
    for pixels in (as_bytes, as_bytes[:, :, 0]):
        for size in ((40, 26), (80, 60), (110, 82)):
            found = resized(pixels / np.float32(255), size)
            assert found.shape[:2] == size[::-1]
            np.testing.assert_allclose(found, resized(pixels, size) / 255, atol=1.6 / 255)
