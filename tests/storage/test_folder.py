"""Folders that explain themselves: settings.json is of one version and one kind, and whole or not there."""

import json

import pytest

from scumble.errors import RunError
from scumble.storage import folder


def test_facts_come_back_with_their_version_and_kind(tmp_path):
    folder.write_facts(tmp_path, "gan", {"seed": 3})
    assert folder.read_facts(tmp_path, "gan") == {"format_version": folder.FORMAT_VERSION, "seed": 3, "kind": "gan"}
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def test_facts_that_were_read_are_written_to_the_same_bytes(tmp_path):
    folder.write_facts(tmp_path, "gan", {"seed": 3})
    before = (tmp_path / "settings.json").read_bytes()
    folder.write_facts(tmp_path, "gan", folder.read_facts(tmp_path, "gan"))
    assert (tmp_path / "settings.json").read_bytes() == before


def test_facts_that_are_kept_in_another_kind_of_folder_change_their_kind(tmp_path):
    folder.write_facts(tmp_path, "gan", {"seed": 3})
    folder.write_facts(tmp_path, "classifier", folder.read_facts(tmp_path, "gan"))
    assert folder.read_facts(tmp_path, "classifier")["kind"] == "classifier"
    with pytest.raises(RunError, match="holds no gan: its settings.json is of the kind 'classifier'"):
        folder.read_facts(tmp_path, "gan")


def test_a_folder_of_before_there_were_kinds_is_of_any(tmp_path):
    (tmp_path / "settings.json").write_text(json.dumps({"format_version": 1, "seed": 3}))
    assert folder.read_facts(tmp_path, "gan")["seed"] == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not scumble's or cannot be read"),
        ("[]", "is not scumble's or cannot be read"),
        ("{}", "is not scumble's or cannot be read"),
        ('{"format_version": 99}', "is of format 99; this version of scumble reads formats 1 and 2"),
    ],
)
def test_what_is_not_ours_is_one_line(tmp_path, text, said):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(RunError, match=said) as raised:
        folder.read_facts(tmp_path, "gan")
    assert "\n" not in str(raised.value)


def test_facts_without_an_end_are_not_read_to_it(tmp_path):
    with (tmp_path / "settings.json").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(RunError, match="is longer than"):
        folder.read_facts(tmp_path, "gan")
