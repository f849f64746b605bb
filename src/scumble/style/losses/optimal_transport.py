"""Moving one distribution into another along straight ways: optimal transport between Gaussians.

Of all pairs of random vectors with covariances A and B, those that are nearest to one another in the mean (Olkin and
Pukelsheim 1982) are the beginnings and ends of these ways, and what lies at the same part of each is between the two
distributions (McCann 1997).
"""

import torch

from scumble.threads import few_threads


@few_threads(1)
def coupling(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The covariance of beginnings with ends: A^(1/2) Q B^(1/2), with the rotation Q for which its trace is largest.

    That is A T for the matrix T that carries the one to the other, T A T = B, and nothing is divided by on the way.

    Args:
        a: (C, C), a covariance of any rank, in float64.
        b: likewise.
    """
    root_a, root_b = square_root(a), square_root(b)
    left, _, right = torch.linalg.svd(root_b @ root_a)
    return root_a @ (left @ right).mT @ root_b


def transport_map(a: torch.Tensor, b: torch.Tensor, ridge: float) -> torch.Tensor:
    """The symmetric matrix T that carries vectors of covariance A to such of covariance B, and moves them the least.

    T = A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2) (Olkin and Pukelsheim 1982), found without an inverse root.

    Args:
        a: (C, C), a covariance.
        b: likewise.
        ridge: added to the variances of A, without which a singular one has no such map.

    Returns:
        (C, C) in float64, on the CPU.

    Example:
        >>> transport_map(torch.tensor([[4.0]]), torch.tensor([[36.0]]), 0.0).item()
        3.0
    """
    wide_a, wide_b = a.cpu().double(), b.cpu().double()  # not all devices have float64
    wide_a = wide_a + ridge * torch.eye(len(wide_a), dtype=torch.float64)
    return torch.linalg.solve(wide_a, coupling(wide_a, wide_b))


def covariance_between(a: torch.Tensor, b: torch.Tensor, share: float) -> torch.Tensor:
    """The covariance after that share of the way from A to B, 0 to 1: a constant speed in Wasserstein's distance.

    Args:
        a: (C, C), a covariance of any rank.
        b: likewise.
        share: how far.

    Example:
        Of standard deviations 1 and 3, half way:

        >>> covariance_between(torch.tensor([[1.0]]), torch.tensor([[9.0]]), 0.5)
        tensor([[4.]])
    """
    wide_a, wide_b = a.cpu().double(), b.cpu().double()  # not all devices have float64
    both = coupling(wide_a, wide_b)
    return ((1 - share) ** 2 * wide_a + share**2 * wide_b + share * (1 - share) * (both + both.mT)).to(a)


def square_root(matrix: torch.Tensor) -> torch.Tensor:
    """The square root of a covariance; what rounding put below zero counts as zero."""
    values, vectors = torch.linalg.eigh(matrix)
    return (vectors * values.clamp_min(0).sqrt()) @ vectors.mT
