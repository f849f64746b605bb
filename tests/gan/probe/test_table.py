"""The table's confidence interval, against tables of Student's t."""

import pytest

from scumble.gan.probe.table import confidence_interval

pytestmark = pytest.mark.usefixtures("one_thread", "one_c")


def test_the_interval_is_students():
    """Of 1, 2, 3 hundredths: 2, and t = 4.3027 (tables, 2 degrees of freedom) standard errors of 1 / sqrt(3)."""
    assert confidence_interval([0.51, 0.52, 0.53]) == pytest.approx(
        (0.52 - 0.043027 / 3**0.5, 0.52 + 0.043027 / 3**0.5), abs=1e-6
    )
    assert confidence_interval([0.5]) is None
