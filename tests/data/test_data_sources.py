"""Sources: every kind of collection becomes items; what is dangerous, damaged or empty becomes one line."""

import io
import json
import os
import struct
import sys
import types
import zipfile

import numpy as np
import pytest
from PIL import Image

from conftest import photograph
from scumble.data import sources
from scumble.data.sources import open_source
from scumble.errors import DataError, ImageError


def encoded(seed: int = 0, kind: str = "PNG", size: tuple[int, int] = (20, 18)) -> bytes:
    buffer = io.BytesIO()
    photograph(*size, seed=seed).save(buffer, kind)
    return buffer.getvalue()


def zipped(path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def unpacked(folder, entries: dict[str, bytes]):
    for name, data in entries.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture(params=["folder", "zip"])
def collect(request, tmp_path):
    """Makes a folder or a zip of files: what holds for one holds for the other."""

    def make(entries: dict[str, bytes]):
        if request.param == "zip":
            return zipped(tmp_path / "pictures.zip", entries)
        return unpacked(tmp_path / "pictures", entries)

    return make


def labels(source) -> dict[str, str | None]:
    return {item.name: item.label for item in source.items}


# --- Folders and zips -----------------------------------------------------------------------------------------------


def test_classes_are_the_names_of_folders_at_any_depth(collect):
    source = open_source(collect({"a.png": encoded(), "x/b.jpg": encoded(kind="JPEG"), "x/y/C.PNG": encoded()}))
    assert labels(source) == {"a.png": None, "x/b.jpg": "x", "x/y/C.PNG": "y"}
    assert source.note is None


def test_items_decode_to_the_pictures_that_were_saved(collect):
    source = open_source(collect({f"{seed}.png": encoded(seed) for seed in range(3)}))
    for seed, item in enumerate(source.items):
        assert item.load().rgb.tobytes() == photograph(20, 18, seed=seed).tobytes()
        assert item.size() == (20, 18)


def test_hidden_files_and_other_files_are_passed_over(collect):
    entries = {"a.png": encoded(), ".b.png": b"x", "__MACOSX/._a.png": b"x", ".git/c.png": b"x", "read.txt": b"x"}
    assert list(labels(open_source(collect(entries)))) == ["a.png"]


@pytest.mark.parametrize("wrap", ["", "cifar/", "a/b/"])
def test_only_the_training_part_is_used_and_a_note_says_so(collect, wrap):
    names = ["train/cat/1.png", "train/dog/2.png", "train/3.png", "test/cat/4.png", "Val/dog/5.png"]
    source = open_source(collect({wrap + name: encoded() for name in names}))
    expected = {"train/3.png": None, "train/cat/1.png": "cat", "train/dog/2.png": "dog"}
    assert labels(source) == {wrap + name: label for name, label in expected.items()}
    assert "3 of 5 pictures" in source.note
    assert "training" in source.note


def test_a_class_called_train_is_a_class(collect):
    names = ["train/1.png", "bus/2.png"]
    source = open_source(collect({name: encoded() for name in names}))
    assert labels(source) == {"bus/2.png": "bus", "train/1.png": "train"}


def test_dataset_json_says_the_classes(collect):
    listed = {"labels": [["00000/a.png", 6], ["00000/b.png", "cat"]]}
    entries = {f"00000/{name}.png": encoded() for name in "abc"} | {"dataset.json": json.dumps(listed).encode()}
    assert labels(open_source(collect(entries))) == {"00000/a.png": "6", "00000/b.png": "cat", "00000/c.png": None}


def test_dataset_json_without_labels_says_that_there_are_no_classes(collect):
    entries = {"00000/a.png": encoded(), "dataset.json": b'{"labels": null}'}
    assert labels(open_source(collect(entries))) == {"00000/a.png": None}


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"labels": 5}', b'{"labels": [["a.png", [1, 2]]]}'])
def test_a_dataset_json_of_another_form_is_refused(collect, text):
    with pytest.raises(DataError, match=r"dataset.json in .* of another form .*wanted .*\[name, class\]"):
        open_source(collect({"a.png": encoded(), "dataset.json": text}))


def test_nothing_to_learn_from_is_refused(collect):
    with pytest.raises(DataError, match=r"holds no pictures; wanted files such as .png"):
        open_source(collect({"notes.txt": b"x"}))


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        open_source(tmp_path)


@pytest.mark.parametrize(
    ("name", "said"), [("missing", "does not exist; wanted a folder"), ("a.csv", "ends in '.csv'; wanted a folder")]
)
def test_what_is_no_source_is_refused(tmp_path, name, said):
    (tmp_path / "a.csv").write_text("1,2")
    with pytest.raises(DataError, match=said):
        open_source(tmp_path / name)


def test_a_damaged_picture_is_an_image_error_only_when_it_is_loaded(collect):
    source = open_source(collect({"a.png": b"no picture", "b.png": encoded()}))
    with pytest.raises(ImageError, match="a.png is not a picture"):
        source.items[0].load()
    source.items[1].load()


def test_a_folders_digest_changes_with_a_files_time_and_nothing_else(tmp_path):
    unpacked(tmp_path, {"x/a.png": encoded(), "x/b.png": encoded(1)})
    before = open_source(tmp_path).digest
    assert open_source(tmp_path).digest == before
    os.utime(tmp_path / "x/a.png", (1, 1))
    assert open_source(tmp_path).digest != before


def test_a_zips_digest_is_that_of_its_content(tmp_path):
    a = zipped(tmp_path / "a.zip", {"a.png": encoded(), "b.png": encoded(1)})
    packed = zipped(tmp_path / "b.zip", {"b.png": encoded(1), "a.png": encoded()}, zipfile.ZIP_DEFLATED)
    other = zipped(tmp_path / "c.zip", {"a.png": encoded(2), "b.png": encoded(1)})
    assert open_source(a).digest == open_source(packed).digest != open_source(other).digest


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_broken_links_and_pipes_are_passed_over(tmp_path):
    unpacked(tmp_path, {"a.png": encoded()})
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "c.png")
    assert list(labels(open_source(tmp_path))) == ["a.png"]


# --- Zips that nobody should trust ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../a.png", "x/../../a.png", "/a.png", "C:/a.png", "..\\a.png", "\\a.png"])
def test_names_that_lead_out_of_a_zip_are_refused(tmp_path, name):
    with pytest.raises(DataError, match="points out of it; wanted plain relative names"):
        open_source(zipped(tmp_path / "a.zip", {name: encoded(), "b.png": encoded()}))


def test_an_entry_that_declares_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MAX_ENTRY_BYTES", 2 << 20)
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(3 << 20)})
    with pytest.raises(DataError, match="'a.png', which unpacks to 3 MiB; wanted at most 2 MiB"):
        open_source(path)


def test_an_entry_that_unpacks_to_a_thousand_times_its_size_is_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.bmp": bytes(17 << 20)}, zipfile.ZIP_DEFLATED)
    with pytest.raises(DataError, match=r"unpacks to \d+ times its size; wanted at most 200 times"):
        open_source(path)


def test_an_entry_that_declares_less_than_it_holds_is_damaged(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": bytes(5 << 20)}, zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    central = data.rindex(b"PK\x01\x02")
    data[central + 24 : central + 28] = struct.pack("<I", 1000)  # the unpacked size
    path.write_bytes(data)
    with pytest.raises(ImageError, match="a.png is damaged inside its zip"):
        open_source(path).items[0].load()


def test_encrypted_entries_are_refused(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": encoded()})
    data = bytearray(path.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="which is encrypted; wanted a zip without a password"):
        open_source(path)


def test_packing_without_a_bound_is_refused(tmp_path):
    with pytest.raises(DataError, match="packed by method 14; wanted stored or deflated"):
        open_source(zipped(tmp_path / "a.zip", {"a.png": encoded()}, zipfile.ZIP_LZMA))


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_zip_that_was_cut_short_is_one_clear_line(tmp_path, keep):
    path = zipped(tmp_path / "a.zip", {f"{seed}.png": encoded(seed) for seed in range(3)})
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    with pytest.raises(DataError, match="a.zip cannot be read as a zip: .*cut short") as raised:
        open_source(path)
    assert "\n" not in str(raised.value)


def test_an_entry_with_a_flipped_byte_is_damaged_and_the_others_are_not(tmp_path):
    path = zipped(tmp_path / "a.zip", {"a.png": encoded(), "b.png": encoded(1)})
    data = bytearray(path.read_bytes())
    data[data.index(b"IDAT") + 20] ^= 255
    path.write_bytes(data)
    first, second = open_source(path).items
    with pytest.raises(ImageError, match="a.png is damaged inside its zip: Bad CRC"):
        first.load()
    second.load()


# --- Arrays ---------------------------------------------------------------------------------------------------------


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
    source = open_source(saved(tmp_path / "a.npz", x=np.full((2, 4, 4), 0.5019)))  # 127.98
    assert source.items[0].load().rgb.getpixel((0, 0)) == (128, 128, 128)


def test_the_test_arrays_are_left_out_with_a_note(tmp_path):
    source = open_source(saved(tmp_path / "a.npz", x_train=COLOUR, x_test=COLOUR[:2]))
    assert len(source.items) == 5
    assert "x_test" in source.note


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
        ({"z": COLOUR}, "wanted one of x, x_train, images"),
        ({"x": COLOUR.transpose(0, 3, 1, 2)}, "put the colours last"),
        ({"x": COLOUR[0, 0]}, r"shape \(7, 3\); wanted"),
        ({"x": COLOUR.astype(int)}, "type int64; wanted uint8"),
        ({"x": COLOUR / 127.5 - 1}, "floats outside 0..1"),
        ({"x": np.full((3, 4, 4), np.nan)}, "floats outside 0..1"),
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


# --- Built in -------------------------------------------------------------------------------------------------------


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    expected, source = load_digits(), open_source("digits")
    assert [item.label for item in source.items] == [str(label) for label in expected.target]
    for number in (0, 1000, 1796):
        grey = np.asarray(source.items[number].load().rgb)[..., 0]
        assert np.abs(grey / 255 * 16 - expected.images[number]).max() < 0.04  # half of 16/255


def test_shapes_are_labelled_and_lie_in_their_pictures():
    source = open_source("shapes")
    assert len(source.items) == 4096
    assert {item.label for item in source.items} == {"disc", "square", "triangle"}
    picture = source.items[100].load()
    assert picture.size == source.items[100].size() == (64, 64)
    border = np.asarray(picture.rgb)[[0, -1]].reshape(-1, 3)
    assert (border == border[0]).all()


# --- The hub --------------------------------------------------------------------------------------------------------


class FakeImage:
    def __init__(self, decode=True):
        self.decode = decode


class FakeClassLabel:
    names = ("cat", "dog")


class FakeDataset:
    """As much of a `datasets.Dataset` as is used."""

    _fingerprint = "0123"

    def __init__(self, rows):
        self.rows = rows
        self.features = {"caption": object(), "photo": FakeImage(), "kind": FakeClassLabel()}

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        return [row[key] for row in self.rows] if isinstance(key, str) else self.rows[key]

    def select_columns(self, columns):
        assert columns == ["photo"]
        return self

    def cast_column(self, column, feature):
        assert column == "photo"
        assert feature.decode is False
        return self


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.delenv("SCUMBLE_OFFLINE")
    (tmp_path / "b.png").write_bytes(encoded(1))
    rows = [
        {"photo": {"bytes": encoded(), "path": None}, "kind": 1},
        {"photo": {"bytes": None, "path": str(tmp_path / "b.png")}, "kind": 0},
        {"photo": None, "kind": -1},
    ]

    def load_dataset(name, split):
        if name != "owner/pets" or split not in ("train", "test"):
            raise ValueError(f"{name} has no {split}.\nTry another.")
        return FakeDataset(rows if split == "train" else rows[:1])

    module = types.SimpleNamespace(Image=FakeImage, ClassLabel=FakeClassLabel, load_dataset=load_dataset)
    monkeypatch.setitem(sys.modules, "datasets", module)


def test_a_data_set_of_the_hub_is_read_by_the_types_of_its_columns(hub):
    source = open_source("hf:owner/pets")
    assert [item.label for item in source.items] == ["dog", "cat", None]
    for seed, item in enumerate(source.items[:2]):
        assert item.load().rgb.tobytes() == photograph(20, 18, seed=seed).tobytes()
        assert item.size() == (20, 18)
    with pytest.raises(ImageError, match="photo 2 is empty"):
        source.items[2].load()


def test_a_split_of_the_hub_can_be_asked_for(hub):
    assert len(open_source("hf:owner/pets:test").items) == 1
    assert open_source("hf:owner/pets:test").digest != open_source("hf:owner/pets").digest
    assert open_source("hf:owner/pets:train").digest == open_source("hf:owner/pets").digest


def test_what_the_hub_does_not_have_is_one_line(hub):
    with pytest.raises(DataError, match="hf:no/one cannot be loaded: no/one has no train; wanted") as raised:
        open_source("hf:no/one")
    assert "\n" not in str(raised.value)


def test_without_the_package_the_hub_says_what_to_install(monkeypatch):
    monkeypatch.delenv("SCUMBLE_OFFLINE")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(DataError, match=r"pip install 'scumble\[hub\]'"):
        open_source("hf:owner/pets")


def test_offline_the_hub_is_not_asked(hub, monkeypatch):
    monkeypatch.setenv("SCUMBLE_OFFLINE", "1")
    with pytest.raises(DataError, match="SCUMBLE_OFFLINE is set"):
        open_source("hf:owner/pets")


def test_the_size_of_a_turned_photograph_is_that_after_the_turn(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    for name in ("a.jpg", "b.png", "c.webp", "d.tif"):
        photograph(20, 18).save(tmp_path / name, exif=exif)
    for item in open_source(tmp_path).items:
        assert item.size() == item.load().size == (18, 20)
