"""The queue: orders, states and limits; what processes leave that die; many at once."""

import dataclasses
import json
import multiprocessing
import threading

import pytest

from scumble.web.jobs import limits, states
from scumble.web.jobs.folder import Input, clean_name, create
from scumble.web.jobs.limits import FullError, Limits
from scumble.web.jobs.queue import Queue
from scumble.web.jobs.states import MissingError, StateError


def add(queue, **others):
    return queue.add("train", {"images": 8}, {"data": [Input("digits", "digits")]}, **others)[0]["id"]


def order(queue):
    return [job.id for job in queue.folders()]


def state_of(queue, id):
    return queue.folder_of(id).state().state


# --- Adding ---------------------------------------------------------------------------------------------------------


def test_a_job_tells_what_was_asked_for_and_no_places(queue, painted, tmp_path):
    job, is_new = queue.add("stylize", {"size": 64}, painted, "a title", "key 1")
    assert is_new
    assert queue.jobs() == [job]
    assert (job["kind"], job["title"], job["settings"], job["state"]) == ("stylize", "a title", {"size": 64}, "queued")
    assert job["inputs"] == {role: [one.id for one in given] for role, given in painted.items()}
    assert str(tmp_path) not in json.dumps(job)
    folder = queue.folder_of(job["id"])
    assert [path.name for path in folder.inputs["content"]] == ["my photo.png"]
    painted["content"][0].source.unlink()  # the job has its own
    assert folder.inputs["content"][0].read_bytes()


def test_the_same_key_is_the_same_job(queue, home):
    first = add(queue, key="key")
    assert queue.add("train", {}, {}, key="key")[0]["id"] == first
    assert Queue(home).add("train", {}, {}, key="key") == (queue.jobs()[0], False)
    assert add(queue, key="other") != first
    assert add(queue) != add(queue)


def test_eight_threads_with_the_same_keys_make_each_job_once(home):
    def client():
        queue = Queue(home)
        for number in range(6):
            add(queue, key=f"key {number}")

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Queue(home).jobs()) == 6


def test_an_input_that_is_gone_leaves_nothing(queue, tmp_path):
    with pytest.raises(OSError):
        queue.add("stylize", {}, {"content": [Input("x", tmp_path / "none.png", "none.png")]})
    assert list(queue.folder.iterdir()) == []


def test_a_job_without_a_title_is_called_by_its_inputs(queue, painted):
    assert queue.add("stylize", {}, painted)[0]["title"] == "my photo · waves"
    assert queue.add("train", {}, {"data": [Input("builtin:digits", "digits")]})[0]["title"] == "digits"


def test_again_takes_the_job_s_own_inputs(queue, painted):
    job, _ = queue.add("stylize", {"size": 64}, painted)
    for given in painted.values():
        given[0].source.unlink()
    other, is_new = queue.again(job["id"], {"size": 32})
    assert is_new
    assert (other["settings"], other["inputs"], other["title"]) == ({"size": 32}, job["inputs"], job["title"])
    assert queue.folder_of(other["id"]).inputs["style"][0].read_bytes()
    again, _ = queue.again(add(queue), {"images": 16})
    assert queue.folder_of(again["id"]).inputs == {"data": ["digits"]}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("photo.jpg", "photo.jpg"),
        ("../../etc/passwd", "passwd"),
        ("c:\\pictures\\x.png", "x.png"),
        ("<img src=x onerror=alert(1)>.png", "img srcx onerroralert1.png"),
        ("", "file"),
        ("..", "file"),
        (".hidden", "hidden"),
        ("scan.tif[2]", "scan.tif2"),
        ("Fjäll \u202efdp.png", "Fjäll fdp.png"),
        ("x" * 400 + ".png", None),
        ("no ending", "no ending"),
        ("line\nbreak\0.png", "linebreak.png"),
    ],
)
def test_names_are_made_safe_for_folders(name, kept):
    found = clean_name(name)
    assert found == kept or (kept is None and found.endswith(".png") and len(found.encode()) <= 255)


def test_inputs_of_one_name_lie_beside_each_other(queue, painted):
    same = {role: [Input(given[0].id, given[0].source, "same.png")] for role, given in painted.items()}
    job, _ = queue.add("stylize", {}, same)
    names = {role: given[0].name for role, given in queue.folder_of(job["id"]).inputs.items()}
    assert names == {"content": "same.png", "style": "2-same.png"}


# --- The order ------------------------------------------------------------------------------------------------------


def test_jobs_are_taken_in_their_order(queue):
    a, b, c = add(queue), add(queue), add(queue)
    assert order(queue) == [a, b, c]
    queue.move(c, a)
    assert order(queue) == [c, a, b]
    queue.move(c, None)
    assert order(queue) == [a, b, c]
    queue.move(a, c)
    assert order(queue) == [b, a, c]
    queue.move(b, b)
    assert order(queue) == [b, a, c]
    queue.move(c, a)
    held = [queue.take() for _ in range(3)]
    assert [one.job.id for one in held] == [b, c, a]
    assert queue.take() is None


def test_a_job_can_be_moved_often(queue):
    a, b, c = add(queue), add(queue), add(queue)
    for _ in range(100):
        queue.move(c, b)
        queue.move(b, c)
    assert order(queue) == [a, b, c]


def test_what_is_not_there_is_missing(queue, home):
    id = add(queue)
    (home / "secret").mkdir()
    for name in ("none", "", "..", "../secret", "20260101-000000-00000000", id + "/", id + "\n"):
        for act in (queue.pause, queue.resume, queue.cancel, queue.delete, queue.events, queue.folder_of):
            with pytest.raises(MissingError):
                act(name)
        with pytest.raises(MissingError):
            queue.move(id, name)


# --- States ---------------------------------------------------------------------------------------------------------


def test_a_job_that_waits_is_stopped_at_once(queue):
    a = add(queue)
    assert queue.pause(a)["state"] == "paused"
    assert queue.take() is None
    assert queue.resume(a)["state"] == "queued"
    assert queue.cancel(a)["state"] == "cancelled"
    with pytest.raises(StateError):
        queue.pause(a)
    assert queue.resume(a)["state"] == "queued"
    queue.delete(a)
    assert queue.jobs() == []
    assert list(queue.folder.iterdir()) == []


def test_a_job_that_runs_is_asked(queue):
    a = add(queue)
    held = queue.take()
    assert queue.pause(a)["state"] == "running"
    assert held.job.request() == "pause"
    assert queue.resume(a)["state"] == "running"  # it has thought better of it
    assert held.job.request() is None
    queue.delete(a)
    assert held.job.request() == "delete"
    queue.give_back(held, held.job.state().become("done", "done"))
    assert queue.jobs() == []


@pytest.mark.parametrize("stop", ["pause", "cancel"])
def test_going_on_counts_even_while_a_worker_stops(queue, stop):
    a = add(queue)
    held = queue.take()
    getattr(queue, stop)(a)
    stopped = held.job.state().stopped(held.job.request())
    assert queue.resume(a)["state"] == "running"
    queue.give_back(held, stopped)
    assert state_of(queue, a) == "queued"


def test_a_job_that_is_done_cannot_be_gone_on_with(queue):
    a = add(queue)
    held = queue.take()
    queue.cancel(a)  # too late
    queue.give_back(held, held.job.state().become("done", "done"))
    assert state_of(queue, a) == "done"
    assert held.job.request() is None
    with pytest.raises(StateError):
        queue.resume(a)


@pytest.mark.parametrize(
    ("request_", "then"), [(None, "queued"), ("pause", "paused"), ("cancel", "cancelled"), ("delete", None)]
)
def test_what_a_dead_worker_has_left_is_settled(queue, home, request_, then):
    a, b = add(queue), add(queue)
    held = queue.take()
    if request_ is not None:
        held.job.ask(request_)
    held.lock.release(force=True)  # as the system does when a process ends
    (queue.folder / ".new-20260101-000000-00000000" / "inputs").mkdir(parents=True)
    (queue.folder / ".gone-20260101-000000-00000000").mkdir()
    later = Queue(home)
    assert later.settle()
    assert {job["id"]: job["state"] for job in later.jobs()} == ({a: then} if then else {}) | {b: "queued"}
    assert len(list(queue.folder.iterdir())) == 1 + (then is not None)
    assert later.take().job.id == (a if then == "queued" else b)


def test_pausing_what_a_dead_worker_has_left_needs_no_worker(queue):
    a = add(queue)
    queue.take().lock.release(force=True)
    assert queue.pause(a)["state"] == "paused"


def test_a_job_that_kills_its_workers_is_given_up(queue):
    a = add(queue)
    for _ in range(states.MOST_ATTEMPTS):
        queue.take().lock.release(force=True)
    assert queue.take() is None
    assert queue.folder_of(a).state().message == states.GIVEN_UP
    assert queue.resume(a)["state"] == "queued"
    assert queue.take().job.id == a


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"state": 1}', "null"])
def test_a_damaged_state_is_told_and_can_be_deleted(queue, damage):
    a, b = add(queue), add(queue)
    (queue.folder / a / "state.json").write_text(damage)
    assert {job["id"]: job["state"] for job in queue.jobs()} == {a: "failed", b: "queued"}
    assert queue.take().job.id == b
    queue.delete(a)
    assert order(queue) == [b]


@pytest.mark.parametrize("damage", ["", "{", "[]", '"x"', "null", '{"kind": "stylize"}'])
def test_a_damaged_job_is_shown_and_can_be_deleted(queue, home, damage):
    a, b = add(queue), add(queue, key="key")
    (queue.folder / a / "job.json").write_text(damage)
    later = Queue(home)
    assert [job["id"] for job in later.jobs()] == [a, b]
    assert add(later, key="key") == b
    later.delete(a)
    assert order(later) == [b]


# --- Many processes -------------------------------------------------------------------------------------------------


def _take_all(home, taken):
    queue = Queue(home)
    while (held := queue.take()) is not None:
        taken.put(held.job.id)
        queue.give_back(held, held.job.state().become("done", "done"))


def test_workers_of_several_processes_take_each_job_once(queue, home):
    ids = {add(queue) for _ in range(12)}
    context = multiprocessing.get_context("spawn")
    taken = context.SimpleQueue()
    workers = [context.Process(target=_take_all, args=(home, taken)) for _ in range(2)]
    for worker in workers:
        worker.start()
    found = [taken.get() for _ in ids]
    for worker in workers:
        worker.join()
    assert taken.empty()
    assert sorted(found) == sorted(ids)


# --- Limits ---------------------------------------------------------------------------------------------------------


def test_limits_are_kept_and_told(queue, home):
    add(queue)
    limits.write(home, Limits(waiting=1))
    with pytest.raises(FullError, match="1 jobs are waiting"):
        add(queue)
    limits.write(home, Limits(disk_bytes=100))
    with pytest.raises(FullError, match="delete some of them, or raise the limit"):
        add(queue)
    limits.write(home, Limits(free_bytes=2**60))
    with pytest.raises(FullError, match="are free on the disk"):
        add(queue)
    limits.write(home, Limits())
    assert limits.read(home) == Limits()
    add(queue)
    (home / "limits.json").write_text("[]")
    assert limits.read(home) == Limits()


def test_disk_use_counts_a_file_once_whatever_its_names(queue, home, painted):
    (home / "uploads").mkdir()
    content = painted["content"][0]
    content.source.rename(home / "uploads" / content.id)
    given = painted | {"content": [dataclasses.replace(content, source=home / "uploads" / content.id)]}
    size = (home / "uploads" / content.id).stat().st_size
    alone = queue.disk()
    assert (alone["uploads"], alone["total"], alone["jobs"]) == (size, size, {})
    job, _ = queue.add("stylize", {}, given)
    (home / "data").mkdir()
    (home / "data" / "cats.zip").write_bytes(bytes(77))
    use = queue.disk()
    assert use["uploads"] == 77
    assert use["jobs"][job["id"]] > size
    assert use["total"] == use["jobs"][job["id"]] + 77
    assert use["free"] > 0
    assert use["limits"] == dataclasses.asdict(Limits())


def test_a_folder_is_made_whole_or_not_at_all(queue, monkeypatch):
    monkeypatch.setattr("scumble.web.jobs.folder.JobFolder.write_state", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        create(queue.folder, {}, {}, states.State("queued", "", 0.0, 0, 1.0))
    assert list(queue.folder.iterdir()) == []
