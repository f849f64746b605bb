"""MUNIT (Huang et al. 2018): a picture is content, which both domains share, and style; a translation draws a style.

Content and style of a picture are found by its own domain's encoders, and a decoder draws both. A translation takes the
content and another style, out of a standard normal distribution in training and in use alike; a program that draws the
one normal and the other uniform shows styles in use that were never trained. What is different: small pictures do,
since each discriminator has as many scales as there is room for.
"""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.translation.kind import Direction, Game, Kind, Shapes
from scumble.gan.translation.kinds.adversary import CODE_DRAWS, generator_term
from scumble.gan.translation.kinds.coupled import OTHER, Seen, updates_of_both
from scumble.gan.translation.networks.munit import Halves, MultiScaleDiscriminator, Translation
from scumble.gan.translation.networks.resnet import MULTIPLE, check_sides
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment, Update, once

WEIGHTS = {"adversarial": 2.0, "reconstruction": 10.0, "content": 1.0, "style": 1.0}
"""Eq. 5, with the lambdas of appendix B.1; our least-squares loss of a generator is half of theirs."""


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A generator of six parts, and a discriminator of several scales for each domain."""
    check_sides(settings.cut)
    channels, side = {"a": shapes.a[0], "b": shapes.b[0]}, min(settings.cut)
    judges = {f"discriminator_{d}": MultiScaleDiscriminator(c, settings.width, side) for d, c in channels.items()}
    generator = Halves(channels, settings.width, settings.blocks, settings.latent, side, settings.upsampling)
    return {"generator": generator, **judges}


def halves(game: Game) -> Halves:
    """The generator."""
    generator = game.networks["generator"]
    assert isinstance(generator, Halves)
    return generator


def scales(game: Game, domain: str, real: torch.Tensor, fake: torch.Tensor) -> Iterator[Seen]:
    """Each scale's network, and what it sees of both."""
    judge = game.networks[f"discriminator_{domain}"]
    assert isinstance(judge, MultiScaleDiscriminator)
    return zip(judge.scales, judge.pyramid(real), judge.pyramid(fake), strict=True)


def drawn(game: Game, batch: Batch, moment: Moment, domain: str) -> torch.Tensor:
    """Pictures of the other domain, of this one's content and a random style; made once for both losses of a step."""
    start, other, compute = batch[domain], OTHER[domain], game.placement.compute
    random = moment.generator(CODE_DRAWS + list(OTHER).index(domain))
    codes = draw(torch.randn, len(start), game.settings.latent, random=random)
    style = once(batch, f"style_for_{domain}", lambda: codes.to(start))
    content = once(batch, f"content_{domain}", lambda: compute(halves(game).content[domain], start))
    return once(batch, f"from_{domain}", lambda: compute(halves(game).decoder[other], content, style))


def terms(game: Game, batch: Batch, moment: Moment, domain: str) -> dict[str, torch.Tensor]:
    """Eqs. 1 to 4, for pictures of a domain, and what is drawn of them in the other."""
    generator, compute, other = halves(game), game.placement.compute, OTHER[domain]
    start, fake = batch[domain], drawn(game, batch, moment, domain)
    content, style = batch[f"content_{domain}"], batch[f"style_for_{domain}"]
    again = compute(generator.decoder[domain], content, compute(generator.style[domain], start))
    seen = [generator_term(game, *each) for each in scales(game, other, batch[other], fake)]
    return {
        "adversarial": torch.stack(seen).sum(),
        "reconstruction": F.l1_loss(again, start),
        "content": F.l1_loss(compute(generator.content[other], fake), content),
        "style": F.l1_loss(compute(generator.style[other], fake), style),
    }


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminators' move, then that of all encoders and decoders (eq. 5)."""
    return updates_of_both(game, drawn, scales, terms, WEIGHTS)


def _translation(networks: Mapping[str, nn.Module], direction: Direction) -> nn.Module:
    generator = networks["generator"]
    assert isinstance(generator, Halves)
    return Translation(generator, *("ab" if direction == "forward" else "ba"))


KIND = Kind(
    learns_from="domains",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=_translation,
    weights=WEIGHTS,
    directions=("forward", "backward"),
    told=("code",),
    multiple=lambda settings: MULTIPLE,
)
