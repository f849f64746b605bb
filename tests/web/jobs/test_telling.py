"""What is written down of events: not every one, small pictures, no places; and what counts as getting further."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jobs_material import SETTINGS
from scumble.events import Finished, Noted, Preview, Progress, Started
from scumble.web.jobs import telling
from scumble.web.jobs.folder import Input
from scumble.web.jobs.log import EventReader, EventWriter
from scumble.web.jobs.telling import Teller


@pytest.fixture
def job(queue, painted):
    return queue.folder_of(queue.add("stylize", SETTINGS, painted)[0]["id"])


def told(job, *events):
    """What is in the log after a worker of its own has told these events, and what telling them returned."""
    with EventWriter(job.log) as log:
        before, teller = log.last, Teller(job, log)
        returned = [teller.tell(event) for event in events]

    return EventReader(job.log, before).new(), returned


def picture(shade, side=1500):
    return Image.new("RGB", (side, side // 2), (shade, shade, shade))


def test_progress_is_told_now_and_then_and_its_end_always(job):
    events = [Started("stylize", 5000, "evaluations"), *(Progress("stylize", n, 5000) for n in range(1, 5001))]
    records, _ = told(job, *events)
    done = [record["done"] for record in records if record["event"] == "progress"]
    assert done[0] == 1
    assert done[-1] == 5000
    assert len(done) < 500
    assert job.progress() == {"job": "stylize", "done": 5000, "total": 5000, "seconds_left": 0.0}


def test_the_time_left_is_that_of_the_pace(job, monkeypatch):
    clock = iter([0.0, 10.0, 20.0, 30.0])
    monkeypatch.setattr(telling.time, "monotonic", lambda: next(clock))
    records, _ = told(job, *(Progress("train", n, 100) for n in (10, 20, 40)))
    assert [record["seconds_left"] for record in records] == [None, 80.0, 40.0]


def test_getting_further_is_told_once_and_only_beyond_all_before(job):
    assert told(job, Progress("a", 1, 9), Progress("a", 9, 9))[1] == [True, False]
    assert told(job, Progress("a", 1, 9), Progress("a", 9, 9))[1] == [False, False]
    assert told(job, Progress("b", 1, 9))[1] == [True]


def test_places_are_left_out(job):
    result = job.result / "painted.png"
    finished = Finished("stylize", [result], 1.0, picture(9), {"places": {"here": str(result)}})
    records, _ = told(job, Noted(f"{result} is there already"), finished)
    assert records[0]["message"] == "result/painted.png is there already"
    assert records[1]["outputs"] == ["result/painted.png"]
    assert records[1]["places"] == {"here": "result/painted.png"}


def test_inputs_from_elsewhere_are_called_by_their_names(queue, tmp_path):
    inner, outer = tmp_path / "pictures" / "cats", tmp_path / "pictures"
    given = [Input("root:0/cats", str(inner)), Input("root:0", str(outer)), Input("builtin:digits", "digits")]
    one = queue.folder_of(queue.add("check", {}, {"data": [*given, Input("root:1", "/")]})[0]["id"])
    told_of = f"{inner / 'a.png'} and {outer / 'b.png'} are no digits"
    records, _ = told(one, Noted(told_of))
    assert records[0]["message"] == f"{Path('cats/a.png')} and {Path('pictures/b.png')} are no digits"


def test_pictures_are_small_and_few(job):
    records, _ = told(job, *(Preview(n, picture(n % 250)) for n in range(150)))
    assert {record["path"] for record in records} == {"preview.jpg"}
    with Image.open(job.preview) as preview:
        assert preview.size == (telling.PREVIEW_SIDE, telling.PREVIEW_SIDE // 2)
    frames = sorted(job.frames.glob("*.jpg"))
    assert telling.MOST_FRAMES // 2 <= len(frames) <= telling.MOST_FRAMES + 1
    shades = []
    for frame in frames:
        with Image.open(frame) as image:
            assert max(image.size) == telling.FRAME_SIDE
            shades.append(np.asarray(image).mean())
    assert shades == sorted(shades)
    assert shades[0] < 5
    told(job, Preview(1, picture(1).convert("RGBA")), Preview(1, picture(1).convert("L"), Path("grid.png")))


def test_what_a_job_returns_is_told_as_far_as_it_is_plain(job):
    @dataclasses.dataclass
    class Found:
        figures: dict
        names: tuple
        picture: object

    with EventWriter(job.log) as log:
        teller = Teller(job, log)
        teller.tell_result(Found({"fid": float("nan"), "kid": 0.5}, ("a", Path("b")), picture(1)))
        teller.tell_result(None)
    records = telling.log.latest(job.log)
    value = {"figures": {"fid": None, "kid": 0.5}, "names": ["a", "b"], "picture": None}
    assert [record["value"] for record in records] == [value]
