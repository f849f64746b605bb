"""CUT (Park et al. 2020): one translator alone, held to its start by what its own encoder sees at equal places.

A patch of the result shall resemble the patch of the start at the same place more than other patches of that start, by
features of the generator's encoder, through small heads that are learnt with it. FastCUT is other weights:
`contrast=10,contrast_identity=0`. What is different: the layers are looked at behind their norm; the networks halve by
strides, not by blurring; and every picture has its own places.
"""

import functools

import torch
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.losses.reconstruction import info_nce
from scumble.gan.translation.kind import Game, Kind, Shapes, weighted
from scumble.gan.translation.kinds.adversary import (
    PLACE_DRAWS,
    discriminator_term,
    generator_term,
    in_turn,
    is_looked_at_again,
)
from scumble.gan.translation.networks import resnet
from scumble.gan.translation.networks.layers import draw_weights
from scumble.gan.translation.networks.patch import PatchDiscriminator, check_patches
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment, Outcome, Update, once

WEIGHTS = {"adversarial": 2.0, "contrast": 1.0, "contrast_identity": 1.0}
"""Eq. 5, with the lambdas of section 4; our least-squares loss of a generator is half of theirs."""

PLACES, HEAD_WIDTH = 256, 256
"""A picture's patches of each layer, and the numbers of each (section 3 and appendix C.2)."""
DEEP_BLOCK = 4
"""Beside the pixels, both halvings and the first residual block, the fifth is looked at (likewise)."""


class Heads(nn.Module):
    """A small network for each layer: (N, P, C) features of P places -> (N, P, 256)."""

    def __init__(self, channels: list[int]):
        super().__init__()
        self.of_layers = nn.ModuleList(
            nn.Sequential(nn.Linear(c, HEAD_WIDTH), nn.ReLU(), nn.Linear(HEAD_WIDTH, HEAD_WIDTH)) for c in channels
        )
        self.apply(draw_weights)


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A residual generator, the heads of its encoder, and a discriminator of patches."""
    check_patches(settings.cut, settings.patch_layers)
    colours, width, norm = shapes.a[0], settings.width, settings.norm
    if shapes.b[0] != colours:
        raise SettingsError(
            f"preset: got {settings.preset}, whose encoder looks at both domains, and pictures of {colours} and of "
            f"{shapes.b[0]} channels; wanted equally many"
        )
    generator = resnet.Generator(colours, colours, width, settings.blocks, norm, settings.upsampling)
    channels = [colours, *(width << min(n + 1, resnet.HALVINGS) for n in looked_at(generator))]
    return {
        "generator": generator,
        "heads": Heads(channels),
        "discriminator": PatchDiscriminator(colours, width, settings.patch_layers, norm),
    }


def looked_at(generator: resnet.Generator) -> list[int]:
    """Which of the encoder's activations: after both halvings, after the first residual block and after the fifth."""
    return sorted({*range(resnet.HALVINGS + 1), resnet.HALVINGS + min(DEEP_BLOCK, len(generator.blocks) - 1)})


def rows_of(generator: resnet.Generator, heads: Heads, pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """(L, N, P, 256): what the heads say of P random places of each layer and picture, the pixels being the first.

    All layers have as many places: those of the smallest, 256 at most.
    """
    wanted = looked_at(generator)
    upto = zip(range(wanted[-1] + 1), generator.activations(pictures), strict=False)
    activations = [x for n, x in upto if n in wanted]
    layers = [x.flatten(2).mT for x in (pictures, *activations)]  # (N, H * W, C)
    count = min(PLACES, *(layer.shape[1] for layer in layers))
    rows = []
    for layer, head in zip(layers, heads.of_layers, strict=True):
        places = draw(torch.rand, len(layer), layer.shape[1], random=random).topk(count).indices.to(layer.device)
        rows.append(head(layer.gather(1, places[..., None].expand(-1, -1, layer.shape[2]))))
    return torch.stack(rows)


def contrast(game: Game, result: torch.Tensor, start: torch.Tensor, moment: Moment) -> torch.Tensor:
    """Eq. 4, the mean over the layers. As in the authors' program, the start's features are taken as given."""
    generator, heads = game.networks["generator"], game.networks["heads"]
    assert isinstance(generator, resnet.Generator)
    assert isinstance(heads, Heads)

    def rows(pictures: torch.Tensor) -> torch.Tensor:
        return rows_of(generator, heads, pictures, moment.generator(PLACE_DRAWS)).flatten(0, 1)

    with torch.no_grad():
        keys = game.placement.compute(rows, start)
    return info_nce(game.placement.compute(rows, result), keys)


def drawn(game: Game, batch: Batch) -> torch.Tensor:
    """Pictures of `b`'s domain, out of `a`; made once for both losses of a step."""
    return once(batch, "fake", lambda: game.placement.compute(game.networks["generator"], batch["a"]))


def discriminator_loss(game: Game, batch: Batch, moment: Moment) -> Outcome:
    """To tell results from pictures of the other domain."""
    with torch.set_grad_enabled(is_looked_at_again(game, moment)):
        fake = drawn(game, batch)
    return discriminator_term(game, game.networks["discriminator"], batch["b"], fake)


def generator_loss(game: Game, batch: Batch, moment: Moment) -> Outcome:
    """Eq. 5."""
    a, b, fake, weights = batch["a"], batch["b"], drawn(game, batch), game.settings.weights_over(WEIGHTS)
    terms = {"adversarial": generator_term(game, game.networks["discriminator"], b, fake)}
    terms["contrast"] = contrast(game, fake, a, moment)
    if weights["contrast_identity"]:
        terms["contrast_identity"] = contrast(game, game.placement.compute(game.networks["generator"], b), b, moment)
    return Outcome(weighted(terms, weights), terms)


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminator's move, then that of the generator and the heads."""
    judge, translate = functools.partial(discriminator_loss, game), functools.partial(generator_loss, game)
    return in_turn(game, ("discriminator",), judge, ("generator", "heads"), translate)


KIND = Kind(
    learns_from="domains",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    multiple=lambda settings: resnet.MULTIPLE,
)
