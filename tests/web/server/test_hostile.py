"""A thousand hostile requests: the server stays what it was, and writes nothing where it should not."""

import contextlib
import json

import psutil
import pytest

from conftest import encoded
from hostile import requests
from served import FORM, Server, form, parsed, read_all

COUNT = 1000
WARM = 300
"""After so many, all that is imported or kept is there."""
MAX_GROWTH = 12_000_000
"""Bytes: the memory that the server has after the rest of them may be larger by so much."""


def answered(server: Server, data: bytes, is_whole: bool) -> bytes:
    """What comes back; where nothing needs to, it is not waited for long."""
    with server.connected() as connection, contextlib.suppress(OSError):
        connection.settimeout(60 if is_whole else 1)
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
        return read_all(connection)
    return b""


def tree(folder):
    return {path: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_a_thousand_hostile_requests_leave_no_trace(tmp_path, loopback):
    elsewhere = tmp_path / "elsewhere"
    (tmp_path / "server").mkdir()
    for name in ("tmp", "user", "cache"):
        (elsewhere / name).mkdir(parents=True)
    server = Server(
        tmp_path / "server",
        TMPDIR=str(elsewhere / "tmp"),
        HOME=str(elsewhere / "user"),
        XDG_CACHE_HOME=str(elsewhere / "cache"),
        SCUMBLE_HOME=str(elsewhere / "cache"),
    )
    slow = []
    try:
        described = json.loads(server.ask("GET", "/openapi.json").body)
        assert server.ask("POST", "/api/uploads", form(("a.png", encoded(0))), content_type=FORM).status == 201
        uploads = tree(server.home / "uploads")
        for _ in range(20):  # clients that will never end their requests
            slow.append(server.connected())
            slow[-1].sendall(b"POST /api/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        statuses, before = [], 0
        for number, (data, is_whole) in enumerate(requests(server.port, described, COUNT)):
            answer = answered(server, data, is_whole)
            assert server.process.poll() is None, data[:500]
            if answer:
                status = parsed(answer).status
                assert status != 500, (data[:500], answer[-500:])
                assert b"Traceback" not in answer
                assert b"root:x:" not in answer
                statuses.append(status)
            if number == WARM:
                before = server.memory()
        assert server.ask("GET", "/api/jobs").status == 200
        growth = server.memory() - before
        print(f"memory {before / 1e6:.1f} MB, then {growth / 1e6:+.1f} MB; statuses", sorted(set(statuses)))
        assert growth < MAX_GROWTH
        assert sum(status >= 400 for status in statuses) > COUNT / 2
        assert tree(server.home / "uploads") == uploads
        assert not tree(elsewhere)
        assert psutil.Process(server.process.pid).num_fds() < 60
    finally:
        for connection in slow:
            connection.close()
        code = server.stop()
    assert code == 0
    assert server.said.read_text() == ""
