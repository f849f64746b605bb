"""Every page of `scumble web` as a picture, at a desk and on a phone, in light and dark: to be looked at.

    PYTHONPATH=tests python recipes/screenshots.py FOLDER [--docs docs/pictures]

A server of its own paints docs/pictures/photo.jpg in several ways and trains a small GAN on the built-in digits, which
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
SHOWN = ("paint", "job", "jobs", "train", "model")
"""Pages that the documentation shows."""
WIDTH = 1200
"""Pixels of a picture for the documentation."""
DIGITS = {"images": 8_000, "width": 16, "lr": 1e-3, "preset": "dcgan"}
"""Settings of a GAN that learns to draw something within minutes."""
AWAITED = {"paint": f"{page.PICTURE}[src^='blob:']", "model": "#samples img", "train": "#grid"}
"""Pictures that take longer than their page."""
LONG = 3600
"""Seconds to wait on a machine that has other things to do."""


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
                for_docs(options.folder / f"{name}-wide-light.png", options.docs / f"web-{name}.jpg")


def pages(server: Served) -> Iterator[tuple[str, str]]:
    """The names and addresses of all pages, made to show something."""
    yield "empty", "/"
    yield "gallery-empty", "/gallery"
    yield "jobs-empty", "/jobs"
    yield "models-empty", "/models"
    content = page.uploaded(server, PHOTO)
    done = painting(server, content, page.uploaded(server, PAINTING), size=512)
    page.wait(server, done, seconds=LONG)
    for style in ("shelf:waves", "shelf:garden", "shelf:night"):
        page.wait(server, painting(server, content, style, size=512, preset="instant"), seconds=LONG)
    yield "paint", f"/?again={done}"
    yield "job", f"/jobs/{done}"
    yield "gallery", "/gallery"
    yield "train-empty", "/train"
    inputs = {"data": ["builtin:digits"]}
    run = server.send("/api/jobs", {"kind": "train", "title": "Digits", "settings": DIGITS, "inputs": inputs})["id"]
    page.wait(server, run, seconds=LONG)
    yield "train", f"/train?job={run}"
    yield "models", "/models"
    yield "model", f"/models/job:{run}"
    yield "labels", f"/labels?model=job:{run}"
    painting(server, content, "shelf:night", size=768, steps=3000)
    painting(server, content, "shelf:mosaic", size=1024)
    painting(server, content, "shelf:ink", size="A4")
    yield "jobs", "/jobs"


def painting(server: Served, content: str, style: str, **settings: object) -> str:
    """A job that was just asked for."""
    inputs = {"content": [content], "style": [style]}
    return server.send("/api/jobs", {"kind": "stylize", "settings": settings, "inputs": inputs})["id"]


def shots(browser: Browser, name: str, path: str, folder: Path) -> None:
    """A page in both widths and both schemes of colours: what is seen first, and for the phone all of it."""
    for width in WIDTHS:
        browser.resize(width)
        for scheme in ("light", "dark"):
            browser.prefer(scheme)
            browser.open(path)
            browser.quiet(1.5)
            if name in AWAITED:
                browser.loaded(AWAITED[name])
            if name == "job":
                browser.labelled("Before / after").click()
            browser.screenshot(folder / f"{name}-{width}-{scheme}.png", whole=width == "phone")
            print(f"{name}-{width}-{scheme}.png", flush=True)


def for_docs(source: Path, target: Path) -> None:
    """A shot for the documentation."""
    with Image.open(source) as shot:
        height = round(shot.height * WIDTH / shot.width)
        shot.convert("RGB").resize((WIDTH, height), Image.Resampling.LANCZOS).save(target, quality=80, optimize=True)


if __name__ == "__main__":
    main()
