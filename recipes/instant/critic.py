"""Who tells paintings from what is painted, place by place: by how features lie beside each other, of which their
distribution says nothing.

The features of the network pocket are looked at, as by Sauer et al. 2021 ("Projected GANs Converge Faster"), and the
critic is told of the painting, as by Miyato and Koyama 2018 ("cGANs with Projection Discriminator"): it asks not only
whether something is painted, but whether it is painted as this painting is.
"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from scumble.style.feedforward.shapes import CODE, LAYERS

WIDTH, SLOPE = 48, 0.2
DEVIATIONS = {"relu2_1": 40.0, "relu3_1": 190.0, "relu4_1": 610.0}
"""Of a channel in photographs."""

Logits = dict[str, torch.Tensor]
"""By layer, (N, 1, h, w): the higher, the more like the painting."""


class Critic(nn.Module):
    """Small heads on the layers that the decoder is given."""

    def __init__(self):
        super().__init__()
        self.seen, self.told, self.alone = nn.ModuleDict(), nn.ModuleDict(), nn.ModuleDict()
        for name, channels in LAYERS.items():
            stride = 2 if name == "relu2_1" else 1  # the largest layer, which would take most of the time
            convolutions = nn.Conv2d(channels, WIDTH, 3, stride), nn.Conv2d(WIDTH, WIDTH, 3)
            first, second = (spectral_norm(convolution) for convolution in convolutions)
            self.seen[name] = nn.Sequential(first, nn.LeakyReLU(SLOPE), second, nn.LeakyReLU(SLOPE))
            self.told[name] = spectral_norm(nn.Linear(CODE, WIDTH))
            self.alone[name] = spectral_norm(nn.Conv2d(WIDTH, 1, 1))

    def forward(self, features: dict[str, torch.Tensor], code: torch.Tensor) -> Logits:
        """Of features (N, C, H, W) by layer, and of paintings' codes (N, CODE), centred as by the decoder."""
        logits = {}
        for name in LAYERS:
            scaled = features[name].float() / DEVIATIONS[name]
            seen = self.seen[name](scaled.contiguous(memory_format=torch.channels_last))
            told = (seen * self.told[name](code)[:, :, None, None]).sum(1, keepdim=True) / WIDTH**0.5
            logits[name] = (self.alone[name](seen) + told).float()
        return logits


def of_paintings(logits: Logits, counts: torch.Tensor) -> torch.Tensor:
    """The hinge loss of parts of paintings, whose places count as much as `counts` (N, 1, H, W) says."""
    terms = []
    for found in logits.values():
        shares = F.interpolate(counts, found.shape[2:], mode="bilinear")
        shares = shares / shares.mean((1, 2, 3), keepdim=True).clamp_min(1e-6)
        terms.append((shares * F.relu(1 - found)).mean())
    return torch.stack(terms).mean()


def of_painted(logits: Logits) -> torch.Tensor:
    """The hinge loss of what was painted."""
    return torch.stack([F.relu(1 + found).mean() for found in logits.values()]).mean()


def liking(logits: Logits) -> torch.Tensor:
    """The mean, which the painter wants to be high."""
    return torch.stack([found.mean() for found in logits.values()]).mean()
