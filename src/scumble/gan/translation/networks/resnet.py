"""The residual generator of CycleGAN (Johnson et al. 2016; Zhu et al. 2017, appendix 7.2), and its pieces.

A picture is halved twice, passes residual blocks, and is doubled twice; at a width of 64 and with transposed
convolutions these are the authors' networks, parameter for parameter. All convolutions that keep the size reflect the
border. What is different: results are enlarged by repeating pixels and convolving, unless asked otherwise, since
transposed convolutions of 3 x 3 leave a checkerboard (Odena et al. 2016).
"""

from collections import deque
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks.winograd import Convolution, convolve
from scumble.gan.translation.networks.layers import draw_weights, fitted, norm_of, upsampling_of

HALVINGS = 2
MULTIPLE = 2**HALVINGS


class Generator(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, C', H, W) in [-1, 1], of any size.

    Args:
        channels: C.
        after: C'.
        width: channels at the full size; each halving doubles them.
        blocks: residual ones, 6 or 9 in the paper.
        norm: "instance", as in the paper, "batch" or "none".
        upsampling: "transposed", as in the paper, "resize" or "shuffle".
    """

    def __init__(self, channels: int, after: int, width: int, blocks: int, norm: str, upsampling: str):
        super().__init__()
        self.start = enter(channels, width, norm)
        self.halvings = nn.ModuleList([halve(width << k, norm) for k in range(HALVINGS)])
        self.blocks = nn.ModuleList([ResidualBlock(width << HALVINGS, norm) for _ in range(blocks)])
        self.doublings = nn.Sequential(*(double(width << k, norm, upsampling) for k in range(HALVINGS, 0, -1)))
        self.end = leave(width, after)
        self.apply(draw_weights)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return fitted(self._translated, pictures, MULTIPLE)

    def _translated(self, pictures: torch.Tensor) -> torch.Tensor:
        # Of a large picture, there is no room for all of them at once.
        (encoded,) = deque(self.activations(pictures), maxlen=1)
        return self.end(self.doublings(encoded))

    def activations(self, pictures: torch.Tensor) -> Iterator[torch.Tensor]:
        """Of the encoder: after each halving, and after each block."""
        x = self.start(pictures)
        for layer in (*self.halvings, *self.blocks):
            x = layer(x)
            yield x


class ReflectedConvolution(Convolution):
    """(N, C, H, W) -> (N, C', H, W), with kernels of 3 x 3 and the border reflected."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        return convolve(F.pad(input, (1, 1, 1, 1), mode="reflect"), self.weight, self.bias, border=0)


class ResidualBlock(nn.Module):
    """(N, C, H, W) -> the same, plus what two convolutions make of it."""

    def __init__(self, channels: int, norm: str):
        super().__init__()
        self.layers = nn.Sequential(
            ReflectedConvolution(channels, channels, bias=norm == "none"),
            norm_of(norm, channels),
            nn.ReLU(inplace=True),
            ReflectedConvolution(channels, channels, bias=norm == "none"),
            norm_of(norm, channels),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Features of the same size."""
        return x + self.layers(x)


def enter(channels: int, width: int, norm: str) -> nn.Sequential:
    """(N, C, H, W) pictures -> (N, width, H, W) features."""
    convolution = nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect", bias=norm == "none")
    return nn.Sequential(convolution, norm_of(norm, width), nn.ReLU(inplace=True))


def halve(channels: int, norm: str, kernel: int = 3) -> nn.Sequential:
    """(N, C, H, W) features -> (N, 2 C, H / 2, W / 2)."""
    convolution = nn.Conv2d(channels, 2 * channels, kernel, stride=2, padding=1, bias=norm == "none")
    return nn.Sequential(convolution, norm_of(norm, 2 * channels), nn.ReLU(inplace=True))


def double(channels: int, norm: str, upsampling: str) -> nn.Sequential:
    """(N, C, H, W) features -> (N, C / 2, 2 H, 2 W)."""
    after, bias = channels // 2, norm == "none"
    if upsampling == "transposed":  # the authors' have kernels of 3 x 3, whose products overlap unevenly
        doubled = nn.ConvTranspose2d(channels, after, 3, stride=2, padding=1, output_padding=1, bias=bias)
    else:
        doubled = upsampling_of(upsampling, channels, after, bias)
    return nn.Sequential(doubled, norm_of(norm, after), nn.ReLU(inplace=True))


def leave(width: int, after: int) -> nn.Sequential:
    """(N, width, H, W) features -> (N, C', H, W) pictures in [-1, 1]."""
    return nn.Sequential(nn.Conv2d(width, after, 7, padding=3, padding_mode="reflect"), nn.Tanh())


class SharedLatent(nn.Module):
    """The halves of UNIT (Liu et al. 2017, section 3 and its Table 3): two encoders and two decoders with one code.

    Those of each domain end, or begin, in layers that both share: (N, C, H, W) -> the means (N, 4 * width, H / 4,
    W / 4) of the codes, and back. The widths are those of the authors' program.

    Args:
        channels: C of the two domains, by name.
        width: channels at the full size.
        blocks: residual ones of an encoder, and of a decoder; one of them is shared.
        norm: "instance", as in the paper, "batch" or "none".
        upsampling: "transposed", as in the paper, "resize" or "shuffle".
    """

    def __init__(self, channels: dict[str, int], width: int, blocks: int, norm: str, upsampling: str):
        super().__init__()
        inner = width << HALVINGS

        def own_blocks() -> list[nn.Module]:
            return [ResidualBlock(inner, norm) for _ in range(blocks - 1)]

        def encoder(before: int) -> nn.Module:
            halvings = (halve(width << k, norm) for k in range(HALVINGS))
            return nn.Sequential(enter(before, width, norm), *halvings, *own_blocks())

        def decoder(after: int) -> nn.Module:
            doublings = (double(width << k, norm, upsampling) for k in range(HALVINGS, 0, -1))
            return nn.Sequential(*own_blocks(), *doublings, leave(width, after))

        self.encoders = nn.ModuleDict({domain: encoder(count) for domain, count in channels.items()})
        self.decoders = nn.ModuleDict({domain: decoder(count) for domain, count in channels.items()})
        self.last_of_encoders, self.first_of_decoders = ResidualBlock(inner, norm), ResidualBlock(inner, norm)
        self.apply(draw_weights)

    def encoded(self, pictures: torch.Tensor, domain: str) -> torch.Tensor:
        """Means of the codes."""
        return self.last_of_encoders(self.encoders[domain](pictures))

    def decoded(self, codes: torch.Tensor, domain: str) -> torch.Tensor:
        """Pictures of a domain."""
        return self.decoders[domain](self.first_of_decoders(codes))


class SharedTranslation(nn.Module):
    """(N, C, H, W) pictures of the domain `start` -> (N, C', H, W) of `end`, of any size, by the means of the codes."""

    def __init__(self, generator: SharedLatent, start: str, end: str):
        super().__init__()
        self.generator, self.start, self.end = generator, start, end

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures."""

        def translated(x: torch.Tensor) -> torch.Tensor:
            return self.generator.decoded(self.generator.encoded(x, self.start), self.end)

        return fitted(translated, pictures, MULTIPLE)


def check_sides(size: tuple[int, int]) -> None:
    """Refuse cuts that are no longer of their size when they were encoded and decoded in two steps.

    Raises:
        SettingsError: if a side is no multiple of 4, or below 8, where nothing is left for instance norm.
    """
    if any(side % MULTIPLE or side < 2 * MULTIPLE for side in size):
        wanted = f"sides of {2 * MULTIPLE} or more that {MULTIPLE} divides"
        raise SettingsError(f"size: got {size[0]} x {size[1]} pixels, wanted {wanted}")
