"""The worker: what becomes of a job, and what is written down of it."""

import pytest

from jobs_material import SETTINGS
from scumble.image import recipe
from scumble.web.jobs import worker
from scumble.web.jobs.worker import Worker


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(worker, "IDLE_SECONDS", 0.01)


def work(queue, is_leaving=lambda: False):
    Worker(queue, "cpu", is_leaving).work()


def test_a_picture_is_painted_and_everything_about_it_is_told(queue, painted):
    job, _ = queue.add("stylize", SETTINGS, painted)
    work(queue)
    shown = queue.folder_of(job["id"]).shown()
    assert (shown["state"], shown["attempts"]) == ("done", 0)
    assert shown["progress"]["done"] == shown["progress"]["total"]
    names = {file["name"]: file["kind"] for file in shown["files"]}
    kinds_of_files = {"preview.jpg": "preview", "inputs/my photo.png": "input", "frames/000001.jpg": "frame"}
    assert names.items() >= kinds_of_files.items()
    result = queue.folder_of(job["id"]).file("result/my photo-waves.png")
    assert recipe.read(result)["inputs"]["content"]["name"] == "my photo.png"
    records = queue.events(job["id"]).new()
    assert [r["n"] for r in records] == list(range(1, len(records) + 1))
    kinds = [r["event"] for r in records]
    assert kinds[0] == kinds[-1] == "state"
    assert {"planned", "started", "progress", "preview", "saved", "finished"} <= set(kinds)
    assert str(queue.home) not in str(records)
    assert queue.take() is None
