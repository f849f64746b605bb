"""Content losses: their hand-written gradients are those of the formulas."""

import pytest
import torch

from scumble.style.losses.content import directions, mean_squared_error, nearness


@pytest.mark.parametrize("weighted", [False, True])
def test_the_gradient_of_the_mean_squared_error_is_right(weighted):
    values, target = (torch.rand(1, 3, 4, 5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    weights = torch.rand(1, 1, 4, 5, dtype=torch.float64) if weighted else None
    torch.autograd.gradcheck(lambda a, b: mean_squared_error(a, b, weights), (values, target))


def test_features_of_bfloat16_are_compared_in_float32():
    values = torch.tensor([1.0, 256.0], dtype=torch.bfloat16, requires_grad=True)
    found = mean_squared_error(values, torch.tensor([1.0, 255.0], dtype=torch.bfloat16))
    found.backward()
    assert found.dtype == torch.float32
    assert found.item() == 0.5
    assert values.grad is not None
    assert values.grad.tolist() == [0.0, 1.0]


def test_nearness_is_that_to_the_most_similar_place_with_its_gradient():
    draws = torch.Generator().manual_seed(1)
    features = torch.randn(6, 4, generator=draws, dtype=torch.float64, requires_grad=True)
    centre = torch.randn(4, generator=draws, dtype=torch.float64)
    places = directions(torch.randn(9, 4, generator=draws, dtype=torch.float64), centre)
    cosines = torch.nn.functional.cosine_similarity(features[:, None] - centre, places[None], dim=2)
    torch.testing.assert_close(nearness(features, places, centre), cosines.amax(1))
    torch.autograd.gradcheck(lambda seen: nearness(seen, places, centre), features)
