"""The losses by themselves, for a training of your own: the very functions that painting and training minimise.

Each is a pure function of tensors that returns a () tensor: it holds no state, chooses no layer and applies no weight.

- Of a picture's features, (N, C, H, W) as `scumble.features` gives them: `content` and `style`. They are made of
  `mean_squared_error` and `gram`.
- Of its pixels, (N, 3, H, W): `total_variation` and `out_of_range`.
- Of a discriminator's logits, (N,) for real and for generated pictures, positive for what it takes for real: the names
  that end with `_discriminator` and `_generator`. All take both, real ones first; a generator's loss looks at the
  generated ones only.
- Of a discriminator itself, at pictures: the penalties `gradient_penalty` and `r1`.
"""

import torch

from scumble.errors import SettingsError
from scumble.gan.losses.adversarial import (
    bce_discriminator,
    bce_generator,
    hinge_discriminator,
    least_squares_discriminator,
    least_squares_generator,
    wasserstein_discriminator,
    wasserstein_generator,
)
from scumble.gan.losses.penalties import gradient_penalty, r1
from scumble.style.losses import statistics
from scumble.style.losses.content import mean_squared_error
from scumble.style.losses.pixels import out_of_range, total_variation
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.view import by_place

__all__ = [
    "bce_discriminator",
    "bce_generator",
    "content",
    "gradient_penalty",
    "gram",
    "hinge_discriminator",
    "least_squares_discriminator",
    "least_squares_generator",
    "mean_squared_error",
    "out_of_range",
    "r1",
    "style",
    "total_variation",
    "wasserstein_discriminator",
    "wasserstein_generator",
]


def gram(features: torch.Tensor) -> torch.Tensor:
    """The Gram matrices of features: the products of all pairs of channels, averaged over all places.

    G_ij = sum over places p of F_ip F_jp / (H W) (Gatys et al. 2015, eq. 3, divided by the number of places, so that
    pictures of different sizes compare). Where something is has no part in it; what goes with what has.

    Args:
        features: (N, C, H, W).

    Returns:
        (N, C, C), float32 at least.

    Example:
        Two channels over two places, (1, 2) and (3, 4):

        >>> gram(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])).tolist()
        [[[2.5, 5.5], [5.5, 12.5]]]
    """
    _check(features)
    return torch.stack([statistics.gram(by_place(one[None]))["second"] for one in features])


def content(features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The content loss: how far features are from those of the photograph, place by place.

    mean of (F - P)^2 over all channels and places (Gatys et al. 2015, eq. 1, up to a constant).

    Args:
        features: (N, C, H, W), of the picture that is painted.
        target: (N, C, H, W), of the photograph.

    Example:
        >>> content(torch.tensor([[[[1.0, 5.0]]]]), torch.tensor([[[[1.0, 2.0]]]])).item()
        4.5
    """
    _check(features)
    if features.shape != target.shape:
        raise SettingsError(f"target: got shape {tuple(target.shape)}, wanted {tuple(features.shape)}")
    return mean_squared_error(features, target)


def style(features: torch.Tensor, target: torch.Tensor, loss: str = "gram") -> torch.Tensor:
    """The style loss of one layer: how far the statistics of features are from those of a painting's.

    "gram": mean of (G - A)^2 over all pairs of channels, for Gram matrices G and A (Gatys et al. 2015, eq. 4, up to a
    constant). The others compare covariances, means and standard deviations, Gaussians or histograms; they are the
    choices of the setting `loss`.

    Args:
        features: (N, C, H, W), of the picture that is painted.
        target: (N, C, H', W'), of the painting, of any size.
        loss: "gram", "covariance", "mean-std", "wasserstein" or "histogram".

    Returns:
        (), the mean over the N pictures.

    Example:
        One channel, whose squares are 2.5 on average in the one picture and 4 in the other:

        >>> style(torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[2.0]]]])).item()
        2.25
    """
    _check(features)
    _check(target)
    if loss not in STYLE_LOSSES:
        raise SettingsError(f"loss: got {loss!r}, wanted one of {', '.join(STYLE_LOSSES)}")
    if len(features) != len(target):
        raise SettingsError(f"target: got features of {len(target)} pictures, wanted {len(features)}")
    measured = STYLE_LOSSES[loss]
    distances = []
    for one, other in zip(features, target, strict=True):
        found, wanted = (measured.statistics(by_place(each[None]), None) for each in (one, other))
        distances.append(measured.distance(found, measured.complete(wanted)))
    return torch.stack(distances).mean()


def _check(features: torch.Tensor) -> None:
    if features.dim() != 4:
        raise SettingsError(f"features: got shape {tuple(features.shape)}, wanted (N, C, H, W)")
