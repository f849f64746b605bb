"""Norms whose statistics are held: the trap of tiles, where each would be normalised by what it alone shows.

Instance norm takes a mean and a variance over a whole picture. Of a picture that is too large for that, statistics are
taken once, over cuts at its full size that are spread evenly and pass the network together; then they stay, for all
tiles alike. So no seam shows. How near they are to those of the whole picture is told in docs/log.md.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

Norm = nn.InstanceNorm2d | nn.GroupNorm


class HeldNorms:
    """The norms of a network that look at whole pictures, in the order in which a pass comes by them.

    One that a pass comes by twice is two of them. Batch norm is none: it goes by what it has learnt.
    """

    def __init__(self, network: nn.Module):
        self.modules = [module for module in network.modules() if _looks_around(module)]
        self.statistics: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.turn = 0
        self.taking = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take the statistics of everything in a batch together, in the one pass of this block."""
        self.statistics, self.turn, self.taking = [], 0, True
        with self._in_their_place():
            yield
        self.taking = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Go by the statistics that were taken, in the one pass of this block."""
        self.turn = 0
        with self._in_their_place():
            yield

    @contextmanager
    def _in_their_place(self) -> Iterator[None]:
        for module in self.modules:
            module.forward = partial(self._normalised, module)  # pyright: ignore[reportArgumentType] (a norm)
        try:
            yield
        finally:
            for module in self.modules:
                del module.forward

    def _normalised(self, module: Norm, x: torch.Tensor) -> torch.Tensor:
        if self.taking:
            self.statistics.append(moments(module, x))
        mean, variance = self.statistics[self.turn]
        self.turn += 1
        return F.batch_norm(x, mean, variance, module.weight, module.bias, eps=module.eps)


def moments(module: Norm, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and variance of the channels of (N, C, H, W) features, (C,) each, as a norm takes them of one picture."""
    channels = x.shape[1]
    groups = module.num_groups if isinstance(module, nn.GroupNorm) else channels
    variance, mean = torch.var_mean(x.unflatten(1, (groups, -1)), (0, 2, 3, 4), correction=0)
    return mean.repeat_interleave(channels // groups), variance.repeat_interleave(channels // groups)


def _looks_around(module: nn.Module) -> bool:
    return isinstance(module, nn.GroupNorm) or (
        isinstance(module, nn.InstanceNorm2d) and not module.track_running_stats
    )
