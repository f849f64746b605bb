"""How well the small network sees what VGG19 sees, on pictures that neither its axes nor its training ever met."""

from collections.abc import Mapping
from itertools import combinations

import material
import torch
from prune import TAPS
from scipy.stats import spearmanr

from scumble.perceptual.vgg import VGG19
from scumble.style.losses.content import mean_squared_error
from scumble.style.losses.style import STYLE_LOSSES

CROPS = 200
STYLE_TAPS = tuple(name for name in TAPS if name != "relu4_2")
Features = dict[str, torch.Tensor]


def judge(
    student: VGG19, teacher: VGG19, axes: Mapping[str, tuple[torch.Tensor, torch.Tensor]], held_back: material.Crops
) -> dict[str, dict[str, float]]:
    """Figures by name and layer.

    Returns:
        energy: the part of the features' energy that lies on the axes, over held-back crops.
        error: the relative error (root of energies) of the predicted coefficients.
        gram, wasserstein: the rank correlation of style distances with VGG19's, over all pairs of paintings.
        content: the rank correlation of distances of features, over all pairs of the photographs.
        gram size, wasserstein size, content size: of these distances' sum, over that of VGG19's.
    """
    sums = {name: torch.zeros(3, dtype=torch.float64) for name in TAPS}
    with torch.no_grad():
        for number in range(CROPS):
            crop = held_back[number][None]
            true, found = teacher(crop, TAPS), student(crop, TAPS)
            for name in TAPS:
                wanted = torch.einsum("nchw,ck->nkhw", true[name], axes[name][0].float())
                scale = (wanted.shape[1] / true[name].shape[1]) ** 0.5
                energies = (true[name], wanted, wanted - found[name] / scale)
                sums[name] += torch.stack([e.square().sum().double() for e in energies])
        paintings, photos = (
            [tuple(network(material.middle(picture)[None], TAPS) for network in (teacher, student)) for picture in kind]
            for kind in (held_back.paintings, held_back.photos)
        )
        report = {
            "energy": {name: (s[1] / s[0]).item() for name, s in sums.items()},
            "error": {name: (s[2] / s[1]).sqrt().item() for name, s in sums.items()},
        }
        for loss in ("gram", "wasserstein"):
            found = {name: _agreement(paintings, name, loss) for name in STYLE_TAPS}
            report |= _columns(loss, found)
        report |= _columns("content", {name: _agreement(photos, name) for name in TAPS})
    return report


def _columns(figure: str, found: Mapping[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    return {
        title: {name: values[number] for name, values in found.items()}
        for number, title in enumerate((figure, f"{figure} size"))
    }


def _agreement(pictures: list[tuple[Features, ...]], name: str, loss: str | None = None) -> tuple[float, float]:
    """Of all distances between two of the pictures by the two networks: Spearman's rank correlation, and the ratio."""
    distances = []
    for network in range(2):
        features = [picture[network][name] for picture in pictures]
        if loss is None:
            distances.append([mean_squared_error(a, b).item() for a, b in combinations(features, 2)])
            continue
        style = STYLE_LOSSES[loss]
        statistics = [style.statistics(f[0].flatten(1).mT, None) for f in features]
        completed = [style.complete(s) for s in statistics]
        pairs = combinations(range(len(features)), 2)
        distances.append([style.distance(statistics[a], completed[b]).item() for a, b in pairs])
    theirs, ours = distances
    return spearmanr(theirs, ours)[0], sum(ours) / sum(theirs)  # pyright: ignore[reportReturnType]
