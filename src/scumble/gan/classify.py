"""How much a discriminator has learnt without labels: what a linear classifier makes of its features, with few labels.

So many labels of each class are drawn at random, a classifier is fitted to them and tested on pictures with none of its
labels; the same again with other draws. What it reaches means little by itself, so three others get the same labels:
the same discriminator before its training, the pixels, and a network of the same shape that is trained with these
labels alone. Every result is a line on the disk as soon as it is there: a job that was stopped goes on with the next.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import t as student
from torch import nn

from scumble import device, paths
from scumble.data import batches, dataset, labels
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_testing_part
from scumble.errors import DataError, RunError, SettingsError, reason
from scumble.events import Event, Finished, Noted, Progress, Saved, Started, Warned
from scumble.gan import features, linear, sheets
from scumble.gan.classifier import Classifier
from scumble.gan.conditioning import AuxiliaryJudge
from scumble.gan.facts import CLASSIFIER_KIND, read_facts
from scumble.gan.features import fresh_judge, open_features, open_pictures, unlabelled_judge, with_statistics_of
from scumble.gan.linear import Scaling
from scumble.gan.model import GAN, build, place
from scumble.gan.networks.pyramid import Judge
from scumble.gan.settings import ClassifySettings, GANSettings
from scumble.image.tensors import to_signed
from scumble.storage.folder import FACTS, make, writing

JOB = "classify"
TRIALS, TABLE, PLOT = "trials.jsonl", "table.json", "table.png"
SUBJECTS = ("discriminator", "untrained", "pixels", "supervised")
"""What is judged: the trained one, and its three controls."""
SEMI_SUPERVISED = "semi-supervised"
"""One more row where such runs are given: see `GANSettings.condition`."""
SUPERVISED_BATCH, SUPERVISED_LR, SUPERVISED_EPOCHS = 64, 1e-3, 5
"""Adam's own rate; 64 is the batch of most GANs here."""
PROTOCOL = 3
"""To be raised when a result becomes another with the same settings: older ones on the disk are passed over then."""
ROWS = 1024


class Trial(NamedTuple):
    """What was judged, how many labels of each class it had (None for all), and which draw of them."""

    subject: str
    per_class: int | None
    draw: int


@dataclass(frozen=True, eq=False)
class Parts:
    """Pictures to learn from and to test with.

    Attributes:
        pixels: (N, C, H, W) uint8, all that need no labels.
        labels: (N,) integers, indexes into `classes`.
        learning: positions of those whose labels may be drawn.
        test_pixels: (M, C, H, W) uint8.
        test_labels: (M,).
        classes: names.
        digest: hexadecimal, of all of it.
    """

    pixels: np.ndarray
    labels: np.ndarray
    learning: np.ndarray
    test_pixels: np.ndarray
    test_labels: np.ndarray
    classes: tuple[str, ...]
    digest: str

    def draw(self, per_class: int | None, seed: int) -> np.ndarray:
        """Positions in `pixels`; see `scumble.data.labels.draw`."""
        return self.learning[labels.draw(self.labels[self.learning], per_class, seed, self.classes)]


def classify_events(
    run: str | Path,
    data: str | Path,
    output: str | Path | None = None,
    settings: ClassifySettings | None = None,
    features_file: Path | None = None,
    semi: Sequence[str | Path] = (),
) -> Generator[Event, None, dict[str, Any]]:
    """Judge a run's discriminator by few labels, and write the classifier with the most of them, or go on with that.

    Args:
        run: a run, or a model's folder.
        data: pictures with classes. Its part for testing is tested with; where there is none, a fifth is held out.
        output: a folder, by default RUN/classifier.
        settings: all the rest.
        features_file: what `scumble gan features` wrote of this run and these pictures, to save that time.
        semi: runs of semi-supervised training on these pictures; each is judged by its own answers.

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


def _job(
    run: str | Path,
    data: str,
    folder: Path,
    settings: ClassifySettings,
    features_file: Path | None,
    semi: Sequence[str | Path],
) -> Generator[Event, None, dict[str, Any]]:
    started = time.perf_counter()
    gan = GAN.from_pretrained(run, settings.device)
    _refuse_others(folder)
    judge = unlabelled_judge(gan)
    pictures = yield from open_pictures(gan, data)
    parts = yield from _parts(data, pictures)
    numbers = settings.numbers_of_labels
    for per_class in numbers:
        parts.draw(per_class, 0)  # raises if there are too few
    ready = None if features_file is None else open_features(features_file, judge, pictures, settings)
    if gan.settings.condition != "none":
        yield Warned(f"the run's condition is {gan.settings.condition}: its discriminator has been given labels before")
    of_semi = list(_judged_semi(semi, parts, settings))
    log = _Trials(folder, _fingerprint(judge, parts, settings))
    wanted = [
        Trial(subject, per_class, draw)
        for subject in SUBJECTS
        for per_class in numbers
        for draw in range(settings.draws if per_class is not None else 1)
    ]
    if done := sum(trial in log.results for trial in wanted):
        yield Noted(f"{done} of {len(wanted)} results are there already: {folder}")
    for subject in SUBJECTS:
        todo = [trial for trial in wanted if trial.subject == subject and trial not in log.results]
        to_save = subject == "discriminator" and not log.is_saved()
        if not (todo or to_save):
            continue
        if subject == "supervised":
            answer = _supervised(gan, parts, settings)
        else:
            judged, given = (judge, ready) if subject == "discriminator" else (_untrained(gan), None)
            seen = yield from _seen(None if subject == "pixels" else judged, parts, settings, given)
            answer = _linear(seen, parts, settings)
            if to_save:
                yield from _save(gan, seen, parts, settings, log)
        yield Started(JOB, len(wanted), "fits")
        for trial in todo:
            log.add(trial, _confusion(answer(trial), parts))
            yield Progress(JOB, sum(trial in log.results for trial in wanted), len(wanted))
    table = _table(wanted, log, of_semi, parts, settings)
    with writing(folder):
        paths.write_atomically(folder / TABLE, (json.dumps(table, indent=2) + "\n").encode())
    yield Saved(folder / TABLE)
    picture = sheets.write_classification(table, folder / PLOT)
    yield Saved(folder / PLOT)
    yield Finished(JOB, [folder], time.perf_counter() - started, picture, {"rows": table["rows"]})
    return table


# --- Pictures -------------------------------------------------------------------------------------------------------


def _parts(data: str, pictures: Dataset) -> Generator[Event, None, Parts]:
    """Pictures to learn from, and others to test with."""
    if pictures.labels is None or len(pictures.classes) < 2:
        has = "no classes" if pictures.labels is None else "one class alone"
        raise DataError(f"{pictures.name} has {has}; wanted pictures in a folder for each class, or labels")
    source = open_testing_part(data)
    testing = None
    if source is not None:
        channels, height, width = pictures.shape
        testing = yield from dataset.prepare(source, (width, height), channels)
    if testing is None or testing.labels is None:
        learning, held = labels.hold_out(pictures.labels, pictures.classes)
        yield Noted(f"{pictures.name} has no part for testing with: {len(held):,} pictures, a fifth, are held out")
        tested = (np.asarray(pictures.pixels[held]), pictures.labels[held])
        return Parts(pictures.pixels, pictures.labels, learning, *tested, pictures.classes, pictures.digest)
    if unknown := set(testing.classes) - set(pictures.classes):
        raise DataError(f"{pictures.name} has a class to test with that it has none to learn from: {min(unknown)!r}")
    numbers = np.array([pictures.classes.index(name) for name in testing.classes])
    everything = np.arange(len(pictures.labels))
    tested = (testing.pixels, numbers[testing.labels])
    digest = pictures.digest + testing.digest
    return Parts(pictures.pixels, pictures.labels, everything, *tested, pictures.classes, digest)


# --- What is judged -------------------------------------------------------------------------------------------------

Answer = Callable[[Trial], np.ndarray]
"""What class (M,) a subject takes each picture of the test for, after a trial."""


class _Seen(NamedTuple):
    """Features of pictures to learn from, (n, D), whose positions among all ascend, and to test with, (M, D).

    `judge` is the network whose features they are; none where they are pixels.
    """

    judge: Judge | None
    learning: np.ndarray
    positions: np.ndarray
    testing: np.ndarray
    scaling: Scaling


def _seen(
    judge: Judge | None, parts: Parts, settings: ClassifySettings, ready: np.ndarray | None
) -> Generator[Event, None, _Seen]:
    if judge is None:
        everything = np.arange(len(parts.pixels))
        learning, testing = (pixels.reshape(len(pixels), -1) for pixels in (parts.pixels, parts.test_pixels))
        return _Seen(None, learning, everything, testing, Scaling.of(learning))
    judge = with_statistics_of(judge, parts.pixels)
    if ready is not None:
        positions, learning = np.arange(len(ready)), ready
    else:
        positions = _looked_at(parts, settings)
        learning = yield from features.extract(judge, parts.pixels[positions], settings)
    testing = yield from features.extract(judge, parts.test_pixels, settings)
    return _Seen(judge, learning, positions, testing, Scaling.of(learning))


def _looked_at(parts: Parts, settings: ClassifySettings) -> np.ndarray:
    """Positions of all pictures whose labels are ever drawn, and of enough others to scale features by."""
    most = settings.numbers_of_labels[-1]  # fewer are some of these
    drawn = [parts.draw(most, settings.seed + draw) for draw in range(settings.draws if most is not None else 1)]
    count = len(parts.pixels)
    others = np.random.default_rng(settings.seed).permutation(count)[: features.STATISTICS_PICTURES]
    return np.unique(np.concatenate([*drawn, others]))


def _untrained(gan: GAN) -> Judge:
    """The discriminator as it was before its training."""
    judge = fresh_judge(gan.settings, tuple(gan.facts["data"]["shape"]))
    place(judge.eval().requires_grad_(False), next(gan.discriminator.parameters()).device)
    return judge


def _fit(seen: _Seen, parts: Parts, settings: ClassifySettings, trial: Trial) -> linear.Linear:
    seed = settings.seed + trial.draw
    chosen = parts.draw(trial.per_class, seed)
    rows = seen.learning[np.searchsorted(seen.positions, chosen)]
    return linear.fit(seen.scaling(rows), parts.labels[chosen], settings.classifier, seed)


def _linear(seen: _Seen, parts: Parts, settings: ClassifySettings) -> Answer:
    """A linear classifier of features."""

    def answer(trial: Trial) -> np.ndarray:
        fitted = _fit(seen, parts, settings, trial)
        starts = range(0, len(seen.testing), ROWS)
        return np.concatenate([fitted.scores(seen.scaling(seen.testing[s : s + ROWS])).argmax(1) for s in starts])

    return answer


def _supervised(gan: GAN, parts: Parts, settings: ClassifySettings) -> Answer:
    """The discriminator's network from the start, trained with labels alone: Adam, and cross-entropy of the classes.

    With batch norm, whatever norm the GAN has: a spectral norm holds it back (docs/log.md), and a control shall be
    strong.
    """

    def answer(trial: Trial) -> np.ndarray:
        seed = settings.seed + trial.draw
        chosen = parts.draw(trial.per_class, seed)
        network = _fresh(gan, len(parts.classes), seed)
        optimizer = torch.optim.Adam(network.parameters(), SUPERVISED_LR)
        batch = min(SUPERVISED_BATCH, len(chosen))
        for step in range(max(settings.supervised_steps, SUPERVISED_EPOCHS * len(chosen) // batch)):
            some = chosen[batches.indices(len(chosen), batch, step, seed)]
            supervised_step(network, optimizer, parts.pixels[some], parts.labels[some])
        return answers(network.eval(), parts.test_pixels)

    return answer


def _fresh(gan: GAN, classes: int, seed: int) -> nn.Module:
    """The network before it is trained with labels; of `normfree`, which is made to do without, as it is."""
    values = gan.facts["settings"] | {"condition": "auxiliary", "loss": "bce", "seed": seed}
    if values["network"] != "normfree":
        values |= {"norm": "batch", "penalty": "none", "penalty_weight": None}
    fresh = GANSettings(**values)
    _, network = build(fresh, tuple(gan.facts["data"]["shape"]), classes)
    place(network, next(gan.discriminator.parameters()).device)
    return network.train()


def supervised_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, pixels: np.ndarray, known: np.ndarray
) -> None:
    """Move a network with logits of classes towards the (n,) known ones of (n, C, H, W) uint8 pictures.

    In bfloat16 where that is fast, as GANs are trained: half the time.
    """
    placement = next(network.parameters()).device
    precision = device.choose(str(placement)).dtype
    with torch.autocast(placement.type, precision, enabled=precision != torch.float32):
        seen = network(to_signed(pixels, placement), None)
    loss = F.cross_entropy(seen[:, 1:].float(), torch.from_numpy(known).to(placement))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


@torch.no_grad()
def answers(network: nn.Module, pixels: np.ndarray) -> np.ndarray:
    """The (N,) likeliest classes of (N, C, H, W) uint8 pictures by a network's own logits of classes."""
    assert not network.training
    placement = next(network.parameters()).device
    starts = range(0, len(pixels), features.BATCH)
    parts = [
        network(to_signed(pixels[s : s + features.BATCH].copy(), placement), None)[:, 1:].argmax(1) for s in starts
    ]
    return torch.cat(parts).cpu().numpy()


def _judged_semi(
    runs: Sequence[str | Path], parts: Parts, settings: ClassifySettings
) -> Iterator[tuple[int, np.ndarray]]:
    """Of each semi-supervised run: how many labels of each class it had, and its confusion."""
    for run in runs:
        gan = GAN.from_pretrained(run, settings.device)
        if not isinstance(gan.discriminator, AuxiliaryJudge) or gan.settings.draws_classes:
            raise SettingsError(f"{run} is a run with condition {gan.settings.condition}; wanted few-labels")
        if tuple(gan.facts["data"]["classes"]) != parts.classes or not parts.digest.startswith(
            gan.facts["data"]["digest"]
        ):
            raise RunError(f"{run} was trained on {gan.facts['data']['name']}; wanted a run on the same pictures")
        with_statistics_of(gan.discriminator.judge, parts.pixels)
        yield gan.settings.labelled, _confusion(answers(gan.discriminator, parts.test_pixels), parts)


# --- Results --------------------------------------------------------------------------------------------------------


def _confusion(answered: np.ndarray, parts: Parts) -> np.ndarray:
    """(K, K) counts: how often the class of the row was taken for that of the column."""
    count = len(parts.classes)
    return np.bincount(parts.test_labels * count + answered, minlength=count**2).reshape(count, count)


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95% interval of the mean of some shares (Student 1908); None of a single one.

    Example:
        >>> low, high = interval([0.4, 0.6])  # 0.5 and 12.706 standard errors of 0.1 to either side, within [0, 1]
        >>> low, high
        (0.0, 1.0)
    """
    if len(values) < 2:
        return None
    half = student.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    mean = float(np.mean(values))
    return max(0.0, mean - float(half)), min(1.0, mean + float(half))


def _row(subject: str, per_class: int | None, confusions: list[np.ndarray]) -> dict[str, Any]:
    right = [float(np.trace(confusion) / confusion.sum()) for confusion in confusions]
    return {
        "subject": subject,
        "labels": "all" if per_class is None else per_class,
        "draws": len(right),
        "accuracy": float(np.mean(right)),
        "interval": interval(right),
    }


def _table(
    wanted: list[Trial],
    log: "_Trials",
    of_semi: list[tuple[int, np.ndarray]],
    parts: Parts,
    settings: ClassifySettings,
) -> dict[str, Any]:
    groups = dict.fromkeys((trial.subject, trial.per_class) for trial in wanted)
    confusions = {
        group: [log.results[trial] for trial in wanted if (trial.subject, trial.per_class) == group] for group in groups
    }
    rows = [_row(*group, those) for group, those in confusions.items()]
    for per_class in sorted({number for number, _ in of_semi}):
        rows.append(_row(SEMI_SUPERVISED, per_class, [each for number, each in of_semi if number == per_class]))
    best = confusions["discriminator", settings.numbers_of_labels[-1]]
    return {
        "rows": rows,
        "classes": list(parts.classes),
        "confusion": np.mean(best, axis=0).tolist(),
        "tested": len(parts.test_labels),
        "labels_of_all": len(parts.learning),
        "settings": settings.model_dump(mode="json"),
    }


def _save(
    gan: GAN, seen: _Seen, parts: Parts, settings: ClassifySettings, log: "_Trials"
) -> Generator[Event, None, None]:
    """Write the classifier with the most labels, of the first draw."""
    assert seen.judge is not None
    trial = Trial("discriminator", settings.numbers_of_labels[-1], 0)
    fitted = _fit(seen, parts, settings, trial)
    starts = range(0, len(seen.testing), ROWS)
    scores = np.concatenate([fitted.scores(seen.scaling(seen.testing[s : s + ROWS])) for s in starts])
    known = {
        "classes": list(parts.classes),
        "features": settings.model_dump(mode="json", include={"pool", "side", "layers"}),
        "kind": settings.classifier,
        "c": fitted.c,
        "temperature": fitted.temperature,
        "labelled": len(parts.draw(trial.per_class, settings.seed)),
        "tested": len(parts.test_labels),
        "accuracy": float((scores.argmax(1) == parts.test_labels).mean()),
        "made_of": log.key,
    }
    Classifier(seen.judge, seen.scaling, fitted, gan.facts | {"classifier": known}).save_pretrained(log.folder)
    yield Saved(log.folder)


def _fingerprint(judge: Judge, parts: Parts, settings: ClassifySettings) -> str:
    """What a result depends on besides its trial."""
    fixed = settings.model_dump(mode="json", exclude={"labels", "draws", "device"})
    return hashlib.sha256(json.dumps([PROTOCOL, features.digest_of(judge), parts.digest, fixed]).encode()).hexdigest()


def _refuse_others(folder: Path) -> None:
    """Refuse a folder with something else in it."""
    try:
        used = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        ours = (folder / TRIALS).is_file()
    except (OSError, ValueError) as error:
        raise RunError(f"{str(folder)[:200]!r} cannot be read: {reason(error)}") from error
    if used and not ours:
        raise RunError(f"{folder} holds something else; wanted a new or empty folder, or one of `scumble gan classify`")


class _Trials:
    """Results on the disk, a line each; those of another discriminator, other pictures or settings are passed over.

    Attributes:
        folder: where they are.
        key: what all of them have been made of.
        results: (K, K) confusions by trial.
    """

    def __init__(self, folder: Path, key: str):
        self.folder, self.key = folder, key
        self.results: dict[Trial, np.ndarray] = {}
        make(folder)
        with writing(folder / TRIALS):
            (folder / TRIALS).touch()
            lines = (folder / TRIALS).read_text(encoding="utf-8", errors="replace").splitlines()
        for line in lines:
            try:
                read = json.loads(line)
                if read["key"] == key:
                    trial = Trial(read["subject"], read["labels"], read["draw"])
                    self.results[trial] = np.array(read["confusion"], np.int64)
            except (ValueError, KeyError, TypeError, RecursionError):
                continue  # cut short by a kill

    def add(self, trial: Trial, confusion: np.ndarray) -> None:
        """Write a result."""
        self.results[trial] = confusion
        read = {"key": self.key, "subject": trial.subject, "labels": trial.per_class, "draw": trial.draw}
        line = json.dumps(read | {"confusion": confusion.tolist()})
        with writing(self.folder / TRIALS), (self.folder / TRIALS).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}")  # begins anew after a line that was cut short

    def is_saved(self) -> bool:
        """Whether the classifier is here, and of this."""
        try:
            return (self.folder / FACTS).exists() and read_facts(self.folder, CLASSIFIER_KIND)["classifier"][
                "made_of"
            ] == self.key
        except (RunError, KeyError, TypeError):
            return False
