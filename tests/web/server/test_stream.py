"""Streams of events: from wherever a page was, whatever happened to it or to the server meanwhile."""

import contextlib
import json
import time

import pytest

from scumble.web.api import stream
from scumble.web.jobs.log import EventWriter
from scumble.web.jobs.queue import MissingError, Queue
from served import PATIENCE_SECONDS, Server, parsed
from web_client import opened


@pytest.fixture
def job(client):
    """A job that waits, and what appends to its events."""
    wanted = {"kind": "texture", "settings": {"size": 64}, "inputs": {"style": ["shelf:waves"]}}
    return client.app.state.web.queue.folder_of(client.post("/api/jobs", json=wanted).json()["id"])


def told(job, *messages):
    with EventWriter(job.log) as log:
        for message in messages:
            log.add({"event": "noted", "message": message})


def messages(text):
    """(id, event, data) of each message of a stream."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if line and not line.startswith(":"))
        if fields:
            found.append((fields.get("id"), fields.get("event"), json.loads(fields["data"])))
    return found


def test_a_stream_replays_all_events_of_a_job_that_has_ended_and_ends(client, job):
    told(job, "one", "two", "<script>", "new\nline")
    client.post(f"/api/jobs/{job.id}/cancel")
    answer = client.get(f"/api/jobs/{job.id}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    *events, end = messages(answer.text)
    assert [id_ for id_, _, _ in events] == ["1", "2", "3", "4"]
    assert [data["message"] for _, _, data in events] == ["one", "two", "<script>", "new\nline"]
    assert end == (None, "end", {"state": "cancelled"})


def test_it_goes_on_after_the_last_event_that_was_seen(client, job):
    told(job, "one", "two", "three")
    client.post(f"/api/jobs/{job.id}/cancel")
    path = f"/api/jobs/{job.id}/events"
    for answer in (client.get(f"{path}?after=2"), client.get(f"{path}?after=1", headers={"Last-Event-ID": "2"})):
        assert [id_ for id_, _, _ in messages(answer.text)] == ["3", None]
    assert [event for _, event, _ in messages(client.get(f"{path}?after=99").text)] == ["end"]
    for nonsense in ("x", "-1", "1e9", "9" * 20, "٣"):
        answer = client.get(path, params={"after": nonsense})
        assert (answer.status_code, answer.json()["field"]) == (400, "after")


class Followed:
    """A stream that is read as it comes."""

    def __init__(self, server: Server, path: str, **headers: str):
        self.connection, self.text = server.connected(), ""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *(f"{n}: {v}" for n, v in headers.items())]
        self.connection.sendall("\r\n".join([*lines, "", ""]).encode())

    def until(self, words: str) -> str:
        end = time.monotonic() + PATIENCE_SECONDS
        while words not in self.text:
            assert time.monotonic() < end, self.text
            part = self.connection.recv(65536).decode()
            assert part, self.text
            self.text += part
        return self.text


@pytest.fixture
def held(server):
    """A job that this process works on."""
    from scumble.web.jobs.folder import Input
    from scumble.web.shelf import path

    queue = Queue(server.home)
    queue.add("texture", {"size": 64}, {"style": [Input("shelf:waves", path("waves"), "waves.jpg")]})
    holding = queue.take()
    assert holding is not None
    yield holding.job
    holding.lock.release()
    with contextlib.suppress(MissingError):  # the test has removed it
        queue.delete(holding.job.id)


def test_what_is_appended_is_sent_at_once_and_again_to_whoever_comes_later(server, held):
    first = Followed(server, f"/api/jobs/{held.id}/events")
    first.until(": scumble")
    told(held, "hello")
    first.until("hello")
    second = Followed(server, f"/api/jobs/{held.id}/events", **{"Last-Event-ID": "1"})
    told(held, "again")
    assert "again" in first.until("again")
    assert "hello" not in second.until("again")
    first.connection.close()
    second.connection.close()


def test_how_all_jobs_stand_is_told_and_that_one_has_gone(server, held):
    stream = Followed(server, "/api/events")
    stream.until(held.id)
    state = Queue(server.home).states()[held.id]
    assert '"state": "running"' in stream.text
    held.write_state(state.become("running", "is at its best"))
    stream.until("is at its best")
    held.remove()
    stream.until('"state": "deleted"')
    stream.connection.close()


def test_a_stream_ends_when_the_server_does(tmp_path, loopback):
    server = Server(tmp_path)
    stream = Followed(server, "/api/events")
    stream.until(": scumble")
    begin = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begin < 30
    assert stream.connection.recv(65536) in (b"", b"0\r\n\r\n")
    stream.connection.close()
    assert server.said.read_text() == ""


def test_that_no_worker_can_be_started_is_told_of_what_waits(client, job):
    web = client.app.state.web
    assert stream._look(web)[job.id]["message"] == "waits for its turn"
    web.supervisor.trouble = "no worker starts"
    assert stream._look(web)[job.id] == {"state": "queued", "message": "no worker starts", "order": 1.0}


def test_too_many_streams_are_refused_in_words(client, job, monkeypatch):
    monkeypatch.setattr(stream, "MAX_STREAMS", 0)
    answer = client.get("/api/events")
    assert (answer.status_code, "close some" in answer.json()["error"]) == (503, True)


def test_streams_of_a_server_that_was_killed_go_on_at_the_next(tmp_path, settings):
    with opened(settings) as client:
        wanted = {"kind": "texture", "settings": {"size": 64}, "inputs": {"style": ["shelf:waves"]}}
        job = client.app.state.web.queue.folder_of(client.post("/api/jobs", json=wanted).json()["id"])
        told(job, "before")
    with opened(settings) as client:
        told(job, "after")
        client.post(f"/api/jobs/{job.id}/cancel")
        answer = client.get(f"/api/jobs/{job.id}/events", headers={"Last-Event-ID": "1"})
        assert [id_ for id_, _, _ in messages(answer.text)] == ["2", None]


def test_an_answer_is_whole():
    assert parsed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n").body == b"ab"
