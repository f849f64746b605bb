"""Pix2pix, CycleGAN and DualGAN as their programs have them: networks, losses and steps, written plainly.

Isola et al. 2017, Zhu et al. 2017 and Yi et al. 2017, as the programs that most people run have them: transposed
convolutions, a bias in every layer, whether a norm takes it away again or not, three to four passes of each
discriminator, and torch's own optimisers. They are the measure for the library's losses and speed
(`benchmarks/translation.py`). Two things are chosen so that both can have the same losses: discriminators move before
generators, where two of the programs have it the other way round, and the logit whose slope DualGAN's penalty is of is
the mean over a picture's patches, where programs take the sum.
"""

import itertools
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import nn

Losses = tuple[torch.Tensor, torch.Tensor]
"""Of the discriminators and of the generators."""

NORMS = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}


class UNet(nn.Module):
    """(N, C, H, W) -> (N, C', H, W), for sides that 2^depth divides."""

    def __init__(self, before: int, after: int, width: int, depth: int, norm: str, dropout: bool):
        super().__init__()
        channels = [width * min(2**level, 8) for level in range(depth)]
        self.downs, self.ups = nn.ModuleList(), nn.ModuleList()
        for level, (c, wider) in enumerate(itertools.pairwise([before, *channels])):
            layers: list[nn.Module] = [nn.LeakyReLU(0.2)] if level else []
            layers.append(nn.Conv2d(c, wider, 4, 2, 1))
            if 0 < level < depth - 1:
                layers.append(NORMS[norm](wider))
            self.downs.append(nn.Sequential(*layers))
        for level in reversed(range(depth)):
            c, narrower = channels[level] * (1 if level == depth - 1 else 2), channels[level - 1] if level else after
            layers = [nn.ReLU(), nn.ConvTranspose2d(c, narrower, 4, 2, 1)]
            layers += [NORMS[norm](narrower)] if level else [nn.Tanh()]
            if dropout and 4 <= level < depth - 1:
                layers.append(nn.Dropout(0.5))
            self.ups.append(nn.Sequential(*layers))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        features = [pictures]
        for down in self.downs:
            features.append(down(features[-1]))
        x = features.pop()
        for up in self.ups:
            x = up(x)
            x = torch.cat([features.pop(), x], 1) if len(features) > 1 else x
        return x


class Block(nn.Module):
    """(N, C, H, W) -> the same shape."""

    def __init__(self, channels: int):
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            convolution = nn.Conv2d(channels, channels, 3)
            layers += [nn.ReflectionPad2d(1), convolution, nn.InstanceNorm2d(channels), nn.ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features."""
        return x + self.layers(x)


def resnet(before: int, after: int, width: int, blocks: int) -> nn.Module:
    """CycleGAN's generator: (N, C, H, W) -> (N, C', H, W), for sides that 4 divides."""
    layers: list[nn.Module] = [nn.ReflectionPad2d(3), nn.Conv2d(before, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
    for c in (width, 2 * width):
        layers += [nn.Conv2d(c, 2 * c, 3, 2, 1), nn.InstanceNorm2d(2 * c), nn.ReLU()]
    layers += [Block(4 * width) for _ in range(blocks)]
    for c in (4 * width, 2 * width):
        layers += [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1), nn.InstanceNorm2d(c // 2), nn.ReLU()]
    return nn.Sequential(*layers, nn.ReflectionPad2d(3), nn.Conv2d(width, after, 7), nn.Tanh())


def patches(channels: int, width: int, strided: int, norm: str) -> nn.Module:
    """The discriminator of patches: (N, C, H, W) -> (N, 1, H', W') logits."""
    layers: list[nn.Module] = [nn.Conv2d(channels, width, 4, 2, 1), nn.LeakyReLU(0.2)]
    widths = [width * min(2**level, 8) for level in range(strided + 1)]
    for level, (c, wider) in enumerate(itertools.pairwise(widths), 1):
        layers.append(nn.Conv2d(c, wider, 4, 2 if level < strided else 1, 1))
        layers += [NORMS[norm](wider)] if norm != "none" else []
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, 1, 1))


def adam(networks: Iterable[nn.Module]) -> torch.optim.Optimizer:
    """Of all parameters of some networks."""
    return torch.optim.Adam(itertools.chain(*(network.parameters() for network in networks)), 2e-4, (0.5, 0.999))


def moved(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> torch.Tensor:
    """A step; returns the loss."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.detach()


def thawed(networks: Iterable[nn.Module], are: bool) -> None:
    """Whether weights are to get gradients."""
    for network in networks:
        network.requires_grad_(are)


class Pix2pix:
    """Generator and discriminator, and their steps."""

    def __init__(self, generator: nn.Module, discriminator: nn.Module):
        self.g, self.d = generator, discriminator
        self.g_optimizer, self.d_optimizer = adam([generator]), adam([discriminator])

    def step(self, a: torch.Tensor, b: torch.Tensor) -> Losses:
        """Of pairs (N, C, H, W)."""
        fake = self.g(a)
        thawed([self.d], True)
        on_fake = self.d(torch.cat([a, fake.detach()], 1))
        on_real = self.d(torch.cat([a, b], 1))
        of_d = moved(self.d_optimizer, (entropy(on_fake, 0.0) + entropy(on_real, 1.0)) * 0.5)
        thawed([self.d], False)
        of_g = entropy(self.d(torch.cat([a, fake], 1)), 1.0) + F.l1_loss(fake, b) * 100
        return of_d, moved(self.g_optimizer, of_g)


class CycleGAN:
    """Two of each, and their steps. Its pool of 50 pictures returns new ones until it is full: it is left out."""

    def __init__(self, g_ab: nn.Module, g_ba: nn.Module, d_a: nn.Module, d_b: nn.Module):
        self.g_ab, self.g_ba, self.d_a, self.d_b = g_ab, g_ba, d_a, d_b
        self.g_optimizer, self.d_optimizer = adam([g_ab, g_ba]), adam([d_a, d_b])

    def step(self, a: torch.Tensor, b: torch.Tensor) -> Losses:
        """Of pictures (N, C, H, W) of two domains."""
        fake_b, fake_a = self.g_ab(a), self.g_ba(b)
        again_a, again_b = self.g_ba(fake_b), self.g_ab(fake_a)
        thawed([self.d_a, self.d_b], True)
        of_d = self.judged(self.d_a, a, fake_a) + self.judged(self.d_b, b, fake_b)
        of_d = moved(self.d_optimizer, of_d)
        thawed([self.d_a, self.d_b], False)
        same_b, same_a = self.g_ab(b), self.g_ba(a)
        of_g = squares(self.d_b(fake_b), 1.0) + squares(self.d_a(fake_a), 1.0)
        of_g = of_g + 10 * (F.l1_loss(again_a, a) + F.l1_loss(again_b, b))
        of_g = of_g + 5 * (F.l1_loss(same_a, a) + F.l1_loss(same_b, b))
        return of_d, moved(self.g_optimizer, of_g)

    @staticmethod
    def judged(d: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """A discriminator's loss."""
        return (squares(d(real), 1.0) + squares(d(fake.detach()), 0.0)) * 0.5


class DualGAN:
    """Two of each: a Wasserstein distance with a gradient penalty, and a cycle. Generators move every so many steps.

    Args:
        mixtures: shares of the real pictures in those that the penalty is at, (N, 1, 1, 1) for each call.
    """

    def __init__(
        self,
        g_ab: nn.Module,
        g_ba: nn.Module,
        d_a: nn.Module,
        d_b: nn.Module,
        every: int,
        mixtures: Callable[[torch.Tensor], torch.Tensor],
    ):
        self.g_ab, self.g_ba, self.d_a, self.d_b, self.every, self.mixtures = g_ab, g_ba, d_a, d_b, every, mixtures
        self.g_optimizer, self.d_optimizer = adam([g_ab, g_ba]), adam([d_a, d_b])
        self.steps = 0

    def step(self, a: torch.Tensor, b: torch.Tensor) -> Losses:
        """Of pictures (N, C, H, W) of two domains."""
        self.steps += 1
        fake_a, fake_b = self.g_ba(b).detach(), self.g_ab(a).detach()
        thawed([self.d_a, self.d_b], True)
        of_d = self.judged(self.d_a, a, fake_a) + self.judged(self.d_b, b, fake_b)
        of_d = moved(self.d_optimizer, of_d)
        if self.steps % self.every:
            return of_d, of_d.new_zeros(())
        thawed([self.d_a, self.d_b], False)
        fake_a, fake_b = self.g_ba(b), self.g_ab(a)
        again_a, again_b = self.g_ba(fake_b), self.g_ab(fake_a)
        of_g = -self.d_a(fake_a).mean() - self.d_b(fake_b).mean()
        of_g = of_g + 10 * (F.l1_loss(again_a, a) + F.l1_loss(again_b, b))
        return of_d, moved(self.g_optimizer, of_g)

    def judged(self, d: nn.Module, real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
        """A discriminator's loss."""
        share = self.mixtures(real)
        between = (share * real + (1 - share) * fake).requires_grad_()
        logits = d(between).flatten(1).mean(1)
        (slope,) = torch.autograd.grad(logits, between, torch.ones_like(logits), create_graph=True, retain_graph=True)
        penalty = ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()
        return -d(real).mean() + d(fake).mean() + 10 * penalty


def entropy(logits: torch.Tensor, target: float) -> torch.Tensor:
    """Binary cross-entropy."""
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, target))


def squares(logits: torch.Tensor, target: float) -> torch.Tensor:
    """Least squares."""
    return F.mse_loss(logits, torch.full_like(logits, target))
