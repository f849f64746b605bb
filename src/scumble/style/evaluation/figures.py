"""Figures of pictures: pure functions of pixels and of features by place."""

import torch
import torch.nn.functional as F

from scumble.style.losses.content import directions, nearness
from scumble.style.preparation.colour import luminance

MOST_PLACES, MOST_POINTS = 4096, 1 << 15
"""Of more, each second, third, ... is taken."""

PATCH, PATCHES = 7, 20_000


def sliced_wasserstein(a: torch.Tensor, b: torch.Tensor, count: int = 64, quantiles: int = 512) -> float:
    """Sliced Wasserstein-2 distance of two clouds of points (Bonneel et al. 2015), along random directions.

    Args:
        a: (P, C).
        b: (Q, C).
        count: of directions.
        quantiles: at which the projections are compared.

    Example:
        One cloud moved by 3 in one dimension:

        >>> sliced_wasserstein(torch.zeros(4, 1), torch.full((6, 1), 3.0))
        3.0
    """
    ways = F.normalize(torch.randn(count, a.shape[1], generator=torch.Generator().manual_seed(0)), dim=1).to(a)
    at = (torch.arange(quantiles).to(a) + 0.5) / quantiles
    sides = []
    for points in (a, b):
        points = points[:: 1 + len(points) // MOST_POINTS]
        ordered = (ways @ points.mT).sort(1).values  # (count, P)
        position = (at * len(points) - 0.5).clamp(0, len(points) - 1)
        below = position.floor().long()
        above = (below + 1).clamp_max(len(points) - 1)
        sides.append(torch.lerp(ordered[:, below], ordered[:, above], position - below))
    return (sides[0] - sides[1]).square().mean().sqrt().item()


def edge_correlation(picture: torch.Tensor, other: torch.Tensor) -> float:
    """The correlation (Pearson) of the strength of edges, by Sobel's operator on the brightness.

    Args:
        picture: (1, 3, H, W).
        other: likewise.

    Returns:
        1 if edges are in the same places with the same relative strength, 0 if they have nothing to do with one another
        or there are none.
    """
    strengths = torch.stack([_edge_strength(p).flatten() for p in (picture, other)]).cpu().double()
    return torch.corrcoef(strengths)[0, 1].nan_to_num(0).item()


def self_similarity_distance(features: torch.Tensor, other: torch.Tensor) -> float:
    """How much else the places are alike in one picture than in another (Kolkin et al. 2019, eq. 7).

    The mean absolute difference of the matrices of cosine distances between all places, columns divided by their sums,
    times the number of places.

    Args:
        features: (P, C).
        other: likewise, of the same places.
    """
    step = 1 + len(features) // MOST_PLACES
    matrices = []
    for places in (features[::step], other[::step]):
        unit = directions(places, places.new_zeros(places.shape[1]))
        distances = 1 - unit @ unit.mT
        matrices.append(distances / distances.sum(0).clamp_min(1e-9))
    return ((matrices[0] - matrices[1]).abs().mean() * len(matrices[0])).item()


def leakage(features: torch.Tensor, photograph: torch.Tensor, painting: torch.Tensor) -> float:
    """How much of the painting's things are in a picture: 0 as much as in the photograph, 1 as in the painting.

    By the mean over places of the likeness to the most similar place of the painting, each picture's features centred
    on their own mean.

    Args:
        features: (P, C).
        photograph: (P, C).
        painting: (Q, C).
    """
    places = directions(painting, painting.mean(0))[:: 1 + len(painting) // MOST_PLACES]
    near, before = (nearness(f, places, f.mean(0)).mean().item() for f in (features, photograph))
    return (near - before) / max(1 - before, 1e-9)


def patches(picture: torch.Tensor) -> torch.Tensor:
    """(20000, 147) patches of 7 x 7 pixels at random places of a picture (1, 3, H, W), less their means.

    The same places for all pictures of a size.
    """
    generator = torch.Generator().manual_seed(0)
    height, width = (length - PATCH + 1 for length in picture.shape[2:])
    rows = torch.randint(height, (PATCHES,), generator=generator)
    columns = torch.randint(width, (PATCHES,), generator=generator)
    windows = picture[0].unfold(1, PATCH, 1).unfold(2, PATCH, 1)  # (3, height, width, 7, 7)
    found = windows[:, rows.to(picture.device), columns.to(picture.device)].movedim(1, 0)
    return (found - found.mean((2, 3), keepdim=True)).flatten(1)


def _edge_strength(picture: torch.Tensor) -> torch.Tensor:
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).to(picture)
    kernels = torch.stack([across, across.mT])[:, None]
    return F.conv2d(luminance(picture), kernels).square().sum(1).sqrt()
