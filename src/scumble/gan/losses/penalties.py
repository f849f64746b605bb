"""What keeps a discriminator smooth: functions of its gradient by the picture, added to its loss.

The gradient is itself part of the loss, so that its own gradient is wanted: twice the way back. It is taken picture by
picture, which a discriminator with batch norm does not allow: there, one picture changes the logits of all others.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch

from scumble.training.randomness import draw

Judge = Callable[[torch.Tensor], torch.Tensor]
"""(N, C, H, W) pictures -> (N,) logits."""


class Penalty(NamedTuple):
    """A function of (judge, real, fake, random) that returns (), and what it is usually multiplied by."""

    function: Callable[[Judge, torch.Tensor, torch.Tensor, torch.Generator], torch.Tensor]
    weight: float


def squared_slopes(judge: Judge, pictures: torch.Tensor) -> torch.Tensor:
    """(N,): at each picture, the squared length of the logit's gradient by all of its numbers."""
    pictures = pictures.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(judge(pictures).sum(), pictures, create_graph=True)
    return gradient.square().flatten(1).sum(1)


def between(real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """A picture at a random place on the way from each real one to a generated one."""
    return torch.lerp(real, fake, draw(torch.rand, len(real), 1, 1, 1, random=random).to(real))


def gradient_penalty(judge: Judge, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """(slope - 1)^2 between real and generated pictures (Gulrajani et al. 2017, eq. 3)."""
    return _from_one(squared_slopes(judge, between(real, fake, random)))


def divergence(judge: Judge, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """slope^6 between real and generated pictures (Wu et al. 2018, "Wasserstein divergence", p = 6)."""
    return squared_slopes(judge, between(real, fake, random)).pow(3).mean()


def around_real(judge: Judge, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """(slope - 1)^2 at real pictures with noise, of half their deviation (Kodali et al. 2017, DRAGAN)."""
    noise = draw(torch.randn, *real.shape, random=random).to(real)
    return _from_one(squared_slopes(judge, real + 0.5 * real.std() * noise))


def r1(judge: Judge, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """slope^2 / 2 at real pictures (Mescheder et al. 2018, eq. 9)."""
    return squared_slopes(judge, real).mean() / 2


def r1_and_r2(judge: Judge, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """slope^2 / 2 at real pictures and at generated ones (Mescheder et al. 2018; Huang et al. 2024, R3GAN)."""
    return squared_slopes(judge, torch.cat([real, fake])).mean()


def _from_one(squares: torch.Tensor) -> torch.Tensor:
    # The root has no gradient at 0.
    return ((squares + 1e-12).sqrt() - 1).square().mean()


PENALTIES = {
    "gp": Penalty(gradient_penalty, 10.0),
    "div": Penalty(divergence, 2.0),
    "dragan": Penalty(around_real, 10.0),
    "r1": Penalty(r1, 10.0),
    "r1r2": Penalty(r1_and_r2, 1.0),
}
"""By name, for pictures in [-1, 1]."""
