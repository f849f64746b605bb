"""The short form of the second half of `make kills`."""

import subprocess
import sys

import pytest

from conftest import REPOSITORY

SCRIPT = REPOSITORY / "recipes" / "web_kills.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not SCRIPT.exists(), reason="needs the folder recipes, which packages do not hold")
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize(("jobs", "kills"), [("stylize", "4"), ("train", "4"), ("many", "20")])
def test_jobs_of_the_page_that_are_killed_end_the_same(jobs, kills, tmp_path):
    command = [sys.executable, SCRIPT, "--kills", kills, "--jobs", jobs]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert f"| {jobs} | {kills} |" in ended.stdout
    assert ended.returncode == 0, ended.stderr
