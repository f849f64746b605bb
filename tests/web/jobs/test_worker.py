"""The worker: what becomes of a job, and what is written down of it."""

import errno

import pytest

from jobs_material import SETTINGS
from scumble.image import recipe
from scumble.web.jobs import log, worker
from scumble.web.jobs.folder import Input
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


def test_what_cannot_be_painted_fails_in_words(queue, painted):
    painted["style"][0].source.write_bytes(b"no picture")
    a, _ = queue.add("stylize", SETTINGS, painted)
    b, _ = queue.add("stylize", {"size": -1}, painted)
    c, _ = queue.add("train", {}, {"data": [Input("none", queue.home / "none")]})
    work(queue)
    found = {job["id"]: job for job in queue.jobs()}
    assert {job["state"] for job in found.values()} == {"failed"}
    assert found[a["id"]]["message"].startswith("inputs/waves.png") or "waves.png" in found[a["id"]]["message"]
    assert found[b["id"]]["message"].startswith("size: got -1")
    assert "none" in found[c["id"]]["message"]
    assert all("inputs/" not in job["message"] or str(queue.home) not in job["message"] for job in found.values())
    assert queue.events(a["id"]).new()[-1]["state"] == "failed"


def test_a_fault_of_ours_is_told_in_a_line_and_kept_for_programmers(queue, painted, monkeypatch):
    monkeypatch.setattr("scumble.web.jobs.kinds.begin", lambda *_: 1 / 0)
    job, _ = queue.add("stylize", SETTINGS, painted)
    work(queue)
    folder = queue.folder_of(job["id"])
    assert folder.state().message.startswith("something went wrong that should not have: division by zero")
    assert "Traceback" in folder.complaint.read_text()
    assert folder.file("error.txt") is None


def test_a_full_disk_is_told_in_words(queue, painted, monkeypatch):
    job, _ = queue.add("stylize", SETTINGS, painted)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("scumble.web.jobs.telling._write", full)
    work(queue)
    message = queue.folder_of(job["id"]).state().message
    assert message == "a file of the job could not be read or written: No space left on device"


def after(queue, id, events, act):
    """Whether a worker is to leave: never, but it acts when so many events have been written."""

    def is_leaving():
        if len(log.latest(queue.folder / id / "events.jsonl")) == events:
            act(id)
        return False

    return is_leaving


@pytest.mark.parametrize("events", [1, 5, 7])
def test_a_picture_that_was_paused_ends_as_without_a_stop(queue, painted, events):
    whole, _ = queue.add("stylize", SETTINGS, painted)
    work(queue)
    job, _ = queue.add("stylize", SETTINGS, painted)
    work(queue, after(queue, job["id"], events, queue.pause))
    folder = queue.folder_of(job["id"])
    assert folder.state().state == "paused"
    assert folder.request() is None
    queue.resume(job["id"])
    work(queue)
    assert folder.state().state == "done"
    name = "result/my photo-waves.png"
    assert folder.file(name).read_bytes() == queue.folder_of(whole["id"]).file(name).read_bytes()
    assert not list(folder.result.glob("*.unfinished"))


def test_a_picture_that_was_cancelled_is_kept_and_can_be_gone_on_with(queue, painted):
    job, _ = queue.add("stylize", SETTINGS, painted)
    work(queue, after(queue, job["id"], 8, queue.cancel))
    folder = queue.folder_of(job["id"])
    assert folder.state().state == "cancelled"
    assert folder.file("result/my photo-waves.png") is not None
    assert not any(file["name"].endswith(".unfinished") for file in folder.files())
    queue.resume(job["id"])
    work(queue)
    assert folder.state().state == "done"


def test_a_picture_that_is_deleted_while_it_is_painted_is_gone(queue, painted):
    job, _ = queue.add("stylize", SETTINGS, painted)
    work(queue, after(queue, job["id"], 6, queue.delete))
    assert queue.jobs() == []
    assert list(queue.folder.iterdir()) == []


def test_a_worker_that_leaves_leaves_its_job_to_the_next_one(queue, painted):
    job, _ = queue.add("stylize", SETTINGS, painted)
    work(queue, lambda: len(queue.events(job["id"]).new()) >= 6)
    folder = queue.folder_of(job["id"])
    assert (folder.state().state, folder.state().attempts) == ("queued", 0)
    work(queue)
    assert folder.state().state == "done"
    records = queue.events(job["id"]).new()
    assert [r["n"] for r in records] == list(range(1, len(records) + 1))


def test_a_gan_is_trained_and_its_run_is_listed(queue, one_thread):
    settings = {"images": 64, "batch": 8, "width": 4, "latent": 8, "grids": 2, "flip": "no", "size": 16}
    job, _ = queue.add("train", settings, {"data": [Input("digits", "digits")]})
    work(queue)
    folder = queue.folder_of(job["id"])
    assert folder.state().state == "done", folder.state().message
    names = {file["name"]: file["kind"] for file in folder.files()}
    assert {names[name] for name in names if name.startswith("result/run/grids/")} == {"grid"}
    assert {
        "result/run/settings.json",
        "result/run/metrics.jsonl",
        "result/run/model/model.safetensors",
    } <= names.keys()
    assert not any("checkpoints" in name for name in names)
    assert "preview.jpg" in names


def test_checking_data_tells_what_it_returns(queue, one_thread):
    job, _ = queue.add("check", {}, {"data": [Input("digits", "digits")]})
    work(queue)
    (record,) = [r for r in queue.events(job["id"]).new() if r["event"] == "returned"]
    assert record["value"]["found"]
    assert record["value"]["figures"]["seconds"]


def test_a_picture_of_one_pass_is_painted_whatever_the_device(queue, painted):
    job, _ = queue.add("stylize", {"preset": "instant", "size": 64}, painted)
    work(queue)
    folder = queue.folder_of(job["id"])
    assert folder.state().state == "done", folder.state().message
    assert {"preview.jpg", "result/my photo-waves.png"} <= {file["name"] for file in folder.files()}
