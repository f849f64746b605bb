"""Names and recipes are written by strangers: whatever they hold is shown as text, and nothing of it runs."""

import json
import shutil

import pytest
from PIL.PngImagePlugin import PngInfo

from conftest import photograph
from scumble.image import recipe
from web.browser import paint_page as page
from web.browser.driven import until

NAME = "<img src=x onerror=document.title='ran'>.png"
SCRIPT = "</script><script>document.title='ran'</script><svg onload=document.title='ran'>"


@pytest.fixture
def recipe_with_script(tmp_path, server, pictures):
    """A picture whose recipe is one of ours, but for script wherever a text may stand."""
    [data] = server.results(page.painted(server, *pictures, size=64, steps=2)).values()
    (tmp_path / "painted.png").write_bytes(data)
    made_by = recipe.read(tmp_path / "painted.png")
    info = PngInfo()
    info.add_itxt(recipe.KEYWORD, json.dumps(json.loads(json.dumps(made_by), object_hook=with_script)))
    photograph(64, 60).save(tmp_path / "recipe.png", pnginfo=info)
    return tmp_path / "recipe.png"


def with_script(values):
    return {name: SCRIPT if name == "name" else value for name, value in values.items()}


def nothing_ran(browser) -> None:
    browser.quiet()
    assert browser.driver.title != "ran"
    assert browser.driver.execute_script("return document.querySelectorAll('[onerror], [onload]').length") == 0


def test_a_file_name_does_not_run(browser, server, pictures, tmp_path):
    named = tmp_path / NAME
    shutil.copy(pictures[0], named)  # its name ends the address of its result, too
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
    until(lambda: SCRIPT in browser.text(), "the page says, in its own words, which pictures are not here")
    nothing_ran(browser)
