"""Results on the disk: those of something else are ignored."""

import numpy as np
import pytest

from gan_material import untrained_classifier
from scumble.errors import RunError
from scumble.gan.probe.trials import TRIALS, Trial, Trials

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")


def test_results_made_of_something_else_are_not_taken_for_these(tmp_path):
    trial, confusion = Trial("pixels", None, 0), np.eye(2, dtype=np.int64)
    Trials(tmp_path, "one", 2).add(trial, confusion)
    assert Trials(tmp_path, "other", 2).results == {}
    ((found, counts),) = Trials(tmp_path, "one", 2).results.items()
    assert found == trial
    assert np.array_equal(counts, confusion)


@pytest.mark.parametrize(
    "confusion", ["[[1]]", "[[1, 2], [3]]", "[1, 2]", "[[1, 2], [-1, 0]]", "[[0, 0], [0, 0]]", "[[1e400, 0], [0, 1]]",
                  "[[18446744073709551616, 0], [0, 1]]", "{}", "[" * 100_000],
)  # fmt: skip
def test_results_that_are_no_counts_of_these_classes_are_found_again(tmp_path, confusion):
    trial = Trial("pixels", None, 0)
    Trials(tmp_path, "one", 2).add(trial, np.eye(2, dtype=np.int64))
    path = tmp_path / TRIALS
    path.write_text(path.read_text().replace("[[1, 0], [0, 1]]", confusion))
    assert Trials(tmp_path, "one", 2).results == {}


def test_a_classifier_of_more_labels_is_not_replaced_by_one_of_fewer(tmp_path):
    untrained_classifier("dcgan", "batch").save_pretrained(tmp_path)  # of nine labels
    log = Trials(tmp_path, "other", 3)
    assert not log.is_saved(9)
    with pytest.raises(RunError, match="learnt from 9 labels, and this one would from 8"):
        log.is_saved(8)
