"""What a kind of translation is, as plain records: what it learns from, its networks, its losses, and how it is used.

To add a kind is to write one file in `kinds` that ends with a `KIND`, one line in `kinds.table`, and one row in
`presets`.

A batch holds, by name, what `data` draws for a step, on the device and with the channels last:

a       (N, C, H, W) in [-1, 1]: the pictures to start from
b       (N, C', H', W') in [-1, 1]: those to end with; the n-th belongs to the n-th of `a` where they are pairs
mask    (N, 1, H, W), 1 where `a` has a hole
labels  (N,) int64 classes of `a`, or (N, K) float32 zeros and ones where pictures have several labels
random  what is left of the step's random numbers, to be taken by `randomness.draw`
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import nn

from scumble.device import Placement
from scumble.errors import SettingsError
from scumble.gan.translation.degrade import DEGRADATIONS
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.distributed import Processes
from scumble.training.task import Moment, Update
from scumble.training.updates import Adam

Shape = tuple[int, int, int]
"""(C, H, W)."""

LearnsFrom = Literal["pairs", "domains", "classes"]
"""Pairs of pictures; two sets of pictures that do not belong together; or one set whose pictures have classes."""

Direction = Literal["forward", "backward"]
"""From `a` to `b`, or from `b` to `a`."""

Features = Callable[[torch.Tensor], dict[str, torch.Tensor]]
"""(N, C, H, W) pictures in [-1, 1] -> activations of a fixed network by layer, with their way back."""


class Shapes(NamedTuple):
    """Of the pictures that networks are trained on, and how many classes these have."""

    a: Shape
    b: Shape
    classes: int = 0


class Game(NamedTuple):
    """What the losses of a training look at.

    Attributes:
        settings: of the training.
        shapes: of its pictures.
        networks: all of them, by name.
        placement: where, and in what precision: networks are called by `placement.compute(network, ...)`.
        processes: whose losses may compare pictures with the whole batch.
        features: of the network that a perceptual loss looks through; None where none is asked for.
    """

    settings: TranslationSettings
    shapes: Shapes
    networks: Mapping[str, nn.Module]
    placement: Placement
    processes: Processes
    features: Features | None = None


class Kind(NamedTuple):
    """One kind of translation.

    Attributes:
        learns_from: what.
        networks: fresh ones by name, whose weights are drawn from torch's global numbers; pools and controllers as
            modules with buffers among them.
        updates: what a step makes, in order.
        result: names of the networks that a model holds; their moving average is kept, and is what is used.
        translation: of the networks of `result`, the one to use: (N, C, H, W) in [-1, 1], and what it is `told`, to
            (N, C', H', W') about in [-1, 1].
        weights: of the terms of its losses, by name: the paper's. `settings.weights` overrides some.
        directions: that it can be used in.
        told: what its translation takes beside the picture: "code", (N, latent) standard normal numbers; "target",
            (N, K) float32, one at the class to be drawn or at each label; "mask", (N, 1, H, W), 1 where the picture has
            a hole.
        multiple: what sides should be divisible by; a network that is given others pads and cuts (`layers.fitted`).
        enlarges: how many times a side of the result is as long.
    """

    learns_from: LearnsFrom
    networks: Callable[[TranslationSettings, Shapes], dict[str, nn.Module]]
    updates: Callable[[Game], tuple[Update, ...]]
    result: tuple[str, ...]
    translation: Callable[[Mapping[str, nn.Module], Direction], nn.Module]
    weights: Mapping[str, float] = {}
    directions: tuple[Direction, ...] = ("forward",)
    told: tuple[Literal["code", "target", "mask"], ...] = ()
    multiple: Callable[[TranslationSettings], int] = lambda settings: 1
    enlarges: int = 1


def check_pairs(settings: TranslationSettings, kind: Kind) -> None:
    """Refuse pairs, sizes and a direction that a kind cannot learn from.

    Raises:
        SettingsError: if they are such.
    """
    by_code, backward = DEGRADATIONS.get(settings.pairs), settings.direction == "backward"
    got = settings.pairs + ", backward" * backward
    if "mask" in kind.told and (by_code is None or not by_code.has_mask or backward):
        wanted = " or ".join(name for name, degradation in DEGRADATIONS.items() if degradation.has_mask)
        raise SettingsError(f"pairs: got {got}, wanted {wanted}: {settings.kind} fills holes")
    if kind.learns_from == "classes" and backward:
        raise SettingsError(f"direction: got backward, wanted forward: {settings.kind} learns from classes")
    if kind.learns_from == "classes" and by_code:
        raise SettingsError(f"pairs: got {settings.pairs}, wanted none: {settings.kind} learns from classes")
    if kind.enlarges > 1 and by_code and (by_code.reduces == 1 or backward):
        raise SettingsError(f"pairs: got {got}, wanted x2 or x4: {settings.kind} enlarges")
    divisor = by_code.reduces if by_code else kind.enlarges
    if any(side % divisor for side in settings.cut):
        raise SettingsError(f"size: got {settings.size}, wanted sides that {divisor} divides")


def restores(settings: TranslationSettings) -> bool:
    """Whether the pictures to start from are those to end with, made worse by code: what is lost can be added."""
    by_code = DEGRADATIONS.get(settings.pairs)
    return by_code is not None and by_code.restorable and settings.direction == "forward"


def weighted(terms: Mapping[str, torch.Tensor], weights: Mapping[str, float]) -> torch.Tensor:
    """The sum of a loss's terms, each times its weight.

    Example:
        >>> weighted({"l1": torch.tensor(2.0), "cycle": torch.tensor(1.0)}, {"l1": 100, "cycle": 10}).item()
        210.0
    """
    return torch.stack([weights[name] * value for name, value in terms.items()]).sum()


def moved(settings: TranslationSettings, placement: Placement) -> dict[str, Any]:
    """The optimiser and the schedule of an update, as its settings have them: to be spread into `Update(...)`."""

    def optimizer(parameters: Any) -> torch.optim.Optimizer:
        fused = placement.device.type in ("cpu", "cuda")
        return Adam(parameters, settings.lr, (settings.beta1, settings.beta2), fused=fused)

    def schedule(moment: Moment) -> dict[str, Any]:
        left = 1 - moment.images_seen / settings.images
        factors = {"linear": left, "second-half": min(1.0, 2 * left), "none": 1.0}
        return {"lr": settings.lr * max(0.0, factors[settings.decay])}

    return {"optimizer": optimizer, "schedule": schedule}
