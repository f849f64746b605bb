"""Arrays: pixels and labels as they were saved, and one line for what is neither."""

import numpy as np
import pytest

from conftest import encoded
from scumble.data.dataset import prepare
from scumble.data.sources.opener import open_source
from scumble.errors import DataError
from scumble.events import returned

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(("pixels", "wanted"), [("x", "y"), ("x_train", "y_train"), ("images", "labels")])
def test_arrays_come_with_their_labels(tmp_path, pixels, wanted):
    path = saved(tmp_path / "a.npz", **{pixels: COLOUR, wanted: np.array([[3], [1], [4], [1], [5]])})
    source = open_source(path)
    assert [item.label for item in source.items] == ["3", "1", "4", "1", "5"]
    for item, expected in zip(source.items, COLOUR, strict=True):
        assert np.array_equal(np.asarray(item.load().rgb), expected)
        assert item.size() == (7, 6)


@pytest.mark.parametrize("shape", [(5, 6, 7), (5, 6, 7, 1)])
def test_grey_arrays_have_three_equal_channels(tmp_path, shape):
    grey = COLOUR[..., 0].reshape(shape)
    rgb = np.asarray(open_source(saved(tmp_path / "a.npz", x=grey)).items[2].load().rgb)
    assert np.array_equal(rgb, np.repeat(COLOUR[2, :, :, :1], 3, axis=2))


def test_a_fourth_channel_is_opacity(tmp_path):
    rgba = np.concatenate([COLOUR, COLOUR[..., :1]], 3)
    picture = open_source(saved(tmp_path / "a.npz", x=rgba)).items[1].load()
    assert np.array_equal(np.asarray(picture.rgb), COLOUR[1])
    assert np.array_equal(np.asarray(picture.alpha), COLOUR[1, ..., 0])


def test_floats_are_rounded_to_the_nearest_of_256(tmp_path):
    source = open_source(saved(tmp_path / "a.npz", x=np.full((16, 4, 4), 0.5019)))  # 127.98
    assert (returned(prepare(source)).pixels == 128).all()


def test_the_test_arrays_are_left_out_with_a_note(tmp_path):
    source = open_source(saved(tmp_path / "a.npz", x_train=COLOUR, x_test=COLOUR[:2]))
    assert len(source.items) == 5
    assert "x_test" in source.told[0].message


def test_the_digest_is_that_of_pixels_and_labels(tmp_path):
    x, y = COLOUR, np.arange(5)
    one = open_source(saved(tmp_path / "a.npz", x=x, y=y)).digest
    np.savez_compressed(tmp_path / "b.npz", x_train=np.asfortranarray(x), y_train=y)
    assert open_source(tmp_path / "b.npz").digest == one
    assert open_source(saved(tmp_path / "c.npz", x=x, y=y[::-1])).digest != one
    assert open_source(saved(tmp_path / "d.npz", x=x[::-1], y=y)).digest != one


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"z": COLOUR}, "wanted one of x, x_train, images, train_images, arr_0"),
        ({"x": COLOUR.transpose(0, 3, 1, 2)}, "put the colours last"),
        ({"x": COLOUR[0, 0]}, r"shape \(7, 3\); wanted"),
        ({"x": COLOUR.astype(complex)}, "type complex128; wanted whole numbers, floats"),
        ({"x": np.full((3, 4, 4), np.nan)}, "not finite"),
        ({"x": COLOUR, "y": np.arange(4)}, "one whole number or word for each of 5"),
        ({"x": COLOUR, "y": np.eye(5)}, "one whole number or word for each of 5"),
        ({"x": COLOUR[:0]}, "holds no pictures"),
        ({"x": np.array([{}, {}])}, "cannot be read as arrays"),
    ],
)
def test_arrays_that_are_no_pictures_are_refused(tmp_path, arrays, said):
    with pytest.raises(DataError, match=said):
        open_source(saved(tmp_path / "a.npz", **arrays))


@pytest.mark.parametrize("data", [b"", b"nothing", b"PK\x03\x04", encoded()])
def test_a_file_that_holds_no_arrays_is_refused(tmp_path, data):
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(DataError, match="cannot be read as arrays"):
        open_source(tmp_path / "a.npz")
