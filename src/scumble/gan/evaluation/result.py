"""What an evaluation comes to: figures, those of other real pictures beside them, a verdict, and the conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scumble.gan.evaluation.feature_cache import KEPT_IN_MEMORY
from scumble.gan.evaluation.intervals import Estimate
from scumble.gan.evaluation.verdict import Verdict

TITLES = {
    "frechet_distance": "Fréchet distance",
    "kernel_distance": "kernel distance",
    "near_copies": "near copies",
    "inception_score": "Inception Score",
    "fid": "FID",
    "kid": "KID",
    "mutual_information": "mutual information (nats)",
    "adjusted_rand_index": "adjusted Rand index",
    "pair_agreement": "pair agreement",
}
"""How figures are printed whose name is not a word."""

BY_INCEPTION = {"frechet_distance": "fid", "kernel_distance": "kid"}
"""What these distances are called with Inception as the feature network, and only then."""


def comparable(row: Mapping[str, Any]) -> dict[str, Any]:
    """A line of a run's log, without distances in the unit of the features, which earlier versions measured.

    These are known by the near copies that were not yet counted beside them.

    Example:
        >>> comparable({"images": 8, "frechet_distance": 502.0, "recall": 0.5})
        {'images': 8, 'recall': 0.5}
    """
    return {name: value for name, value in row.items() if "near_copies" in row or not name.endswith("_distance")}


@dataclass(frozen=True)
class Figure:
    """One figure with its 95% confidence interval, from `low` to `high`.

    Attributes:
        name: such as "frechet_distance", or "fid" if it is one.
        value: of all pictures.
        margin: half the interval's width, where it reaches to nothing that is impossible.
        of_half: its mean over halves of the pictures; where it is far from `value`, the number of pictures matters.
        real: how many real pictures it was measured with; None where these are not used.
        generated: how many generated ones, or other real ones.
        low: where the interval begins; not below what the figure can be.
        high: where it ends; not above it.
    """

    name: str
    value: float
    margin: float
    of_half: float
    real: int | None
    generated: int
    low: float
    high: float

    @classmethod
    def of(cls, name: str, found: Estimate, network: str, real: int, generated: int) -> "Figure":
        """An estimate, with its name by this feature network and the numbers of pictures that it really took."""
        if name != "frechet_distance":
            real, generated = min(real, KEPT_IN_MEMORY), min(generated, KEPT_IN_MEMORY)
        title = BY_INCEPTION.get(name, name) if network == "inception" else name
        return cls(title, *found, None if name == "inception_score" else real, generated, *found.interval(name))

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES.get(self.name, self.name)


@dataclass(frozen=True)
class Reading:
    """What a GAN has found without being told: how it agrees with what is known of pictures.

    Attributes:
        name: such as "purity".
        value: of all pictures; its 95% interval is from `low` to `high`.
        by_chance: what it is where nothing was found.
        pictures: how many it was measured with.
    """

    name: str
    value: float
    low: float
    high: float
    by_chance: float
    pictures: int

    @property
    def title(self) -> str:
        """Its name for people."""
        return TITLES.get(self.name, self.name)


@dataclass(frozen=True)
class Evaluation:
    """Figures, and what they were measured with.

    Attributes:
        figures: in the order of `MEASURES`.
        others: the same figures of other real pictures in the place of the generated ones; those are missing for which
            there are too few.
        verdict: what the figures say; None where precision and recall were not measured.
        network: the feature network; `layer`, where its features are from; `sha256`, the digest of its weights.
        resize: how pictures were brought to the network's size.
        data: the real pictures' name; `split`, which part of them was used.
        subject: what was evaluated: "RUN at N images" of a GAN, or the name of other pictures.
        averaged: whether a GAN's pictures are those of its averaged generator; None if it is no GAN.
        readings: of a GAN with codes, or with domains that code made; see `scumble.gan.probe.clusters`.
    """

    figures: list[Figure]
    others: list[Figure]
    verdict: Verdict | None
    network: str
    layer: str
    sha256: str
    resize: str
    data: str
    split: str
    subject: str
    averaged: bool | None
    readings: tuple[Reading, ...] = ()

    def conditions(self) -> str:
        """Everything that the figures depend on, in one line."""
        first = self.figures[0]  # has the most pictures
        real = f"{first.real:,} real ({self.data}, {self.split} split), " if first.real is not None else ""
        generator = {True: ", averaged generator", False: ", generator as trained", None: ""}[self.averaged]
        told = f"{self.network} {self.layer}, {self.resize}, {real}{first.generated:,} of {self.subject}{generator}"
        if any(one.generated < first.generated or one.real != first.real for one in self.figures if one.real):
            told += f"; but for the {first.title}, {KEPT_IN_MEMORY:,} of each at most"
        if self.others:
            told += f"; other real pictures: {self.others[0].generated:,} to as many"
        if self.network != "inception":
            told += "; distances: 1 is the variance of the real pictures"
        return told

    def other(self, name: str) -> Figure | None:
        """The figure of this name of other real pictures."""
        return next((one for one in self.others if one.name == name), None)
