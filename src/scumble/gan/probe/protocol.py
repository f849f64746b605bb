"""The few-label linear probe: what a discriminator has learnt without labels, against three baselines.

So many labels per class are drawn at random, a linear classifier of the discriminator's features is fitted to them and
tested on pictures with none of its labels; this is repeated with other draws. An accuracy means little by itself, so
three baselines get the same labels: the discriminator before its training, the pixels, and a network of the same
architecture trained with these labels alone. Every result is written as soon as it is there: a job that was stopped
goes on with the next.
"""

import json
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scumble import device, paths
from scumble.events import Event, Finished, Noted, Progress, Saved, Started, Warned, returned
from scumble.gan import plots
from scumble.gan.facts import ClassifierFacts, ProbeFacts
from scumble.gan.models.gan import GAN
from scumble.gan.networks.build import to_device
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.probe import features, linear
from scumble.gan.probe.classifier import Classifier
from scumble.gan.probe.data import ProbeData, split
from scumble.gan.probe.linear import Scaling
from scumble.gan.probe.supervised import semi_supervised, supervised
from scumble.gan.probe.table import confusion, table
from scumble.gan.probe.trials import Trial, Trials, key_of, refuse_others
from scumble.gan.settings import ClassifySettings
from scumble.storage.folder import writing

JOB = "classify"
TABLE, PLOT = "table.json", "table.png"
SUBJECTS = ("discriminator", "untrained", "pixels", "supervised")
"""What is probed: the trained discriminator, and its three baselines."""
ROWS = 1024


@device.in_full_float32
def classify_events(
    run: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    settings: ClassifySettings | None = None,
    features_file: Path | None = None,
    semi: Sequence[str | Path] = (),
) -> Generator[Event, None, dict[str, Any]]:
    """Probe a run's discriminator with few labels, and save the classifier with the most; or continue doing so.

    Args:
        run: a run, or a model's folder.
        data: pictures with classes. Its test split is tested with; where there is none, a fifth is held out.
        output: a folder, by default RUN/classifier.
        settings: all the rest.
        features_file: what `scumble gan features` wrote of this run and these pictures, to save time.
        semi: semi-supervised runs on these pictures, for one more row; their own predictions are tested.

    Yields:
        Noted, Warned; Started and Progress, in fits; Saved; last Finished, whose figures are the table.

    Returns:
        The table, as it is in table.json.

    Raises:
        RunError: if there is no trained GAN, a file of features is not of it, or the output's folder is not ours.
        DataError: if the pictures do not fit the discriminator, have no classes, or a class has too few of them.
        SettingsError: if a setting is out of range.
    """
    folder = Path(output) if output is not None else Path(run) / "classifier"
    with device.memory_errors("use a smaller --side or fewer --layers"):
        return (yield from _job(run, str(data), folder, settings or ClassifySettings(), features_file, semi))


class _Probed(NamedTuple):
    """A trained GAN, its discriminator without classes, and (N, D) features of it if they were given."""

    gan: GAN
    discriminator: Discriminator
    features: np.ndarray | None


def _job(
    run: str | Path,
    name: str,
    folder: Path,
    settings: ClassifySettings,
    features_file: Path | None,
    semi: Sequence[str | Path],
) -> Generator[Event, None, dict[str, Any]]:
    started = time.perf_counter()
    gan = GAN.from_pretrained(run, settings.device)
    refuse_others(folder)
    discriminator = features.unlabelled_discriminator(gan)
    pictures = yield from features.open_pictures(gan, name)
    data = yield from split(name, pictures, gan.settings.fit)
    for per_class in settings.numbers_of_labels:
        data.draw(per_class, 0)  # raises if there are too few
    given = features_file and features.open_features(features_file, discriminator, pictures, settings)
    if gan.settings.condition != "none":
        yield Warned(f"the run's condition is {gan.settings.condition}: its discriminator has been given labels before")
    others = list(semi_supervised(semi, data, settings))
    log = Trials(folder, key_of(discriminator, data, settings), len(data.classes))
    wanted = _wanted(settings)
    yield from _run(_Probed(gan, discriminator, given), data, settings, log, wanted)
    found = table(wanted, log.results, others, data, settings)
    with writing(folder):
        paths.write_atomically(folder / TABLE, (json.dumps(found, indent=2) + "\n").encode())
    yield Saved(folder / TABLE)
    picture = plots.write_classification(found, folder / PLOT)
    yield Saved(folder / PLOT)
    yield Finished(JOB, [folder], time.perf_counter() - started, picture, {"rows": found["rows"]})
    return found


def _wanted(settings: ClassifySettings) -> list[Trial]:
    return [
        Trial(subject, per_class, draw)
        for subject in SUBJECTS
        for per_class in settings.numbers_of_labels
        for draw in range(settings.draws if per_class is not None else 1)
    ]


def _run(
    probed: _Probed, data: ProbeData, settings: ClassifySettings, log: Trials, wanted: list[Trial]
) -> Generator[Event, None, None]:
    """Make all trials that are wanted and not done yet, and save the classifier."""
    if done := sum(trial in log.results for trial in wanted):
        yield Noted(f"{done} of {len(wanted)} results are there already: {log.folder}")
    for subject in SUBJECTS:
        todo = [trial for trial in wanted if trial.subject == subject and trial not in log.results]
        to_save = subject == "discriminator" and not log.is_saved()
        if not (todo or to_save):
            continue
        if subject == "supervised":
            predict = supervised(probed.gan, data, settings)
        else:
            of_subject = yield from _features(subject, probed, data, settings)
            predict = _linear(of_subject, data, settings)
            if to_save:
                yield from _save(probed.gan, of_subject, data, settings, log)
        yield Started(JOB, len(wanted), "fits")
        for trial in todo:
            log.add(trial, confusion(predict(trial), data))
            yield Progress(JOB, sum(trial in log.results for trial in wanted), len(wanted))


# --- Linear classifiers of features ---------------------------------------------------------------------------------


class _Features(NamedTuple):
    """Features of pictures to learn from, (n, D), at ascending `positions` among all, and to test with, (M, D).

    `discriminator` is the network that they are of; none where they are pixels.
    """

    discriminator: Discriminator | None
    learning: np.ndarray
    positions: np.ndarray
    testing: np.ndarray
    scaling: Scaling


def _features(
    subject: str, probed: _Probed, data: ProbeData, settings: ClassifySettings
) -> Generator[Event, None, _Features]:
    if subject == "pixels":
        everything = np.arange(len(data.pixels))
        learning, testing = (pixels.reshape(len(pixels), -1) for pixels in (data.pixels, data.test_pixels))
        return _Features(None, learning, everything, testing, Scaling.of(learning))
    trained = subject == "discriminator"
    discriminator = probed.discriminator if trained else _untrained(probed.gan)
    discriminator = features.with_statistics_of(discriminator, data.pixels)
    if trained and probed.features is not None:
        positions, learning = np.arange(len(probed.features)), probed.features
    else:
        positions = _positions(data, settings)
        learning = yield from features.extract(discriminator, data.pixels[positions], settings)
    testing = yield from features.extract(discriminator, data.test_pixels, settings)
    return _Features(discriminator, learning, positions, testing, Scaling.of(learning))


def _positions(data: ProbeData, settings: ClassifySettings) -> np.ndarray:
    """Positions of all pictures whose labels are ever drawn, and of enough others to scale features by."""
    most = settings.numbers_of_labels[-1]  # smaller draws are subsets
    drawn = [data.draw(most, settings.seed + draw) for draw in range(settings.draws if most is not None else 1)]
    count = len(data.pixels)
    others = np.random.default_rng(settings.seed).permutation(count)[: features.STATISTICS_PICTURES]
    return np.unique(np.concatenate([*drawn, others]))


def _untrained(gan: GAN) -> Discriminator:
    """The discriminator as it was before its training."""
    discriminator = features.fresh_discriminator(gan.settings, gan.facts.data.shape)
    to_device(discriminator.eval().requires_grad_(False), next(gan.discriminator.parameters()).device)
    return discriminator


def _linear(of_subject: _Features, data: ProbeData, settings: ClassifySettings) -> Callable[[Trial], np.ndarray]:
    """A function that fits a linear classifier to the labels of a trial, and predicts (M,) test classes."""
    return lambda trial: _scores(_fit(of_subject, data, settings, trial), of_subject).argmax(1)


def _fit(of_subject: _Features, data: ProbeData, settings: ClassifySettings, trial: Trial) -> linear.Linear:
    seed = settings.seed + trial.draw
    chosen = data.draw(trial.per_class, seed)
    rows = of_subject.learning[np.searchsorted(of_subject.positions, chosen)]
    return linear.fit(of_subject.scaling(rows), data.labels[chosen], settings.classifier, seed)


def _scores(fitted: linear.Linear, of_subject: _Features) -> np.ndarray:
    """(M, K) of the test pictures."""
    starts = range(0, len(of_subject.testing), ROWS)
    return np.concatenate([fitted.scores(of_subject.scaling(of_subject.testing[s : s + ROWS])) for s in starts])


def _save(
    gan: GAN, of_subject: _Features, data: ProbeData, settings: ClassifySettings, log: Trials
) -> Generator[Event, None, None]:
    """Write the classifier with the most labels, of the first draw."""
    assert of_subject.discriminator is not None
    trial = Trial("discriminator", settings.numbers_of_labels[-1], 0)
    fitted = _fit(of_subject, data, settings, trial)
    probe = ProbeFacts(
        classes=data.classes,
        features=settings.model_dump(mode="json", include={"pool", "side", "layers"}),
        kind=settings.classifier,
        c=fitted.c,
        temperature=fitted.temperature,
        labelled=len(data.draw(trial.per_class, settings.seed)),
        tested=len(data.test_labels),
        accuracy=float((_scores(fitted, of_subject).argmax(1) == data.test_labels).mean()),
        made_of=log.key,
    )
    facts = ClassifierFacts(**dict(gan.facts), classifier=probe)
    made = Classifier(of_subject.discriminator, of_subject.scaling, fitted, facts)
    made.save_pretrained(log.folder)
    yield Saved(log.folder)


def classify(
    run: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    features_file: Path | None = None,
    semi: Sequence[str | Path] = (),
    **settings: Any,
) -> dict[str, Any]:
    """The same as `classify_events`, without events.

    Args:
        run: a run, or a model's folder.
        data: pictures with classes.
        output: a folder, by default RUN/classifier: `Classifier.from_pretrained` reads what is made there.
        features_file: as of `classify_events`.
        semi: likewise.
        settings: fields of ClassifySettings.

    Returns:
        The table: its "rows" are one for each subject and number of labels, with the "accuracy", a share from 0 to 1,
        and the 95% confidence "interval" of it.

    Raises:
        RunError, DataError, SettingsError: as `classify_events`.

    Example:
        >>> table = scumble.classify("runs/digits", "digits", draws=3)  # doctest: +SKIP
        >>> max(table["rows"], key=lambda row: row["accuracy"])["subject"]  # doctest: +SKIP
        'discriminator'
    """
    return returned(classify_events(run, data, output, ClassifySettings(**settings), features_file, semi))
