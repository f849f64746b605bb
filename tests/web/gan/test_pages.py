"""The pages of GANs: all of their words are there, and no text of theirs is a script's or a style's."""

import re
from pathlib import Path
from typing import Any

import pytest

import scumble.web
from scumble.web.pages import WORDS
from scumble.web.settings import WebSettings
from web_client import opened

WEB = Path(scumble.web.__file__).parent
SCRIPTS = ["train-setup", "train-watch", "picker", "model", "models", "labels", "labelling", "classify"]
PAGES = ["/train", "/train?job=20260102-030405-0123abcd", "/models", "/models/root:0/cats", "/labels", "/labels/ab"]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    with opened(WebSettings(home=tmp_path_factory.mktemp("home"))) as client:
        return {page: client.get(page) for page in PAGES}


def word(way: str) -> Any:
    """What a template finds there: where a word is called like one of a dictionary's methods, that is the method."""
    found: Any = WORDS
    for part in way.split("."):
        found = getattr(found, part, None) or found[part]
    return found


@pytest.mark.parametrize("template", ["train", "models", "model", "labels"])
def test_every_word_that_a_template_uses_is_there(template):
    text = (WEB / "templates" / f"{template}.html").read_text()
    ways = re.findall(r"{{ words\.([\w.]+) }}", text)
    assert ways
    assert all(isinstance(word(way), str) for way in ways)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_in_a_page_needs_what_its_policy_forbids(page, pages):
    assert pages[page].status_code == 200
    text = pages[page].text
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", text)
    assert all(script.endswith("></script>") for script in re.findall(r"<script.*", text))


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_word_that_a_script_uses_is_there(name):
    script = (WEB / "static" / f"{name}.js").read_text()
    (of,) = re.findall(r"^const texts = words\.([\w.]+);", script, re.MULTILINE)
    assert all(used in word(of) for used in re.findall(r"\btexts\.(\w+)", script))
    assert "innerHTML" not in script
