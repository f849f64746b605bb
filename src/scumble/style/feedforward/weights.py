"""The painter's numbers, and what becomes of them for one painting: its code is folded into weights and biases.

There is one file of them, beside this module; the trunk's are those of `scumble.perceptual.pocket`.
"""

import functools
from pathlib import Path

import numpy as np
from safetensors import safe_open

from scumble.errors import WeightsError, reason
from scumble.perceptual.catalogue import CATALOGUE, POCKET_FILE
from scumble.perceptual.layers import convolutions, down_to
from scumble.style.feedforward.shapes import LAYERS, MOST_UNUSUAL, WIDTHS

FILE = Path(__file__).with_name("instant.safetensors")

Numbers = dict[str, np.ndarray]
"""Weights and biases in float32, by the name of their layer: `LAYER.weight` and `LAYER.bias`."""


@functools.cache
def trunk() -> Numbers:
    """Of the trunk, for pictures in [0, 1] to which one row and one column are added at each side."""
    found, numbers = _read(POCKET_FILE, "features."), {}
    for name, index, _, _ in convolutions()[: len(down_to(LAYERS))]:
        for part in ("weight", "bias"):
            numbers[f"{name}.{part}"] = found[f"features.{index}.{part}"]
    # What is subtracted from a picture whose border is repeated can as well be subtracted behind the convolution.
    mean = np.array(CATALOGUE["pocket"].preprocessing.mean, np.float32)
    numbers["relu1_1.bias"] = numbers["relu1_1.bias"] - np.einsum("oihw,i->o", numbers["relu1_1.weight"], mean)
    return numbers


def decoder(code: np.ndarray, strength: float = 1.0) -> Numbers:
    """Of the decoder, for a painting of this code.

    Args:
        code: (CODE), see `scumble.style.feedforward.moments.Known`.
        strength: 0 to 1, how far the picture goes: by less than its root, strokes would fade before they are small.
    """
    found = _decoder()
    centred = (code - found["code_mean"]) / found["code_deviation"]
    centred = centred.clip(-MOST_UNUSUAL, MOST_UNUSUAL).astype(np.float32)
    hidden = np.maximum(found["modulation.0.weight"] @ centred + found["modulation.0.bias"], 0)
    gains = found["modulation.2.weight"] @ hidden + found["modulation.2.bias"]
    names = "to_pixels.weight", "to_pixels.bias"
    numbers = {name: found[name] * np.float32(strength**0.5) for name in names}
    for name, outputs in layers().items():
        (scale, shift), gains = gains[: 2 * outputs].reshape(2, -1), gains[2 * outputs :]
        weight, bias = (found[f"layers.{name}.convolution.{part}"] for part in ("weight", "bias"))
        numbers[f"{name}.weight"] = weight * (1 + scale)[:, None, None, None]
        numbers[f"{name}.bias"] = bias * (1 + scale) + shift
    return numbers


def layers() -> dict[str, int]:
    """The decoder's modulated layers, with their output channels, in their order."""
    return {f"{places}_{number}": width for places, widths in WIDTHS.items() for number, width in enumerate(widths)}


@functools.cache
def _decoder() -> Numbers:
    return _read(FILE)


def _read(path: Path, beginning: str = "") -> Numbers:
    """Those whose names begin so."""
    try:
        with safe_open(path, "numpy") as file:
            names = file.keys()
            return {name: file.get_tensor(name).astype(np.float32) for name in names if name.startswith(beginning)}
    except Exception as error:  # whatever a damaged file makes the library raise
        raise WeightsError(
            f"{path.name}, a part of scumble, cannot be read: {reason(error)}", "install it again"
        ) from error
