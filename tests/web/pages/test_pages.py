"""The pages as they leave the server, and what their scripts may never do. What they do, tests in a browser show."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("starlette", reason="needs scumble[web]")
pytest.importorskip("httpx", reason="needs httpx, with which Starlette is tested")

from scumble.web import pages
from scumble.web.settings import WebSettings
from web_client import opened

SCRIPTS = sorted((pages.HERE / "static").glob("*.js"))
TEMPLATES = sorted((pages.HERE / "templates").glob("*.html"))
REFERENCE = re.compile(r"(?<![.\w])words((?:\??\.\w+)+)")


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with opened(WebSettings(home=tmp_path_factory.mktemp("home"))) as client:
        yield client


@pytest.mark.parametrize("address", ["/", "/jobs", "/jobs/20260101-000000-00000000", "/gallery"])
def test_a_page_has_a_language_a_title_and_one_heading_and_a_way_past_the_navigation(client, address):
    answer = client.get(address)
    assert answer.status_code == 200
    text = answer.text
    assert '<html lang="en">' in text
    assert re.search(r"<title>\w+ · scumble</title>", text)
    assert text.count("<h1") == 1
    assert 'href="#main"' in text
    assert text.count("aria-current") == 1


def test_scripts_get_the_words_as_a_module(client):
    answer = client.get("/words.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert json.loads(answer.text.removeprefix("export default ").rstrip().removesuffix(";")) == pages.WORDS


def test_files_are_asked_for_again_and_seldom_sent_again(client):
    first = client.get("/static/style.css")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/static/style.css", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("address", ["/static/../pages.py", "/static/%2e%2e/pages.py", "/static/", "/static/none.js"])
def test_nothing_else_is_handed_out(client, address):
    assert client.get(address).status_code == 404


def without_comments(path: Path) -> str:
    return re.sub(r"^\s*(//|\*|/\*\*).*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_no_markup_of_text_and_ask_nobody_else(path):
    text = without_comments(path)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc", text)
    assert set(re.findall(r"https?://[^\s\"'`]+", text)) <= {"http://www.w3.org/2000/svg"}
    assert all(name.startswith("/") for name in re.findall(r"""from ["']([^"']+)["']""", text))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_no_script_no_style_and_no_address_of_others(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|\|\s*safe", text)
    assert all(' src="/' in tag for tag in re.findall(r"<script[^>]*>", text))
    assert "//" not in re.sub(r"\{#.*?#\}", "", text)


def found(words: object, way: list[str]) -> bool:
    for name in way:
        if not isinstance(words, dict):
            return True  # a method of the text, such as replace
        if name not in words:
            return False
        words = words[name]
    return True


@pytest.mark.parametrize("path", [*SCRIPTS, *TEMPLATES], ids=lambda path: path.name)
def test_all_words_that_are_used_are_there(path):
    for reference in REFERENCE.findall(path.read_text(encoding="utf-8")):
        way = re.findall(r"\w+", reference)
        assert way == ["js"] or found(pages.WORDS, way), reference
        # A template would take a dictionary's own method for the text.
        assert path.suffix == ".js" or not hasattr(dict, way[-1]), reference


def leaves(words: dict, before: str = "") -> list[str]:
    ways = []
    for name, value in words.items():
        ways += leaves(value, f"{before}.{name}") if isinstance(value, dict) else [f"{before}.{name}"]
    return ways


def test_all_words_that_are_there_are_used():
    text = "\n".join(path.read_text(encoding="utf-8") for path in [*SCRIPTS, *TEMPLATES])
    used = {reference.replace("?", "") for reference in REFERENCE.findall(text)}
    used |= {f".{page}.title" for page in pages.PAGES}  # base.html shows that of the page
    groups = {
        way for way in used if re.search(rf"words{re.escape(way)}\??\.?\[", text)
    }  # whose texts are chosen by name
    dead = [way for way in leaves(pages.OWN_WORDS) if not any(way == one for one in used)]
    assert [way for way in dead if not any(way.startswith(f"{group}.") for group in groups)] == []


@pytest.mark.parametrize("text", leaves(pages.OWN_WORDS))
def test_texts_are_filled_with_names_that_scripts_give(text):
    value: object = pages.OWN_WORDS
    for name in text.strip(".").split("."):
        value = value[name]  # pyright: ignore[reportIndexIssue]
    assert isinstance(value, str)
    assert value == value.strip()
    assert value.count("{") == len(re.findall(r"\{\w+\}", value))
