"""What can be done with latents: ways between them, and sums of them.

A latent of Z normal numbers has a length of about sqrt(Z), hardly ever much less or more, and a generator has seen no
others. So ways go along the sphere rather than through it, and averages are brought back to it.
"""

import itertools

import torch
import torch.nn.functional as F


def slerp(a: torch.Tensor, b: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Points on the arc from one latent to another (Shoemake 1985; White 2016, "Sampling generative networks").

    Where the two lie on one line through 0, there is no one arc: the points are then those of the straight way.

    Args:
        a: (Z,).
        b: (Z,).
        places: (N,) from 0, which is a, to 1, which is b.

    Returns:
        (N, Z).

    Example:
        >>> slerp(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.5]))
        tensor([[0.7071, 0.7071]])
    """
    angle = torch.arccos(F.cosine_similarity(a, b, dim=0).clamp(-1, 1))
    places = places[:, None]
    if angle.sin() < 1e-3:  # in float32, the arccos of nearly 1 is known to 4e-4
        return torch.lerp(a, b, places)
    return (torch.sin((1 - places) * angle) * a + torch.sin(places * angle) * b) / angle.sin()


def walk(latents: torch.Tensor, between: int, closed: bool = False) -> torch.Tensor:
    """A way through (N, Z) latents, in as many equal steps between each and the next; `closed` goes back to the first.

    Returns:
        ((N - 1) * between + 1, Z), or (N * between, Z) if closed: the first is not repeated at the end.
    """
    ends = torch.cat([latents, latents[:1]]) if closed else latents
    places = torch.arange(between) / between
    way = [slerp(a, b, places) for a, b in itertools.pairwise(ends)]
    return torch.cat(way if closed else [*way, latents[-1:]])


def on_sphere(latents: torch.Tensor) -> torch.Tensor:
    """(..., Z) latents brought to the length sqrt(Z), which nearly all have that a generator is trained on."""
    return F.normalize(latents, dim=-1) * latents.shape[-1] ** 0.5


def arithmetic(a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """(4, Z): the averages of three sets of (N, Z) latents, and A - B + C (Radford et al. 2015, section 6.3.2).

    Unlike theirs, all four are brought to the sphere: an average is shorter than what it is an average of.
    """
    a, b, c = (latents.mean(0) for latents in (a, b, c))
    return on_sphere(torch.stack([a, b, c, a - b + c]))
