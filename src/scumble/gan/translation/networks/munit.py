"""The networks of MUNIT (Huang et al. 2018, appendix B.2): where things are, how they look, and a picture of both.

A content encoder keeps places and, by instance norm, no style; a style encoder averages over places and has no norm,
since that would take away the style; a decoder draws the content with its features scaled and shifted by the code
(AdaIN; Huang and Belongie 2017). What is different: the scale that the code asks for is added to 1, so that the decoder
begins as one with plain instance norm; and where a picture is too small for a layer, or for a scale of the
discriminator, there is one less of them, so that 64 pixels and fewer can be learnt from.
"""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.resampling import Downsample
from scumble.gan.translation.networks.layers import (
    SLOPE,
    draw_rectified,
    draw_weights,
    fitted,
    norm_of,
    upsampling_of,
)
from scumble.gan.translation.networks.resnet import (
    HALVINGS,
    MULTIPLE,
    ReflectedConvolution,
    ResidualBlock,
    enter,
    halve,
    leave,
)

KERNEL = 4
"""Of the convolutions that halve."""
MAX_STYLE_HALVINGS, MAX_LAYERS, MAX_SCALES = 4, 4, 3


class ContentEncoder(nn.Sequential):
    """(N, C, H, W) pictures in [-1, 1] -> (N, 4 * width, H / 4, W / 4).

    Args:
        channels: C.
        width: channels at the full size.
        blocks: residual ones.
    """

    def __init__(self, channels: int, width: int, blocks: int):
        halvings = [halve(width << k, "instance", KERNEL) for k in range(HALVINGS)]
        residual = [ResidualBlock(width << HALVINGS, "instance") for _ in range(blocks)]
        super().__init__(enter(channels, width, "instance"), *halvings, *residual)
        self.apply(draw_weights)


class StyleEncoder(nn.Sequential):
    """(N, C, H, W) pictures in [-1, 1] -> (N, latent) style codes.

    Args:
        channels: C.
        width: channels at the full size.
        latent: numbers of a code.
        side: the shorter one of the pictures that it is trained on.
    """

    def __init__(self, channels: int, width: int, latent: int, side: int):
        halvings = min(MAX_STYLE_HALVINGS, side.bit_length() - 2)  # 2 pixels are left, at least
        widths = [width << min(k, HALVINGS) for k in range(halvings + 1)]
        layers: list[nn.Module] = [nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect"), nn.ReLU()]
        for before, after in itertools.pairwise(widths):
            layers += [nn.Conv2d(before, after, KERNEL, stride=2, padding=1), nn.ReLU()]
        super().__init__(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], latent))
        # Without a norm, nothing would make up for weights of 0.02: He et al. 2015, as in the authors' program.
        for layer in (layer for layer in layers if isinstance(layer, nn.Conv2d)):
            nn.init.kaiming_normal_(layer.weight)


class Decoder(nn.Module):
    """(N, 4 * width, H / 4, W / 4) content and (N, latent) codes -> (N, C', H, W) pictures in [-1, 1].

    Args:
        after: C'.
        width: channels at the full size.
        blocks: residual ones.
        latent: numbers of a code.
        upsampling: "resize", as in the paper, "transposed" or "shuffle".
    """

    def __init__(self, after: int, width: int, blocks: int, latent: int, upsampling: str):
        super().__init__()
        channels = width << HALVINGS
        self.blocks = nn.ModuleList([StyledBlock(channels) for _ in range(blocks)])
        self.styles = nn.Sequential(
            nn.Linear(latent, channels),
            nn.ReLU(),
            nn.Linear(channels, channels),
            nn.ReLU(),
            nn.Linear(channels, blocks * 4 * channels),
        )
        self.doublings = nn.Sequential(*(_double(width << k, upsampling) for k in range(HALVINGS, 0, -1)))
        self.end = leave(width, after)
        self.apply(draw_weights)
        for layer in (layer for layer in self.styles if isinstance(layer, nn.Linear)):
            nn.init.kaiming_normal_(layer.weight)

    def forward(self, content: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        x = content
        for block, style in zip(self.blocks, self.styles(codes).chunk(len(self.blocks), 1), strict=True):
            x = block(x, style)
        return self.end(self.doublings(x))


class Halves(nn.Module):
    """Encoders of content and of style, and a decoder, for each domain.

    Args:
        channels: of the domains, by name.
        width: channels at the full size.
        blocks: residual ones of a content encoder, and of a decoder.
        latent: numbers of a style code.
        side: the shorter one of the pictures that they are trained on.
        upsampling: as of `Decoder`.
    """

    def __init__(self, channels: dict[str, int], width: int, blocks: int, latent: int, side: int, upsampling: str):
        super().__init__()
        each = channels.items()
        self.content = nn.ModuleDict({d: ContentEncoder(c, width, blocks) for d, c in each})
        self.style = nn.ModuleDict({d: StyleEncoder(c, width, latent, side) for d, c in each})
        self.decoder = nn.ModuleDict({d: Decoder(c, width, blocks, latent, upsampling) for d, c in each})


class Translation(nn.Module):
    """(N, C, H, W) pictures of the domain `start` and (N, latent) styles -> (N, C', H, W) of `end`, of any size."""

    def __init__(self, halves: Halves, start: str, end: str):
        super().__init__()
        self.content, self.decoder = halves.content[start], halves.decoder[end]

    def forward(self, pictures: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return fitted(lambda x: self.decoder(self.content(x), codes), pictures, MULTIPLE)


class MultiScaleDiscriminator(nn.Module):
    """Of each scale: (N, C, H, W) pictures in [-1, 1] -> (N, 1, h, w) logits, positive for what looks real.

    Each of `scales` sees the picture at half the size of the one before (Wang et al. 2018, section 3.1), without norms.

    Args:
        channels: C.
        width: channels after the first layer; each one doubles them.
        side: the shorter one of the pictures that it is trained on.
    """

    def __init__(self, channels: int, width: int, side: int):
        super().__init__()
        layers = max(1, min(MAX_LAYERS, side.bit_length() - 1))
        scales = max(1, min(MAX_SCALES, side.bit_length() - layers))  # a pixel is left of the smallest
        self.scales = nn.ModuleList([_patches(channels, width, layers) for _ in range(scales)])
        self.apply(draw_rectified)

    def pyramid(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        """What each of `scales` looks at."""
        seen = [pictures]
        for _ in self.scales[1:]:
            seen.append(F.avg_pool2d(seen[-1], 3, stride=2, padding=1, count_include_pad=False))
        return seen


class StyledBlock(nn.Module):
    """(N, C, H, W) features and (N, 4 C) styles -> (N, C, H, W): a residual block whose norms are the style's."""

    def __init__(self, channels: int):
        super().__init__()
        self.convolutions = nn.ModuleList([ReflectedConvolution(channels, channels, bias=False) for _ in range(2)])
        self.norm = norm_of("instance", channels)

    def forward(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        first, second = style[:, :, None, None].chunk(2, 1)
        y = F.relu(self._styled(self.convolutions[0](x), first))
        return x + self._styled(self.convolutions[1](y), second)

    def _styled(self, x: torch.Tensor, style: torch.Tensor) -> torch.Tensor:
        scale, shift = style.chunk(2, 1)
        return self.norm(x) * (1 + scale) + shift


def _double(channels: int, upsampling: str) -> nn.Sequential:
    """(N, C, H, W) features -> (N, C / 2, 2 H, 2 W), normalised over all channels, so that each keeps its level."""
    after = channels // 2
    repeated = nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(channels, after, 5, padding=2, bias=False))
    doubled = repeated if upsampling == "resize" else upsampling_of(upsampling, channels, after, bias=False)
    return nn.Sequential(doubled, nn.GroupNorm(1, after), nn.ReLU(inplace=True))


def _patches(channels: int, width: int, layers: int) -> nn.Sequential:
    strided: list[nn.Module] = []
    for layer in range(layers):
        strided += [Downsample(channels, width << layer, bias=True), nn.LeakyReLU(SLOPE)]
        channels = width << layer
    return nn.Sequential(*strided, nn.Conv2d(channels, 1, 1))
