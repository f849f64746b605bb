"""Nothing that is killed is lost: a picture goes on, to the same bytes, and the page shows it again by itself."""

import json

import pytest

from web.browser import driven
from web.browser import paint_page as page
from web.browser.driven import until

SETTINGS = {"size": 64, "steps": 200}
WORKER = "scumble.web.jobs.worker"


@pytest.fixture
def own_server(loopback, tmp_path):
    """A server that may be killed."""
    with driven.served(tmp_path) as server:
        yield server


@pytest.mark.slow  # a minute: three times a worker imports torch, and paints
def test_worker_and_server_are_killed_and_the_picture_is_the_same(browse, own_server, pictures):
    server, browser = own_server, browse(own_server)
    for complaint in ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING"):
        browser.forgive(complaint)  # while there is no server
    browser.open()
    page.give(browser, *pictures)
    page.set_to(browser, **SETTINGS)
    undisturbed = page.paint(browser)
    page.wait(server, undisturbed)

    job = server.send(f"/api/jobs/{undisturbed}/again", {"settings": SETTINGS})["id"]
    browser.open(f"/jobs/{job}")
    page.live(browser, job)
    assert server.kill(WORKER) == 1
    until(lambda: server.processes(WORKER), "another worker is there")
    until(lambda: len(previews(server, job)) > 2, "it has taken the job")
    server.kill("scumble")
    server.start()
    page.wait(server, job)
    page.finished(browser, job)  # without a reload
    assert list(server.results(job).values()) == list(server.results(undisturbed).values())
    assert [event["n"] for event in events(server, job)] == list(range(1, len(events(server, job)) + 1))


def events(server, job):
    """The events of a job so far, as the interface replays them."""
    kept = server.home / "jobs" / job / "events.jsonl"
    return [json.loads(line) for line in kept.read_text().splitlines(keepends=True) if line.endswith("\n")]


def previews(server, job):
    return [event for event in events(server, job) if event["event"] == "preview"]
