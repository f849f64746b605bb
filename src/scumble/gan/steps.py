"""One step of each network, and of the generator's average: plain functions that a test can call with a fixed batch.

Nothing is read back from the device here: what a step tells is a tensor, and whoever wants the numbers waits for them.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import nn
from torch.optim import Optimizer

from scumble.gan.critic import Critic
from scumble.gan.losses import Loss

Backward = Callable[[torch.Tensor], None]


class Part(NamedTuple):
    """Which of `parts` equal parts of a batch a step is given: gradients are summed up, and the last part moves.

    Where no loss, norm or penalty looks from one picture to another, they are those of the whole batch at once.
    """

    number: int
    parts: int

    def step(self, optimizer: Optimizer, value: torch.Tensor, backward: Backward) -> None:
        """Add this part's share of the gradient of `value`, (), and move if it is the last one."""
        if self.number == 0:
            optimizer.zero_grad(set_to_none=True)
        backward(value / self.parts)
        if self.number == self.parts - 1:
            optimizer.step()


WHOLE = Part(0, 1)


def discriminator_step(
    critic: nn.Module,
    optimizer: Optimizer,
    loss: Loss,
    real: torch.Tensor,
    fake: torch.Tensor,
    random: torch.Generator,
    labels: torch.Tensor | None = None,
    backward: Backward = torch.Tensor.backward,
    part: Part = WHOLE,
) -> torch.Tensor:
    """Move a `Critic` towards telling (N, C, H, W) `real` from `fake`, which is a constant here.

    Returns:
        (3,): its loss before the step, and its mean belief, in [0, 1], that real and generated pictures are real: the
        D(x) and D(G(z)) of Goodfellow et al. 2014.
    """
    verdict = critic(real, fake.detach(), labels, random)
    value = loss.discriminator(verdict.real, verdict.fake) + verdict.extra
    part.step(optimizer, value, backward)
    return torch.stack([value.detach(), verdict.real.detach().sigmoid().mean(), verdict.fake.detach().sigmoid().mean()])


def generator_step(
    critic: Critic,
    optimizer: Optimizer,
    loss: Loss,
    real: torch.Tensor,
    fake: torch.Tensor,
    labels: torch.Tensor | None = None,
    backward: Backward = torch.Tensor.backward,
    part: Part = WHOLE,
) -> torch.Tensor:
    """Move the generator that made `fake` towards what the critic takes for real; returns its loss, ()."""
    # The discriminator is looked through, not trained: its own gradients would be a twelfth more work.
    critic.requires_grad_(False)
    verdict = critic.look(real if loss.compares else None, fake, labels, loss.of_features)
    value = loss.generator(verdict.real, verdict.fake) + verdict.extra
    part.step(optimizer, value, backward)
    critic.requires_grad_(True)
    return value.detach()


@torch.no_grad()
def clip_weights(network: nn.Module, bound: float) -> None:
    """Bring all weights into [-bound, bound], and with them the slope under some bound (Arjovsky et al. 2017)."""
    for parameter in network.parameters():
        parameter.clamp_(-bound, bound)


@torch.no_grad()
def update_average(average: nn.Module, generator: nn.Module, batch: int, images_seen: int, half_life: int) -> None:
    """Move the average of the generator's weights on by one step of `batch` images.

    The half-life is counted in images, so that it means the same for every batch size, and grows with the training at
    first, so that the random start is soon forgotten (Karras et al. 2020, StyleGAN2-ADA's ramp-up of 5%). Buffers, such
    as the statistics of batch norm, are copied: they are averages already.
    """
    now = min(half_life, 0.05 * images_seen)
    weight = 1 - 0.5 ** (batch / now) if now > 0 else 1.0
    for old, new in zip(average.parameters(), generator.parameters(), strict=True):
        old.lerp_(new, weight)
    for old, new in zip(average.buffers(), generator.buffers(), strict=True):
        old.copy_(new)


@torch.no_grad()
def gradient_norm(network: nn.Module) -> torch.Tensor:
    """(): the length of the whole gradient, as the last step left it."""
    return torch.nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
