"""Arrays: pixels and labels as they were saved, and one line for what is neither."""

import numpy as np
import pytest

from conftest import encoded, zipped
from scumble.data.dataset import prepare
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.errors import DataError
from scumble.events import Noted, returned

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
COLOUR[0, 0, :2] = [[0], [255]]  # so that the range is known


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("pixels", "wanted"),
    [("x", "y"), ("x_train", "y_train"), ("images", "labels"), ("train_images", "train_labels"), ("arr_0", "arr_1")],
)
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


@pytest.mark.parametrize(
    ("values", "expected", "said"),
    [
        (COLOUR[..., 0] > 128, (COLOUR[..., :1] > 128) * 255, ""),
        (COLOUR.astype(np.uint16) * 257, COLOUR, ""),
        (COLOUR.astype(np.uint16) * 16 + 15, None, "stretched"),
        (COLOUR.astype(np.float32), COLOUR, "taken for bytes"),
        (COLOUR.astype(np.int64), COLOUR, "taken for bytes"),
        (COLOUR / 127.5 - 1, COLOUR, "values are -1 to 1"),
        (COLOUR / np.float16(255), COLOUR, ""),
        (COLOUR[..., :2], COLOUR[..., :2], ""),
        (np.concatenate([COLOUR, COLOUR[..., :2]], 3), np.concatenate([COLOUR, COLOUR[..., :2]], 3), ""),
    ],
)
def test_arrays_of_any_type_and_any_number_of_channels_keep_their_range(tmp_path, values, expected, said):
    source = open_source(saved(tmp_path / "a.npz", x=np.concatenate([values] * 4)))
    events = list(prepare(source, (16, 16), fit="stretch"))
    messages = " | ".join(event.message for event in events if isinstance(event, Noted))
    assert said in messages
    assert ("values are" in messages) == bool(said)
    if expected is not None:
        same = open_source(saved(tmp_path / "b.npz", x=np.concatenate([expected.astype(np.uint8)] * 4)))
        channels = None if expected.shape[-1] != 1 else 1
        wanted = returned(prepare(same, (16, 16), channels, fit="stretch")).pixels
        found = returned(prepare(source, (16, 16), fit="stretch")).pixels
        assert found.shape == wanted.shape
        assert np.abs(found.astype(int) - wanted.astype(int)).max() <= 1


def test_npy_is_an_array_without_labels(tmp_path):
    np.save(tmp_path / "a.npy", COLOUR)
    source = open_source(tmp_path / "a.npy")
    assert [item.label for item in source.items] == [None] * 5
    assert np.array_equal(np.asarray(source.items[3].load().rgb), COLOUR[3])
    assert open_testing_part(tmp_path / "a.npy") is None


@pytest.mark.parametrize("data", [b"", b"nothing", b"\x93NUMPY\x01\x00", encoded()])
def test_an_npy_that_holds_no_array_is_refused(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(DataError, match="cannot be read as an array"):
        open_source(tmp_path / "a.npy")


def test_pickles_are_not_opened(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(DataError, match="cannot be read as an array"):
        open_source(tmp_path / "a.npy")


def test_the_parts_of_medmnist_are_told_apart(tmp_path):
    parts = {f"{part}_images": COLOUR[:n] for part, n in (("train", 5), ("val", 2), ("test", 3))}
    parts |= {f"{part}_labels": np.arange(n)[:, None] for part, n in (("train", 5), ("val", 2), ("test", 3))}
    path = saved(tmp_path / "a.npz", **parts)
    source = open_source(path)
    assert [item.label for item in source.items] == list("01234")
    assert "5 pictures of train_images are used; test_images, val_images: for testing" in source.told[0].message
    assert [item.label for item in open_testing_part(path).items] == list("012")


def test_several_labels_for_a_picture_are_passed_over_with_a_warning(tmp_path):
    source = open_source(saved(tmp_path / "a.npz", x=COLOUR, y=np.eye(5, dtype=np.uint8)))
    assert {item.label for item in source.items} == {None}
    assert "y has several labels for a picture" in source.told[0].message


def test_arrays_that_are_passed_over_are_named(tmp_path):
    source = open_source(saved(tmp_path / "a.npz", x=COLOUR, y=np.arange(5), masks=COLOUR))
    assert "passed over: masks" in source.told[0].message


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
        ({"x": COLOUR[0]}, r"shape \(6, 7, 3\); wanted .* \(that of a single picture\)"),
        ({"x": COLOUR[0, 0]}, r"shape \(7, 3\); wanted"),
        ({"x": COLOUR.astype(complex)}, "type complex128; wanted whole numbers, floats"),
        ({"x": np.full((3, 4, 4), np.nan)}, "not finite"),
        ({"x": COLOUR, "y": np.arange(4)}, "one whole number or word for each of 5"),
        ({"x": COLOUR, "y": np.eye(5)}, "one whole number or word for each of 5"),
        ({"x": COLOUR[:0]}, r"x is empty: its shape is \(0, 6, 7, 3\)"),
        ({"x": COLOUR, "y": np.full(5, 0x110000, np.uint32).view("U1")}, "labels that are no text"),
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


def npy(header: bytes, data: bytes = b"") -> bytes:
    return b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    "header",
    [
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999, 16, 16), }\n",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (5, 8, 8), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (4, 8, 8), }\n",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (18446744073709551616, 1, 1), }\n",
        b"{'descr': '|u1', 'fortran_order': False, 'shape': (4, 8, 8), \n",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (4, 8, 8), }\n",
        b"((((((((",
        b"{" * 5000,
        b"\xff\xfe",
    ],
)
def test_headers_that_claim_what_is_not_there_are_one_line(tmp_path, header):
    path = zipped(tmp_path / "a.npz", {"x.npy": npy(header, bytes(4 * 8 * 8))})
    with pytest.raises(DataError, match="cannot be read as arrays") as raised:
        open_source(path)
    assert "\n" not in str(raised.value)


def test_an_array_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros((1000, 160, 160), np.uint8))
    with pytest.raises(DataError, match=r"unpacks to \d+ times its size; wanted at most 200 times"):
        open_source(tmp_path / "a.npz")
