"""The commands that list and clear the cache."""

import json

from conftest import photographs, run, source_of
from scumble.data.dataset import prepare
from scumble.events import returned


def test_the_cache_is_listed_and_cleared(capsys):
    assert run("cache") == 0
    assert "nothing is in" in capsys.readouterr().out
    returned(prepare(source_of(photographs(16), name="holiday")))
    assert run("cache") == 0
    assert "holiday" in capsys.readouterr().out
    assert run("cache", "--json") == 0
    (row,) = json.loads(capsys.readouterr().out)["cache"]
    assert (row["name"], row["pictures"]) == ("holiday", 16)
    assert run("cache", "clear", "other") == 1
    assert "nothing called 'other'" in capsys.readouterr().err
    assert run("cache", "clear", "--json") == 0
    assert json.loads(capsys.readouterr().out)["removed"] == ["holiday"]
    assert run("cache", "clear") == 0
