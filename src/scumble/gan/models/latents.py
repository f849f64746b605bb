"""Interpolation and arithmetic of latents.

A latent of Z normal numbers has a norm close to sqrt(Z), and a generator has been trained on no others. So paths go
along that sphere rather than through it, and averages are projected back onto it.
"""

import itertools

import torch
import torch.nn.functional as F


def slerp(a: torch.Tensor, b: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Points on the arc from one latent to another (Shoemake 1985; White 2016, "Sampling generative networks").

    Where the two lie on one line through 0, the arc is not unique: the points are then on the straight line.

    Args:
        a: (Z,).
        b: (Z,).
        positions: (N,) from 0, which is a, to 1, which is b.

    Returns:
        (N, Z).

    Example:
        >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.5]))
        tensor([[0.7071, 0.7071]])
    """
    angle = torch.arccos(F.cosine_similarity(a, b, dim=0).clamp(-1, 1))
    positions = positions[:, None]
    if angle.sin() < 1e-3:  # in float32, the arccos of nearly 1 is known to 4e-4
        return torch.lerp(a, b, positions)
    return (torch.sin((1 - positions) * angle) * a + torch.sin(positions * angle) * b) / angle.sin()


def walk(latents: torch.Tensor, between: int, closed: bool = False) -> torch.Tensor:
    """A path through (N, Z) latents, `between` equal steps from each to the next; `closed` returns to the first.

    Returns:
        ((N - 1) * between + 1, Z), or (N * between, Z) if closed: the first is not repeated at the end.
    """
    ends = torch.cat([latents, latents[:1]]) if closed else latents
    positions = torch.arange(between) / between
    path = [slerp(a, b, positions) for a, b in itertools.pairwise(ends)]
    return torch.cat(path if closed else [*path, latents[-1:]])


def on_sphere(latents: torch.Tensor) -> torch.Tensor:
    """(..., Z) latents scaled to the norm sqrt(Z), close to that of the latents in training."""
    return F.normalize(latents, dim=-1) * latents.shape[-1] ** 0.5


def arithmetic(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """(4, Z): the averages of three sets of (N, Z) latents, and A - B + C (Radford et al. 2015, section 6.3.2).

    Unlike theirs, all four are projected onto the sphere: an average is shorter than what it averages.
    """
    a, b, c = (latents.mean(0) for latents in (a, b, c))
    return on_sphere(torch.stack([a, b, c, a - b + c]))
