"""What takes minutes and needs the real network: run by `make test-slow`."""

import subprocess
import sys

import pytest

from conftest import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


def test_losses_are_at_or_below_those_of_gatys_notebook(material, caffe_weights, monkeypatch):
    """The first 100 of the notebook's 500 evaluations; benchmarks/gatys_trace.py goes to the end."""
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(caffe_weights.parent))
    pairs = material / "data" / "pairs"
    done = subprocess.run(
        [
            sys.executable,
            REPOSITORY / "benchmarks" / "gatys_trace.py",
            pairs / "content" / "tuebingen_neckarfront.jpg",
            pairs / "style" / "vangogh_starry_night.jpg",
            "--steps=100",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert '"evaluations": 100' in done.stdout
