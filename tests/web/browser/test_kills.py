"""Nothing that is killed is lost: a picture goes on, to the same bytes, and the page shows it again by itself."""

import pytest

from web.browser import driven
from web.browser import paint_page as page
from web.browser.driven import until

SETTINGS = {"size": 128, "steps": 300}


@pytest.fixture
def own_server(loopback, tmp_path):
    """A server that may be killed."""
    with driven.served(tmp_path) as server:
        yield server


@pytest.mark.slow  # a minute: three times a worker imports torch, and paints
def test_worker_and_server_are_killed_and_the_picture_is_the_same(browse, own_server, pictures):
    server, browser = own_server, browse(own_server)
    browser.forgive("ERR_CONNECTION_REFUSED")  # while there is no server
    browser.forgive("ERR_INCOMPLETE_CHUNKED_ENCODING")
    browser.forgive("ERR_CONNECTION_RESET")
    browser.open()
    page.give(browser, *pictures)
    page.set_to(browser, **SETTINGS)
    undisturbed = page.paint(browser)
    page.wait(server, undisturbed)

    job = server.send(f"/api/jobs/{undisturbed}/again", {"settings": {}})["id"]
    browser.open(f"/jobs/{job}")
    browser.loaded(page.LIVE)
    assert server.kill("scumble.web.jobs.worker") == 1
    browser.loaded(page.LIVE)
    until(lambda: server.processes("scumble.web.jobs.worker"), "another worker has taken the job")
    until(lambda: server.get(f"/api/jobs/{job}")["progress"], "the work goes on")
    server.kill("scumble")
    server.kill("scumble.web.jobs.worker")
    server.start()
    page.wait(server, job)
    assert job in browser.loaded(page.FINISHED)  # without a reload
    assert list(server.results(job).values()) == list(server.results(undisturbed).values())
    numbers = [event["n"] for event in events(server, job)]
    assert numbers == list(range(1, len(numbers) + 1))


def events(server, job):
    """All events of a job that has ended, as the interface replays them."""
    import json

    lines = server.fetch(f"/api/jobs/{job}/events?after=0").decode().splitlines()
    data = [json.loads(line.removeprefix("data:")) for line in lines if line.startswith("data:")]
    return [event for event in data if "n" in event]
