"""How long `scumble web` lets people wait, and what it holds while it waits for them.

    PYTHONPATH=tests python recipes/web_seconds.py [--times 3]

Seconds from the command to the first page, from letting go of two pictures to their first instant preview (the first
of them starts a process, the second finds it), from the click on Paint to the first live preview and to the result; MB
of the idle server (its resident set).
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from web.browser import paint_page as page
from web.browser.driven import Browser, browsed, served

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
PHOTO, PAINTING = PICTURES / "photo.jpg", PICTURES / "painting.jpg"


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description="How long the web page lets people wait.")
    parser.add_argument("--times", type=int, default=3, help="how often; the median and all of them are printed")
    options = parser.parse_args(arguments)
    figures: dict[str, list[float]] = {}
    for _ in range(options.times):
        with tempfile.TemporaryDirectory() as home:
            for name, value in once(Path(home)).items():
                figures.setdefault(name, []).append(value)
    for name, values in figures.items():
        print(f"{name}: {statistics.median(values):.2f}", "(" + ", ".join(f"{value:.2f}" for value in values) + ")")


def once(home: Path) -> dict[str, float]:
    """All figures of one server, from its first start."""
    found: dict[str, float] = {}

    def timed(name: str, action: Callable[[], object]) -> None:
        start = time.monotonic()
        action()
        found[name] = time.monotonic() - start

    start = time.monotonic()
    with served(home) as server:
        found["start to first answer, s"] = time.monotonic() - start
        found["idle server, MB"] = server.memory() / 1e6
        with browsed(server) as browser:
            timed("first page, s", lambda: browser.open("/") or browser.one("main"))
            timed("drop to first preview, s", lambda: previewed(browser))
            browser.driver.execute_script("localStorage.clear()")  # where the page keeps what was chosen
            browser.open("/")
            timed("drop to preview, process there, s", lambda: previewed(browser))
            start = time.monotonic()
            job = page.paint(browser)
            page.live(browser, job)
            found["Paint to live preview, s"] = time.monotonic() - start
            page.finished(browser, job)
            found["Paint to result, s"] = time.monotonic() - start
            found["server after a picture, MB"] = server.memory() / 1e6
    return found


def previewed(browser: Browser) -> None:
    """Drop both, and wait for the instant preview."""
    page.drop(browser, PHOTO, PAINTING)
    browser.loaded(f"{page.PICTURE}[src^='blob:']")


if __name__ == "__main__":
    main()
