"""What is answered at once: what is asked of the process that answers, and how its answers go out."""

import base64
from typing import Any, ClassVar

import pytest

from conftest import encoded
from scumble.errors import SettingsError
from scumble.web.live.client import SupersededError


@pytest.fixture
def asked(client, monkeypatch):
    """What the process would be asked; its answer can be set."""

    class Asked(list):
        answer: ClassVar[Any] = {}

        def warm(self):
            pass

        async def ask(self, name, wanted, client=None):
            self.append((name, wanted, client))
            if isinstance(self.answer, Exception):
                raise self.answer
            return self.answer

        async def stop(self):
            pass

    client.app.state.web.live = Asked()
    return client.app.state.web.live


@pytest.fixture
def lake(client):
    (one,) = client.post("/api/uploads", files=[("files", ("lake.png", encoded(0)))]).json()
    return one["id"]


def test_a_preview_is_a_picture_of_files_that_ids_stand_for(client, asked, lake):
    asked.answer = {"picture": base64.b64encode(b"jpeg").decode(), "type": "image/jpeg", "width": 1, "height": 1}
    body = {"content": lake, "styles": ["shelf:waves"], "settings": {"strength": 0.5}, "client": "me"}
    answer = client.post("/api/preview", json=body)
    assert (answer.content, answer.headers["content-type"]) == (b"jpeg", "image/jpeg")
    ((name, wanted, who),) = asked
    assert (name, who, wanted["settings"]) == ("preview", "me", {"strength": 0.5})
    assert wanted["inputs"]["content"] == [str(client.app.state.web.uploads.path(lake))]
    assert wanted["inputs"]["style"][0].endswith("waves.jpg")


def test_a_plan_is_told(client, asked, lake):
    asked.answer = {"width": 64, "height": 48, "memory_bytes": 1, "seconds": 2.0, "text": "64 x 48"}
    body = {"kind": "stylize", "settings": {}, "inputs": {"content": [lake], "style": ["shelf:ink"]}}
    assert client.post("/api/plan", json=body).json() == asked.answer


def test_no_path_of_a_request_gets_there(client, asked, lake):
    for bad in ("/etc/passwd", "../x", "root:0/x", "http://evil.example/x.png"):
        for body in ({"content": bad, "styles": ["shelf:ink"]}, {"content": lake, "styles": [bad]}):
            assert client.post("/api/preview", json=body).status_code == 400
    assert not asked


def test_what_was_overtaken_and_what_is_wrong_are_told_apart(client, asked, lake):
    body = {"content": lake, "styles": ["shelf:ink"]}
    asked.answer = SupersededError("another question")
    assert client.post("/api/preview", json=body).status_code == 409
    asked.answer = SettingsError("size: got 0, wanted a whole number from 1")
    answer = client.post("/api/preview", json=body)
    assert (answer.status_code, answer.json()["field"]) == (400, "size")
