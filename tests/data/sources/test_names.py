"""What names of files tell, in folders and in zips alike."""

import json

import pytest

from conftest import encoded
from scumble.data.sources.opener import open_source
from scumble.errors import DataError


def labels(source) -> dict[str, str | None]:
    return {item.name: item.label for item in source.items}


def told(source) -> str:
    return " | ".join(event.message for event in source.told)


def test_classes_are_the_names_of_folders_at_any_depth(collect):
    source = open_source(collect({"a/x/b.jpg": encoded(kind="JPEG"), "a/y/C.PNG": encoded(), "z/d.png": encoded()}))
    assert labels(source) == {"a/x/b.jpg": "x", "a/y/C.PNG": "y", "z/d.png": "z"}
    assert source.told == ()


@pytest.mark.parametrize("wrap", ["", "photos/", "a/b/"])
def test_a_picture_beside_folders_with_pictures_has_no_class(collect, wrap):
    names = ["cover.png", "cats/1.png", "dogs/2.png", "dogs/pups/3.png"]
    source = open_source(collect({wrap + name: encoded() for name in names}))
    expected = {"cats/1.png": "cats", "cover.png": None, "dogs/2.png": None, "dogs/pups/3.png": "pups"}
    assert labels(source) == {wrap + name: label for name, label in expected.items()}
    message = source.understood()[-1].message
    assert f"classes: none (2 of 4 pictures have no class, the first {wrap}cover.png" in message
    assert "others: cats (1), pups (1)" in message


def test_hidden_files_and_other_files_are_passed_over(collect):
    entries = {"a.png": encoded(), ".b.png": b"x", "__MACOSX/._a.png": b"x", ".git/c.png": b"x", "read.txt": b"x"}
    assert list(labels(open_source(collect(entries)))) == ["a.png"]


@pytest.mark.parametrize("wrap", ["", "cifar/", "a/b/"])
def test_only_the_training_part_is_used_and_a_note_says_so(collect, wrap):
    names = ["train/cat/1.png", "train/dog/2.png", "train/3.png", "test/cat/4.png", "Val/dog/5.png"]
    source = open_source(collect({wrap + name: encoded() for name in names}))
    expected = {"train/3.png": None, "train/cat/1.png": "cat", "train/dog/2.png": "dog"}
    assert labels(source) == {wrap + name: label for name, label in expected.items()}
    assert "3 of 5 pictures" in told(source)
    assert "training" in told(source)
    assert "for testing: 1 of Val, 1 of test" in told(source)


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
