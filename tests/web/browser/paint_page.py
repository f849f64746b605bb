"""What a person does on the page for painting, in words: the tests say what, and here alone stands where to click."""

from pathlib import Path
from typing import Any

import httpx
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from web.browser.driven import Browser, Served, until

PICTURE = ".viewer-frame > img"
"""The large picture: the photograph, its preview, or a job's newest picture."""


def drop(browser: Browser, *files: Path) -> None:
    """Let go of files anywhere on the page: a photograph, and paintings after it."""
    before = previews(browser)
    browser.drop(browser.one("main"), *files)
    if len(files) > 1:
        until(lambda: previews(browser) > before, "the instant preview of what was dropped")


def give(browser: Browser, photograph: Path, painting: Path) -> None:
    """Choose them in the dialogues that the page opens for files."""
    for name, file in (("photograph", photograph), ("painting", painting)):
        before = uploads(browser)
        browser.driver.find_element(By.ID, name).send_keys(str(file))
        until(lambda before=before: uploads(browser) > before, f"{file.name} has arrived")
    until(lambda: browser.one("#start").is_enabled(), "there is something to start")


def uploads(browser: Browser) -> int:
    """How many uploads the page has been answered since it was opened."""
    return answered(browser, "/api/uploads")


def previews(browser: Browser) -> int:
    """How many instant previews the page has been given since it was opened."""
    return answered(browser, "/api/preview")


def answered(browser: Browser, path: str) -> int:
    """How many requests of the page for a path have succeeded."""
    script = """
        const good = one => new URL(one.name).pathname === arguments[0] && Math.floor(one.responseStatus / 100) === 2;
        return performance.getEntriesByType("resource").filter(good).length"""
    return browser.driver.execute_script(script, path)


def setting(browser: Browser, name: str) -> WebElement:
    """The control of a setting, unfolded."""
    control = browser.driver.find_element(By.CSS_SELECTOR, f"[data-name={name}] :is(input, select)")
    unfold = "for (let e = arguments[0]; e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true"
    browser.driver.execute_script(unfold, control)
    return control


def set_to(browser: Browser, **values: Any) -> None:
    """Type settings."""
    for name, value in values.items():
        setting(browser, name).send_keys(Keys.CONTROL, "a", Keys.NULL, str(value))


def paint(browser: Browser) -> str:
    """Start it; the identifier of the job, whose page is shown next."""
    browser.one("#start").click()
    return shown(browser)


def shown(browser: Browser) -> str:
    """The job whose page this is, or is about to be."""
    until(lambda: "/jobs/" in browser.driver.current_url, "the job's page is there")
    return browser.driver.current_url.rpartition("/")[2]


def live(browser: Browser, job: str) -> str:
    """The newest preview of a job at work, on its page."""
    return browser.loaded(f"{PICTURE}[src*='{job}/files/preview']")


def finished(browser: Browser, job: str) -> str:
    """The result of a job, on its page."""
    return browser.loaded(f"{PICTURE}[src*='{job}/files/result']")


def uploaded(server: Served, file: Path, name: str | None = None) -> str:
    """A file's identifier, given by a program."""
    with file.open("rb") as stream:
        answer = httpx.post(f"{server.address}/api/uploads", files={"file": (name or file.name, stream)}, timeout=60)
    answer.raise_for_status()
    return answer.json()[0]["id"]


def painted(server: Served, content: Path, style: Path, **settings: Any) -> str:
    """A finished job, asked for by a program."""
    inputs = {"content": [uploaded(server, content)], "style": [uploaded(server, style)]}
    job = server.send("/api/jobs", {"kind": "stylize", "settings": settings, "inputs": inputs})
    return wait(server, job["id"])["id"]


def wait(server: Served, job: str, state: str = "done", seconds: float = 240) -> dict[str, Any]:
    """A job, once it is in a state; fails at once if it can no longer come there."""

    def look() -> dict[str, Any] | None:
        found = server.get(f"/api/jobs/{job}")
        assert found["state"] == state or found["state"] not in ("done", "failed", "cancelled"), found
        return found if found["state"] == state else None

    return until(look, f"job {job} is {state}", seconds)
