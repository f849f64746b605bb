"""How long a probe will take here: each kind of its work is done once, small, and timed.

A linear fit takes as long for features as for random numbers, once it is rotated into the subspace of its pictures:
0.08 and 0.09 s for 100 rows, 3.7 and 3.4 s for 1,000.
"""

import time
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from scumble.gan.models.gan import GAN
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.probe import features, linear, supervised
from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.trials import Trial
from scumble.gan.settings import ClassifySettings

TIMED_PICTURES, TIMED_STEPS, TIMED_ROWS = 64, 2, 300


class Work(NamedTuple):
    """What lies ahead: trials, and the pictures whose features are computed for each of some subjects."""

    trials: Sequence[Trial]
    pictures: dict[str, int]


def seconds(
    gan: GAN, discriminator: Discriminator, data: ProbeData, settings: ClassifySettings, work: Work
) -> dict[str, float]:
    """By subject: its features, and its trials. A second or two of work."""
    found: dict[str, float] = dict.fromkeys([*work.pictures, *(trial.subject for trial in work.trials)], 0.0)
    if work.pictures:
        a_picture = _of_a_picture(discriminator, data.pixels, settings)
        found |= {subject: a_picture * count for subject, count in work.pictures.items()}
    numbers = {trial.per_class for trial in work.trials}
    drawn = {per_class: len(data.draw(per_class, settings.seed, 0)) for per_class in numbers}
    counts = Counter((trial.subject, drawn[trial.per_class]) for trial in work.trials)
    of_rows = {rows: _of_a_fit(rows, len(data.classes)) for subject, rows in counts if subject != "supervised"}
    for (subject, rows), trials in counts.items():
        if subject == "supervised":
            step = _of_a_step(gan, data, rows)
            found[subject] += trials * supervised.steps_of(rows, settings) * step
        else:
            found[subject] += trials * of_rows[rows]
    return found


def _of_a_picture(discriminator: Discriminator, pixels: np.ndarray, settings: ClassifySettings) -> float:
    some = pixels[:TIMED_PICTURES]
    list(features.rows(discriminator, some, settings))  # the first time, memory is asked for
    started = time.perf_counter()
    list(features.rows(discriminator, some, settings))
    return (time.perf_counter() - started) / len(some)


def _of_a_step(gan: GAN, data: ProbeData, rows: int) -> float:
    chosen = data.draw(None, 0, 0)[:rows]
    learner = supervised.trainer(gan, data, chosen, seed=0)
    learner.train_step()
    learner.take_figures()  # waits for the device
    started = time.perf_counter()
    for _ in range(TIMED_STEPS):
        learner.train_step()
    learner.take_figures()
    return (time.perf_counter() - started) / TIMED_STEPS


def _of_a_fit(rows: int, classes: int) -> float:
    """Of more than `TIMED_ROWS`, as their square, and beyond those that C is chosen with, as their number."""
    timed = max(min(rows, TIMED_ROWS), classes)
    random = np.random.default_rng(0)
    started = time.perf_counter()
    linear.fit(random.normal(size=(timed, timed)) / timed**0.5, np.arange(timed) % classes)
    took = time.perf_counter() - started
    square = max(1.0, min(rows, linear.MAX_TUNED) / timed) ** 2
    return took * square * max(1.0, rows / linear.MAX_TUNED)
