"""Names and recipes are written by strangers: whatever they hold is shown as text, and nothing of it runs."""

import json
import shutil

import pytest
from PIL.PngImagePlugin import PngInfo

from conftest import photograph
from web.browser import paint_page as page
from web.browser.driven import until

NAME = "<img src=x onerror=document.title='ran'>.png"
SCRIPT = "</script><script>document.title='ran'</script><svg onload=document.title='ran'>"


@pytest.fixture
def recipe_with_script(tmp_path, server, pictures):
    """A picture whose recipe is one of ours, but for script wherever a text may stand."""
    [(name, data)] = server.results(page.painted(server, *pictures, size=64, steps=2)).items()
    (tmp_path / name).write_bytes(data)
    from scumble.image import recipe

    made_by = recipe.read(tmp_path / name)
    assert made_by is not None
    spoiled = json.loads(json.dumps(made_by), object_hook=with_script)
    info = PngInfo()
    info.add_itxt("scumble", json.dumps(spoiled))
    photograph(64, 60).save(tmp_path / "recipe.png", pnginfo=info)
    return tmp_path / "recipe.png"


def with_script(values):
    return {name: SCRIPT if name in ("name", "version", "backbone") else value for name, value in values.items()}


def nothing_ran(browser) -> None:
    browser.quiet()
    assert "ran" not in browser.driver.title
    assert browser.driver.execute_script("return document.querySelectorAll('[onerror], [onload]').length") == 0


def test_a_file_name_does_not_run(browser, server, pictures, tmp_path):
    named = tmp_path / NAME
    shutil.copy(pictures[0], named)
    browser.open()
    page.drop(browser, named, pictures[1])
    nothing_ran(browser)
    page.set_to(browser, size=64, steps=2)
    job = page.paint(browser)
    page.wait(server, job)
    for path in ("/", "/jobs", f"/jobs/{job}", "/gallery"):
        browser.open(path)
        browser.one("main")
        nothing_ran(browser)
    assert "onerror" in server.fetch("/api/jobs").decode()  # the name was there to be shown


def test_a_recipe_does_not_run(browser, recipe_with_script):
    browser.open()
    page.drop(browser, recipe_with_script)
    until(lambda: "script" in browser.text(), "the recipe's words are shown")
    nothing_ran(browser)
