"""Which pictures are taken out of folders, and what is told of the others."""

import os
from pathlib import Path

import numpy as np
import pytest

from conftest import encoded, photograph
from scumble.errors import ImageError
from scumble.image import files
from scumble.image.collection import Found, pictures_in
from scumble.image.decode import SUFFIXES


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder as people have them."""
    folder = tmp_path / "photos"
    for name in ("b.png", "a.JPG", "holidays/c.png", "holidays/sea/a.png", "trash/d.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(kind="JPEG" if name.endswith("JPG") else "PNG"))
    return folder


def names(found: list[Found]) -> list[str]:
    return [path.name for path, _ in found]


def test_pictures_of_a_folder_come_in_the_order_of_their_names(folder):
    pictures, notes = pictures_in([folder])
    assert pictures == [Found(folder / "a.JPG"), Found(folder / "b.png")]
    assert notes == [f"{folder}: 2 folders passed over, --recursive goes into folders: holidays, trash"]


def test_folders_within_are_gone_into_when_asked(folder):
    pictures, notes = pictures_in([folder], recursive=True)
    assert pictures[2:] == [
        Found(folder / "holidays" / "c.png", Path("holidays")),
        Found(folder / "holidays" / "sea" / "a.png", Path("holidays") / "sea"),
    ]
    assert notes == [f"{folder}: 1 file passed over, no pictures, or of kinds that are not read: d.txt"]


def test_what_is_passed_over_is_told_in_one_line_however_much_it_is(folder):
    for number in range(9):
        (folder / f"{number}.txt").touch()
    _, notes = pictures_in([folder])
    line = (
        "9 files passed over, no pictures, or of kinds that are not read: 0.txt, 1.txt, 2.txt, 3.txt, 4.txt and 4 more"
    )
    assert notes[0] == f"{folder}: {line}"


def test_what_systems_leave_in_folders_is_nobodys_business(folder):
    for name in ("._a.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".thumbnails/a.png", "__MACOSX/a.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\0\5\x16\7")
    pictures, notes = pictures_in([folder], recursive=True)
    assert names(pictures) == ["a.JPG", "b.png", "c.png", "a.png"]
    assert len(notes) == 1


@pytest.mark.parametrize("suffix", [".png", ".jfif", ".jpe", ".mpo", ".jp2", ".pgm", ".bmp", ".tga", ".TIF", ".apng"])
def test_every_ending_of_a_kind_that_is_read_counts(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    assert names(pictures_in([tmp_path]).pictures) == [f"a{suffix}"]
    assert not {".eps", ".pdf", ".ico", ".txt", ""} & {*SUFFIXES}


def test_each_picture_is_taken_once(folder):
    (folder / "link.png").symlink_to("b.png")
    pictures, _ = pictures_in([folder / "b.png", folder, folder / "a.JPG"])
    assert names(pictures) == ["b.png", "a.JPG"]


def test_links_that_lead_back_are_no_endless_way(folder):
    (folder / "holidays" / "back").symlink_to("..")
    (folder / "holidays" / "loop.png").symlink_to("loop.png")
    assert names(pictures_in([folder], recursive=True).pictures) == ["a.JPG", "b.png", "c.png", "loop.png", "a.png"]


def test_results_are_no_photographs_where_results_go(folder):
    made = np.zeros((8, 8, 3), np.uint8)
    files.save(made, folder / "b-style.png", {"job": "stylize"})
    files.save(made, folder / "holidays" / "b-style.png", {"job": "stylize"})
    assert "b-style.png" in names(pictures_in([folder], results=folder / "holidays").pictures)
    pictures, notes = pictures_in([folder], recursive=True, results=folder / "holidays" / "..")
    assert "b-style.png" not in names(pictures)
    line = "2 pictures passed over, made by scumble, in the folder for the results: b-style.png, b-style.png"
    assert notes[-1] == f"{folder}: {line}"
    assert names(pictures_in([folder / "b-style.png"], results=folder).pictures) == ["b-style.png"]  # as it was asked


def test_a_folder_within_that_cannot_be_read_is_told(folder, monkeypatch):
    walk = os.walk

    def closed(top, **options):
        options["onerror"](PermissionError(13, "Permission denied", str(folder / "trash")))
        return walk(top, **options)

    monkeypatch.setattr(os, "walk", closed)
    pictures, notes = pictures_in([folder])
    assert len(pictures) == 2
    assert notes[-1] == f"{folder}: 1 folder passed over, which cannot be read: trash"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("none", "none does not exist"),
        ("empty", "holds no pictures .wanted files such as .png"),
        ("outer", "holds no pictures .--recursive goes into its folders"),
        ("results", "holds no pictures .all of them were made by scumble"),
        ("x" * 300, "File name too long"),
    ],
)
def test_folders_without_pictures_say_what_to_do(tmp_path, given, message):
    for name in ("empty", "outer/inner", "results"):
        (tmp_path / name).mkdir(parents=True)
    photograph().save(tmp_path / "outer" / "inner" / "a.png")
    files.save(np.zeros((8, 8, 3), np.uint8), tmp_path / "results" / "a.png", {"job": "stylize"})
    with pytest.raises(ImageError, match=message):
        pictures_in([tmp_path / given], results=tmp_path / "results")
