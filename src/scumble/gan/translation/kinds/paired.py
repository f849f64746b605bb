"""Pix2pix (Isola et al. 2017): from pairs, by how far the result is from the truth, and how likely a critic finds both.

The discriminator sees the picture that was started from beside the one that it judges. As in the paper (section 3.3),
its loss counts half. Unlike there, a finished model has no noise: dropout is of the training only, and batch norm goes
by the averages of the training, so that a picture does not depend on those translated with it, nor on where tiles end.
Where code has made the pictures worse that are started from, what is learnt is added to them.
"""

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.translation.kind import Game, Kind, Shapes, restores, weighted
from scumble.gan.translation.kinds.adversary import in_turn, is_looked_at_again
from scumble.gan.translation.networks.patch import PatchDiscriminator, check_patches
from scumble.gan.translation.networks.unet import UNet, depth_for
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.task import Batch, Moment, Outcome, Update, once
from scumble.training.updates import frozen

WEIGHTS = {"adversarial": 1.0, "l1": 100.0}
"""Eq. 4, with the lambda of section 3.3."""


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """A U-Net, and a discriminator of patches."""
    check_patches(settings.cut, settings.patch_layers)
    before, after = shapes.a[0], shapes.b[0]
    depth = depth_for(settings.cut)
    way = settings.norm, settings.upsampling
    generator = UNet(before, after, settings.width, depth, *way, adds=before if restores(settings) else 0)
    discriminator = PatchDiscriminator(before + after, settings.width, settings.patch_layers, settings.norm)
    return {"generator": generator, "discriminator": discriminator}


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminator's move, then the generator's."""
    generator, discriminator = game.networks["generator"], game.networks["discriminator"]
    loss, weights = LOSSES[game.settings.loss], game.settings.weights_over(WEIGHTS)

    def result(batch: Batch, with_gradient: bool) -> torch.Tensor:
        with torch.set_grad_enabled(with_gradient):
            return once(batch, "result", lambda: game.placement.compute(generator, batch["a"]))

    def logits(batch: Batch, pictures: torch.Tensor) -> torch.Tensor:
        seen = game.placement.compute(discriminator, torch.cat([batch["a"], pictures], 1))
        return game.processes.whole(seen) if loss.couples else seen

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 1, for the discriminator."""
        fake = result(batch, with_gradient=is_looked_at_again(game, moment)).detach()
        on_real, on_fake = logits(batch, batch["b"]), logits(batch, fake)
        belief = {"d_real": on_real.sigmoid().mean(), "d_fake": on_fake.sigmoid().mean()}
        return Outcome(loss.discriminator(on_real, on_fake) / 2, belief)

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        """Eq. 4: to be taken for real, and to be near the truth."""
        fake = result(batch, with_gradient=True)
        with frozen(discriminator):
            real = logits(batch, batch["b"]) if loss.compares else fake.new_zeros(0)
            terms = {"adversarial": loss.generator(real, logits(batch, fake)), "l1": F.l1_loss(fake, batch["b"])}
        return Outcome(weighted(terms, weights), terms)

    return in_turn(game, ("discriminator",), discriminator_loss, ("generator",), generator_loss)


KIND = Kind(
    learns_from="pairs",
    networks=networks,
    updates=updates,
    result=("generator",),
    translation=lambda networks, direction: networks["generator"],
    weights=WEIGHTS,
    multiple=lambda settings: 2 ** depth_for(settings.cut),
)
