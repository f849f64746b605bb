"""The feed-forward painter: pocket's features of the photograph, moved into the painting's distribution, and decoded.

What style is at all is said in closed form, as by Li et al. 2017 ("Universal Style Transfer"): at three layers,
features are carried from the photograph's Gaussian to the painting's by the map that moves them least. A decoder that
was trained once for all paintings turns them into strokes. It is told of the painting by its moments, which scale and
shift the decoder's channels (Dumoulin et al. 2017, "A learned representation for artistic style"), and of the
photograph's edges by the photograph itself in the painting's palette, of which the result is a correction.

All of that is linear in front of a convolution: maps, scales and shifts can be folded into the decoder's weights.
"""

import torch
import torch.nn.functional as F
from torch import nn

from scumble.style.feedforward.shapes import CODE, HIDDEN, LAYERS, MOST_UNUSUAL, NOISE, SLOPE, WIDTHS


class Modulated(nn.Module):
    """A convolution whose output channels are scaled and shifted as the painting's code says, and rectified."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.outputs = outputs
        nn.init.kaiming_normal_(self.convolution.weight)
        nn.init.zeros_(self.convolution.bias)  # pyright: ignore[reportArgumentType]

    def forward(self, x: torch.Tensor, gains: torch.Tensor) -> torch.Tensor:
        """(N, inputs, H, W), gains (N, 2 * outputs)."""
        scale, shift = gains[:, :, None, None].chunk(2, dim=1)
        return F.leaky_relu(self.convolution(x) * (1 + scale) + shift, SLOPE)


class Decoder(nn.Module):
    """Moved features, and the photograph in the painting's palette, to a picture.

    Sides are those of the coarsest features times eight: others are for the caller to pad.
    """

    def __init__(self):
        super().__init__()
        channels = list(LAYERS.values())
        self.layers = nn.ModuleDict()
        inputs = 0
        for places, skip, noise in zip(WIDTHS, reversed(channels), (NOISE, NOISE, 12), strict=True):
            inputs += skip + noise
            for number, outputs in enumerate(WIDTHS[places]):
                self.layers[f"{places}_{number}"] = Modulated(inputs, outputs)
                inputs = outputs
        self.to_pixels = nn.Conv2d(inputs + 12, 12, 3, padding=1)
        nn.init.zeros_(self.to_pixels.weight)
        nn.init.zeros_(self.to_pixels.bias)  # pyright: ignore[reportArgumentType]
        self.counts = [2 * width for widths in WIDTHS.values() for width in widths]
        self.modulation = nn.Sequential(nn.Linear(CODE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, sum(self.counts)))
        nn.init.zeros_(self.modulation[2].weight)  # pyright: ignore[reportArgumentType]
        nn.init.zeros_(self.modulation[2].bias)  # pyright: ignore[reportArgumentType]
        self.register_buffer("code_mean", torch.zeros(CODE))
        self.register_buffer("code_deviation", torch.ones(CODE))

    def forward(
        self, moved: dict[str, torch.Tensor], base: torch.Tensor, code: torch.Tensor, noise: dict[int, torch.Tensor]
    ) -> torch.Tensor:
        """The picture, (N, 3, H, W), not held to [0, 1].

        Args:
            moved: by layer, (N, C, H / 2^k, W / 2^k).
            base: (N, 3, H, W) in [0, 1], the photograph in the painting's palette.
            code: (N, CODE), of the painting.
            noise: by the width of a place, 8 and 4, (N, NOISE, H / width, W / width).
        """
        gains = iter(self.modulation(self.centred(code)).split(self.counts, dim=1))
        pixels = F.pixel_unshuffle(base, 2)
        x = pixels[:, :0]
        for (places, widths), layer in zip(WIDTHS.items(), reversed(LAYERS), strict=True):
            parts = [moved[layer], noise[places] if places in noise else pixels - 0.5]
            if x.shape[1]:
                # Places that were repeated would be seen as squares, wherever a photograph is plain.
                parts.insert(0, F.interpolate(x, scale_factor=2, mode="bilinear"))
            x = torch.cat(parts, dim=1)
            for number, outputs in enumerate(widths):
                found = self.layers[f"{places}_{number}"](x, next(gains))
                x = found + x if outputs == x.shape[1] else found
        return F.pixel_shuffle(pixels + self.to_pixels(torch.cat([x, pixels - 0.5], dim=1)).tanh(), 2)

    def centred(self, code: torch.Tensor) -> torch.Tensor:
        """Codes (N, CODE) in deviations from what is usual, none of them more than `MOST_UNUSUAL`."""
        deviations = (code - self.get_buffer("code_mean")) / self.get_buffer("code_deviation")
        return deviations.clamp(-MOST_UNUSUAL, MOST_UNUSUAL)
