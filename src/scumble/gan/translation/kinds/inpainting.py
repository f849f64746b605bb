"""Holes filled: Context Encoders (Pathak et al. 2016) and CCGAN (Denton et al. 2016).

A context encoder is held to the picture that was there, and a discriminator makes it take sides. CCGAN has the
discriminator alone, which sees the filled picture, and is given a coarse picture of what was there: `--pairs mosaic`
puts it where the hole is, since all around it says nothing that the picture does not say. What is different for both:
holes are anywhere, the discriminator sees the whole filled picture, and the generator is told where the hole is.
"""

import torch
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks import dcgan
from scumble.gan.translation.kind import Game, Kind, Shapes, weighted
from scumble.gan.translation.kinds.adversary import (
    discriminator_term,
    generator_term,
    in_turn,
    is_looked_at_again,
)
from scumble.gan.translation.networks.encoder_decoder import EncoderDecoder, halvings_for
from scumble.gan.translation.networks.unet import UNet, depth_for
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.task import Batch, Moment, Outcome, Update, once

WEIGHTS = {"pixel": 0.999, "adversarial": 0.001}
"""Eq. 3 of Pathak et al., with the lambdas of section 5."""


class Filled(nn.Module):
    """(N, C, H, W) pictures and (N, 1, H, W) masks, 1 in holes -> pictures that differ in their holes only.

    Args:
        network: of (N, C + 1, H, W), pictures and masks.
    """

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, pictures: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return torch.where(mask > 0, self.network(torch.cat([pictures, mask], 1)).to(pictures), pictures)


def masked_mse(pictures: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """(): the mean squared error inside each picture's hole, averaged over pictures (Pathak et al. 2016, eq. 1).

    Args:
        pictures: (N, C, H, W).
        truth: likewise.
        mask: (N, 1, H, W), 1 in holes; a picture without one has no error.

    Example:
        >>> both = torch.tensor([[[[3.0, 0.0]]]]), torch.tensor([[[[1.0, 9.0]]]])
        >>> masked_mse(*both, torch.tensor([[[[1.0, 0.0]]]])).item()
        4.0
    """
    errors = ((pictures - truth).square() * mask).flatten(1).sum(1)
    return (errors / (mask.flatten(1).sum(1) * pictures.shape[1]).clamp(min=1)).mean()


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A network for pictures and masks, and DCGAN's discriminator.

    Raises:
        SettingsError: if the pictures of a pair differ in shape, or the network is of another kind.
    """
    channels = shapes.b[0]
    if shapes.a != shapes.b:
        raise SettingsError(f"pairs: got pictures of {shapes.a} and {shapes.b} to fill holes in; wanted equal shapes")
    if settings.network == "encoder-decoder":
        halvings = halvings_for(settings.cut)
        way = settings.width, halvings, settings.norm, settings.upsampling
        network = EncoderDecoder(channels + 1, channels, *way)
    elif settings.network == "unet":
        way = settings.width, depth_for(settings.cut), settings.norm, settings.upsampling
        network = UNet(channels + 1, channels, *way)
    else:
        raise SettingsError(f"network: got {settings.network} to fill holes, wanted encoder-decoder or unet")
    return {"generator": Filled(network), "discriminator": dcgan.Discriminator(settings.width, shapes.b, settings.norm)}


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminator's move, then the generator's."""
    generator, discriminator = game.networks["generator"], game.networks["discriminator"]
    weights = game.settings.weights_over(WEIGHTS)

    def filled(batch: Batch) -> torch.Tensor:
        return once(batch, "filled", lambda: game.placement.compute(generator, batch["a"], batch["mask"]))

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 2 of Pathak et al."""
        with torch.set_grad_enabled(is_looked_at_again(game, moment)):
            fake = filled(batch)
        return discriminator_term(game, discriminator, batch["b"], fake)

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 3 of Pathak et al.; without the pixels, eq. 2 of Denton et al."""
        fake = filled(batch)
        terms = {
            "pixel": masked_mse(fake, batch["b"], batch["mask"]),
            "adversarial": generator_term(game, discriminator, batch["b"], fake),
        }
        return Outcome(weighted(terms, weights), terms)

    return in_turn(game, ("discriminator",), discriminator_loss, ("generator",), generator_loss)


def multiple(settings: TranslationSettings) -> int:
    """What sides should be divisible by."""
    return 2 ** (halvings_for if settings.network == "encoder-decoder" else depth_for)(settings.cut)


KIND = Kind(
    learns_from="pairs",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    told=("mask",),
    multiple=multiple,
)
