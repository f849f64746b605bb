"""Two domains made of one collection: who is in which, what code makes of them, and where they can be given."""

import numpy as np
import pytest
from scipy import ndimage

from scumble.data import dataset
from scumble.data.sources.domains import edges, inverse
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.errors import DataError
from scumble.events import returned


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_edges_are_what_dilation_adds():
    pixels = noise(9, 7, 3)
    expected = np.stack([ndimage.grey_dilation(plane, (3, 3), mode="nearest") for plane in pixels.transpose(2, 0, 1)])
    assert np.array_equal(edges(pixels), expected.transpose(1, 2, 0) - pixels)


def test_inverse_of_sixteen_bits():
    assert inverse(np.array([[[0], [1000]]], np.uint16)).tolist() == [[[65535], [64535]]]


@pytest.mark.parametrize("function", [inverse, edges])
def test_opacity_stays_and_many_pictures_are_as_one(function):
    pixels = noise(5, 8, 8, 4)
    found = function(pixels)
    assert np.array_equal(found[..., 3], pixels[..., 3])
    assert not np.array_equal(found[..., :3], pixels[..., :3])
    assert np.array_equal(found[2], function(pixels[2]))


@pytest.mark.parametrize(("name", "function"), [("inverse", inverse), ("edges", edges)])
def test_half_of_the_pictures_are_changed_at_the_size_that_is_learnt_from(tmp_path, name, function):
    np.save(tmp_path / "noise.npy", noise(21, 40, 40))
    form = ((20, 20), None)
    plain = returned(dataset.prepare(open_source(tmp_path / "noise.npy"), *form))
    both = returned(dataset.prepare(open_source(f"{name}:{tmp_path / 'noise.npy'}"), *form))
    assert sorted(both.classes) == sorted(["original", name])
    assert both.labels is not None
    changed = both.labels == both.classes.index(name)
    assert changed.sum() == 10
    assert np.array_equal(both.pixels[~changed], plain.pixels[~changed])
    seen = plain.pixels[changed].transpose(0, 2, 3, 1)
    assert np.array_equal(both.pixels[changed], function(seen).transpose(0, 3, 1, 2))
    assert both.digest != plain.digest


def test_the_part_for_testing_is_in_two_domains_too(tmp_path):
    np.savez(tmp_path / "parts.npz", x_train=noise(8, 16, 16), x_test=noise(6, 16, 16))
    source = open_testing_part(f"inverse:{tmp_path / 'parts.npz'}")
    assert source is not None
    assert sorted(str(item.label) for item in source.items) == 3 * ["inverse"] + 3 * ["original"]
    assert open_testing_part("edges:digits") is None


def test_a_folder_of_that_name_is_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "inverse:a").mkdir()
    with pytest.raises(DataError, match="inverse:a holds no pictures"):
        open_source("inverse:a")


@pytest.mark.parametrize("given", ["inverse:nothing", "inverse:"])
def test_what_is_not_there_is_refused(given):
    with pytest.raises(Exception, match=r"nothing does not exist|got an empty name"):
        open_source(given)
