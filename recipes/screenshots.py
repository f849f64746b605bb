"""Every page of `scumble web` as a picture, at a desk and on a phone, in light and dark: to be looked at.

    PYTHONPATH=tests python recipes/screenshots.py FOLDER [--docs docs/pictures]

A server of its own paints docs/pictures/photo.jpg in two ways and trains a small GAN on the built-in digits, which
takes some minutes; then Chromium photographs the pages as the tests drive it. Those that the documentation shows go
into --docs, if it is given, as JPEG.
"""

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from PIL import Image

from web.browser import paint_page as page
from web.browser.driven import WIDTHS, Browser, Served, browsed, served

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
PHOTO, PAINTING = PICTURES / "photo.jpg", PICTURES / "painting.jpg"
SHOWN = {"paint": 1200, "jobs": 1200, "job": 1200, "gallery": 1200, "train": 1200, "model": 1200}
"""Pages that the documentation shows, and how wide in pixels."""
HIGHEST = 1400
"""Pixels of a shot that are kept: gallery and settings go on and on."""


def main(arguments: list[str] | None = None) -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description="Every page of the web page as a picture.")
    parser.add_argument("folder", type=Path, help="for all of them, as PNG")
    parser.add_argument("--docs", type=Path, help="for those that the documentation shows, as JPEG")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, served(Path(home)) as server, browsed(server) as browser:
        for name, path in pages(server):
            shots(browser, name, path, options.folder)
            if options.docs and name in SHOWN:
                shrunk(options.folder / f"{name}-wide-light.png", options.docs / f"web-{name}.jpg", SHOWN[name])


def pages(server: Served) -> Iterator[tuple[str, str]]:
    """The names and addresses of all pages, made to show something."""
    yield "paint-empty", "/"
    done = page.painted(server, PHOTO, PAINTING, size=512, preset="quick")
    page.painted(server, PHOTO, PAINTING, size=384, preset="quick", colour="content")
    yield "job", f"/jobs/{done}"
    yield "gallery", "/gallery"
    server.send(f"/api/jobs/{done}/again", {"settings": {"size": 768, "steps": 3000}})
    server.send(f"/api/jobs/{done}/again", {"settings": {"size": 1024}})
    yield "jobs", "/jobs"
    yield "train", "/train"
    yield "models", "/models"


def shots(browser: Browser, name: str, path: str, folder: Path) -> None:
    """A page in both widths and both schemes of colours."""
    for width in WIDTHS:
        browser.resize(width)
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            browser.open(path)
            if name == "paint":
                page.give(browser, PHOTO, PAINTING)
            browser.quiet(1.5)
            browser.screenshot(folder / f"{name}-{width}-{scheme}.png")
            print(f"{name}-{width}-{scheme}.png", flush=True)


def shrunk(source: Path, target: Path, width: int) -> None:
    """A shot for the documentation, of its upper part if it is high."""
    with Image.open(source) as shot:
        upper = shot.convert("RGB").crop((0, 0, shot.width, min(shot.height, HIGHEST)))
    upper.resize((width, round(upper.height * width / upper.width)), Image.Resampling.LANCZOS).save(
        target, quality=82, optimize=True
    )


if __name__ == "__main__":
    main()
