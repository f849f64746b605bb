"""Labels that are drawn, and those that are held out."""

import numpy as np
import pytest

from scumble.data.labels import (
    UNLABELLED,
    as_plain,
    described,
    draw,
    from_plain,
    hold_out,
    in_parts,
    numbered,
    sets_in_turn,
)
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


FEW = np.where(np.arange(60) % 3, UNLABELLED, LABELS)


def test_what_has_no_class_is_neither_drawn_nor_held_out():
    learning, testing = hold_out(FEW, "abc")
    assert sorted([*learning.tolist(), *testing.tolist()]) == list(range(0, 60, 3))
    assert (FEW[draw(FEW, 2, 0, "abc")] != UNLABELLED).all()
    assert np.array_equal(from_plain(as_plain(FEW), 3), FEW)


def test_parts_for_cross_validation_hold_every_labelled_picture_once_and_each_class_evenly():
    dealt = in_parts(FEW, 4, 0)
    assert ((dealt == UNLABELLED) == (FEW == UNLABELLED)).all()
    for number in range(3):
        counts = np.bincount(dealt[number == FEW], minlength=4)
        assert counts.max() - counts.min() <= 1
    assert np.array_equal(in_parts(FEW, 4, 0), dealt)
    assert not np.array_equal(in_parts(FEW, 4, 1), dealt)


def test_too_few_are_told_by_the_name_of_the_class():
    with pytest.raises(DataError, match="class 'c' has 10 pictures to learn from; wanted 11"):
        draw(LABELS, 11, 0, "abc")
    with pytest.raises(DataError, match="class 'b' has 1 picture; wanted 2"):
        hold_out(np.array([0, 0, 1]), "ab")


SEVERAL = [("smile", "hat"), (), ("smile",), ("smile",)]


def test_several_labels_are_rows_of_zeros_and_ones_and_are_written_as_numbers():
    rows, classes = numbered(SEVERAL)
    assert classes == ("hat", "smile")
    assert rows is not None
    assert rows.tolist() == [[1, 1], [0, 0], [0, 1], [0, 1]]
    assert as_plain(rows) == ((0, 1), (), (1,), (1,))
    again = from_plain(as_plain(rows), 2)
    assert again is not None
    assert np.array_equal(again, rows)
    assert again.dtype == rows.dtype
    for wrong in (((0,), ()), ((0, 2), (1,)), ((0,), (-1,)), ((0, 1), 1)):
        with pytest.raises((ValueError, TypeError)):
            from_plain(wrong, 2)


def test_several_labels_are_described_by_how_many_pictures_have_each():
    names = list("abcd")
    assert described(SEVERAL, names) == "2 labels, 1.0 a picture on average; smile 75%, hat 25%; 1 picture has none"
    assert described([("hat",)] * 4, names) == "none (all have the same labels: hat)"
    assert described([*SEVERAL[:3], None], names) == "none (1 of 4 pictures have no class, the first d)"
    many = [tuple(f"label {number}" for number in range(12)), ()]
    assert described(many, ["a", "b"]).endswith("label 9 50% and 2 more; 1 picture has none")


def test_sets_of_labels_in_turn_are_those_of_pictures_always_the_same():
    rows = np.random.default_rng(0).integers(0, 2, (3000, 5)).astype(np.uint8)
    sets = sets_in_turn(rows)
    assert len(sets) == 1000
    assert sets == sets_in_turn(rows)
    shares = np.array([[int(digit) for digit in one] for one in sets]).mean(0)
    assert np.abs(shares - rows.mean(0)).max() < 0.05
