"""The short form of `make kills`. Of trainings and paintings: gan/test_train.py and style/test_resume.py."""

import subprocess
import sys

import pytest

from conftest import REPOSITORY

SCRIPT = REPOSITORY / "recipes" / "kills.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not SCRIPT.exists(), reason="needs the folder recipes, which packages do not hold")
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("job", ["batch", "classify", "evaluate"])
def test_a_job_that_is_killed_ends_with_the_same_bytes(job, tmp_path):
    command = [sys.executable, SCRIPT, "--kills", "4", "--jobs", job]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert f"| {job} | 4 |" in ended.stdout
    assert ended.returncode == 0, ended.stderr
