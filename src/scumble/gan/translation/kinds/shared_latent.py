"""UNIT (Liu et al. 2017): each domain has a variational autoencoder, and all of them have one space of codes.

A picture is translated by encoding it with its own domain's encoder and decoding it with the other's decoder. That the
codes mean the same is seen to by layers that both share, by the prior, and by the way there and back. Codes have a
variance of 1 in training, and are their means in use. What is different: the divergence is counted for each number of a
code, as the differences are for each number of a picture; that is what the authors' program does with the weights.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.losses.reconstruction import kl_to_normal
from scumble.gan.translation.kind import Direction, Game, Kind, Shapes
from scumble.gan.translation.kinds.adversary import CODE_DRAWS, generator_term
from scumble.gan.translation.kinds.coupled import OTHER, Seen, updates_of_both
from scumble.gan.translation.networks.patch import PatchDiscriminator, check_patches
from scumble.gan.translation.networks.resnet import MULTIPLE, SharedLatent, SharedTranslation, check_sides
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment, Update, once

WEIGHTS = {"adversarial": 10.0, "reconstruction": 100.0, "kl": 0.1, "cycle": 100.0, "cycle_kl": 0.1}
"""The lambdas 0, 2, 1, 4 and 3 of eqs. 3 to 5, as section 4 has them."""

USES = ("a", "b", "a again", "b again")
"""Of random codes."""


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A generator of four halves, and a discriminator of patches for each domain."""
    check_patches(settings.cut, settings.patch_layers)
    check_sides(settings.cut)
    channels, width, norm = {"a": shapes.a[0], "b": shapes.b[0]}, settings.width, settings.norm
    generator = SharedLatent(channels, width, settings.blocks, norm, settings.upsampling)
    judges = {
        f"discriminator_{d}": PatchDiscriminator(c, width, settings.patch_layers, norm) for d, c in channels.items()
    }
    return {"generator": generator, **judges}


def halves(game: Game) -> SharedLatent:
    """The generator."""
    generator = game.networks["generator"]
    assert isinstance(generator, SharedLatent)
    return generator


def encoded(game: Game, pictures: torch.Tensor, domain: str) -> torch.Tensor:
    """The means of the codes of pictures of a domain."""
    return game.placement.compute(lambda x: halves(game).encoded(x, domain), pictures)


def decoded(game: Game, codes: torch.Tensor, domain: str) -> torch.Tensor:
    """Pictures of a domain."""
    return game.placement.compute(lambda x: halves(game).decoded(x, domain), codes)


def noisy(means: torch.Tensor, moment: Moment, use: str) -> torch.Tensor:
    """Codes, drawn around their means (section 3)."""
    random = moment.generator(CODE_DRAWS + USES.index(use))
    return means + draw(torch.randn, *means.shape, random=random).to(means)


def drawn(game: Game, batch: Batch, moment: Moment, domain: str) -> torch.Tensor:
    """Pictures of the other domain, out of the codes of this one; made once for both losses of a step."""
    means = once(batch, f"means_{domain}", lambda: encoded(game, batch[domain], domain))
    codes = once(batch, f"codes_{domain}", lambda: noisy(means, moment, domain))
    return once(batch, f"from_{domain}", lambda: decoded(game, codes, OTHER[domain]))


def judges(game: Game, domain: str, real: torch.Tensor, fake: torch.Tensor) -> list[Seen]:
    """The one of a domain, and what it sees of both."""
    return [(game.networks[f"discriminator_{domain}"], real, fake)]


def terms(game: Game, batch: Batch, moment: Moment, domain: str) -> dict[str, torch.Tensor]:
    """Eqs. 3 to 5, for pictures of a domain, and what is drawn of them in the other."""
    other, start, fake = OTHER[domain], batch[domain], drawn(game, batch, moment, domain)
    means, codes, means_again = batch[f"means_{domain}"], batch[f"codes_{domain}"], encoded(game, fake, other)
    again = decoded(game, noisy(means_again, moment, f"{domain} again"), domain)
    numbers = means[0].numel()
    return {
        "adversarial": generator_term(game, game.networks[f"discriminator_{other}"], batch[other], fake),
        "reconstruction": F.l1_loss(decoded(game, codes, domain), start),
        "kl": kl_to_normal(means) / numbers,
        "cycle": F.l1_loss(again, start),
        "cycle_kl": kl_to_normal(means_again) / numbers,
    }


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminators' move, then that of all halves (eq. 2)."""
    return updates_of_both(game, drawn, judges, terms, WEIGHTS)


def _translation(networks: Mapping[str, nn.Module], direction: Direction) -> nn.Module:
    generator = networks["generator"]
    assert isinstance(generator, SharedLatent)
    return SharedTranslation(generator, *("ab" if direction == "forward" else "ba"))


KIND = Kind(
    learns_from="domains",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=_translation,
    weights=WEIGHTS,
    directions=("forward", "backward"),
    multiple=lambda settings: MULTIPLE,
)
