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


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_broken_links_and_pipes_are_passed_over(tmp_path):
    unpacked(tmp_path, {"a.png": encoded()})
    (tmp_path / "b.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(tmp_path / "c.png")
    assert [item.name for item in open_source(tmp_path).items] == ["a.png"]
