"""DCGAN (Radford, Metz and Chintala 2015): convolutions of stride 2 all the way, batch norm in both networks.

At 64 x 64 and `width` 64 these are the networks of the authors' Torch program, parameter for parameter: half the width
of the paper's figure, kernels of 4 x 4. What is different: other sizes are built by the same rule (see `pyramid`); the
discriminator ends in a logit, not in a sigmoid, whose gradient would vanish exactly where it is needed most, and it may
do without batch norm, for penalties that do not go with it.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks import discriminator
from scumble.gan.networks.discriminator import batch_norm, bounded
from scumble.gan.networks.pyramid import ToFeatures, ToLogit, crop, stage_channels, stage_sizes
from scumble.gan.networks.resampling import Downsample, Upsample

SLOPE = 0.2
"""Of the discriminator's leaky ReLU (section 3 of the paper)."""
STANDARD_DEVIATION = 0.02
"""Of the normal distributions that all weights are drawn from (section 4)."""


class Generator(nn.Module):
    """(N, Z) latents -> (N, C, H, W) pictures in [-1, 1].

    Args:
        latent: Z, the latent dimension.
        width: channels at the top of a 64-pixel network; all others are multiples.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, latent: int, width: int, shape: tuple[int, int, int]):
        super().__init__()
        colours, *size = shape
        self.sizes = stage_sizes(*size)
        channels = stage_channels(width, len(self.sizes) - 1)
        self.start = ToFeatures(latent, channels[0], self.sizes[0], bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(c) for c in channels])
        self.upsamplings = nn.ModuleList(
            [Upsample(c, after) for c, after in zip(channels, [*channels[1:], colours], strict=True)]
        )
        self.apply(draw_weights)

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        x = self.start(latents)
        for norm, upsampling, size in zip(self.norms, self.upsamplings, self.sizes[1:], strict=True):
            x = crop(upsampling(F.relu(norm(x), inplace=True)), size)
        return torch.tanh(x)


class Discriminator(discriminator.Discriminator):
    """(N, C, H, W) pictures in [-1, 1] -> (N,) logits: positive for what looks real.

    Args:
        width: as of the generator.
        shape: (C, H, W) of a picture.
        norm: "batch", as in the paper, "spectral" or "none".
    """

    def __init__(self, width: int, shape: tuple[int, int, int], norm: str = "batch"):
        super().__init__()
        colours, *size = shape
        channels = stage_channels(width, len(stage_sizes(*size)) - 1)[::-1]
        self.channels, self.couples_pictures = channels[-1], norm == "batch"
        # Batch norm takes away the mean that a bias would add, but the first layer has none in the paper, either.
        layers = [
            Downsample(before, c, bias=norm != "batch")
            for before, c in zip([colours, *channels], channels, strict=False)
        ]
        self.norms = nn.ModuleList([nn.Identity(), *(batch_norm(c, norm) for c in channels[1:])])
        end = ToLogit(channels[-1], (size[0] >> len(channels), size[1] >> len(channels)), bias=False)
        for module in (*layers, *self.norms, end):
            draw_weights(module)
        self.downsamplings = nn.ModuleList([bounded(layer, norm) for layer in layers])
        self.end = bounded(end, norm)

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """See the base class."""
        x = pictures
        for downsampling, norm in zip(self.downsamplings, self.norms, strict=True):
            x = F.leaky_relu(norm(downsampling(x)), SLOPE, inplace=True)
            yield x


def draw_weights(module: nn.Module) -> None:
    """Draw a layer's weights from N(0, 0.02) (section 4), the scale of a batch norm from N(1, 0.02) (their program)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.normal_(module.weight, 0.0, STANDARD_DEVIATION)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, STANDARD_DEVIATION)
