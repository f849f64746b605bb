"""Trials and their results on the disk, a line each: a job that was stopped goes on with the next trial."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np

from scumble.errors import RunError, reason
from scumble.gan.facts import ClassifierFacts
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.features import digest_of
from scumble.gan.settings import ClassifySettings
from scumble.storage.folder import make, writing

TRIALS = "trials.jsonl"
PROTOCOL = 3
"""To be raised when the same settings give another result: older results on the disk are then ignored."""


class Trial(NamedTuple):
    """What is probed, the number of labels per class (None for all), and which draw of them."""

    subject: str
    per_class: int | None
    draw: int


class Trials:
    """Results on the disk, a line each; those of another discriminator, other pictures or settings are ignored.

    Args:
        folder: where they are.
        key: digest of all that a result depends on besides its trial.
        classes: K, how many there are.

    Attributes:
        folder: where they are.
        key: digest of all that a result depends on besides its trial.
        results: (K, K) confusion matrices by trial.
    """

    def __init__(self, folder: Path, key: str, classes: int):
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
                    confusion = np.array(read["confusion"], np.int64)
                    if confusion.shape == (classes, classes) and confusion.min() >= 0 < confusion.sum():
                        self.results[trial] = confusion
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                continue  # cut short by a kill

    def add(self, trial: Trial, confusion: np.ndarray) -> None:
        """Write a result."""
        self.results[trial] = confusion
        read = {"key": self.key, "subject": trial.subject, "labels": trial.per_class, "draw": trial.draw}
        line = json.dumps(read | {"confusion": confusion.tolist()})
        with writing(self.folder / TRIALS), (self.folder / TRIALS).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}")  # on a line of its own, even after one that was cut short

    def is_saved(self, labelled: int) -> bool:
        """Whether the classifier is in the folder, has the same key, and learnt from so many labels or more.

        Raises:
            RunError: if the folder holds one with another key that learnt from more: it was more work than this one.
        """
        try:
            known = ClassifierFacts.read_from(self.folder).classifier
        except RunError:
            return False
        if known.made_of != self.key and known.labelled > labelled:
            raise RunError(
                f"{self.folder} holds a classifier that learnt from {known.labelled:,} labels, "
                f"and this one would from {labelled:,}",
                "choose another folder with -o",
            )
        return known.made_of == self.key and known.labelled >= labelled


def key_of(discriminator: Discriminator, data: ProbeData, settings: ClassifySettings) -> str:
    """Digest of what a result depends on besides its trial."""
    fixed = settings.model_dump(mode="json", exclude={"labelled", "draws", "device"})
    return hashlib.sha256(json.dumps([PROTOCOL, digest_of(discriminator), data.digest, fixed]).encode()).hexdigest()


def refuse_others(folder: Path) -> None:
    """Refuse a folder with something else in it.

    Raises:
        RunError: if it is one, or cannot be read.
    """
    try:
        used = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        ours = (folder / TRIALS).is_file()
    except (OSError, ValueError) as error:
        raise RunError(f"{str(folder)[:200]!r} cannot be read: {reason(error)}") from error
    if used and not ours:
        raise RunError(f"{folder} holds something else; wanted a new or empty folder, or one of `scumble gan classify`")
