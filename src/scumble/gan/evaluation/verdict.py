"""What an evaluation's figures say, in a sentence or two: a pure function of figures, and nothing else.

Figures mislead one by one: a checkerboard had a precision of 0.80. So they are read together, and against those of
other real pictures, which are below 1 as well and depend on how many pictures there are.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

NONE, NEARLY = 0.1, 0.8
"""Of what other real pictures have: below the one it is as good as nothing, from the other on it is nearly all. Of
MNIST's digits, blur had 0.16 of the precision and none of the recall, half of the classes 0.67 of the coverage, and a
run that was well trained 0.88 and more of each (docs/log.md)."""
NEAR_COPIES = 0.1
"""Ten times the share that real pictures have of one another."""
USUAL = {"precision": 0.85, "recall": 0.85, "coverage": 0.95}
"""What other real pictures have, where they were not measured: those of MNIST had 0.90, 0.87 and 0.96."""

Kind = Literal["early", "collapsed", "memorised", "good", "narrow", "rough", "halfway"]


class Verdict(NamedTuple):
    """What it comes to: in a word for programs, and in a sentence or two."""

    kind: Kind
    text: str


def verdict(figures: Mapping[str, float], others: Mapping[str, float] | None = None) -> Verdict | None:
    """What figures of generated pictures say.

    Args:
        figures: by name; "near_copies" may be missing.
        others: the same of other real pictures; None where they were not measured, and the usual ones stand for them.

    Returns:
        None where precision, recall or coverage was not measured: no other figure tells why pictures are bad.

    Example:
        >>> verdict({"precision": 0.8, "recall": 0.0, "coverage": 0.01}).kind
        'collapsed'
    """
    if not USUAL.keys() <= figures.keys():
        return None
    real = USUAL if others is None or not USUAL.keys() <= others.keys() else others
    precision, recall = figures["precision"], figures["recall"]
    # Shares of what real pictures have; where these have nothing, there is nothing to miss.
    of_precision, of_recall, of_coverage = (figures[name] / real[name] if real[name] else 1.0 for name in USUAL)
    beside = f"precision {precision:.2f}, recall {recall:.2f}; other real pictures: {real['precision']:.2f}"
    beside += f", {real['recall']:.2f}"
    if of_recall < NONE:
        return _of_no_recall(precision, recall, of_precision)
    if (copies := figures.get("near_copies", 0.0)) >= NEAR_COPIES:
        return Verdict(
            "memorised",
            f"Near copies {copies:.0%}: so many samples are nearer to a real picture than 99 of 100 real ones are to "
            "each other. It repeats its training pictures: scumble gan nearest shows which",
        )
    if min(of_precision, of_recall, of_coverage) >= NEARLY:
        return Verdict("good", f"Nearly as like real pictures, and as varied, as other real pictures are ({beside})")
    if of_precision >= NEARLY:
        return Verdict("narrow", f"The samples look like real pictures, but some kinds are rare or missing ({beside})")
    if of_recall >= NEARLY:
        return Verdict(
            "rough", f"As varied as real pictures, but many samples are unlike them: train longer ({beside})"
        )
    return Verdict("halfway", f"Neither quite like real pictures nor as varied: train longer ({beside})")


def _of_no_recall(precision: float, recall: float, of_precision: float) -> Verdict:
    missed = "nearly every real picture is unlike all samples"
    if of_precision < NONE:
        return Verdict(
            "early",
            f"Precision {precision:.2f}, recall {recall:.2f}: the samples are unlike real pictures, and {missed}. Too "
            "early, or gone wrong",
        )
    return Verdict(
        "collapsed",
        f"Recall {recall:.2f}: {missed}: collapsed or too early. The precision of {precision:.2f} is empty beside it: "
        "one picture again and again, a blur or a checkerboard can have as much",
    )
