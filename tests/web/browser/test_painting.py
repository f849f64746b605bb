"""A person paints: drops two files, watches, reloads, looks from elsewhere, and finds everything again."""

import json

from PIL import Image
from selenium.webdriver.common.keys import Keys

from web.browser import paint_page as page
from web.browser.driven import until

QUICK = {"size": 64, "steps": 4}
LONG = {"size": 96, "steps": 4000}


def test_two_files_are_dropped_and_become_a_picture(browser, server, pictures):
    photo, painting = pictures
    browser.open()
    page.drop(browser, "content", photo)
    page.drop(browser, "styles", painting)
    page.set_to(browser, size=96, steps=60)
    job = page.paint(browser)
    assert "/files/preview" in browser.loaded(page.LIVE)
    page.wait(server, job)
    assert job in browser.loaded(page.FINISHED)
    [(name, data)] = server.results(job).items()
    (server.home.parent / name).write_bytes(data)
    with Image.open(server.home.parent / name) as picture:
        assert max(picture.size) == 96
        assert "scumble" in json.dumps(picture.info, default=str)  # its recipe


def test_four_clicks_lead_from_the_empty_page_to_a_picture(browser, server, pictures):
    photo, painting = pictures
    browser.open()
    for place, file in (("content", photo), ("styles", painting)):  # a click opens a dialogue, a second one chooses
        page.give(browser, place, file)
    page.set_to(browser, **QUICK)  # for the test's sake only
    browser.one("#paint").click()
    job = until(lambda: next(iter(server.jobs()), None), "a job is there")
    page.wait(server, job["id"])
    browser.loaded(page.FINISHED)


def test_the_page_shows_the_same_after_a_reload_and_in_a_second_browser(browser, browse, server, pictures):
    photo, painting = pictures
    browser.open()
    page.give(browser, "content", photo)
    page.give(browser, "styles", painting)
    page.set_to(browser, **LONG)
    job = page.paint(browser)
    browser.loaded(page.LIVE)
    browser.driver.refresh()
    browser.loaded(page.LIVE)
    other = browse(server)
    other.open(f"/jobs/{job}")
    other.loaded(page.LIVE)
    other.labelled("Cancel").click()
    page.wait(server, job, "cancelled")
    for each in (browser, other):  # the picture so far is kept
        each.open(f"/jobs/{job}")
        assert job in each.loaded(page.FINISHED)


def test_the_queue_is_the_same_in_two_browsers(browse, server, pictures):
    first, second = browse(server), browse(server)
    for each in (first, second):
        each.open("/jobs")
    first.driver.switch_to.new_window("tab")
    first.open()
    page.give(first, "content", pictures[0])
    page.give(first, "styles", pictures[1])
    page.set_to(first, **LONG)
    job = page.paint(first)
    row = f"[data-job='{job}']"
    second.one(f"{row}[data-state=running]")
    first.open("/jobs")
    first.one(f"{row}[data-state=running]")
    server.send(f"/api/jobs/{job}/pause")
    for each in (first, second):
        each.one(f"{row}[data-state=paused]")
    server.send(f"/api/jobs/{job}", method="DELETE")
    for each in (first, second):
        until(lambda: not each.all(row), "the row is gone")  # noqa: B023


def test_a_dropped_picture_brings_its_settings_back(browser, server, pictures, tmp_path):
    photo, painting = pictures
    browser.open()
    page.give(browser, "content", photo)
    page.give(browser, "styles", painting)
    page.set_to(browser, size=72, steps=3, strength=0.6)
    job = page.paint(browser)
    page.wait(server, job)
    [(name, data)] = server.results(job).items()
    (tmp_path / name).write_bytes(data)
    browser.open()
    browser.driver.refresh()
    page.drop(browser, "content", tmp_path / name)
    until(lambda: page.setting(browser, "steps").get_attribute("value") == "3", "the steps are back")
    assert page.setting(browser, "size").get_attribute("value") == "72"
    assert page.setting(browser, "strength").get_attribute("value") == "0.6"


def test_the_keyboard_alone_paints_a_picture(browser, server):
    """Two pictures of the shelf, by Tab, Space and Enter: no pointer touches the page."""
    browser.open()

    def to(words: str) -> None:
        for _ in range(80):
            browser.keys(Keys.TAB)
            focused = browser.driver.switch_to.active_element
            if words.lower() in focused.accessible_name.lower():
                outline = browser.driver.execute_script(
                    "const s = getComputedStyle(arguments[0]); return s.outlineStyle + s.boxShadow", focused
                )
                assert outline != "nonenone", f"{words}: it cannot be seen where the focus is"
                return
        raise AssertionError(f"Tab does not lead to {words!r}")

    to("shelf")
    browser.keys(Keys.ENTER)
