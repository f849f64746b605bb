"""A few labelled pictures beside many without labels."""

import shutil

import numpy as np
import pytest

from conftest import encoded, unpacked, zipped
from scumble.data.sources.opener import open_source
from scumble.errors import DataError


@pytest.fixture
def data(tmp_path):
    """Six pictures in two folders that are no classes."""
    return unpacked(tmp_path / "data", {f"{'xy'[n % 2]}/{n}.png": encoded(n) for n in range(6)})


def labels(given, few) -> dict:
    return {item.name: item.label for item in open_source(given, few).items}


def test_copies_that_kept_their_name_give_their_class_and_others_are_added(data, tmp_path):
    few = unpacked(
        tmp_path / "few", {"cat/0.png": encoded(0), "dog/1.png": encoded(1), "dog/2.png": encoded(9), "cat/z.png": b""}
    )
    source = open_source(data, few)
    assert {item.name: item.label for item in source.items} == {
        "x/0.png": "cat",
        "x/2.png": None,
        "x/4.png": None,
        "y/1.png": "dog",
        "y/3.png": None,
        "y/5.png": None,
        "few/cat/z.png": "cat",
        "few/dog/2.png": "dog",  # of the name of another picture
    }
    assert source.told[-1].message == "few: 4 labelled pictures; 2 of them lie in data too"
    assert source.understood()[-1].message.startswith("data: 8 pictures; classes: 2: cat (2), dog (2); 4 of 8 pictures")
    shutil.move(few / "cat" / "0.png", few / "dog" / "0.png")
    assert open_source(data, few).digest != source.digest


def test_labelled_pictures_may_lie_within_the_data_or_come_as_an_archive_or_an_array(data, tmp_path):
    entries = {"cat/7.png": encoded(7), "dog/8.png": encoded(8)}
    unpacked(data / "few", entries)
    found = labels(data, data / "few")
    assert len(found) == 8
    assert (found["few/cat/7.png"], found["few/dog/8.png"], found["x/0.png"]) == ("cat", "dog", None)
    others = {"cat/70.png": encoded(7), "dog/80.png": encoded(8)}
    assert labels(data, zipped(tmp_path / "few.zip", others))["few.zip/cat/70.png"] == "cat"
    np.savez(tmp_path / "few.npz", x=np.zeros((2, 18, 20, 3), np.uint8), y=np.array([0, 1]))
    assert labels(data, tmp_path / "few.npz")["few.npz/picture 1"] == "1"


def test_a_copy_in_a_class_twice_is_one_picture(data, tmp_path):
    few = unpacked(tmp_path / "few", {f"{name}/0.png": encoded(0) for name in ("cat", "sub/cat")})
    unpacked(few, {"dog/1.png": encoded(1)})
    assert len(labels(data, few)) == 6


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ({"1.png": encoded()}, "few has no classes (they have no labels, and lie in no folders of classes); wanted a"),
        ({"cat/1.png": encoded()}, "few has no classes (all are of one class, cat); wanted a folder for each class"),
        (
            {"cat/1.png": encoded(), "dog/1.png": encoded()},
            "few: cat/1.png and dog/1.png are one picture in two classes; wanted one",
        ),
        ({"cat/1.txt": b"mine"}, "holds no pictures"),
    ],
)
def test_what_gives_no_class_to_each_is_one_line(data, tmp_path, entries, complaint):
    with pytest.raises(DataError) as raised:
        open_source(data, unpacked(tmp_path / "few", entries))
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_data_itself_is_refused(data):
    with pytest.raises(
        DataError, match=r"the labels .*data are the data itself \(where its folders are classes, leave"
    ):
        open_source(data, data / ".." / "data")
    with pytest.raises(DataError, match=r"missing does not exist|missing is no file"):
        open_source(data, data / "missing")
