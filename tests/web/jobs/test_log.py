"""The log of a job's events: numbered without a gap, whatever happens to its writers."""

import errno
import json

import pytest

from scumble.web.jobs.log import EventReader, EventWriter, latest


def test_what_is_written_is_read_with_numbers_from_one(tmp_path):
    path = tmp_path / "events.jsonl"
    reader = EventReader(path)
    assert reader.new() == []
    with EventWriter(path) as log:
        assert [log.add({"event": "noted", "message": "ä"}), log.add({"event": "saved"})] == [1, 2]
        assert [(r["n"], r["event"]) for r in reader.new()] == [(1, "noted"), (2, "saved")]
        log.add({"event": "finished"})
    assert [r["n"] for r in reader.new()] == [3]
    assert reader.new() == []
    assert [r["n"] for r in EventReader(path, after=2).new()] == [3]
    assert [r["n"] for r in latest(path)] == [1, 2, 3]


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_that_was_cut_short_is_passed_over_and_cut_off(tmp_path, cut):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        log.add({"event": "noted", "message": "whole"})
        log.add({"event": "noted", "message": "the one that is cut somewhere on its way"})
    reader = EventReader(path)
    path.write_bytes(path.read_bytes()[:-cut])
    assert [r["n"] for r in reader.new()] == [1]
    with EventWriter(path) as log:
        assert log.add({"event": "noted", "message": "again"}) == 2
    assert [(r["n"], r["message"]) for r in reader.new()] == [(2, "again")]
    assert [json.loads(line)["n"] for line in path.read_text().splitlines()] == [1, 2]


@pytest.mark.parametrize("odd", [b"no json\n", b"[]\n", b'{"n": 7}\n', b"\0" * 50, b"[" * 10_000 + b"\n"])
def test_what_is_no_event_ends_the_log(tmp_path, odd):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        log.add({"event": "noted"})
    path.write_bytes(path.read_bytes() + odd)
    assert [r["n"] for r in EventReader(path).new()] == [1]
    with EventWriter(path) as log:
        assert log.add({"event": "saved"}) == 2
    assert [r["n"] for r in EventReader(path).new()] == [1, 2]


def test_a_record_that_finds_no_room_leaves_nothing(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        log.add({"event": "noted"})
        whole = path.read_bytes()
        file, log._file = log._file, Full(log._file)
        with pytest.raises(OSError):
            log.add({"event": "saved"})
        log._file = file
        assert path.read_bytes() == whole
        assert log.add({"event": "saved"}) == 2


class Full:
    """A file on a disk with room for three more bytes."""

    def __init__(self, file):
        self.file = file

    def write(self, data):
        self.file.write(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    def __getattr__(self, name):
        return getattr(self.file, name)


def test_the_latest_of_a_long_log_are_found_in_its_end(tmp_path):
    path = tmp_path / "events.jsonl"
    with EventWriter(path) as log:
        for _ in range(2000):
            log.add({"event": "noted", "message": "x" * 50})
    found = [r["n"] for r in latest(path)]
    assert found == list(range(found[0], 2001))
    assert 100 < len(found) < 2000
