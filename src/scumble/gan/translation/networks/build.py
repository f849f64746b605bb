"""The networks of a translation: fresh ones, and those that a model holds."""

from collections.abc import Mapping

import torch
from torch import nn

from scumble.gan.networks import build as of_gan
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.settings import TranslationSettings
from scumble.storage import checkpoint


def build(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """All networks of a training by name, with fresh weights drawn from the seed.

    Raises:
        SettingsError: if the networks cannot be of these settings or shapes, or the kind has no such loss to weigh.
    """
    kind = KINDS[settings.kind]
    settings.weights_over(kind.weights)
    with torch.random.fork_rng(devices=[]):  # layers draw from the CPU's global numbers: others find them as they were
        torch.default_generator.manual_seed(settings.seed)
        return kind.networks(settings, shapes)


def filled(settings: TranslationSettings, shapes: Shapes, tensors: Mapping[str, torch.Tensor]) -> dict[str, nn.Module]:
    """The networks that a model holds by name, with the weights of its file.

    Args:
        settings: of its training.
        shapes: of the pictures that it was trained on.
        tensors: by NETWORK.NAME.

    Raises:
        ValueError: if one is missing, too many, or of another shape or kind of number.
    """
    names = KINDS[settings.kind].result

    def make() -> list[nn.Module]:
        networks = build(settings, shapes)
        return [networks[name] for name in names]

    given = [checkpoint.under(name, dict(tensors)) for name in names]
    return dict(zip(names, of_gan.filled(make, given), strict=True))
