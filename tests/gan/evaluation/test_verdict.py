"""Verdicts by cases: figures as they were measured, and what is said of them."""

import pytest

from scumble.gan.evaluation.verdict import USUAL, Verdict, verdict

REAL = {"precision": 0.90, "recall": 0.87, "density": 0.99, "coverage": 0.96, "near_copies": 0.01}

CASES = {
    "collapsed": {"precision": 0.60, "recall": 0.00, "coverage": 0.02, "near_copies": 0.3},
    "checkerboards": {"precision": 0.80, "recall": 0.00, "coverage": 0.01, "near_copies": 0.0},
    "blurred": {"precision": 0.14, "recall": 0.00, "coverage": 0.04, "near_copies": 0.0},
    "too early": {"precision": 0.02, "recall": 0.00, "coverage": 0.01, "near_copies": 0.0},
    "noise": {"precision": 0.00, "recall": 0.00, "coverage": 0.00, "near_copies": 0.0},
    "memorised": {"precision": 1.00, "recall": 0.95, "coverage": 1.00, "near_copies": 0.97},
    "well trained": {"precision": 0.83, "recall": 0.79, "coverage": 0.85, "near_copies": 0.0},
    "real": REAL,
    "half of the classes": {"precision": 0.90, "recall": 0.64, "coverage": 0.64, "near_copies": 0.01},
    "at a tenth": {"precision": 0.53, "recall": 0.71, "coverage": 0.51, "near_copies": 0.0},
    "at a hundredth": {"precision": 0.30, "recall": 0.40, "coverage": 0.20, "near_copies": 0.0},
}


def of(case: str) -> Verdict:
    found = verdict(CASES[case], REAL)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("collapsed", "collapsed"),
        ("checkerboards", "collapsed"),
        ("blurred", "collapsed"),
        ("too early", "early"),
        ("noise", "early"),
        ("memorised", "memorised"),
        ("well trained", "good"),
        ("real", "good"),
        ("half of the classes", "narrow"),
        ("at a tenth", "rough"),
        ("at a hundredth", "halfway"),
    ],
)
def test_every_case_has_its_verdict(case, kind):
    assert of(case).kind == kind


def test_the_precision_of_checkerboards_is_said_to_be_empty():
    told = of("checkerboards").text
    assert told.startswith("Recall 0.00: nearly every real picture is unlike all samples: collapsed or too early.")
    assert "The precision of 0.80 is empty beside it" in told
    assert "checkerboard" in told
    assert "empty" not in of("too early").text


def test_a_verdict_tells_the_figures_that_it_is_made_of():
    assert "(precision 0.83, recall 0.79; other real pictures: 0.90, 0.87)" in of("well trained").text
    assert "Near copies 97%" in of("memorised").text


def test_no_recall_comes_before_near_copies():
    """A blurred mean is nearer to each picture than they are to one another, and copies none."""
    assert verdict({"precision": 1.0, "recall": 0.0, "coverage": 1.0, "near_copies": 1.0}, REAL).kind == "collapsed"


def test_what_other_real_pictures_have_is_the_measure():
    figures = {"precision": 0.5, "recall": 0.5, "coverage": 0.5}
    poor = {"precision": 0.55, "recall": 0.5, "coverage": 0.6}
    assert (verdict(figures, poor) or of("real")).kind == "good"
    assert (verdict(figures) or of("real")).kind == "halfway"
    assert verdict(figures, {"inception_score": 5.0}) == verdict(figures, USUAL) == verdict(figures)
    nothing = dict.fromkeys(USUAL, 0.0)
    assert (verdict(nothing, nothing) or of("noise")).kind == "good"


def test_without_precision_and_recall_there_is_no_verdict():
    assert verdict({"frechet_distance": 0.1}, REAL) is None
    assert verdict({"precision": 0.9, "recall": 0.9}, REAL) is None
