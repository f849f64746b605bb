"""Whatever is asked for: an answer in words, no fault, and nothing written outside of the page's folder."""

import itertools
import random
from urllib.parse import quote

import pytest

IDS = [
    "..", "../..", "%2e%2e", "root:0/../home", "root:0/..%2f..", "root:99999999999999999999", "root:0/\u202e", "job:*",
    "root:0/%00", "labels:0123456789abcdef", "zip:" + "f" * 64, "job:20260102-030405-0123abcd", "a" * 5000, ":", "\n",
    "root:0/squares/dark/0.png", "builtin:digits", "hf:owner/name", "<script>alert(1)</script>", "root:0/{x}",
]  # fmt: skip
BODIES = [
    b"", b"{", b"[]", b"null", b'{"seeds": [1e999]}', b'{"seeds": [0], "truncation": NaN}', b'{"seeds": [[0]]}',
    b'{"data": "../.."}', b'{"data": {"a": 1}}', b'{"classes": [null]}', b'{"picture": 1e400, "class": 0}',
    b'{"picture": 0, "class": 99999999999999999999}', b"\xff\xfe", b"[" * 5000, b'{"seeds": [0], "model": "/etc"}',
]  # fmt: skip
WAYS = [
    "/api/data/{}", "/api/models/{}", "/api/models/{}/progress", "/api/models/{}/picture", "/api/models/{}/grids/7",
    "/api/models/{}/samples", "/api/models/{}/walk", "/api/models/{}/film", "/api/labels", "/api/labels/{}",
    "/api/labels/{}/classes", "/api/labels/{}/labels", "/api/labels/{}/pictures/3", "/api/labels/{}/labels.csv",
    "/api/sorted/{}", "/api/sorted/{}/pictures/1", "/api/sorted/{}/labels.csv", "/api/data",
]  # fmt: skip


@pytest.fixture
def before(tmp_path, settings):
    return sorted(path for path in tmp_path.rglob("*") if not path.is_relative_to(settings.home))


def test_nothing_that_is_asked_for_is_a_fault(client, settings, tmp_path, before):
    asked = [("GET", way, id_, None) for way, id_ in itertools.product(WAYS, IDS)]
    asked += [("POST", way, id_, body) for way, id_, body in itertools.product(WAYS, IDS, BODIES)]
    for method, way, id_, body in random.Random(0).sample(asked, 300):
        answer = client.request(method, way.format(quote(id_, safe=":/%")), content=body)
        assert answer.status_code < 500, (method, way, id_, body, answer.text)
        if answer.status_code >= 400 and answer.headers["content-type"] == "application/json":
            assert answer.json()["error"]
            assert str(tmp_path) not in answer.text
    assert before == sorted(path for path in tmp_path.rglob("*") if not path.is_relative_to(settings.home))
    assert not list(settings.home.glob("labels/*"))
