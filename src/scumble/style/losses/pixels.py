"""What the pixels of a picture are to be like by themselves, whatever the network sees."""

import torch


def total_variation(picture: torch.Tensor) -> torch.Tensor:
    """The mean squared difference of neighbouring pixels, across and down (after Mahendran and Vedaldi 2015, eq. 6).

    Args:
        picture: (1, 3, H, W).

    Example:
        >>> total_variation(torch.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])).item()
        7.0
    """
    differences = (picture.diff(dim=3), picture.diff(dim=2))
    return torch.stack([d.square().sum() / max(1, d.numel()) for d in differences]).sum()


def out_of_range(picture: torch.Tensor) -> torch.Tensor:
    """The mean squared distance of a picture's values from [0, 1]: no file can hold what lies outside.

    Example:
        >>> out_of_range(torch.tensor([-2.0, 0.5, 1.0, 1.0])).item()
        1.0
    """
    return (picture - picture.clamp(0, 1)).square().mean()
