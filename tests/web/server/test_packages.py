"""What `pip install 'scumble[web]'` brings: few packages, and all of them in the lock."""

import re
import tomllib
from importlib.metadata import requires

from packaging.requirements import Requirement

from conftest import REPOSITORY

PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
MAX_PACKAGES = 12


def with_all_they_need(texts: list[str]) -> set[str]:
    found: set[str] = set()
    while texts:
        one = Requirement(texts.pop())
        name = one.name.lower().replace("_", "-")
        if name not in found and (one.marker is None or one.marker.evaluate({"extra": ""})):
            found.add(name)
            texts += requires(name) or []
    return found


def test_the_page_brings_few_packages_and_all_are_pinned():
    base, web = PROJECT["dependencies"], PROJECT["optional-dependencies"]["web"]
    brought = with_all_they_need([*base, *web]) - with_all_they_need([*base])
    assert {"starlette", "uvicorn", "python-multipart"} <= brought
    assert len(brought) <= MAX_PACKAGES, brought
    lock = (REPOSITORY / "requirements.lock").read_text().lower().replace("_", "-")
    assert not {name for name in brought if not re.search(rf"^{name}==", lock, re.MULTILINE)}
