"""What a person does on the page for painting, in words: the tests say what, and here alone stands where to click."""

from pathlib import Path
from typing import Any

import httpx
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from web.browser.driven import Browser, Served, until

LIVE, FINISHED = "#preview", "#result"


def give(browser: Browser, place: str, *files: Path) -> None:
    """Choose files in the dialogue that a click on `content` or `styles` opens."""
    browser.driver.find_element(By.CSS_SELECTOR, f"#{place} input[type=file]").send_keys("\n".join(map(str, files)))
    thumbnail(browser, place)


def drop(browser: Browser, place: str, *files: Path) -> None:
    """Let go of files over `content` or `styles`."""
    browser.drop(browser.one(f"#{place}"), *files)
    thumbnail(browser, place)


def thumbnail(browser: Browser, place: str) -> str:
    """The picture that stands in a place now, once it is there."""
    return browser.loaded(f"#{place} img")


def setting(browser: Browser, name: str) -> WebElement:
    """The control of a setting, unfolded."""
    control = browser.driver.find_element(By.CSS_SELECTOR, f"[name={name}]")
    browser.driver.execute_script(
        "for (let e = arguments[0]; e; e = e.parentElement) if ('open' in e) e.open = true", control
    )
    return control


def set_to(browser: Browser, **values: Any) -> None:
    """Give settings, as their controls would be: with the events that the browser sends."""
    for name, value in values.items():
        browser.driver.execute_script(
            "const [e, v] = arguments; e.value = v;"
            "for (const kind of ['input', 'change']) e.dispatchEvent(new Event(kind, {bubbles: true}))",
            setting(browser, name),
            str(value),
        )


def paint(browser: Browser) -> str:
    """Start it; the job's identifier, once the server has it."""
    before = {job["id"] for job in browser.server.jobs()}
    browser.one("#paint").click()
    return until(
        lambda: next((j["id"] for j in browser.server.jobs() if j["id"] not in before), None), "a job is there"
    )


def uploaded(server: Served, file: Path, name: str | None = None) -> str:
    """A file's identifier, given by a program."""
    with file.open("rb") as stream:
        answer = httpx.post(f"{server.address}/api/uploads", files={"file": (name or file.name, stream)}, timeout=60)
    answer.raise_for_status()
    return answer.json()[0]["id"]


def painted(server: Served, content: Path, style: Path, **settings: Any) -> str:
    """A finished job, asked for by a program."""
    inputs = {"content": [uploaded(server, content)], "styles": [uploaded(server, style)]}
    job = server.send("/api/jobs", {"kind": "stylize", "settings": settings, "inputs": inputs})
    return wait(server, job["id"])["id"]


def wait(server: Served, job: str, state: str = "done", seconds: float = 240) -> dict[str, Any]:
    """A job, once it is in a state; fails at once if it can no longer come there."""

    def look() -> dict[str, Any] | None:
        found = server.get(f"/api/jobs/{job}")
        assert found["state"] == state or found["state"] not in ("done", "failed", "cancelled"), found
        return found if found["state"] == state else None

    return until(look, f"job {job} is {state}", seconds)
