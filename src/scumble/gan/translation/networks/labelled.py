"""The networks of StarGAN (Choi et al. 2018, Tables 4 and 5): a generator told a label, and a judge that tells one.

At 128 pixels and a width of 64, they are the authors', parameter for parameter. What is different: the generator
doubles by repeating pixels and convolving, unless asked otherwise; its instance norm keeps no running statistics, which
would make it another network in use than in training; and smaller pictures are halved less often.
"""

import torch
from torch import nn

from scumble.gan.translation.networks.layers import fitted, upsampling_of
from scumble.gan.translation.networks.resnet import HALVINGS, MULTIPLE

MAX_LAYERS = 6
SLOPE = 0.01
"""Of the leaky ReLU (Table 5)."""


class Generator(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] and (N, K) targets, one at the wanted class or labels -> (N, C, H, W).

    Args:
        channels: C.
        classes: K.
        width: channels at the full size.
        blocks: residual ones.
        upsampling: "transposed", as in the paper, "resize" or "shuffle".
    """

    def __init__(self, channels: int, classes: int, width: int, blocks: int, upsampling: str):
        super().__init__()
        layers = [nn.Conv2d(channels + classes, width, 7, padding=3, bias=False), *_rectified(width)]
        for k in range(HALVINGS):
            layers += [nn.Conv2d(width << k, width << k + 1, 4, 2, 1, bias=False), *_rectified(width << k + 1)]
        layers += [_ResidualBlock(width << HALVINGS) for _ in range(blocks)]
        for k in range(HALVINGS, 0, -1):
            doubled = upsampling_of(upsampling, width << k, width << k - 1, bias=False)
            layers += [doubled, *_rectified(width << k - 1)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, channels, 7, padding=3, bias=False), nn.Tanh())

    def forward(self, pictures: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Pictures, of any size."""
        everywhere = target[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
        return fitted(self.layers, torch.cat([pictures, everywhere.to(pictures)], 1), MULTIPLE)


class Discriminator(nn.Module):
    """(N, C, H, W) pictures in [-1, 1] -> (N, 1 + K): the mean of the patches' logits, and those of the classes.

    Args:
        channels: C.
        classes: K.
        width: channels after the first layer; each one doubles them.
        size: (H, W).

    Attributes:
        count: of the patches.
    """

    def __init__(self, channels: int, classes: int, width: int, size: tuple[int, int]):
        super().__init__()
        halvings = max(1, min(MAX_LAYERS, min(size).bit_length() - 2))  # 2 pixels are left, at least
        widths = [width << k for k in range(halvings)]
        strided: list[nn.Module] = []
        for before, after in zip([channels, *widths], widths, strict=False):
            strided += [nn.Conv2d(before, after, 4, 2, 1), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*strided)
        self.patches = nn.Conv2d(widths[-1], 1, 3, padding=1, bias=False)
        left = (size[0] >> halvings, size[1] >> halvings)
        self.count = left[0] * left[1]
        self.classes = nn.Conv2d(widths[-1], classes, left, bias=False)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Logits."""
        x = self.layers(pictures)
        return torch.cat([self.patches(x).mean((2, 3)), self.classes(x).flatten(1)], 1)


def _rectified(channels: int) -> list[nn.Module]:
    return [nn.InstanceNorm2d(channels, affine=True), nn.ReLU(inplace=True)]


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        convolutions = [nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2)]
        norm = nn.InstanceNorm2d(channels, affine=True)
        self.layers = nn.Sequential(convolutions[0], *_rectified(channels), convolutions[1], norm)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)
