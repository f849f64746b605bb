"""What a training of translations learns from: cuts of pictures of two sides, as pure functions of the moment.

Pictures are decoded once, a little larger than the cuts that are taken from them, and mapped into memory. Pairs are cut
and mirrored alike, others each by itself. Those that are withheld for testing are in no batch, ever.
"""

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import torch

from scumble.data import batches, dataset
from scumble.data.dataset import Dataset
from scumble.data.form import MIN_SIDE, Size
from scumble.data.labels import UNLABELLED
from scumble.data.sources.source import Item, Source, digest_of, for_each
from scumble.errors import DataError, SettingsError
from scumble.events import Event, Noted
from scumble.gan.translation.degrade import DEGRADATIONS, degraded
from scumble.gan.translation.forms import Data, Layout, one_set, two_sides
from scumble.gan.translation.kind import Kind, Shapes, check_pairs
from scumble.gan.translation.settings import TranslationSettings
from scumble.image.tensors import to_signed
from scumble.training.randomness import draw, seed_for
from scumble.training.task import Batch, Moment

CPU = torch.device("cpu")
Part = Literal["learning", "withheld"]


def open_translation(
    data: Data, settings: TranslationSettings, kind: Kind, labels: str | Path | None = None
) -> Generator[Event, None, "Pictures"]:
    """Find out what lies where, and decode it.

    Args:
        data: one source, or two; see `forms`.
        settings: of the training.
        kind: of translation.
        labels: of the pictures; see `scumble.data.sources.opener`.

    Yields:
        What was understood: Noted and Warned. Started and Progress of preparing the pictures.

    Raises:
        SettingsError: if settings do not fit together.
        DataError: if pictures cannot be read or are too few, or it is not clear what lies on which side.
    """
    check_pairs(settings, kind)
    if settings.pairs != "none" or kind.learns_from == "classes":
        layout = one_set(data, labels)
    else:
        layout = yield from two_sides(data, kind.learns_from == "pairs", labels)
        layout = layout.swapped() if settings.direction == "backward" else layout
    layout, a, b = yield from _prepared(layout, settings, kind)
    pictures = Pictures(settings, kind, layout, a, b)
    yield Noted(pictures.in_words())
    return pictures


def _prepared(
    layout: Layout, settings: TranslationSettings, kind: Kind
) -> Generator[Event, None, tuple[Layout, Dataset, Dataset | None]]:
    """Both sides decoded. A picture that cannot be read takes its partner with it: the n-th stay the n-th."""
    size = tuple(round(side * settings.jitter / kind.enlarges) * kind.enlarges for side in settings.cut)
    reduces = kind.enlarges if layout.b else 1
    size_a: Size = (size[0] // reduces, size[1] // reduces)
    if reduces > 1 and min(size_a) < MIN_SIDE:
        least = f"{reduces * MIN_SIDE} or more: pictures of side A are {reduces} times as small"
        raise SettingsError(f"size: got {settings.size}, wanted {least}")
    while True:
        a = yield from dataset.prepare(layout.a, size_a, bits=16)
        b = (yield from dataset.prepare(layout.b, (size[0], size[1]), bits=16)) if layout.b else None
        if len(a.pixels) == len(layout.a.items) and (b is None or len(b.pixels) == len((layout.b or layout.a).items)):
            return layout, a, b
        of_a, of_b = (yield from _unreadable(layout.a)), (yield from _unreadable(layout.b or layout.a))
        if not of_a | of_b:
            raise DataError(f"{layout.name} changed while it was read; wanted pictures that stay")
        layout = layout.without(of_a, of_b)


def _unreadable(source: Source) -> Generator[Event, None, set[str]]:
    def look(item: Item) -> None:
        opened = item.opened()
        _ = opened.load() if opened.raw is None else opened.raw.read()

    return {name for name, _ in (yield from for_each(source, "find what cannot be read", look))}


class _Side(NamedTuple):
    """Pixels, and which of them are learnt from.

    pixels: (N, C, H, W) uint8 or uint16.
    parts: positions, in an order without meaning that is always the same.
    lose: what code makes of them; None for nothing.
    scale: how many times a side is as long as that of the smaller of both.
    keep_size: whether what code reduces is enlarged again.
    """

    pixels: np.ndarray
    parts: dict[Part, np.ndarray]
    lose: str | None
    scale: int
    keep_size: bool

    def shape(self, cut: Size) -> tuple[int, int, int]:
        """(C, H, W) of a cut."""
        channels, (width, height) = self.pixels.shape[1], cut
        if self.lose is None:
            return channels, height, width
        degradation = DEGRADATIONS[self.lose]
        reduces = 1 if self.keep_size else degradation.reduces
        return degradation.channels(channels), height // reduces, width // reduces

    def lost(self, pictures: torch.Tensor, random: torch.Generator) -> tuple[torch.Tensor, torch.Tensor | None]:
        """What code makes of some, and where it makes holes."""
        return (pictures, None) if self.lose is None else degraded(self.lose, pictures, random, self.keep_size)


class Pictures:
    """The two sides of a translation: `a`, to start from, and `b`, to end with.

    Attributes:
        name: of the data.
        count: pictures of `a` that are learnt from.
        shapes: of what networks are trained on, and how many classes `a` has.
        classes: their names.
        digest: hexadecimal SHA-256 of all that batches depend on but settings of cutting.
        has_truth: whether withheld pictures of `a` have a `b` that belongs to them.
        value_ranges: of `a` and `b`: the values that became black and white; None where they were bytes.
    """

    def __init__(self, settings: TranslationSettings, kind: Kind, layout: Layout, a: Dataset, b: Dataset | None):
        self.settings, self.layout, self.name = settings, layout, layout.name
        self.together = kind.learns_from == "pairs"
        self.of_classes = kind.learns_from == "classes"
        self.has_truth = layout.are_pairs and not self.of_classes
        code = None if settings.pairs == "none" else settings.pairs
        forward = settings.direction == "forward"
        parts_a = _parts(len(a.pixels), layout.withheld[0])
        parts_b = _parts(len((b or a).pixels), layout.withheld[1])
        if b is None and kind.learns_from == "domains":  # no picture is on both sides
            half = len(parts_a["learning"]) // 2
            parts_a["learning"], parts_b["learning"] = np.split(parts_a["learning"], [half])
        self.a = _Side(a.pixels, parts_a, code if forward else None, 1, kind.enlarges == 1)
        scale = kind.enlarges if b is not None else 1
        self.b = _Side((b or a).pixels, parts_b, None if forward else code, scale, kind.enlarges == 1)
        self.is_one_set = b is None
        self.labels, self.classes = _labels(a, self.of_classes)
        labels_b, classes_b = _labels(b or a, False)
        self.labels_b = labels_b if classes_b == self.classes else None
        self.value_ranges = (a.value_range, (b or a).value_range)
        self.count = len(self.a.parts["learning"])
        width, height = settings.cut
        self.shapes = Shapes(self.a.shape((width // scale, height // scale)), self.b.shape((width, height)),
                             len(self.classes))  # fmt: skip
        withheld = [side.parts["withheld"].tolist() for side in (self.a, self.b)]
        facts = [a.digest, b.digest if b else "", code, settings.direction, self.together, withheld]
        self.digest = digest_of(facts)

    def in_words(self) -> str:
        """What is learnt from what, and what is withheld."""
        withheld, learnt = self.amount("withheld"), f"{self.count:,}"
        what = "pictures" if self.of_classes else "pairs"
        if not self.together and not self.of_classes:
            learnt, what = f"{self.count:,} and {len(self.b.parts['learning']):,}", "pictures that are no pairs"
        by_code = DEGRADATIONS.get(self.settings.pairs)
        code = "" if by_code is None else f"side A is made by code: {by_code.words}"
        understood = "; ".join(words for words in (self.layout.words, code) if words)
        way = "from B to A" if self.settings.direction == "backward" else "from A to B"
        told = f"{self.name}: {understood}; learns {way} from {learnt} {what}" if not self.of_classes else (
            f"{self.name}: learns {len(self.classes)} classes from {learnt} pictures")  # fmt: skip
        return f"{told}; {withheld:,} are withheld for testing" + ", with their truth" * self.has_truth

    # --- What a step looks at ---------------------------------------------------------------------------------------

    def batch(self, moment: Moment) -> Batch:
        """This share of a step's batch, on the CPU; see `kind` for what is in it."""
        random = moment.generator()
        at_a = self._drawn(self.a, moment)
        cuts = draw(torch.rand, len(at_a), 3, random=random)
        whole_a = self._cut(self.a, at_a, cuts)
        found: Batch = {"random": random}
        if self.labels is not None:
            found["labels"] = torch.from_numpy(self.labels[at_a])
        if self.of_classes:
            return {"a": whole_a} | found
        if not self.together:
            cuts = draw(torch.rand, len(at_a), 3, random=random)
        at_b = at_a if self.together else self._drawn(self.b, moment, use=1)
        whole_b = whole_a if self.together and self.is_one_set else self._cut(self.b, at_b, cuts)
        return self._lost(whole_a, whole_b, random) | found

    def _drawn(self, side: _Side, moment: Moment, use: int = 0) -> np.ndarray:
        learning, batch = side.parts["learning"], self.settings.batch
        chosen = batches.indices(len(learning), batch, moment.step, seed_for(*moment.seeds, use))
        return learning[chosen[moment.share.of(batch)]]

    def _cut(self, side: _Side, positions: np.ndarray, cuts: torch.Tensor | None = None) -> torch.Tensor:
        """Cuts of pictures, (n, C, h, w) in [-1, 1], by (n, 3) numbers in [0, 1); the middle without them."""
        height, width = side.pixels.shape[2:]
        wide, high = self.settings.cut
        smaller = self.b.scale // side.scale
        wide, high = wide // smaller, high // smaller
        numbers = np.full((len(positions), 3), 0.5) if cuts is None else cuts.double().numpy()
        room = np.array([(height - high) // side.scale + 1, (width - wide) // side.scale + 1])
        corners = (numbers[:, :2] * room).astype(int) * side.scale
        found = np.empty((len(positions), side.pixels.shape[1], high, wide), side.pixels.dtype)
        for one, position, (top, left), mirror in zip(found, positions, corners, numbers[:, 2] < 0.5, strict=True):
            cut = side.pixels[position, :, top : top + high, left : left + wide]
            one[:] = cut[..., ::-1] if mirror and self.settings.flip and cuts is not None else cut
        return to_signed(found, CPU)

    def _lost(self, a: torch.Tensor, b: torch.Tensor, random: torch.Generator) -> Batch:
        """Both sides, one of them degraded where code makes it."""
        a, mask = self.a.lost(a, random)
        b, _ = self.b.lost(b, random)
        return {"a": a, "b": b} | ({} if mask is None else {"mask": mask})

    # --- What stays the same ----------------------------------------------------------------------------------------

    def amount(self, part: Part) -> int:
        """How many pictures of `a` a part has."""
        return len(self.a.parts[part])

    def shown(self, numbers: range, part: Part = "withheld") -> Batch:
        """The middles of some pictures of `a`, always the same: a, mask and labels as in a batch; b where it is true.

        Args:
            numbers: which, below `amount`.
            part: of which.
        """
        positions = self.a.parts[part][numbers.start : numbers.stop]
        a, b = self._cut(self.a, positions), self._cut(self.b, positions) if self.has_truth else None
        ones = [self._lost(a[n : n + 1], (b if b is not None else a)[n : n + 1], self._random(position))
                for n, position in enumerate(positions)]  # fmt: skip
        found = {name: torch.cat([one[name] for one in ones]) for name in ones[0]} if ones else {"a": a, "b": a}
        if not self.has_truth:
            del found["b"]
        return found if self.labels is None else found | {"labels": torch.from_numpy(self.labels[positions])}

    def targets(self, numbers: range, part: Part = "withheld") -> torch.Tensor:
        """The middles of some pictures of `b`, whatever belongs to them; of `a` where there is one kind only."""
        positions = self.b.parts[part][numbers.start : numbers.stop]
        whole = self._cut(self.b, positions)
        ones = [self.b.lost(whole[n : n + 1], self._random(position))[0] for n, position in enumerate(positions)]
        return torch.cat([whole[:0], *ones]) if not self.b.lose else torch.cat(ones)

    def labels_of_targets(self, numbers: range) -> torch.Tensor | None:
        """Of these withheld pictures of `b`, where they have the classes of `a`."""
        positions = self.b.parts["withheld"][numbers.start : numbers.stop]
        return None if self.labels_b is None else torch.from_numpy(self.labels_b[positions])

    def amount_of_targets(self, part: Part = "withheld") -> int:
        """How many pictures of `b` a part has."""
        return len(self.b.parts[part])

    def withheld(self, count: int) -> Batch:
        """At most so many withheld pictures: as `shown`, and beside each a `b`, be it true or not."""
        found = self.shown(range(min(count, self.amount("withheld"))))
        if "b" in found or self.of_classes:
            return found
        return found | {"b": self.targets(range(min(count, self.amount_of_targets())))}

    @staticmethod
    def _random(position: int) -> torch.Generator:
        return torch.Generator().manual_seed(int(position))


def _parts(count: int, withheld: np.ndarray) -> dict[Part, np.ndarray]:
    learning = np.setdiff1d(np.arange(count), withheld)
    mixed: Callable[[np.ndarray], np.ndarray] = np.random.default_rng(0).permutation
    return {"learning": mixed(learning), "withheld": mixed(withheld)}


def _labels(pictures: Dataset, are_needed: bool) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Of all pictures: (N,) int64, or (N, K) float32 of several; none where some have none."""
    found = pictures.labels
    if found is None or bool((found == UNLABELLED).any()):
        if are_needed:
            why = f" ({pictures.why_no_classes})" if pictures.why_no_classes else ""
            raise DataError(f"{pictures.name} has no classes{why}; wanted a folder for each class, or --labels")
        return None, ()
    return (found if found.ndim == 1 else found.astype(np.float32)), pictures.classes
