"""BicycleGAN (Zhu et al. 2017b): from pairs, one result for each code, so that what a picture leaves open is drawn.

Two games with a discriminator each. In one, an encoder tells the code of the truth, and the generator has to come back
to the truth by it (cVAE-GAN); in the other, the code is drawn, and the encoder has to find it in the result (cLR-GAN).
There the encoder's weights are constants: else both would agree to hide the code somewhere. The two are one loss, and
the generator and the encoder take one step. What is different: both games see the whole batch, of which the authors
give each one half; discriminators have one scale, not two; `networks.codes` tells the rest.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.losses.reconstruction import kl_to_normal
from scumble.gan.translation.kind import Game, Kind, Shapes, restores, weighted
from scumble.gan.translation.kinds.adversary import (
    discriminator_term,
    generator_term,
    in_turn,
    is_looked_at_again,
    summed,
)
from scumble.gan.translation.networks.codes import CodeEncoder, WithCode
from scumble.gan.translation.networks.patch import PatchDiscriminator, check_patches
from scumble.gan.translation.networks.unet import UNet, depth_for
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment, Outcome, Update, once
from scumble.training.updates import frozen

WEIGHTS = {"adversarial": 2.0, "l1": 10.0, "latent": 0.5, "kl": 0.01}
"""Eq. 8 with the lambdas of section 4; 2, since the least squares of ours are halved and theirs are not."""
ENCODER_HALVINGS = 5


class Results(NamedTuple):
    """What both games look at: codes' means and logarithms of variances, drawn codes, and pictures for both."""

    mean: torch.Tensor
    log_variance: torch.Tensor
    drawn: torch.Tensor
    of_truth: torch.Tensor
    of_drawn: torch.Tensor


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A U-Net that is told a code, an encoder, and a discriminator for each game."""
    check_patches(settings.cut, settings.patch_layers)
    before, after, width = shapes.a[0], shapes.b[0], settings.width
    way = width, depth_for(settings.cut), settings.norm, settings.upsampling, 0.0
    unet = UNet(before + settings.latent, after, *way, adds=before if restores(settings) else 0)
    halvings = min(ENCODER_HALVINGS, depth_for(settings.cut))
    judges = (PatchDiscriminator(after, width, settings.patch_layers, settings.norm) for _ in range(2))
    named = dict(zip(("discriminator_truth", "discriminator_drawn"), judges, strict=True))
    return {"generator": WithCode(unet), "encoder": CodeEncoder(after, settings.latent, width, halvings), **named}


def updates(game: Game) -> tuple[Update, ...]:
    """Both discriminators' move, then that of the generator and the encoder."""
    nets, compute, weights = game.networks, game.placement.compute, game.settings.weights_over(WEIGHTS)
    generator, encoder = nets["generator"], nets["encoder"]
    judges = nets["discriminator_truth"], nets["discriminator_drawn"]

    def make(batch: Batch) -> Results:
        a, random = batch["a"], batch["random"]
        mean, log_variance = compute(encoder, batch["b"]).chunk(2, 1)
        noise, drawn = draw(torch.randn, len(a), 2, game.settings.latent, random=random).to(a).unbind(1)
        code = mean + noise * (log_variance / 2).exp()
        of_truth, of_drawn = (compute(generator, a, one) for one in (code, drawn))
        return Results(mean, log_variance, drawn, of_truth, of_drawn)

    def results(batch: Batch) -> Results:
        return once(batch, "results", lambda: make(batch))

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eqs. 1 and 6, for their discriminators."""
        with torch.set_grad_enabled(is_looked_at_again(game, moment)):
            made = results(batch)
        pairs = zip(judges, (made.of_truth, made.of_drawn), strict=True)
        return summed([discriminator_term(game, judge, batch["b"], fake) for judge, fake in pairs])

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 8: eqs. 3 to 5 of the first game, eqs. 6 and 7 of the second."""
        made = results(batch)
        pairs = zip(judges, (made.of_truth, made.of_drawn), strict=True)
        adversarial = [generator_term(game, judge, batch["b"], fake) for judge, fake in pairs]
        with frozen(encoder):
            found = compute(encoder, made.of_drawn).chunk(2, 1)[0]
        terms = {
            "adversarial": torch.stack(adversarial).sum(),
            "l1": F.l1_loss(made.of_truth, batch["b"]),
            "latent": F.l1_loss(found, made.drawn),
            "kl": kl_to_normal(made.mean, made.log_variance),
        }
        return Outcome(weighted(terms, weights), terms)

    return in_turn(
        game,
        ("discriminator_truth", "discriminator_drawn"),
        discriminator_loss,
        ("generator", "encoder"),
        generator_loss,
    )


KIND = Kind(
    learns_from="pairs",
    networks=networks,
    updates=updates,
    result=("generator", "encoder"),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    told=("code",),
    multiple=lambda settings: 2 ** depth_for(settings.cut),
)
