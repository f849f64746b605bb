"""Labels that are drawn, and those that are held out."""

import numpy as np
import pytest

from scumble.data.labels import draw, hold_out
from scumble.errors import DataError

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [30, 20, 10]))


def test_as_many_of_each_class_are_drawn_as_asked_and_fewer_are_some_of_these():
    most = draw(LABELS, 8, 3, "abc")
    assert np.bincount(LABELS[most]).tolist() == [8, 8, 8]
    assert len(set(most.tolist())) == 24
    few = draw(LABELS, 2, 3, "abc")
    assert set(few.tolist()) < set(most.tolist())
    assert set(draw(LABELS, 8, 4, "abc").tolist()) != set(most.tolist())
    assert sorted(draw(LABELS, None, 0, "abc").tolist()) == list(range(60))


def test_a_fifth_of_each_class_is_held_out_always_the_same():
    learning, testing = hold_out(LABELS, "abc")
    assert np.bincount(LABELS[testing]).tolist() == [6, 4, 2]
    assert sorted([*learning.tolist(), *testing.tolist()]) == list(range(60))
    assert np.array_equal(hold_out(LABELS, "abc")[1], testing)


def test_too_few_are_told_by_the_name_of_the_class():
    with pytest.raises(DataError, match="class 'c' has 10 pictures to learn from; wanted 11"):
        draw(LABELS, 11, 0, "abc")
    with pytest.raises(DataError, match="class 'b' has 1 picture; wanted 2"):
        hold_out(np.array([0, 0, 1]), "ab")
