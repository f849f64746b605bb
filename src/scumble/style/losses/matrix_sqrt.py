"""The trace of a covariance matrix's root, with its gradient: the costly part of the Gaussian Wasserstein distance.

Its gradient is half the inverse root, so one computation serves both. On CPUs that is an eigendecomposition; on GPUs,
which are slow at those and fast at products, a Newton-Schulz iteration that runs until it is done. Both need float64:
in float32 the eigenvalues would be off by 1e-7 of the largest one, and the roots of the many small ones by 3e-4 of its
root.
"""

from typing import Any

import torch

from scumble.threads import few_threads

CONVERGED = 1e-9
"""How far from 1 the eigenvalues of A^(-1/2) A^(1/2) may end, in the mean."""

MAX_STEPS = 60
"""Of Newton-Schulz: at a growth of 2.6 a step it takes 29 from the smallest of float64's relative sizes."""


class TraceOfRoot(torch.autograd.Function):
    """tr A^(1/2) of a symmetric positive definite A, (C, C) in float64; `least` is a lower bound of its eigenvalues.

    Eigenvalues that rounding put below the bound count as the bound.
    """

    @staticmethod
    def forward(ctx: Any, matrix: torch.Tensor, least: torch.Tensor) -> torch.Tensor:
        """The trace."""
        found = _by_products(matrix, least) if matrix.is_cuda else None
        root_trace, inverse_root = found or _by_eigenvalues(matrix, least)
        ctx.save_for_backward(inverse_root)
        return root_trace

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        """Half the inverse root."""
        (inverse_root,) = ctx.saved_tensors
        return inverse_root * (gradients[0] / 2), None


def _by_eigenvalues(matrix: torch.Tensor, least: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    with few_threads(1):
        values, vectors = torch.linalg.eigh(matrix)
    # What lies below the bound is constant, and so has no part in the gradient.
    inverse_roots = torch.where(values < least, 0, values.clamp_min(least).rsqrt())
    return values.clamp_min(least).sqrt().sum(), (vectors * inverse_roots) @ vectors.mT


def _by_products(matrix: torch.Tensor, least: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor] | None:
    """The coupled Newton-Schulz iteration (Higham 2008, eq. 6.35), scaled as by Chen and Chow 2014, section 3.

    None where rounding left an eigenvalue below zero, from which it does not converge.
    """
    norm = matrix.norm()
    smallest = (least / norm).sqrt().item()  # of the values s that each step moves towards 1, squares being eigenvalues
    identity = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    root, inverse_root, product = matrix / norm, identity, matrix / norm
    for _ in range(MAX_STEPS):
        if not smallest < 1 - CONVERGED:
            break
        # s -> scale * s * (3 - (scale * s)^2) / 2 lifts the smallest most when it ends level with the largest.
        scale = (3 / (1 + smallest + smallest**2)) ** 0.5
        smallest = scale * smallest * (3 - (scale * smallest) ** 2) / 2
        step = (3 * scale / 2) * identity - (scale**3 / 2) * product
        root, inverse_root = root @ step, step @ inverse_root
        product = inverse_root @ root
    if not abs(product.trace().item() / len(matrix) - 1) < CONVERGED * 10:
        return None
    return root.trace() * norm.sqrt(), inverse_root / norm.sqrt()
