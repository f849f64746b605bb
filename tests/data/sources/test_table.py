"""Tables of labels, in the forms that people have them in."""

import pytest

from scumble.data.labels import numbered
from scumble.data.sources.source import Item, Source, refuse_several
from scumble.data.sources.table import labelled
from scumble.errors import DataError
from scumble.events import Warned


def source(*names: str) -> Source:
    return Source("photos", [Item(name, "of its folder", lambda: pytest.fail("decoded")) for name in names], "digest")


def found(text: str | bytes, folder, *names: str) -> dict:
    path = folder / "labels.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return {item.name: item.label for item in labelled(source(*(names or ("a.png", "b.png", "c.png"))), path).items}


ATTRIBUTES = "image_id,hat,smile\na.png,1,0\nb.png,1,1\nc.png,0,0\n"


@pytest.mark.parametrize(
    "text",
    [
        ATTRIBUTES,
        ATTRIBUTES.replace(",0", ",-1"),
        ATTRIBUTES.replace(",", ";"),
        ATTRIBUTES.replace(",", "\t").replace("\n", "\r\n"),
        ATTRIBUTES.replace("0", "False").replace("1", "True"),
        "\ufeff" + ATTRIBUTES,
        ATTRIBUTES.encode("utf-16"),
        "3\nhat smile\na.png  1 -1\nb.png  1  1\nc.png -1 -1\n",
        "picture,classes\na.png,hat\nb.png,hat;smile\nc.png,\n",
        "picture;tags\na.png;hat\nb.png;smile | hat\nc.png;\n",
        "picture,class\na.png,hat\nb.png,hat\nb.png,smile\nc.png,\n",
        "number,picture,age,Finding Labels\n1,a.png,30,hat\n2,b.png,41,hat|smile\n3,c.png,7,\n",
        "picture,hat,smile,age\na.png,1,0,30\nb.png,1,1,41\nc.png,0,0,7\n",
        "a.png,hat\nb.png,hat;smile\nc.png,\n",
    ],
    ids=[
        "flags", "minus one", "semicolons", "tabs", "words", "mark", "utf-16", "CelebA", "cells", "bars", "rows",
        "beside others", "flags beside others", "no names of columns",
    ],
)  # fmt: skip
def test_every_form_of_several_labels_is_understood_alike(text, tmp_path):
    assert found(text, tmp_path) == {"a.png": ("hat",), "b.png": ("hat", "smile"), "c.png": ()}


@pytest.mark.parametrize(
    "text",
    [
        "picture,class\na.png,cat\nb.png,dog\nc.png,cat\n",
        "picture,cat,dog\na.png,1,0\nb.png,0,1\nc.png,1,0\n",
        "picture,class,probability,probability of cat\na.png,cat,0.9,0.9\nb.png,dog,0.8,0.2\nc.png,cat,1.0,1.0\n",
    ],
    ids=["a class", "one of several", "what label writes"],
)
def test_one_label_of_each_picture_is_its_class(text, tmp_path):
    assert found(text, tmp_path) == {"a.png": "cat", "b.png": "dog", "c.png": "cat"}


@pytest.mark.parametrize("order", ["label,filename", "filename,label"])
def test_labels_that_are_called_like_pictures_are_not_taken_for_their_names(order, tmp_path):
    names = [f"{number}.png" for number in range(20)]
    rows = [(name, str(number % 10)) for number, name in enumerate(names)]
    lines = [",".join(row if order.startswith("filename") else row[::-1]) for row in rows]
    assert found("\n".join([order, *lines]), tmp_path, *names) == dict(rows)


def test_pictures_are_named_by_the_end_of_their_path_with_or_without_its_ending(tmp_path):
    names = ("x/1.png", "x/2.jpg", "y/2.jpg", "y/3.png")
    table = "id,class\n1,one\nx\\2.jpg,two\ny/2,other\n3.png,three\n"
    assert found(table, tmp_path, *names) == dict(zip(names, ("one", "two", "other", "three"), strict=True))
    assert found("id,class\n1,one\n2,two\n", tmp_path, *names)["x/2.jpg"] is None  # there are two of it


def test_what_was_passed_over_is_told_and_another_table_is_another_digest(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("picture,class,age\na.png,cat,3\nz.png,dog,4\nb.png,dog,5\n")
    first = labelled(source("a.png", "b.png"), path)
    assert [event.message for event in first.told] == [
        "labels.csv: passed over, as no labels, the columns age",
        "1 of 3 rows of labels.csv name no picture, or several, the first: z.png",
    ]
    assert isinstance(first.told[1], Warned)
    path.write_text("picture,class,age\na.png,cat,3\nz.png,dog,4\nb.png,cat,5\n")
    assert labelled(source("a.png", "b.png"), path).digest not in (first.digest, "digest")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("picture,class\nx.png,cat\n", "no picture of photos: its first row is 'x.png'; wanted names like 'a.png'"),
        ("", "holds nothing; wanted the names of the columns, and a row for each picture"),
        ("picture,class\n", "has a single row, 'picture,class'; wanted"),
        ("picture,class\na.png,cat\nb.png\n", "row 2 has 1 cells and the first line 2"),
        ("a.png\nb.png\n", "row 1 has 1 cells and the first line 1; wanted as many, 2 or more"),
        ("picture,age,size\na.png,3,4\n", "the columns picture, age, size; wanted one that is called class or labels"),
        ('picture,class\na.png,"cat, wild; dog"\n', "has the label 'cat, wild'; wanted labels without commas"),
    ],
)  # fmt: skip
def test_what_is_no_table_of_labels_is_one_line(text, complaint, tmp_path):
    with pytest.raises(DataError, match=complaint) as raised:
        found(text, tmp_path)
    assert "\n" not in str(raised.value)


def test_a_table_that_is_not_there_is_one_line(tmp_path):
    for path, what in ((tmp_path, "is no file"), (tmp_path / "missing.csv", "does not exist")):
        with pytest.raises(DataError, match=f"{what}; wanted a table of labels"):
            labelled(source("a.png"), path)


def test_a_picture_that_the_table_does_not_name_has_no_labels_and_so_the_set_has_none(tmp_path):
    labels = found("picture,hat,smile\na.png,1,1\nb.png,1,0\n", tmp_path)
    assert labels["c.png"] is None
    assert numbered(list(labels.values())) == (None, ())


def test_a_table_of_a_few_pictures_leaves_the_others_without_a_class(tmp_path):
    few = found("picture,class\na.png,cat\nb.png,\nc.png,dog\n", tmp_path, "a.png", "b.png", "c.png", "d.png")
    assert few == {"a.png": "cat", "b.png": None, "c.png": "dog", "d.png": None}
    assert found("picture,class\na.png,cat\na.png,cat\nb.png,dog\n", tmp_path)["a.png"] == "cat"  # twice, and agreed


def test_rows_that_disagree_about_a_class_are_told_and_refused_where_there_can_be_one_only(tmp_path):
    (tmp_path / "few.csv").write_text("picture,class\na.png,cat\nb.png,dog\nc.png,cat\nc.png,dog\n")
    labels = labelled(source("a.png", "b.png", "c.png", "d.png"), tmp_path / "few.csv")
    assert labels.told[-1] == Warned("1 of 3 pictures of few.csv have several labels, the first: c.png, cat and dog")
    with pytest.raises(DataError, match=r"c\.png of photos has the labels cat and dog; wanted one class a picture"):
        refuse_several(labels)
