"""Moving one distribution into another along straight ways: optimal transport between Gaussians.

The matrix A^(-1/2) (A^(1/2) B A^(1/2))^(1/2) A^(-1/2) carries a Gaussian of covariance A to one of covariance B with
the least work (Olkin and Pukelsheim 1982). Part of the way along it lies what is between the two (McCann 1997).
"""

import torch


def transport(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The symmetric matrix T for which T A T = B.

    Args:
        a: (C, C), a positive definite covariance, in float64.
        b: likewise.
    """
    root, inverse_root = _powers(a, 0.5, -0.5)
    (middle,) = _powers(root @ b @ root, 0.5)
    return inverse_root @ middle @ inverse_root


def covariance_between(a: torch.Tensor, b: torch.Tensor, share: float) -> torch.Tensor:
    """The covariance after that share of the way from A to B, 0 to 1: a constant speed in Wasserstein's distance.

    Args:
        a: (C, C), a covariance of any rank.
        b: likewise.
        share: how far.

    Example:
        Of deviations 1 and 3, half way:

        >>> covariance_between(torch.tensor([[1.0]]), torch.tensor([[9.0]]), 0.5).round(decimals=4)
        tensor([[4.]])
    """
    wide_a, wide_b = a.cpu().double(), b.cpu().double()  # not all devices have float64
    # Directions in which one of them has nothing are given next to nothing.
    identity = torch.eye(len(a), dtype=torch.float64)
    least = identity * (1e-9 * (wide_a.diagonal().mean() + wide_b.diagonal().mean()) + 1e-30)
    way = (1 - share) * identity + share * transport(wide_a + least, wide_b + least)
    return (way @ wide_a @ way).to(a)


def _powers(matrix: torch.Tensor, *exponents: float) -> list[torch.Tensor]:
    values, vectors = torch.linalg.eigh(matrix)
    values = values.clamp_min(torch.finfo(values.dtype).eps * values[-1])
    return [(vectors * values**exponent) @ vectors.mT for exponent in exponents]
