"""What is measured of a translator: its results on withheld pictures, and figures of them.

| what is known                     | figures                                                                   |
|-----------------------------------|---------------------------------------------------------------------------|
| the truth of each picture         | L1, PSNR (both within holes, if there are any), SSIM, perceptual distance |
| other pictures of the kind wanted | kernel distance to them                                                   |
| classes                           | right target: how often a probe sees the class that was asked for         |
| classes of the pictures wanted    | accuracy of a classifier that was trained with adapted pictures           |
| a code of the style               | diversity: the perceptual distance of two results                         |

With classes, and with pictures that are wanted but of no pair, "L1 to the picture" tells how much was left alone.
"""

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch

from scumble.device import Placement, full_float32
from scumble.events import Event
from scumble.gan.evaluation.evaluate import estimates
from scumble.gan.evaluation.feature_cache import FeatureSet
from scumble.gan.evaluation.frechet import MomentsOfGroups
from scumble.gan.evaluation.intervals import MEASURES
from scumble.gan.models.sample import draw_latents
from scumble.gan.translation.data import Pictures
from scumble.gan.translation.evaluation.baselines import AT_ONCE, in_shape
from scumble.gan.translation.evaluation.figures import Figure, absolute_error, per_picture, perceptual
from scumble.gan.translation.evaluation.probe import Probe, other_targets
from scumble.gan.translation.models.translator import Translator
from scumble.image.tensors import from_signed, to_signed
from scumble.perceptual import backbones, embedding, pocket
from scumble.perceptual.embedding import Embedding
from scumble.perceptual.vgg import VGG19
from scumble.training.task import Batch

NETWORK = "pocket"
LEAST_SIDE, MOST_TARGETS, MOST_PICTURES = 16, 500, 200
CPU = torch.device("cpu")


class Eyes(NamedTuple):
    """A network that looks at pictures: all layers of it, and the numbers that sets are compared by."""

    network: VGG19
    embedding: Embedding

    def look(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """(N, C, H, W) in [-1, 1], grey or coloured -> features by layer."""
        seen = (pictures.expand(-1, 3, -1, -1) + 1) / 2
        return self.network(seen.to(self.embedding.device), list(pocket.FEATURES))

    def numbers(self, pictures: torch.Tensor) -> np.ndarray:
        """(N, D)."""
        pixels = from_signed(pictures).transpose(0, 3, 1, 2)
        parts = np.array_split(pixels, -(-len(pixels) // AT_ONCE))
        return np.concatenate([self.embedding.features(some) for some in parts])


def eyes_for(pictures: Pictures, placement: Placement) -> Generator[Event, None, Eyes | None]:
    """What can look at the results; None where nothing can: they have other channels, or are too small.

    Raises:
        WeightsError: if its weights cannot be had.
    """
    channels, *sides = pictures.shapes.b
    if channels not in (1, 3) or min(sides) < LEAST_SIDE:
        return None
    backbone = yield from backbones.load(NETWORK, list(pocket.FEATURES), placement)
    return Eyes(backbone.network, (yield from embedding.load(NETWORK, placement)))


class Ground(NamedTuple):
    """What is known of withheld pictures.

    Attributes:
        batch: as `Pictures.shown` gives them.
        has_truth: whether `b` is in it.
        targets: (N, K) what each is to be turned into; None where that is no question.
        wanted: features of other pictures of the kind that is wanted; None where there are none.
        probe: of classes.
        labelled: withheld pictures of the other side, and their classes.
    """

    batch: Batch
    targets: torch.Tensor | None
    wanted: np.ndarray | None
    probe: Probe | None
    labelled: tuple[torch.Tensor, torch.Tensor] | None

    @property
    def has_truth(self) -> bool:
        """Whether there is one."""
        return "b" in self.batch


def ground(pictures: Pictures, eyes: Eyes | None, most: int = MOST_PICTURES) -> Ground:
    """What at most so many withheld pictures can be measured by."""
    batch = pictures.shown(range(min(most, pictures.amount("withheld"))))
    if pictures.of_classes:
        targets = other_targets(batch["labels"], len(pictures.classes))
        return Ground(batch, targets, None, None if eyes is None else Probe.fitted(pictures, eyes.numbers), None)
    part = "learning" if pictures.has_truth else "withheld"  # a set and its own truth would not be independent
    count, wanted = min(MOST_TARGETS, pictures.amount_of_targets(part)), None
    if eyes is not None:
        some = (range(first, min(first + AT_ONCE, count)) for first in range(0, count, AT_ONCE))
        wanted = np.concatenate([eyes.numbers(pictures.targets(numbers, part)) for numbers in some])
    held = range(min(MOST_TARGETS, pictures.amount_of_targets()))
    labels = pictures.labels_of_targets(held)
    labelled = None if labels is None or labels.dim() > 1 else (pictures.targets(held), labels)
    return Ground(batch, None, wanted, None, labelled)


@full_float32()
@torch.no_grad()
def results(translator: Translator, known: Ground, turn: int = 0) -> torch.Tensor:
    """(N, C', H', W') in [-1, 1], in the 256 steps that a file would have.

    Args:
        translator: whose.
        known: what it is given.
        turn: of the style: another one, other styles.
    """
    a, device = known.batch["a"], translator.device
    told = {}
    if "code" in translator.kind.told:
        told["code"] = draw_latents(range(turn * len(a), (turn + 1) * len(a)), translator.settings.latent)
    if known.targets is not None and "target" in translator.kind.told:
        told["target"] = known.targets
    if "mask" in translator.kind.told:
        told["mask"] = known.batch["mask"]
    made = []
    for first in range(0, len(a), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        given = [one[some].to(device) for one in (a, *(told[name] for name in translator.kind.told))]
        given[0] = given[0].contiguous(memory_format=torch.channels_last)
        made.append(from_signed(translator.network(*given).float()))
    return to_signed(np.concatenate(made).transpose(0, 3, 1, 2), CPU)


@torch.no_grad()
def of_each(made: torch.Tensor, known: Ground, eyes: Eyes | None) -> dict[str, np.ndarray]:
    """Figures of each picture by name, (N,) each."""
    look = None if eyes is None else eyes.look
    if known.has_truth:
        mask = known.batch.get("mask")
        parts = [slice(first, first + AT_ONCE) for first in range(0, len(made), AT_ONCE)]
        found = [
            per_picture(made[some], known.batch["b"][some], None if mask is None else mask[some], look)
            for some in parts
        ]
        return {name: np.concatenate([one[name] for one in found]) for name in found[0]}
    _, *shape = made.shape
    kept = absolute_error(made, in_shape(known.batch["a"], (shape[0], shape[1], shape[2])))
    values = {"kept": kept.double().numpy()}
    if known.probe is not None and known.targets is not None and eyes is not None:
        values = {"right_target": known.probe.is_right(eyes.numbers(made), known.targets)} | values
    return values


def of_set(made: torch.Tensor, known: Ground, eyes: Eyes | None) -> dict[str, Figure]:
    """Figures that look at all pictures together."""
    if eyes is None or known.wanted is None or min(len(made), len(known.wanted)) < 2 * MEASURES["kernel"].least:
        return {}
    real, drawn = (FeatureSet(len(x), MomentsOfGroups(), x) for x in (known.wanted, eyes.numbers(made)))
    found = estimates("kernel", real, drawn, eyes.embedding)["kernel_distance"]
    low, high = found.interval("kernel_distance")
    return {"kernel_distance": Figure("kernel_distance", found.value, low, high, len(made))}


@torch.no_grad()
def diversity(translator: Translator, made: torch.Tensor, known: Ground, eyes: Eyes | None) -> dict[str, np.ndarray]:
    """How far two results of each picture are apart, where they differ in style."""
    if eyes is None or "code" not in translator.kind.told:
        return {}
    other = results(translator, known, turn=1)
    parts = [slice(first, first + AT_ONCE) for first in range(0, len(made), AT_ONCE)]
    found = [perceptual(eyes.look(made[some]), eyes.look(other[some])).double().cpu().numpy() for some in parts]
    return {"diversity": np.concatenate(found)}


@torch.no_grad()
def accuracy(translator: Translator, known: Ground, name: str) -> dict[str, np.ndarray]:
    """Whether a classifier of the translator knows the classes of pictures of the other side, which it never met."""
    if known.labelled is None or name not in translator.networks:
        return {}
    pictures, labels = known.labelled
    network = translator.networks[name]
    said = [network(some.to(translator.device)).argmax(1).cpu() for some in pictures.split(AT_ONCE)]
    return {"accuracy": (torch.cat(said) == labels).double().numpy()}
