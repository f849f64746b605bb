"""What names of files tell, in folders and in zips alike."""

import json

import pytest

from conftest import encoded
from scumble.data.sources.opener import open_source, open_testing_part
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
    assert f"classes: 2: cats (1), pups (1); 2 of 4 pictures have no class, the first {wrap}cover.png" in message


@pytest.mark.parametrize("folder", ["unlabelled", "Unlabeled", "un-labelled", "unlabelled_images", "unlabelled/2024"])
@pytest.mark.parametrize("wrap", ["", "photos/"])
def test_pictures_in_a_folder_that_says_so_are_unlabelled(collect, wrap, folder):
    expected = {f"{wrap}cats/1.png": "cats", f"{wrap}dogs/2.png": "dogs", f"{wrap}{folder}/3.png": None}
    assert labels(open_source(collect({name: encoded() for name in expected}))) == expected


def test_unlabelled_pictures_beside_a_training_part_belong_to_it(collect):
    expected = {"train/cats/1.png": "cats", "train/dogs/2.png": "dogs", "unlabeled/3.png": None}
    source = open_source(collect({name: encoded() for name in [*expected, "test/cats/4.png", "extra/5.png"]}))
    assert labels(source) == expected
    assert "3 of 5 pictures are used" in told(source)
    assert "passed over: 1 of extra" in told(source)


@pytest.mark.parametrize(
    "folder",
    ["@eaDir/1.png", "cats/@eaDir", "$RECYCLE.BIN/S-1-5-21", "__MACOSX", ".AppleDouble", "lost+found", "#recycle",
     "System Volume Information", "system volume information", "@Recycle", "FOUND.000", "Thumbs.db",
     ".ipynb_checkpoints"],
)  # fmt: skip
def test_what_systems_keep_is_never_a_class(collect, folder):
    entries = {f"cats/{n}.png": encoded() for n in "12"} | {f"dogs/{n}.png": encoded() for n in "12"}
    source = open_source(collect(entries | {f"{folder}/x.png": encoded()}))
    assert {item.label for item in source.items} == {"cats", "dogs"}
    assert len(source.items) == 4
    if not folder.startswith((".", "__")):
        assert "passed over, as folders of a system: " in told(source)


@pytest.mark.parametrize("folder", ["@anna", "#sunset", "$100", "trains", "recycling", "my.found.000"])
def test_what_people_call_folders_is_a_class(collect, folder):
    source = open_source(collect({"cats/1.png": encoded(), f"{folder}/1.png": encoded()}))
    assert {item.label for item in source.items} == {"cats", folder}


def test_other_files_are_counted_by_their_endings(collect):
    entries = {"a.png": encoded(), "b.TXT": b"x", "c.txt": b"x", "d.psd": b"x", "read": b"x", ".e.txt": b"x"}
    assert "no pictures that are read: 2 .txt, 1 .psd, 1 without an ending" in told(open_source(collect(entries)))


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".pgm", "PPM"), (".jfif", "JPEG"), (".jpe", "JPEG"), (".jp2", "JPEG2000"), (".j2k", "JPEG2000"), (".PNG", "PNG")],
)
def test_every_ending_of_a_format_that_is_read_is_a_picture(collect, suffix, kind):
    (item,) = open_source(collect({f"a{suffix}": encoded(kind=kind)})).items
    assert item.load().size == item.size() == (20, 18)


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


@pytest.mark.parametrize("wrap", ["", "cifar/", "a/b/"])
def test_what_lies_beside_a_training_and_a_testing_part_is_passed_over(collect, wrap):
    names = ["train/cat/1.png", "train/dog/2.png", "test/cat/3.png", "extra/cat/4.png", "extra/dog/5.png", "cover.png"]
    source = open_source(collect({wrap + name: encoded() for name in names}))
    assert labels(source) == {f"{wrap}train/cat/1.png": "cat", f"{wrap}train/dog/2.png": "dog"}
    assert "2 of 6 pictures are used" in told(source)
    assert "for testing: 1 of test; passed over: 1 beside them, 2 of extra" in told(source)


@pytest.mark.parametrize(
    ("training", "testing"),
    [("training_set", "test_set"), ("Train", "Validation"), ("train2017", "val2017"), ("train", "dev"),
     ("train", "holdout"), ("train_images", "test_images"), ("TRAINING", "eval"), ("trainA", "testA")],
)  # fmt: skip
def test_parts_have_many_names(collect, training, testing):
    path = collect({f"{part}/{kind}/1.png": encoded() for part in (training, testing) for kind in ("cat", "dog")})
    assert labels(open_source(path)) == {f"{training}/cat/1.png": "cat", f"{training}/dog/1.png": "dog"}
    assert labels(open_testing_part(path)) == {f"{testing}/cat/1.png": "cat", f"{testing}/dog/1.png": "dog"}


def test_parts_within_classes_are_parts_too(collect):
    path = collect({f"{kind}/{part}/1.png": encoded() for part in ("train", "test") for kind in ("cat", "dog")})
    assert labels(open_source(path)) == {"cat/train/1.png": "cat", "dog/train/1.png": "dog"}
    assert labels(open_testing_part(path)) == {"cat/test/1.png": "cat", "dog/test/1.png": "dog"}


def test_one_folder_is_no_class(collect):
    source = open_source(collect({f"export/{n}.png": encoded() for n in range(3)}))
    assert source.understood()[-1].message.endswith("3 pictures; classes: none (all are of one class, export)")


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


@pytest.mark.parametrize("where", ["", "mydata/", "a/b/"])
def test_dataset_json_is_read_where_it_lies(collect, where):
    listed = {"labels": [["0/a.png", 6], ["./0/b.png", "cat"], ["1\\c.png", "cat"]]}
    entries = {f"{where}{name}.png": encoded() for name in ("0/a", "0/b", "1/c")}
    source = open_source(collect(entries | {f"{where}dataset.json": json.dumps(listed).encode()}))
    assert list(labels(source).values()) == ["6", "cat", "cat"]
    assert source.told == ()


def test_names_in_dataset_json_that_match_no_picture_are_told(collect):
    listed = {"labels": [["a.jpg", 0], ["b.png", 1], ["c.jpg", 1]]}
    source = open_source(collect({"a.png": encoded(), "b.png": encoded(), "dataset.json": json.dumps(listed).encode()}))
    assert labels(source) == {"a.png": None, "b.png": "1"}
    assert "2 of 3 names in dataset.json match no picture, the first: a.jpg" in told(source)
    assert "1 of 2 pictures have no class, the first a.png" in source.understood()[-1].message


def test_a_dataset_json_of_another_program_further_down_is_passed_over(collect):
    source = open_source(collect({"cats/a.png": encoded(), "dogs/b.png": encoded(), "cats/dataset.json": b"[1]"}))
    assert set(labels(source).values()) == {"cats", "dogs"}
    assert "passed over: cats/dataset.json in" in told(source)


@pytest.mark.parametrize("text", [b"{", b"[]", b"{}", b'{"labels": 5}', b'{"labels": [["a.png", [1, 2]]]}'])
def test_a_dataset_json_of_another_form_is_refused(collect, text):
    with pytest.raises(DataError, match=r"dataset.json in .* of another form .*wanted .*\[name, class\]"):
        open_source(collect({"a.png": encoded(), "dataset.json": text}))
