"""Whether a photograph is recognised in a painted picture, among many others."""

import torch
import torch.nn.functional as F

from scumble.errors import ImageError
from scumble.image.tensors import resize
from scumble.perceptual.vgg import VGG19
from scumble.style.evaluation.sight import shrunk

RECOGNISED_AT = 256
"""The longer side at which pictures are recognised."""

SMALLEST_GALLERY = 10
"""Other photographs: among fewer, being found says nothing."""


class Gallery:
    """Photographs as whole-picture features, to tell how well a picture can be told from all of them.

    Args:
        points: (N, D), a row a photograph.
    """

    def __init__(self, points: torch.Tensor):
        self.points = points
        self.mean = points.mean(0)

    @staticmethod
    @torch.no_grad()
    def look(network: VGG19, picture: torch.Tensor) -> torch.Tensor:
        """(D): the deepest layer's features, averaged over all places."""
        small = resize(picture, shrunk(picture, RECOGNISED_AT))
        layer = network.names[-1]
        return network(small, (layer,))[layer].float().mean((0, 2, 3))

    def recognise(self, network: VGG19, picture: torch.Tensor, content: torch.Tensor) -> tuple[int, float]:
        """The rank of the photograph by likeness to the picture, and how far above all others it is.

        Likeness is the cosine of whole-picture features less the gallery's mean.
        """
        seen, right = (self.look(network, p) - self.mean for p in (picture, content))
        others = F.cosine_similarity(self.points - self.mean, seen[None])
        likeness = F.cosine_similarity(right, seen, dim=0)
        # The photograph itself may be part of the gallery.
        itself = F.cosine_similarity(self.points - self.mean, right[None]) > 0.999
        others = others[~itself]
        if len(others) < SMALLEST_GALLERY:
            raise ImageError(
                f"the gallery has {len(others)} other photographs; "
                f"wanted at least {SMALLEST_GALLERY}, better some hundreds"
            )
        spread = others.std(correction=0).clamp_min(1e-9)
        return 1 + int((others > likeness).sum()), ((likeness - others.mean()) / spread).item()
