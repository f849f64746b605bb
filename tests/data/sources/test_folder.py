"""Folders: digests by names and times, and what is passed over."""

import os
import sys

import pytest

from conftest import encoded, unpacked
from scumble.data.sources.opener import open_source
from scumble.errors import DataError


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no pictures"):
        open_source(tmp_path)


def test_a_folders_digest_changes_with_a_files_time_and_nothing_else(tmp_path):
    unpacked(tmp_path, {"x/a.png": encoded(), "x/b.png": encoded(1)})
    before = open_source(tmp_path).digest
    assert open_source(tmp_path).digest == before
    os.utime(tmp_path / "x/a.png", (1, 1))
    assert open_source(tmp_path).digest != before


LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")


def told(source) -> str:
    return " | ".join(event.message for event in source.told)


def names(source) -> list[str]:
    return [item.name for item in source.items]


@LINKS
def test_a_link_to_a_folder_is_followed_and_its_name_is_the_class(tmp_path):
    unpacked(tmp_path, {"in/cats/a.png": encoded(), "in/.store/b.png": encoded(1), "out/c.png": encoded(2)})
    (tmp_path / "in/dogs").symlink_to(".store")
    (tmp_path / "in/birds").symlink_to(tmp_path / "out")
    source = open_source(tmp_path / "in")
    assert {item.name: item.label for item in source.items} == {
        "birds/c.png": "birds",
        "cats/a.png": "cats",
        "dogs/b.png": "dogs",
    }
    assert "followed as folders, links: 2, the first: birds" in told(source)


@LINKS
def test_nothing_is_read_twice_by_links_and_nothing_around_the_folder(tmp_path):
    unpacked(tmp_path, {"in/b/a.png": encoded(), "in/b/c/a.png": encoded(1), "beside.png": encoded(2)})
    for link, target in {"in/a": "b", "in/b/up": "..", "in/root": "../..", "in/round": "round", "in/c": "b/c"}.items():
        (tmp_path / link).symlink_to(target)
    source = open_source(tmp_path / "in")
    assert names(source) == ["b/a.png", "b/c/a.png"]
    assert "passed over, as links to what is read already or lies around it: 4, the first: a" in told(source)


@LINKS
def test_of_two_links_to_one_folder_one_is_followed(tmp_path):
    unpacked(tmp_path, {"in/a.png": encoded(), "out/b.png": encoded(1), "out/back.txt": b""})
    (tmp_path / "in/x").symlink_to(tmp_path / "out")
    (tmp_path / "in/y").symlink_to(tmp_path / "out")
    (tmp_path / "out/in").symlink_to(tmp_path / "in")
    assert names(open_source(tmp_path / "in")) == ["a.png", "x/b.png"]


@LINKS
def test_the_folder_itself_may_be_a_link(tmp_path):
    unpacked(tmp_path, {"real/cats/a.png": encoded()})
    (tmp_path / "link").symlink_to("real")
    assert names(open_source(tmp_path / "link")) == ["cats/a.png"]


def test_runs_are_passed_over_and_told_of(tmp_path):
    run = {"settings.json": b"{}", "metrics.jsonl": b"", "grids/1.png": encoded()}
    unpacked(tmp_path, {"a.png": encoded()} | {f"runs/one/{name}": data for name, data in run.items()})
    source = open_source(tmp_path)
    assert names(source) == ["a.png"]
    assert "folders of runs and models: 1, the first: runs/one" in told(source)


@LINKS
def test_broken_links_and_pipes_are_passed_over(tmp_path):
    unpacked(tmp_path, {"a.png": encoded()})
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "c.png")
    source = open_source(tmp_path)
    assert names(source) == ["a.png"]
    assert "passed over, as links that lead nowhere: 1, the first: b.png" in told(source)
