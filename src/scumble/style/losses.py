"""The losses of style transfer: pure functions of features, each after its paper.

They hold no state, choose no layer and apply no weight; `scumble.style.objective` does. All computing is done in the
number format of the arguments, which the objective makes float32 at least: Gram matrices sum over all places, and
shorter formats lose what little the sum still changes by.
"""

import torch


def gram(features: torch.Tensor) -> torch.Tensor:
    """The correlations between channels, averaged over all places (Gatys et al. 2015, eq. 3, divided by H*W).

    Divided by the number of places only, as the authors do, so that pictures of different sizes compare; dividing by
    channels too would only move a constant into the layer's weight.

    Args:
        features: (N, C, H, W).

    Returns:
        (N, C, C).

    Example:
        Two channels over two places, (1, 2) and (3, 4): products averaged over places.

        >>> gram(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])).tolist()
        [[[2.5, 5.5], [5.5, 12.5]]]
    """
    places = features.permute(0, 2, 3, 1).flatten(1, 2)  # (N, H*W, C); no copy is made of channels_last memory
    return places.mT @ places / places.shape[1]


def mean_squared_error(values: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The mean of squared differences: of features for content (eq. 1), of Gram matrices for style (eq. 4).

    Up to the constants of the paper, which the weights absorb.

    Example:
        >>> mean_squared_error(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0])).item()
        4.5
    """
    return (values - target).square().mean()
