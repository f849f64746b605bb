"""What of a data set is learnt from: which pictures, and which of their labels the networks are to know of."""

import numpy as np

from scumble.data.dataset import Dataset
from scumble.data.labels import UNLABELLED, hold_out
from scumble.data.labels import draw as draw_labelled
from scumble.errors import SettingsError
from scumble.gan.settings import GANSettings

HELD_OUT_ONE_OF, MIN_HELD_OUT, MAX_HELD_OUT = 20, 5, 128
"""Of so many pictures, one is not learnt from, but at most so many: enough for a mean. Where they would be fewer than
the least that a mean needs, all are learnt from."""


def labels_of(settings: GANSettings, pictures: Dataset) -> np.ndarray | None:
    """(N,) classes, if the networks are to know of them; `UNLABELLED` where they are not to know; or (N, K) labels."""
    if settings.condition == "none":
        return None
    if pictures.labels is None:
        why = f" ({pictures.why_no_classes})" if pictures.why_no_classes else ""
        raise SettingsError(
            f"condition: got {settings.condition}, and {pictures.name} has no classes{why}; wanted pictures in a "
            "folder for each class, or labels"
        )
    if pictures.is_partly_labelled and settings.condition != "few-labels":
        why = f"and in {pictures.name}, {pictures.why_no_classes}"
        wanted = "a few are enough for --preset sgan, and for `scumble gan classify` to label the others"
        raise SettingsError(f"condition: got {settings.condition}, {why}; wanted a class for each", wanted)
    if pictures.labels.ndim == 2 and settings.condition == "few-labels":
        why = "whose softmax knows one class a picture"
        raise SettingsError(
            f"condition: got few-labels, {why}, and {pictures.name} has several labels a picture; wanted another"
        )
    if pictures.labels.ndim == 2 and settings.condition == "coupled":
        raise SettingsError(
            f"condition: got coupled, whose domains exclude one another, and {pictures.name} has several labels a "
            "picture; wanted another"
        )
    if settings.condition != "few-labels" or pictures.is_partly_labelled:
        return pictures.labels.astype(np.float32) if pictures.labels.ndim == 2 else pictures.labels
    learning, _ = hold_out(pictures.labels, pictures.classes)
    few = learning[draw_labelled(pictures.labels[learning], settings.labelled, settings.seed, pictures.classes)]
    known = np.full_like(pictures.labels, UNLABELLED)
    known[few] = pictures.labels[few]
    return known


def parts(count: int, labels: np.ndarray | None, known: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from, and of some that never are, by which overfitting is measured; both ascending.

    The latter are always the same. A class keeps one picture at least, and a known label is never given up.
    """
    spared = known if known is not None else [] if labels is None else _first_of_each(labels)
    free = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(count), spared))
    wanted = min(count // HELD_OUT_ONE_OF, MAX_HELD_OUT)
    held = np.sort(free[: wanted if wanted >= MIN_HELD_OUT else 0])
    return np.setdiff1d(np.arange(count), held), held


def _first_of_each(labels: np.ndarray) -> np.ndarray:
    """The position of the first picture of each class, or with each label."""
    return np.unique(labels, return_index=True)[1] if labels.ndim == 1 else labels.argmax(0)
