"""A person paints: drops two files, watches, reloads, looks from elsewhere, and finds everything again."""

import io
import json

import numpy as np
import pytest
from PIL import Image
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from web.browser import paint_page as page
from web.browser.driven import until

QUICK = {"size": 64, "steps": 4}
LONG = {"size": 96, "steps": 4000}


def test_two_files_are_dropped_and_become_a_picture(browser, server, pictures):
    browser.open()
    page.drop(browser, *pictures)
    browser.loaded(f"{page.PICTURE}[src^='blob:']")  # the instant preview
    page.set_to(browser, size=96, steps=60)
    job = page.paint(browser)
    page.live(browser, job)
    page.finished(browser, job)
    [data] = server.results(job).values()
    with Image.open(io.BytesIO(data)) as picture:
        assert max(picture.size) == 96
        assert json.loads(picture.info["scumble"])["settings"]["steps"] == 60


def test_four_clicks_lead_from_the_empty_page_to_a_picture(browser, server, pictures):
    """The photograph's dialogue and the file in it, a painting of the shelf, Paint."""
    browser.open()
    browser.driver.find_element(By.ID, "photograph").send_keys(str(pictures[0]))
    browser.one("#shelf .pick").click()
    page.set_to(browser, **QUICK)  # no click, and only for the test's sake
    job = page.paint(browser)
    page.wait(server, job)
    page.finished(browser, job)


@pytest.mark.slow  # some ten seconds
def test_the_page_shows_the_same_after_a_reload_and_in_a_second_browser(browser, browse, server, pictures):
    browser.open()
    page.give(browser, *pictures)
    page.set_to(browser, **LONG)
    job = page.paint(browser)
    page.live(browser, job)
    browser.driver.refresh()
    page.live(browser, job)
    other = browse(server)
    other.open(f"/jobs/{job}")
    page.live(other, job)
    other.labelled("Stop").click()
    page.wait(server, job, "cancelled")
    for each in (browser, other):  # the picture so far is kept, and seen without a reload
        page.finished(each, job)


@pytest.mark.slow  # some ten seconds
def test_the_queue_is_the_same_in_two_browsers(browse, server, pictures):
    first, second = browse(server), browse(server)
    for each in (first, second):
        each.open("/jobs")
    inputs = {"content": [page.uploaded(server, pictures[0])], "style": [page.uploaded(server, pictures[1])]}
    job = server.send("/api/jobs", {"kind": "stylize", "settings": LONG, "inputs": inputs})["id"]
    row = f"[data-job='{job}']"
    for each in (first, second):
        each.one(f"{row} [data-state=running]")
    first.one(row).find_element(By.CSS_SELECTOR, "[aria-label*=Pause], [title*=Pause]").click()
    for each in (first, second):
        each.one(f"{row} [data-state=paused]")
    server.send(f"/api/jobs/{job}", method="DELETE")
    for each in (first, second):
        until(lambda each=each: not each.all(row), "the row is gone")


def test_a_dropped_picture_brings_its_settings_back(browser, server, pictures, tmp_path):
    job = page.painted(server, *pictures, size=72, steps=3, strength=0.6)
    [data] = server.results(job).values()
    (tmp_path / "painted.png").write_bytes(data)
    browser.open()
    page.drop(browser, tmp_path / "painted.png")
    for setting, value in {"steps": "3", "size": "72", "strength": "0.6"}.items():
        control = page.setting(browser, setting)
        until(lambda c=control, v=value: c.get_attribute("value") == v, f"{setting} is {value} again")
    until(lambda: browser.one("#start").is_enabled(), "its photograph and its painting are back, too")


@pytest.mark.slow  # some ten seconds
def test_what_is_brushed_stays_the_photograph(browser, server, pictures):
    browser.open()
    page.give(browser, *pictures)
    page.set_to(browser, size=96, steps=4)
    browser.labelled("Brush").click()
    browser.labelled("Stays as it is").click()
    surface = browser.one("canvas.surface")
    ActionChains(browser.driver).move_to_element(surface).click_and_hold().move_by_offset(4, 0).release().perform()
    job = page.paint(browser)
    assert len(page.wait(server, job)["inputs"]["protect"]) == 1
    [data] = server.results(job).values()
    with Image.open(io.BytesIO(data)) as painted, Image.open(pictures[0]) as photo:
        difference = np.abs(np.asarray(painted, np.float32) - np.asarray(photo, np.float32)).mean(2)
    assert difference[38:42, 46:50].max() < 4 < difference[:8].mean()


@pytest.mark.slow  # some ten seconds
def test_the_keyboard_alone_paints_a_picture(browser, server, pictures):
    """No pointer touches the page; it can be seen all the time where the keys go to."""
    browser.open()
    to(browser, "Choose a photograph").send_keys(str(pictures[0]))  # the dialogue itself is the desktop's
    until(lambda: page.uploads(browser), "the photograph has arrived")
    browser.one("#shelf .pick")
    painting = browser.one("#shelf .pick").accessible_name
    to(browser, painting)
    browser.keys(Keys.ENTER)
    to(browser, "Size").send_keys(Keys.CONTROL, "a", Keys.NULL, "64")
    until(lambda: browser.one("#start").is_enabled(), "there is something to start")
    to(browser, "Paint")
    browser.keys(Keys.ENTER)
    job = page.shown(browser)
    page.wait(server, job)
    page.finished(browser, job)
    to(browser, "Before / after")
    browser.keys(Keys.SPACE)
    to(browser, "How much of the photograph")
    browser.keys(Keys.ARROW_RIGHT)


MARKED = """
for (let part = arguments[0], n = 0; part && n < 5; part = part.parentElement, n += 1)
  for (const one of [part, ...part.children])
    for (const pseudo of [null, "::before", "::after"])
      if (getComputedStyle(one, pseudo).outlineStyle !== "none") return true;
return false"""
"""Whether an outline is drawn at an element, or at what stands around or inside it."""


def to(browser, name):
    """Press Tab until the focus is on what has a name, which has to be marked as focused then."""
    for _ in range(120):
        browser.keys(Keys.TAB)
        focused = browser.driver.switch_to.active_element
        if focused.accessible_name.startswith(name) and focused.tag_name != "a":
            marked = browser.driver.execute_script(MARKED, focused)
            assert marked, f"nothing shows that the focus is on {name!r}"
            return focused
    raise AssertionError(f"Tab does not lead to {name!r}")
