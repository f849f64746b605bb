"""What the host program shares with the library comes back as it was, whatever threads do."""

import contextlib
import warnings

import pytest

from conftest import overlapped
from scumble.shared import shared, warnings_ignored


def test_filters_come_back_after_blocks_that_overlap_in_threads():
    before = list(warnings.filters)
    with (
        overlapped(warnings_ignored),
        pytest.warns(UserWarning, match="ours"),
    ):  # pytest has its own list for the moment
        warnings.warn("ours", UserWarning, stacklevel=1)
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


def test_a_change_is_made_once_however_often_it_is_entered_and_undone_at_last():
    made = []

    @shared
    @contextlib.contextmanager
    def change():
        made.append("made")
        yield
        made.append("undone")

    with change():
        with change(), pytest.raises(ValueError, match="inside"), change():
            raise ValueError("inside")
        assert made == ["made"]
    assert made == ["made", "undone"]

    @change()
    def called() -> list[str]:
        return made[2:]

    assert called() == ["made"]
    assert made[2:] == ["made", "undone"]


def test_a_change_that_fails_is_not_made_and_may_be_tried_again():
    tries = []

    @shared
    @contextlib.contextmanager
    def change():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not now")
        yield

    with pytest.raises(OSError, match="not now"):
        change().__enter__()
    with change():
        assert len(tries) == 2
