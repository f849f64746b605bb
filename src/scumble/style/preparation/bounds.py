"""How far colours may be changed on their way into a painting's palette, and what brightness is.

Apart from what uses them, so that they are there without PyTorch.
"""

LUMA = (0.299, 0.587, 0.114)
"""The share of red, green and blue in brightness (ITU-R BT.601)."""

SHORTER_SIDE = 32
"""Of the reduced pictures whose colours are compared: what is smaller than their pixels is brushwork."""

BRIGHTNESS_GAIN = 2.0
"""The range of brightness is stretched, or compressed, at most by this: noise is not to become a picture."""

CHROMA_GAINS = 0.6, 1.5
"""Chroma is compressed and stretched at most by these: a butterfly stays orange, and grey does not become a rose."""

NOTICED = 1e-3
"""A quarter of a grey level: smaller deviations are none."""
