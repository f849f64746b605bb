"""The table of a probe: accuracies over draws, with 95% confidence intervals, and a confusion matrix."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.trials import Trial
from scumble.gan.settings import ClassifySettings

SEMI_SUPERVISED = "semi-supervised"
"""The row of semi-supervised runs, if any are given; see `GANSettings.condition`."""


def confusion(predicted: np.ndarray, data: ProbeData, tested: np.ndarray | None = None) -> np.ndarray:
    """(K, K) counts: how often the class of the row was predicted as that of the column.

    Args:
        predicted: (M,) classes of the test pictures.
        data: with the right ones.
        tested: positions of those that count; None for all.
    """
    count = len(data.classes)
    pairs = data.test_labels * count + predicted
    return np.bincount(pairs if tested is None else pairs[tested], minlength=count**2).reshape(count, count)


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


def wilson_interval(share: float, count: int) -> tuple[float, float]:
    """The 95% confidence interval of a proportion of so many pictures (Wilson 1927, eq. 4).

    Example:
        >>> low, high = wilson_interval(0.5, 50)
        >>> round(low, 3), round(high, 3)
        (0.366, 0.634)
    """
    z = float(norm.ppf(0.975))
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def table(
    wanted: Sequence[Trial],
    results: dict[Trial, np.ndarray],
    semi_supervised: Sequence[tuple[int | None, np.ndarray]],
    data: ProbeData,
    settings: ClassifySettings,
) -> dict[str, Any]:
    """All results, a row for each subject and number of labels whose trials are all there.

    Args:
        wanted: trials, those of a row in a row; the discriminator's among them.
        results: confusion matrices of those that are there, among them a row of the discriminator's.
        semi_supervised: labels per class and confusion matrix of each such run.
        data: that was tested with.
        settings: of the probe.
    """
    confusions: dict[tuple[str, int | None], list[np.ndarray]] = {}
    for group in dict.fromkeys((trial.subject, trial.per_class) for trial in wanted):
        those = [trial for trial in wanted if (trial.subject, trial.per_class) == group]
        if all(trial in results for trial in those):
            confusions[group] = [results[trial] for trial in those]
    rows = [row(*group, those, data) for group, those in confusions.items()]
    for per_class in dict.fromkeys(number for number, _ in semi_supervised):
        those = [each for number, each in semi_supervised if number == per_class]
        rows.append(row(SEMI_SUPERVISED, per_class, those, data))
    best = [those for (subject, _), those in confusions.items() if subject == "discriminator"][-1]
    return {
        "rows": rows,
        "missing": sum(trial not in results for trial in wanted),
        "classes": list(data.classes),
        "confusion": (np.mean(best, axis=0) * max(1, data.folds)).tolist(),
        "tested": len(data.test_labels),
        "tested_by": data.tested_by,
        "labels_of_all": len(data.learning),
        "settings": settings.model_dump(mode="json"),
    }


def row(subject: str, per_class: int | None, confusions: Sequence[np.ndarray], data: ProbeData) -> dict[str, Any]:
    """The mean accuracy over draws, and its interval.

    In cross-validation, draws are folds of the same few pictures, and more of them make nothing surer: the interval is
    that of a proportion of these pictures.
    """
    accuracies = [float(np.trace(one) / one.sum()) for one in confusions]
    mean, interval = float(np.mean(accuracies)), confidence_interval(accuracies)
    if data.folds:
        whole = np.sum(confusions, axis=0)
        mean = float(np.trace(whole) / whole.sum())
        interval = wilson_interval(mean, len(data.test_labels))
    return {
        "subject": subject,
        "labels": "all" if per_class is None else per_class,
        "draws": len(accuracies),
        "accuracy": mean,
        "interval": interval,
    }
