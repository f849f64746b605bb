"""Data sets of the hub, which a small one stands for."""

import sys
import types

import pytest

from conftest import encoded, photograph
from scumble.data.sources.opener import open_source
from scumble.errors import DataError, ImageError


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
