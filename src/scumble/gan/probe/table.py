"""The table of a probe: accuracies over draws, with 95% confidence intervals, and a confusion matrix."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import t as student

from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.trials import Trial
from scumble.gan.settings import ClassifySettings

SEMI_SUPERVISED = "semi-supervised"
"""The row of semi-supervised runs, if any are given; see `GANSettings.condition`."""


def confusion(predicted: np.ndarray, data: ProbeData) -> np.ndarray:
    """(K, K) counts: how often the class of the row was predicted as that of the column.

    Args:
        predicted: (M,) classes of the test pictures.
        data: with the right ones.
    """
    count = len(data.classes)
    return np.bincount(data.test_labels * count + predicted, minlength=count**2).reshape(count, count)


def confidence_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95% confidence interval of the mean of some proportions (Student 1908); None of a single one.

    Example:
        >>> low, high = confidence_interval([0.4, 0.6])  # 0.5 and 12.706 standard errors of 0.1 each way, within [0, 1]
        >>> low, high
        (0.0, 1.0)
    """
    if len(values) < 2:
        return None
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    mean = float(np.mean(values))
    return max(0.0, mean - float(half)), min(1.0, mean + float(half))


def table(
    wanted: list[Trial],
    results: dict[Trial, np.ndarray],
    semi_supervised: list[tuple[int, np.ndarray]],
    data: ProbeData,
    settings: ClassifySettings,
) -> dict[str, Any]:
    """All results, a row for each subject and number of labels.

    Args:
        wanted: trials, those of a row in a row; the discriminator's among them.
        results: confusion matrices of all of them.
        semi_supervised: labels per class and confusion matrix of each such run.
        data: that was tested with.
        settings: of the probe.
    """
    groups = dict.fromkeys((trial.subject, trial.per_class) for trial in wanted)
    confusions = {
        group: [results[trial] for trial in wanted if (trial.subject, trial.per_class) == group] for group in groups
    }
    rows = [_row(*group, those) for group, those in confusions.items()]
    for per_class in sorted({number for number, _ in semi_supervised}):
        rows.append(_row(SEMI_SUPERVISED, per_class, [each for number, each in semi_supervised if number == per_class]))
    best = confusions["discriminator", settings.numbers_of_labels[-1]]
    return {
        "rows": rows,
        "classes": list(data.classes),
        "confusion": np.mean(best, axis=0).tolist(),
        "tested": len(data.test_labels),
        "labels_of_all": len(data.learning),
        "settings": settings.model_dump(mode="json"),
    }


def _row(subject: str, per_class: int | None, confusions: list[np.ndarray]) -> dict[str, Any]:
    accuracies = [float(np.trace(one) / one.sum()) for one in confusions]
    return {
        "subject": subject,
        "labels": "all" if per_class is None else per_class,
        "draws": len(accuracies),
        "accuracy": float(np.mean(accuracies)),
        "interval": confidence_interval(accuracies),
    }
