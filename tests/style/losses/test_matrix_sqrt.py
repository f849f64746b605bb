"""Both ways to the trace of a root and to the inverse root, against SciPy."""

import numpy as np
import pytest
import scipy.linalg
import torch

from scumble.style.losses import matrix_sqrt

WAYS = {"eigenvalues": matrix_sqrt._by_eigenvalues, "products": matrix_sqrt._by_products}


def covariance(channels: int, rank: int, floor: float, seed: int = 0) -> torch.Tensor:
    """Of features that differ a thousandfold in size, as a network's do."""
    generator = torch.Generator().manual_seed(seed)
    spread = torch.logspace(0, -3, channels, dtype=torch.float64)
    mixing = torch.randn(rank, channels, generator=generator, dtype=torch.float64) * spread
    return mixing.mT @ mixing / rank + floor * torch.eye(channels, dtype=torch.float64)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("channels", "rank"), [(1, 1), (5, 20), (40, 200), (40, 7)])
def test_trace_and_inverse_equal_scipys(way, channels, rank):
    floor = 1e-5
    matrix = covariance(channels, rank, floor)
    trace, inverse = WAYS[way](matrix, torch.tensor(floor, dtype=torch.float64))
    expected = scipy.linalg.sqrtm(matrix.numpy())
    assert trace.item() == pytest.approx(np.trace(expected), rel=1e-9)
    # Eigenvalues at the bound itself lie on either side of it by rounding: only products with the rest must agree.
    rest = (matrix - floor * torch.eye(channels)).numpy()
    np.testing.assert_allclose(inverse.numpy() @ rest, scipy.linalg.inv(expected) @ rest, atol=1e-6)


def test_gradients_equal_finite_differences():
    least = torch.tensor(1e-6, dtype=torch.float64)
    factor = torch.randn(6, 9, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda f: matrix_sqrt.TraceOfRoot.apply(f @ f.mT, least), factor)


def test_products_say_so_where_rounding_left_an_eigenvalue_below_zero():
    matrix = torch.diag(torch.tensor([1.0, 1e-3, -1e-7], dtype=torch.float64))
    least = torch.tensor(1e-8, dtype=torch.float64)
    assert matrix_sqrt._by_products(matrix, least) is None
    trace, inverse = matrix_sqrt._by_eigenvalues(matrix, least)
    assert trace.item() == pytest.approx(1 + 1e-3**0.5 + 1e-4)
    assert inverse.isfinite().all()
