"""Where a photograph has something to say."""

import pytest
import torch
import torch.nn.functional as F

from scumble.style.preparation import importance as module
from scumble.style.preparation.colour import luminance
from scumble.style.preparation.importance import importance


@pytest.mark.parametrize("size", [(60, 84), (200, 240)])
def test_importance_is_the_contrast_of_square_neighbourhoods(size):
    """Against averages over whole squares, in float64."""
    content = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(0))
    side = max(3, min(size) // module.NEIGHBOURHOOD | 1)

    def blurred(values: torch.Tensor) -> torch.Tensor:
        for _ in range(2):
            values = F.avg_pool2d(F.pad(values, [side // 2] * 4, mode="replicate"), side, stride=1)
        return values

    brightness = luminance(content.double())
    contrast = (blurred(brightness.square()) - blurred(brightness).square()).clamp_min(0).sqrt()
    contrast = contrast + module.FLOOR * contrast.mean()
    torch.testing.assert_close(importance(content).double(), contrast / contrast.mean(), rtol=1e-3, atol=1e-4)
