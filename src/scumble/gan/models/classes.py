"""Which classes seeds draw, and how labels are called."""

from collections.abc import Iterable, Sequence

import torch

from scumble.data.labels import multi_hot
from scumble.errors import SettingsError
from scumble.gan.models.sample import labels_in_turn
from scumble.training.facts import DataFacts

NO_LABELS = "none"
"""How the labels of a picture without any are called, where pictures may have several."""


def labels_of(
    classes: tuple[str, ...], sets: Sequence[str] | None, seeds: Iterable[int], of_class: str | None
) -> torch.Tensor | None:
    """(N,) classes, or (N, K) labels, one row a seed; see `GAN.labels`.

    Raises:
        SettingsError: if there is no such class.
    """
    if not classes and of_class is None:
        return None
    if of_class is None:
        return labels_in_turn(seeds, len(classes), sets)
    names = [of_class]
    if classes and sets is not None and of_class not in classes:
        names = [] if of_class == NO_LABELS else [name.strip() for name in of_class.split(",")]
    for name in names:
        if name not in classes:
            which = "one" if sets is None else "some, with commas between,"
            known = f"{which} of {', '.join(classes)}" if classes else "none: it was trained without classes"
            raise SettingsError(f"class: got {name!r}, wanted {known}")
    numbers = [classes.index(name) for name in names]
    if sets is None:
        return torch.tensor(numbers * len(list(seeds)))
    return torch.from_numpy(multi_hot([numbers for _ in seeds], len(classes))).float()


def names_of(classes: tuple[str, ...], labels: torch.Tensor) -> list[str]:
    """By what name each of these labels, which are as `labels_of` has them, is drawn."""
    if labels.dim() == 1:
        return [classes[number] for number in labels.tolist()]
    names = [[classes[number] for number in row.nonzero().flatten().tolist()] for row in labels]
    return [",".join(some) or NO_LABELS for some in names]


def check_label_sets(data: DataFacts) -> None:
    """Raises ValueError if the sets of labels of a file's facts are not what they should be."""
    sets = data.label_sets
    if sets is not None and (not sets or any(len(one) != len(data.classes) or set(one) - {"0", "1"} for one in sets)):
        raise ValueError("label_sets are no rows of 0 and 1, one for each class")
