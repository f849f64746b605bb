"""CycleGAN, DiscoGAN and DualGAN, all of 2017: two sets of pictures, and two translators that undo each other.

The three differ in networks, adversarial loss and weights, which are rows of `presets`. A picture translated there
and back shall be the one that it was; one that is already of the other domain shall stay as it is. What is different
from the programs: the discriminators move first, so that a batch may be taken in parts; and where the two domains have
other channels, nothing can stay as it is, and the identity term is left out.
"""

import functools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.translation.kind import Game, Kind, Shapes, weighted
from scumble.gan.translation.kinds.adversary import (
    POOL_A_DRAWS,
    POOL_B_DRAWS,
    discriminator_term,
    generator_term,
    in_turn,
    is_looked_at_again,
    slope_term,
    summed,
)
from scumble.gan.translation.networks import plain, resnet
from scumble.gan.translation.networks.patch import PatchDiscriminator, check_patches
from scumble.gan.translation.networks.pool import Pool
from scumble.gan.translation.networks.unet import UNet, depth_for
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.task import Batch, Moment, Outcome, Update, once

WEIGHTS = {"adversarial": 2.0, "cycle": 10.0, "cycle_squared": 0.0, "identity": 5.0, "penalty": 0.0}
"""Of CycleGAN (Zhu et al. 2017, sections 4 and 5.2; our least-squares loss is half of theirs). By absolute differences:
"cycle" (eq. 2) and "identity"; by squares: "cycle_squared" (Kim et al. 2017, eq. 3). Critics want the "penalty"."""


def networks(settings: TranslationSettings, shapes: Shapes) -> dict[str, nn.Module]:
    """Two generators, two discriminators, and their pools."""
    check_patches(settings.cut, settings.patch_layers)
    a, b = shapes.a, shapes.b
    # A slope is one picture's: a norm over pictures is out of the question, and none is what Gulrajani et al. ask for.
    norm = "none" if settings.weights_over(WEIGHTS)["penalty"] else settings.norm
    made: dict[str, nn.Module] = {
        "generator_ab": generator(settings, a[0], b[0]),
        "generator_ba": generator(settings, b[0], a[0]),
        "discriminator_a": PatchDiscriminator(a[0], settings.width, settings.patch_layers, norm),
        "discriminator_b": PatchDiscriminator(b[0], settings.width, settings.patch_layers, norm),
    }
    if settings.pool:
        made["pool_a"] = Pool(settings.pool, a, POOL_A_DRAWS)
        made["pool_b"] = Pool(settings.pool, b, POOL_B_DRAWS)
    return made


def generator(settings: TranslationSettings, before: int, after: int) -> nn.Module:
    """(N, before, H, W) -> (N, after, H, W), by the settings' network."""
    width, norm, upsampling = settings.width, settings.norm, settings.upsampling
    if settings.network == "resnet":
        return resnet.Generator(before, after, width, settings.blocks, norm, upsampling)
    if settings.network == "unet":
        return UNet(before, after, width, depth_for(settings.cut), norm, upsampling)
    if settings.network == "encoder-decoder":
        return plain.Generator(before, after, width, plain.halvings_for(settings.cut), norm, upsampling)
    raise SettingsError(f"network: got {settings.network}, wanted resnet, unet or encoder-decoder")


def multiple(settings: TranslationSettings) -> int:
    """What the generators' sides should be divisible by."""
    halvings = {"resnet": resnet.HALVINGS, "encoder-decoder": plain.halvings_for(settings.cut)}
    return 2 ** halvings.get(settings.network, depth_for(settings.cut))


def drawn(game: Game, batch: Batch) -> dict[str, torch.Tensor]:
    """Pictures of each domain, out of the other's; made once for all losses of a step."""

    def out_of(start: str, name: str) -> torch.Tensor:
        return game.placement.compute(game.networks[f"generator_{name}"], batch[start])

    return {
        "a": once(batch, "fake_a", lambda: out_of("b", "ba")),
        "b": once(batch, "fake_b", lambda: out_of("a", "ab")),
    }


def discriminator_loss(game: Game, batch: Batch, moment: Moment) -> Outcome:
    """To tell pictures of each domain from new and earlier results."""
    weights, outcomes, slopes = game.settings.weights_over(WEIGHTS), [], []
    with torch.set_grad_enabled(is_looked_at_again(game, moment)):
        fakes = {domain: fake.detach() for domain, fake in drawn(game, batch).items()}
    for domain, fake in fakes.items():
        discriminator, real = game.networks[f"discriminator_{domain}"], batch[domain]
        pool = game.networks.get(f"pool_{domain}")
        shown = pool.shown(fake, moment) if isinstance(pool, Pool) else fake
        outcomes.append(discriminator_term(game, discriminator, real, shown))
        if weights["penalty"]:
            slopes.append(slope_term(game, discriminator, real, shown, moment))
    told = summed(outcomes)
    penalty = weights["penalty"] * torch.stack(slopes).sum() if slopes else 0
    return told._replace(loss=told.loss + penalty, kept=fakes if game.settings.pool else {})


def remember(game: Game, moment: Moment, figures: dict[str, torch.Tensor], kept: dict[str, torch.Tensor]) -> None:
    """Put the new results of a whole batch into the pools."""
    for domain, fake in kept.items():
        pool = game.networks[f"pool_{domain}"]
        assert isinstance(pool, Pool)
        pool.remember(fake, moment)


def generator_loss(game: Game, batch: Batch, moment: Moment) -> Outcome:
    """Eq. 3 of Zhu et al. 2017, and the identity term of their section 5.2."""
    weights, compute, fakes = game.settings.weights_over(WEIGHTS), game.placement.compute, drawn(game, batch)
    asked = {name for name, weight in weights.items() if weight and name != "penalty"} | {"adversarial"}
    terms: dict[str, list[torch.Tensor]] = {name: [] for name in weights if name in asked}
    for start, end in ("ab", "ba"):
        real, wanted, fake = batch[start], batch[end], fakes[end]
        there, back = game.networks[f"generator_{start}{end}"], game.networks[f"generator_{end}{start}"]
        again = compute(back, fake)
        terms["adversarial"].append(generator_term(game, game.networks[f"discriminator_{end}"], wanted, fake))
        for name, distance in (("cycle", F.l1_loss), ("cycle_squared", F.mse_loss)):
            if name in terms:
                terms[name].append(distance(again, real))
        if "identity" in terms and real.shape[1] == wanted.shape[1]:
            terms["identity"].append(F.l1_loss(compute(there, wanted), wanted))
    sums = {name: torch.stack(each).sum() for name, each in terms.items() if each}
    return Outcome(weighted(sums, weights), sums)


def updates(game: Game) -> tuple[Update, ...]:
    """The discriminators' move, then the generators'."""
    judge, translate = functools.partial(discriminator_loss, game), functools.partial(generator_loss, game)
    judges, translators = ("discriminator_a", "discriminator_b"), ("generator_ab", "generator_ba")
    return in_turn(game, judges, judge, translators, translate, after=functools.partial(remember, game))


KIND = Kind(
    learns_from="domains",
    networks=networks,
    updates=updates,
    result=("generator_ab", "generator_ba"),
    translation=lambda networks, direction: networks["generator_ab" if direction == "forward" else "generator_ba"],
    weights=WEIGHTS,
    directions=("forward", "backward"),
    multiple=multiple,
)
