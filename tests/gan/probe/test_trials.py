"""Results on the disk: those of something else are ignored."""

import numpy as np
import pytest

from scumble.gan.probe.trials import Trial, Trials

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")


def test_results_made_of_something_else_are_not_taken_for_these(tmp_path):
    trial, confusion = Trial("pixels", None, 0), np.eye(2, dtype=np.int64)
    Trials(tmp_path, "one").add(trial, confusion)
    assert Trials(tmp_path, "other").results == {}
    ((found, counts),) = Trials(tmp_path, "one").results.items()
    assert found == trial
    assert np.array_equal(counts, confusion)
