"""Ids stand for what is there and allowed, and for nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from scumble.data.sources import opener
from scumble.errors import SettingsError
from scumble.web.gan import places
from scumble.web.settings import WebSettings

JOB = "20260102-030405-0123abcd"


def made_by_a_job(home: Path, kind: str, name: str, content: str | None = None) -> Path:
    folder = home / "jobs" / JOB
    path = folder / "result" / name
    path.parent.mkdir(parents=True)
    (folder / "job.json").write_text(json.dumps({"kind": kind, "title": "mine"}))
    path.mkdir() if content is None else path.write_text(content)
    return path


def test_what_is_there_is_found(settings):
    home, root = settings.home, settings.data[0]
    assert places.resolve("builtin:digits", settings) == "digits"
    assert places.resolve("root:0", settings) == str(root)
    assert places.resolve("root:0/squares/dark", settings) == str(root / "squares" / "dark")
    run = made_by_a_job(home, "train", "run")
    assert places.resolve(f"job:{JOB}", settings) == str(run)


@pytest.mark.parametrize(
    "name",
    [
        "", "root", "root:", "root:1", "root:-1", "root:0/", "root:0/..", "root:0/../home", "root:0/squares/../..",
        "root:0//etc", "root:0/squares\0", "root:0/nothing", "root:00000000000000", "root:0/squares/.", "root:\u0660",
        "builtin:", "builtin:../x", "builtin:hf:owner/name", "zip:..", "zip:" + "a" * 64, "zip:" + "A" * 64,
        "job:..", "job:" + JOB, "labels:..", "labels:0123456789abcdef", "/etc/passwd", "http://example.org/x.zip",
        "root:0/" + "x" * 100_000, "root:0" + "/squares" * 100,
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(name, settings):
    with pytest.raises(SettingsError):
        places.resolve(name, settings)


def test_links_lead_nowhere_but_into_allowed_folders(settings, tmp_path):
    root, outside = settings.data[0], tmp_path / "outside"
    (outside / "secret").mkdir(parents=True)
    (root / "out").symlink_to(outside)
    (root / "round").symlink_to(root)
    (root / "deep").mkdir()
    (root / "deep" / "out").symlink_to(outside / "secret")
    assert places.resolve("root:0/round", settings)
    for name in ("root:0/out", "root:0/out/secret", "root:0/deep/out", "root:0/round/out"):
        with pytest.raises(SettingsError):
            places.resolve(name, settings)
    listed = places.listing("root:0", settings)
    assert "out" not in [folder["name"] for folder in listed["folders"]]


def test_hidden_names_are_as_if_not_there(settings):
    (settings.data[0] / ".ssh").mkdir()
    with pytest.raises(SettingsError):
        places.resolve("root:0/.ssh", settings)


def test_a_listing_has_folders_archives_and_counts_pictures(settings):
    root = settings.data[0]
    (root / "more.zip").touch()
    (root / "notes.txt").touch()
    found = places.listing("root:0", settings)
    assert [one["id"] for one in found["folders"]] == ["root:0/squares"]
    assert [one["id"] for one in found["files"]] == ["root:0/more.zip"]
    assert found["up"] is None
    inside = places.listing("root:0/squares/dark", settings)
    assert (inside["pictures"], inside["up"], inside["folders"]) == (6, "root:0/squares", [])


def test_a_listing_is_of_folders_only(settings):
    (settings.data[0] / "more.zip").touch()
    for name in ("root:0/more.zip", "builtin:digits"):
        with pytest.raises(SettingsError, match="no folder"):
            places.listing(name, settings)


def test_a_long_listing_is_cut_and_says_so(settings, monkeypatch):
    monkeypatch.setattr(places, "MAX_LISTED", 1)
    found = places.listing("root:0/squares", settings)
    assert len(found["folders"]) == 1
    assert found["left_out"] == 1


def test_a_search_is_bounded_and_models_hold_no_others(settings, monkeypatch):
    root = settings.data[0]
    (root / "model" / "inner").mkdir(parents=True)
    (root / "model" / "settings.json").write_text("{}")
    found = [name for name, _ in places.folders_below(settings)]
    assert "root:0/model" in found
    assert "root:0/model/inner" not in found
    monkeypatch.setattr(places, "MAX_FOLDERS", 2)
    assert len(list(places.folders_below(settings))) == 2


def test_without_allowed_folders_there_is_nothing_to_be_found(tmp_path):
    settings = WebSettings(home=tmp_path)
    assert list(places.folders_below(settings)) == []
    assert [one["id"] for one in places.sets(settings)] == ["builtin:digits", "builtin:shapes"]


def test_what_the_server_imports_of_gans_computes_nothing():
    script = (
        "import sys, scumble.web.api.data, scumble.web.api.models, scumble.web.api.labels, scumble.web.gan.pages\n"
        "assert not {'torch', 'numpy'} & sys.modules.keys(), 'heavy'\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_what_is_offered_is_what_the_library_opens():
    assert tuple(opener.FILE_KINDS) == places.ARCHIVES
    assert list(places.BUILT_IN) == list(opener.BUILT_IN)
