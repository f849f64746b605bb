"""What the tests of jobs share."""

import pytest

import jobs_material
from scumble.web.jobs.queue import Queue


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def queue(home):
    return Queue(home)


@pytest.fixture
def painted(tmp_path):
    return jobs_material.pictures(tmp_path)
