"""What the host program shares with the library comes back as it was, whatever threads do."""

import warnings

import pytest

from conftest import overlapped
from scumble.shared import warnings_ignored


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
