"""A server for all tests of a module, and a browser for each, which holds them all to what holds for every page."""

import shutil
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from conftest import photograph

pytest.importorskip("selenium")

from web.browser import driven


@pytest.fixture(scope="session", autouse=True)
def chromium() -> None:
    """A browser, and what drives it."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            pytest.skip(f"needs a browser: {program} is not installed")


@pytest.fixture(scope="session")
def axe() -> str:
    """The script that looks for barriers."""
    package = find_spec("axe_core_python")
    if package is None or package.origin is None:
        pytest.skip("needs the package axe-core-python")
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def server(loopback, tmp_path_factory) -> Iterator[driven.Served]:
    with driven.served(tmp_path_factory.mktemp("web")) as server:
        yield server
        assert "Traceback" not in server.output()


@pytest.fixture
def browse() -> Iterator[Callable[[driven.Served], driven.Browser]]:
    """Opens a browser at a server, any number of times. None of them may ask others or complain in its console."""
    browsers: list[driven.Browser] = []

    def open_(server: driven.Served) -> driven.Browser:
        browsers.append(driven.Browser(server))
        return browsers[-1]

    yield open_
    try:
        for browser in browsers:
            assert browser.foreign() == []
            assert browser.complaints() == []
    finally:
        for browser in browsers:
            browser.quit()


@pytest.fixture
def browser(browse, server) -> driven.Browser:
    return browse(server)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory) -> tuple[Path, Path]:
    """A photograph and a painting, as files on the desktop."""
    folder = tmp_path_factory.mktemp("desktop")
    photograph(96, 80).save(folder / "photo.png")
    photograph(80, 96, seed=1).save(folder / "painting.png")
    return folder / "photo.png", folder / "painting.png"
