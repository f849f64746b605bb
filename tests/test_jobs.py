"""Jobs by name: every entry leads to a generator of events that takes its settings."""

import inspect
import typing
from collections.abc import Generator

import pytest

from scumble import jobs
from scumble.events import Started
from scumble.settings import Settings


def settings_of(function) -> list[type]:
    """The classes that a function's argument `settings` may be of; none if it has no such argument."""
    hint = typing.get_type_hints(function).get("settings")
    return [kind for kind in typing.get_args(hint) or (hint,) if isinstance(kind, type) and issubclass(kind, Settings)]


@pytest.mark.parametrize("name", jobs.JOBS)
def test_a_job_is_a_generator_of_events_that_takes_its_settings(name):
    job = jobs.JOBS[name]
    function = jobs.load(job.events)
    assert typing.get_origin(typing.get_type_hints(function)["return"]) is Generator
    accepted = settings_of(function)
    if job.settings is None:
        assert accepted == []
    else:
        assert any(issubclass(jobs.load(job.settings), kind) for kind in accepted)


def test_a_job_does_nothing_until_its_events_are_asked_for():
    events = jobs.start("check", "digits")
    assert inspect.getgeneratorstate(events) == inspect.GEN_CREATED
    assert isinstance(next(events), Started)
    events.close()
