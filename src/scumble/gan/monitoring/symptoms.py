"""What goes wrong with these networks, told from figures that mean the same for every loss and every size.

Each symptom is a figure, what it shows, and what usually helps.
"""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import nn

from scumble.training.settings import TrainingSettings
from scumble.training.updates import gradient_norm

GRACE_IMAGES, GRACE_PART = 50_000, 8
"""Before so many images, or an eighth of the training if that is less, both networks are beginners, and nothing is
said: what they draw and tell apart in that time looks like every symptom there is."""
PATIENCE = 3
"""Looks in a row that have to show a symptom before it is reported."""


MOST_LEAD = 1000.0
"""Deviations, a hundred times what is too many: where all logits of a kind are equal, no number would mean anything."""
ALIKE = "real pictures do not differ by a grey level: how diverse generated ones are cannot be told, and is left out"


# --- Figures --------------------------------------------------------------------------------------------------------


def spread(pictures: torch.Tensor) -> torch.Tensor:
    """(2,): of (N, ...) pictures, the mean distance of two, and the usual (median) distance to the nearest other one.

    The first is small where all look alike, the second also where a few are drawn again and again.

    Example:
        >>> spread(torch.tensor([[0.0], [0.0], [9.0]])).tolist()
        [6.0, 0.0]
    """
    pictures = pictures.cpu() if pictures.device.type == "mps" else pictures  # which has no float64
    flat = pictures.flatten(1).double()  # in float32, the rounding of products would tell twins apart
    distances = torch.cdist(flat, flat)
    nearest = distances.clone().fill_diagonal_(math.inf).min(1).values
    return torch.stack([distances.sum() / (len(flat) * (len(flat) - 1)), nearest.median()])


def diversity(spread_of_drawn: torch.Tensor, spread_of_real: torch.Tensor, least: float = 0.0) -> float | None:
    """How far generated pictures are from one another, over how far as many real ones are: the smaller of two ratios.

    0 where all are the same, or a few again and again; 1 if all is well. None where real ones do not differ.

    Args:
        spread_of_drawn: (2,), of the generated pictures.
        spread_of_real: (2,).
        least: no distance that is not above it is compared with: where most real pictures have a twin, the mean alone.

    Example:
        >>> diversity(torch.tensor([6.0, 2.0]), torch.tensor([8.0, 4.0]))
        0.5
        >>> diversity(torch.tensor([6.0, 2.0]), torch.tensor([8.0, 0.0]))
        0.75
    """
    differ = spread_of_real > least
    return (spread_of_drawn[differ] / spread_of_real[differ]).min().item() if differ.any() else None


def one_level(shape: tuple[int, int, int]) -> float:
    """How far two pictures of this shape in [-1, 1] are apart that differ by one of 256 levels all over."""
    return math.sqrt(math.prod(shape)) * 2 / 255


def lead(real: torch.Tensor, fake: torch.Tensor) -> float:
    """The discriminator's lead: how many deviations the logits (N,) of real pictures are above those of generated ones.

    That is the sensitivity index d' of signal detection. 0 is guessing. It does not change when the logits are moved or
    stretched, so that it can be compared between losses. It ends at `MOST_LEAD`.

    Example:
        >>> round(lead(torch.tensor([2.0, 4.0]), torch.tensor([-1.0, 1.0])), 4)  # 3 over the root of 2
        2.1213
    """
    deviation = ((real.var() + fake.var()) / 2).sqrt().item()
    distance = (real.mean() - fake.mean()).item()
    return distance / max(deviation, abs(distance) / MOST_LEAD, 1e-30)


def overfitting(trained_on: torch.Tensor, held_out: torch.Tensor, fake: torch.Tensor) -> float:
    """How much the discriminator takes real pictures that it has never met for generated ones: 0 not at all, 1 wholly.

    That is r_v of Karras et al. 2020 ("Training generative adversarial networks with limited data", eq. 1), but of the
    gap between the first two only what is beyond two standard errors counts: held-out pictures are few.

    Args:
        trained_on: (N,) logits of real pictures from the training.
        held_out: (M,) logits of others, two or more.
        fake: (K,) logits of generated ones.

    Example:
        >>> overfitting(torch.full((9,), 3.0), torch.full((9,), 1.0), torch.full((9,), -1.0))
        0.5
    """
    error = (trained_on.var() / len(trained_on) + held_out.var() / len(held_out)).sqrt()
    gap = (trained_on.mean() - held_out.mean() - 2 * error).item()
    lead_in_logits = (trained_on.mean() - fake.mean()).item()
    return min(gap / lead_in_logits, 1.0) if gap > 0 and lead_in_logits > 0 else 0.0


def gradient_size(network: nn.Module) -> float:
    """The root mean square of the gradient's numbers, as the last step left it."""
    return gradient_norm(network.parameters()).item() / math.sqrt(sum(p.numel() for p in network.parameters()))


# --- Symptoms -------------------------------------------------------------------------------------------------------


class Symptom(NamedTuple):
    """What a figure shows when something goes wrong.

    Where it is neither ill nor well, a symptom that was told of goes on, and none begins.

    Attributes:
        figure: its name.
        is_ill: whether a value is one of a training that goes wrong.
        is_well: whether it is one of a training that goes well.
        words: what goes wrong; {value} stands for the figure.
        helps: what usually helps; what would change nothing is left out.
    """

    figure: str
    is_ill: Callable[[float], bool]
    is_well: Callable[[float], bool]
    words: str
    helps: tuple[str, ...]


# The smallest number that Adam and RMSprop divide a gradient by is torch's eps of 1e-8. Below that, steps die out, too.
_DEAD = (lambda size: size < 1e-8, lambda size: size > 1e-7)
_FRESH = "to start over (--fresh) with a smaller --lr"

SYMPTOMS = {
    # Trainings that go well stay above 0.7 once they have begun; what collapsed was below 0.3 (docs/log.md).
    "collapse": Symptom(
        "diversity",
        lambda value: value < 0.5,
        lambda value: value > 0.6,
        "the generator collapses: its pictures are {value:.0%} as far from one another as real ones are",
        ("--preset rpgan", "a smaller --lr", "a larger --batch", "an earlier state, kept by --evaluate-every"),
    ),
    # 0 where nothing is learnt by heart, within two standard errors, which is why a fifth is much; at a half, real
    # pictures that were not met are as near to generated ones as to those that were.
    "overfitting": Symptom(
        "overfitting",
        lambda value: value > 0.2,
        lambda value: value < 0.05,
        "the discriminator learns its pictures by heart: of its lead, {value:.0%} or more is gone at real pictures "
        "that it has not met",
        ("--augment", "--augment-colour if there are some hundreds only", "more pictures", "a smaller --width"),
    ),
    "discriminator wins": Symptom(
        "lead",
        lambda value: value > 8,
        lambda value: value < 5,
        "the discriminator wins: real and generated pictures are {value:.1f} deviations apart to it, and the generator "
        "can hardly learn from that",
        ("--preset rpgan", "--preset sndcgan", "--critic-steps 1", "--augment", "a smaller --lr"),
    ),
    "generator wins": Symptom(
        "lead",
        lambda value: value < 0.02,
        lambda value: value > 0.2,
        "the generator wins: the discriminator does not tell real from generated pictures any more ({value:.2f} "
        "deviations), and nothing is learnt from it",
        ("a larger --critic-steps", "a larger --width", "a smaller --penalty-weight", "--preset sndcgan"),
    ),
    "dead discriminator": Symptom(
        "gradient_size_d",
        *_DEAD,
        "the discriminator's gradients are dead ({value:.0e}): it does not learn any more",
        (_FRESH, "--preset rpgan", "--loss hinge", "a smaller --penalty-weight", "a larger --clip"),
    ),
    "dead generator": Symptom(
        "gradient_size_g",
        *_DEAD,
        "the generator's gradients are dead ({value:.0e}): it does not learn any more",
        (_FRESH, "--preset rpgan", "--preset sndcgan", "a larger --clip"),
    ),
}
"""By name. That one side wins is two of them, and so are gradients that die."""


def counted(
    before: dict[str, int],
    figures: dict[str, float],
    images: int,
    settings: TrainingSettings,
    symptoms: Mapping[str, Symptom] = SYMPTOMS,
) -> dict[str, int]:
    """For each symptom, the looks that have shown it since it was last not there, this one included.

    Args:
        before: the same up to the look before.
        figures: of this look; those that it does not have leave their symptoms as they were.
        images: seen by now.
        settings: of the training.
        symptoms: that are looked for.
    """
    if images < min(GRACE_IMAGES, settings.images / GRACE_PART):
        return before
    return {name: _count(symptoms[name], number, figures) for name, number in before.items()}


def _count(symptom: Symptom, before: int, figures: dict[str, float]) -> int:
    value = figures.get(symptom.figure)
    if value is None:
        return before
    if symptom.is_ill(value):
        return before + 1
    return 0 if before < PATIENCE or symptom.is_well(value) else before


def is_new(name: str, before: dict[str, int], now: dict[str, int]) -> bool:
    """Whether this look is the one after which a symptom is reported."""
    return before[name] < PATIENCE <= now[name]


def warning(
    name: str, figures: dict[str, float], settings: TrainingSettings, symptoms: Mapping[str, Symptom] = SYMPTOMS
) -> str:
    """A line: what goes wrong, and what usually helps."""
    symptom = symptoms[name]
    helps = [one for one in symptom.helps if not _is_vain(one, settings)]
    return f"{symptom.words.format(value=figures[symptom.figure])}; what usually helps: {', '.join(helps)}"


def _is_vain(help_: str, settings: TrainingSettings) -> bool:
    """Whether the training is what is advised already ("--preset rpgan", "--augment"), or has not what it is about."""
    has = {"--clip": getattr(settings, "clip", 0), "--penalty-weight": getattr(settings, "penalty", "none") != "none"}
    if any(name in help_ and not there for name, there in has.items()):
        return True
    if not help_.startswith("--"):
        return False
    name, *value = help_[2:].split(" ")
    now = getattr(settings, name.replace("-", "_"))
    return now is True or str(now) in value[:1]
