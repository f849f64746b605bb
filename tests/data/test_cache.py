"""The cache: what is in it by name and size, and that it can be emptied while others are at work."""

import filelock
import numpy as np
import pytest

from conftest import photographs, source_of
from scumble import paths
from scumble.data import cache
from scumble.data.dataset import prepare
from scumble.errors import DataError
from scumble.events import returned


def made(name: str, count: int = 16):
    return returned(prepare(source_of(photographs(count), name=name)))


def files() -> list[str]:
    return sorted(path.suffix for path in paths.cache_folder().rglob("*") if path.is_file())


def test_what_was_prepared_is_listed_by_name():
    assert cache.entries() == []
    made("one")
    made("two", 20)
    assert {(entry.name, entry.pictures, entry.days) for entry in cache.entries()} == {("one", 16, 0), ("two", 20, 0)}
    assert sum(entry.bytes_ for entry in cache.entries()) == sum(
        path.stat().st_size for path in paths.cache_folder().rglob("*") if path.is_file()
    )


def test_one_name_or_everything_is_removed_and_made_again_when_needed():
    first = np.array(made("one").pixels)
    made("two", 20)
    assert [entry.name for entry in cache.clear("two")] == ["two"]
    assert [entry.name for entry in cache.entries()] == ["one"]
    assert [entry.name for entry in cache.clear()] == ["one"]
    assert files() == []
    assert np.array_equal(made("one").pixels, first)


def test_pictures_that_are_in_use_stay_readable():
    pictures = made("one")
    before = np.array(pictures.pixels)
    cache.clear()
    assert np.array_equal(pictures.pixels, before)


def test_what_is_being_made_stays_and_what_was_left_unfinished_goes():
    made("one")
    data = paths.cache_folder() / "data"
    (data / "0123.part").write_bytes(b"half")
    (data / "4567.part").write_bytes(b"half")
    (data / "89ab.json").write_bytes(b"{}")
    (paths.cache_folder() / "features/x").mkdir(parents=True)
    (paths.cache_folder() / "features/x/1.npy").write_bytes(b"features")
    with filelock.FileLock(data / "0123.lock"):
        assert {entry.name for entry in cache.clear()} == {"one", cache.UNFINISHED, cache.FEATURES}
        assert files() == [".lock", ".part"]
    assert [entry.name for entry in cache.clear()] == [cache.UNFINISHED]
    assert files() == []


@pytest.mark.parametrize(
    "about",
    [
        b"[" * 100_000,
        b'{"source": [1], "count": "\xff"}',
        b'{"source": 1, "count": "no"}',
        b'{"source": 1, "count": 1e999}',
        b"3",
    ],
)
def test_a_damaged_data_set_is_listed(about):
    made("one")
    (path,) = (paths.cache_folder() / "data").glob("*.json")
    path.write_bytes(about)
    (entry,) = cache.entries()
    assert entry.pictures is None
    assert [entry.name for entry in cache.clear()] == [entry.name]
    assert files() == []


def test_weights_stay():
    (paths.cache_folder() / "weights").mkdir(parents=True)
    (paths.cache_folder() / "weights/vgg.safetensors").write_bytes(b"weights")
    cache.clear()
    assert files() == [".safetensors"]


def test_an_unknown_name_is_one_line():
    made("one")
    with pytest.raises(DataError, match="the cache holds nothing called 'three'; it holds one"):
        cache.clear("three")
