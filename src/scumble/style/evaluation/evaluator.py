"""How near painted pictures are to their painting, and what of their photograph is left, in figures to be compared.

Some figures tell of style and others of the subject, because each alone is easily won by a bad picture: the painting
itself has the best style there is, the photograph the best edges. So both are always rows of the table. A network is a
poor judge of what it painted itself, or what a network painted that learnt from it: choose another one, and mind the
figures that need none.
"""

import statistics
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from scumble.errors import ImageError
from scumble.image.tensors import cover, resize
from scumble.perceptual.vgg import VGG19
from scumble.style.evaluation.figures import (
    edge_correlation,
    leakage,
    patches,
    self_similarity_distance,
    sliced_wasserstein,
)
from scumble.style.evaluation.retrieval import Gallery
from scumble.style.evaluation.sight import (
    LARGEST_SIDE,
    SCENE_LAYER,
    STRUCTURE_LAYER,
    STYLE_LAYERS,
    Sight,
    beside,
    shrunk,
)
from scumble.style.losses.style import STYLE_LOSSES

ALIKE = 1e-4
"""Distances below which a photograph and a painting are the same but for rounding."""


@dataclass(frozen=True)
class Figures:
    """What there is to say about a picture; the photograph's and the painting's own values beside each.

    Attributes:
        features: Gaussian Wasserstein-2 distance of features to the painting's, mean over relu1_1 to relu4_1; the
            photograph has 1, the painting 0, as in the three that follow.
        sliced: the same distance, sliced: of whole distributions, not of means and covariances alone.
        patches: sliced distance of patches of 7 x 7 pixels without their means, at two sizes; no network.
        colours: sliced distance of the colours; no network.
        edges: correlation of the strength of edges with the photograph's; photograph 1; no network.
        coarse_edges: the same at half the size.
        structure: how much else the places of a picture are alike than in the photograph (Kolkin et al. 2019, eq. 7);
            photograph 0.
        leak: how much of the way from the photograph to the painting the places have gone that are most like places of
            the painting, at relu5_1, which sees objects; photograph 0, painting 1.
        strokes_leak: the same at relu4_1, which also sees strokes.
        rank: the photograph's among those of a gallery, sorted by likeness to the picture; 1 if it is recognised at
            first sight; None without a gallery.
        distinct: by how many standard deviations of the gallery's likenesses the photograph's is above their mean.
    """

    features: float
    sliced: float
    patches: float
    colours: float
    edges: float
    coarse_edges: float
    structure: float
    leak: float
    strokes_leak: float
    rank: int | None = None
    distinct: float | None = None


class Evaluator:
    """Evaluates pictures of one photograph in the style of one painting.

    Args:
        network: sees the layers above.
        content: the photograph, (1, 3, H, W) in [0, 1].
        style: the painting, likewise.
        gallery: other photographs to recognise the right one among.
    """

    def __init__(self, network: VGG19, content: torch.Tensor, style: torch.Tensor, gallery: Gallery | None = None):
        self.network = network
        self.content = content
        self.style = style
        self.gallery = gallery
        self.sights: dict[tuple[int, int], tuple[Sight, Sight, dict[str, list[float]]]] = {}

    @torch.no_grad()
    def figures(self, picture: torch.Tensor) -> Figures:
        """The figures of a picture (1, 3, H, W), of the photograph's shape and any size."""
        size = shrunk(picture, LARGEST_SIDE)
        if size not in self.sights:
            photograph = Sight(self.network, resize(self.content, size))
            painting = Sight(self.network, resize(self.style, beside(self.style, size)))
            whole = _distances(photograph, painting)
            if min(min(values) for values in whole.values()) < ALIKE:
                raise ImageError("the photograph and the painting are alike: nothing lies between them to be measured")
            self.sights[size] = photograph, painting, whole
        photograph, painting, whole = self.sights[size]
        seen = Sight(self.network, resize(picture, size))
        recognised = (
            (None, None) if self.gallery is None else self.gallery.recognise(self.network, picture, self.content)
        )
        return Figures(
            **_relative(_distances(seen, painting), whole),
            edges=edge_correlation(seen.picture, photograph.picture),
            coarse_edges=edge_correlation(*(F.avg_pool2d(s.picture, 2) for s in (seen, photograph))),
            structure=self_similarity_distance(seen.features[STRUCTURE_LAYER], photograph.features[STRUCTURE_LAYER]),
            leak=leakage(*(s.features[SCENE_LAYER] for s in (seen, photograph, painting))),
            strokes_leak=leakage(*(s.features[STRUCTURE_LAYER] for s in (seen, photograph, painting))),
            rank=recognised[0],
            distinct=recognised[1],
        )

    def bounds(self, size: tuple[int, int]) -> dict[str, Figures]:
        """The figures of the photograph and of the painting themselves, at (width, height)."""
        return {
            "the photograph": self.figures(resize(self.content, size)),
            "the painting": self.figures(cover(self.style, size)),
        }


def _distances(seen: Sight, painting: Sight) -> dict[str, list[float]]:
    """To the painting, by figure: of each layer, of patches at two sizes, of the colours."""
    gaussian = STYLE_LOSSES["wasserstein"]
    both = seen.picture, painting.picture
    halved = [F.avg_pool2d(picture, 2) for picture in both]
    return {
        "features": [
            gaussian.distance(seen.moments[name], gaussian.complete(painting.moments[name])).clamp_min(0).sqrt().item()
            for name in STYLE_LAYERS
        ],
        "sliced": [sliced_wasserstein(seen.features[name], painting.features[name]) for name in STYLE_LAYERS],
        "patches": [sliced_wasserstein(patches(one), patches(other)) for one, other in (both, halved)],
        "colours": [sliced_wasserstein(seen.colours, painting.colours)],
    }


def _relative(distances: dict[str, list[float]], whole: dict[str, list[float]]) -> dict[str, float]:
    """Each over the photograph's, averaged."""
    return {
        name: statistics.mean(
            found / max(of_photograph, 1e-12) for found, of_photograph in zip(values, whole[name], strict=True)
        )
        for name, values in distances.items()
    }
