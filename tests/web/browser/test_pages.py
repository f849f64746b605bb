"""What holds for every page: it fits a phone, keeps nobody out, asks nobody else, and its console is empty."""

import pytest

from web.browser import paint_page as page
from web.browser.driven import until

NAMES = {
    "/jobs": "Queue",
    "/gallery": "Gallery",
    "/train": "Train",
    "/models": "Models",
    "/labels": "Sort",
    "/": "Paint",
}
PAGES = [*NAMES, "/jobs/{job}"]


@pytest.fixture(scope="module")
def job(server, pictures) -> str:
    """A finished painting, so that pages have something to show."""
    return page.painted(server, *pictures, size=64, steps=4)


@pytest.mark.parametrize("path", PAGES)
def test_a_page_keeps_nobody_out(browser, axe, job, path):
    """In light and dark, at a desk and on a phone; `browser` looks at the console and at whom the page asks."""
    browser.open(path.format(job=job))
    browser.one("main")
    for width in ("wide", "phone"):
        browser.resize(width)
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            browser.quiet()
            assert browser.barriers(axe) == [], f"{width}, {scheme}"
        assert browser.sideways() <= 0, f"{width}: the page is wider than its window"
    assert len(browser.all("h1")) == 1
    assert browser.driver.title


def test_every_page_is_reached_by_its_name(browser):
    browser.open()
    for path, name in NAMES.items():
        browser.labelled(name).click()
        until(lambda path=path: browser.driver.current_url == browser.server.address + path, f"{path} is there")
        assert name in browser.driver.title


def test_what_is_not_there_is_told_in_words(browser):
    browser.forgive("404")
    browser.open("/jobs/20000101-000000-00000000")
    until(lambda: "not here" in browser.text(), "words that say so")
    browser.open("/nothing")
    assert "Traceback" not in browser.text()
    assert browser.text().strip()


def test_a_page_whose_server_was_gone_for_a_moment_asks_it_again(browser, server, pictures):
    photograph, painting = (page.uploaded(server, file) for file in pictures)
    wanted = {"kind": "stylize", "settings": {"size": 64, "steps": 5000}}
    job = server.send("/api/jobs", wanted | {"inputs": {"content": [photograph], "style": [painting]}})["id"]
    browser.open(f"/jobs/{job}")
    until(lambda: browser.one("#state").get_attribute("data-state") in ("queued", "running"), "the job is shown")
    browser.driver.execute_script(
        "const asked = window.fetch; window.missed = 0;"
        "window.fetch = (...what) => what[0].startsWith('/api/jobs/') && window.missed++ < 2"
        " ? Promise.reject(new TypeError('gone')) : asked(...what);"
    )
    server.send(f"/api/jobs/{job}/cancel")
    until(lambda: browser.one("#state").get_attribute("data-state") == "cancelled", "its state is told in the end")
    assert browser.driver.execute_script("return window.missed") > 2


def test_motion_is_left_out_for_those_whom_it_makes_ill(browser, job):
    browser.prefer("light", motion="reduce")
    for path in PAGES:
        browser.open(path.format(job=job))
        browser.one("main")
        moving = browser.driver.execute_script(
            "return document.getAnimations().filter(a => a.effect.getComputedTiming().duration > 10).length"
        )
        assert moving == 0, path
