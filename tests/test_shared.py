"""What the host program shares with the library comes back as it was, whatever threads do."""

import threading
import warnings

import pytest

from scumble.shared import warnings_ignored


def test_filters_come_back_after_blocks_that_overlap_in_threads():
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def other() -> None:
        with warnings_ignored():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with warnings_ignored():
        thread.start()
        assert inside.wait(10)
    with pytest.warns(UserWarning, match="ours"):  # pytest has its own list for the moment
        warnings.warn("ours", UserWarning, stacklevel=1)
    leave.set()
    thread.join()
    assert list(warnings.filters) == before


def test_warnings_are_ignored_inside_also_when_the_block_fails():
    def fail() -> None:
        with warnings_ignored():
            warnings.warn("nobody wants to know", UserWarning, stacklevel=1)
            raise ValueError("damaged")

    before = list(warnings.filters)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(ValueError, match="damaged"):
            fail()
    assert told == []
    assert list(warnings.filters) == before
