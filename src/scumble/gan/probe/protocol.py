"""The few-label linear probe: what a discriminator has learnt without labels, against three baselines.

So many labels per class are drawn at random, a linear classifier of the discriminator's features is fitted to them and
tested on pictures with none of its labels; this is repeated with other draws. An accuracy means little by itself, so
three baselines get the same labels: the discriminator before its training, the pixels, and a network of the same
architecture trained with these labels alone. What takes longest comes last. Every result is written as soon as it is
there: a job that was stopped goes on with the next.
"""

import json
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from scumble import device, notebook, paths
from scumble.events import Event, Finished, Noted, Progress, Saved, Started, Warned, duration, returned
from scumble.gan import plots
from scumble.gan.facts import ClassifierFacts, ProbeFacts
from scumble.gan.models.gan import GAN
from scumble.gan.probe import features, forecast
from scumble.gan.probe.classifier import Classifier
from scumble.gan.probe.data import ProbeData, split
from scumble.gan.probe.subjects import Features, Probed, features_of, fit, needed, predictions, scores
from scumble.gan.probe.supervised import semi_supervised, supervised
from scumble.gan.probe.table import confusion, row, table
from scumble.gan.probe.trials import Trial, Trials, key_of, refuse_others
from scumble.gan.settings import ClassifySettings
from scumble.storage.folder import writing

JOB = "classify"
TABLE, PLOT = "table.json", "table.png"
SUBJECTS = ("discriminator", "untrained", "pixels", "supervised")
"""What is probed: the trained discriminator, and its three baselines."""
IN_ORDER = ("discriminator", "pixels", "untrained", "supervised")
"""The same as they are done: what one wants to know, then what takes seconds, minutes and, in most cases, longest."""


@device.in_full_float32
def classify_events(
    run: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    settings: ClassifySettings | None = None,
    features_file: Path | None = None,
    semi: Sequence[str | Path] = (),
    labels: str | Path | None = None,
) -> Generator[Event, None, dict[str, Any]]:
    """Probe a run's discriminator with few labels, and save the classifier with the most; or continue doing so.

    Args:
        run: a run, or a model's folder.
        data: pictures with classes, or some with classes. Its test split is tested with; where there is none, a fifth
            is held out, or, of few labels, all are tested with in turn.
        output: a folder, by default RUN/classifier.
        settings: all the rest.
        features_file: what `scumble gan features` wrote of this run and these pictures, to save time.
        semi: semi-supervised runs on these pictures, for one more row; their own predictions are tested.
        labels: of all pictures, or of a few, in place of those that they have; see `scumble.data.sources.opener`.

    Yields:
        Noted, also of each row of the table when it is there; Warned; Started and Progress, in fits; Saved; last
        Finished, whose figures are the table.

    Returns:
        The table, as it is in table.json.

    Raises:
        RunError: if there is no trained GAN, a file of features is not of it, or the output's folder is not ours.
        DataError: if the pictures do not fit the discriminator, have no classes, or a class has too few of them.
        SettingsError: if a setting is out of range.
    """
    folder = Path(output) if output is not None else Path(run) / "classifier"
    settings = settings or ClassifySettings()
    with device.memory_errors("use a smaller --side or fewer --layers"):
        return (yield from _job(run, str(data), folder, settings, features_file, semi, labels))


def _job(
    run: str | Path,
    name: str,
    folder: Path,
    settings: ClassifySettings,
    features_file: Path | None,
    semi: Sequence[str | Path],
    labels: str | Path | None,
) -> Generator[Event, None, dict[str, Any]]:
    started = time.perf_counter()
    gan = GAN.from_pretrained(run, settings.device)
    refuse_others(folder)
    discriminator = features.unlabelled_discriminator(gan)
    pictures = yield from features.open_pictures(gan, name, labels)
    data = yield from split(name, pictures, gan.settings.fit)
    wanted = _wanted(data, settings)
    given = features_file and features.open_features(features_file, discriminator, pictures, settings)
    yield from _doubts(run, gan, data)
    others = list(semi_supervised(semi, data, settings))
    log = Trials(folder, key_of(discriminator, data, settings), len(data.classes))
    yield from _run(Probed(gan, discriminator, given), data, settings, log, wanted)
    found = _write(table(wanted, log.results, others, data, settings), folder)
    yield Saved(folder / TABLE)
    picture = plots.write_classification(found, folder / PLOT)
    yield Saved(folder / PLOT)
    yield Finished(JOB, [folder], time.perf_counter() - started, picture, {"rows": found["rows"]})
    return found


def _write(found: dict[str, Any], folder: Path) -> dict[str, Any]:
    with writing(folder):
        paths.write_atomically(folder / TABLE, (json.dumps(found, indent=2) + "\n").encode())
    return found


def _doubts(run: str | Path, gan: GAN, data: ProbeData) -> Iterator[Warned]:
    """What of the run makes its figures others than they seem."""
    seen, wanted = gan.facts.images_seen or 0, gan.settings.images
    if seen < wanted and gan.facts.evaluation is None:  # the best model is not the last
        on = "`scumble gan train` goes on with it, and then the results here have to be made again"
        yield Warned(f"{run} is not finished, it was trained for {seen:,} of {wanted:,} images: {on}")
    if gan.settings.condition != "none":
        told = f"the run's condition is {gan.settings.condition}: its discriminator has been given labels before"
        here = ", perhaps of the pictures that are tested with: its errors are too few" * (not data.is_apart)
        yield Warned(told + here)


def _wanted(data: ProbeData, settings: ClassifySettings) -> list[Trial]:
    """All trials. In cross-validation, the draws of a number of labels are folds: each as often as the others."""
    draws = max(1, settings.draws // data.folds) * data.folds if data.folds else settings.draws
    return [
        Trial(subject, per_class, draw)
        for subject in SUBJECTS
        for per_class in data.numbers_of_labels(settings.numbers_of_labels)
        for draw in range(draws if per_class is not None or data.folds else 1)
    ]


def _run(
    probed: Probed, data: ProbeData, settings: ClassifySettings, log: Trials, wanted: list[Trial]
) -> Generator[Event, None, None]:
    """Make all trials that are wanted and not done yet, and save the classifier."""
    todo = [trial for trial in wanted if trial not in log.results]
    to_save = not log.is_saved(len(_to_keep(wanted, data, settings)))
    if len(todo) < len(wanted):
        yield Noted(f"{len(wanted) - len(todo)} of {len(wanted)} results are there already: {log.folder}")
    ahead = [s for s in IN_ORDER if any(trial.subject == s for trial in todo) or (to_save and s == "discriminator")]
    yield from _told_of_time(probed, data, settings, todo, ahead)
    for subject in ahead:
        if subject == "supervised":
            of_subject, predict = None, supervised(probed.gan, data, settings)
        else:
            of_subject = yield from features_of(subject, probed, data, settings)
            predict = predictions(of_subject, data, settings)
        yield Started(JOB, len(wanted), "fits")
        for trial in (trial for trial in todo if trial.subject == subject):
            log.add(trial, confusion(predict(trial), data, data.tested(settings.seed, trial.draw)))
            yield Progress(JOB, sum(trial in log.results for trial in wanted), len(wanted))
            yield from _told_of_row(trial, wanted, log, data, settings)
        if of_subject is not None and to_save and subject == "discriminator":
            yield from _save(probed.gan, of_subject, data, settings, log, wanted)


def _told_of_time(
    probed: Probed, data: ProbeData, settings: ClassifySettings, todo: list[Trial], ahead: list[str]
) -> Iterator[Noted]:
    if not ahead:
        return
    counts = {"untrained": len(data.test_labels) + len(needed(data, settings))}
    counts["discriminator"] = len(data.test_labels) if probed.features is not None else counts["untrained"]
    work = forecast.Work(todo, {subject: count for subject, count in counts.items() if subject in ahead})
    seconds = forecast.seconds(probed.gan, probed.discriminator, data, settings, work)
    each = ", ".join(f"{subject} {duration(seconds[subject])}" for subject in ahead)
    yield Noted(f"about {duration(sum(seconds.values()))} here: {each}; it can be stopped, and goes on")


def _told_of_row(
    trial: Trial, wanted: list[Trial], log: Trials, data: ProbeData, settings: ClassifySettings
) -> Iterator[Noted]:
    """Say what a row of the table holds as soon as it is whole, and write the table so far."""
    those = [each for each in wanted if each[:2] == trial[:2]]
    if not all(each in log.results for each in those):
        return
    found = row(trial.subject, trial.per_class, [log.results[each] for each in those], data)
    within = " ({1:.1%} to {0:.1%})".format(*(1 - share for share in found["interval"])) if found["interval"] else ""
    labels = "1 label" if trial.per_class == 1 else f"{found['labels']} labels"
    yield Noted(f"{trial.subject}, {labels} a class: {1 - found['accuracy']:.1%} errors{within}")
    _write(table(wanted, log.results, (), data, settings), log.folder)


def _to_keep(wanted: list[Trial], data: ProbeData, settings: ClassifySettings) -> np.ndarray:
    """Positions that the classifier which is kept learns from: the most labels; in cross-validation, all."""
    most = wanted[-1].per_class
    return data.learning if data.folds else data.draw(most, settings.seed, 0)


def _save(
    gan: GAN,
    of_subject: Features,
    data: ProbeData,
    settings: ClassifySettings,
    log: Trials,
    wanted: list[Trial],
) -> Generator[Event, None, None]:
    """Write the classifier with the most labels, of the first draw; in cross-validation, with all that there are."""
    assert of_subject.discriminator is not None
    chosen = _to_keep(wanted, data, settings)
    fitted = fit(of_subject, data, settings, chosen, 0)
    accuracy = float((scores(fitted, of_subject).argmax(1) == data.test_labels).mean())
    if data.folds:  # those are what it has learnt from
        of_most = [log.results[trial] for trial in wanted if trial[:2] == ("discriminator", wanted[-1].per_class)]
        accuracy = row("discriminator", None, of_most, data)["accuracy"]
    probe = ProbeFacts(
        classes=data.classes,
        features=settings.model_dump(mode="json", include={"pool", "side", "layers"}),
        kind=settings.classifier,
        c=fitted.c,
        temperature=fitted.temperature,
        labelled=len(chosen),
        tested=len(data.test_labels),
        folds=data.folds,
        accuracy=accuracy,
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
    labels: str | Path | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """The same as `classify_events`, without events.

    Args:
        run: a run, or a model's folder.
        data: pictures with classes.
        output: a folder, by default RUN/classifier: `Classifier.from_pretrained` reads what is made there.
        features_file: as of `classify_events`.
        semi: likewise.
        labels: likewise.
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
    events = classify_events(run, data, output, ClassifySettings(**settings), features_file, semi, labels)
    return returned(notebook.shown(events))
