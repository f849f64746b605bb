"""The painter's two networks, run by onnxruntime, which is there a second and more before PyTorch would be.

`trunk.onnx` and `decoder.onnx` beside this module, made by recipes/instant/export.py, say what is computed, and have no
weights: these are handed over when a session is made, the decoder's with a painting folded into them.
"""

import functools
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnxruntime

from scumble import cores
from scumble.style.feedforward import weights
from scumble.style.feedforward.moments import Affine
from scumble.style.feedforward.networks import Decode, Features
from scumble.style.feedforward.shapes import LAYERS, STATISTICS, WIDTHS
from scumble.style.feedforward.weights import Numbers

HERE = Path(__file__).parent


class OnnxNetworks:
    """See `scumble.style.feedforward.networks.Networks`."""

    runtime = "onnxruntime"

    def __init__(self):
        self._made: tuple[bytes, float, Decode] | None = None

    @functools.cached_property
    def _trunk(self) -> onnxruntime.InferenceSession:
        return _session(HERE / "trunk.onnx", weights.trunk())

    def trunk(self, picture: np.ndarray, layers: tuple[str, ...] = tuple(STATISTICS)) -> Features:
        """See `Networks`."""
        return dict(zip(layers, _run(self._trunk, {"picture": picture}, layers), strict=True))

    def decoder(self, code: np.ndarray, strength: float) -> Decode:
        """See `Networks`; the last one is kept, for the next frame."""
        made, asked = self._made, (code.tobytes(), strength)
        if made is None or made[:2] != asked:
            made = self._made = None  # and its memory with it
            made = *asked, self._decoder(weights.decoder(code, strength))
            self._made = made
        return made[2]  # and not what another thread may have made by now

    def _decoder(self, numbers: Numbers) -> Decode:
        session = _session(HERE / "decoder.onnx", divided(numbers))

        def decode(
            features: Features, maps: Mapping[str, Affine], base: np.ndarray, noise: Mapping[int, np.ndarray]
        ) -> np.ndarray:
            given = {"pixels": unshuffled(base) - np.float32(0.5)}
            for name in LAYERS:
                given[name] = features[name]
                given[f"matrix_{name}"] = maps[name].matrix.astype(np.float32)[:, :, None, None]
                given[f"offset_{name}"] = maps[name].offset.astype(np.float32)
            given |= {f"noise_{places}": values for places, values in noise.items()}
            (painted,) = _run(session, given)
            return painted + np.float32(0.5)

        return decode


def divided(numbers: Numbers) -> Numbers:
    """With one weight for each of the inputs of a layer that has several, since nothing is gained by joining them."""
    result = dict(numbers)
    inputs = 0
    for (places, widths), channels in zip(WIDTHS.items(), reversed(LAYERS.values()), strict=True):
        name = f"{places}_0.weight"
        parts = ("coarser", "moved", "other") if inputs else ("moved", "other")
        edges = np.cumsum([inputs, channels] if inputs else [channels])
        inputs = widths[-1]
        for part, weight in zip(parts, np.split(result.pop(name), edges, axis=1), strict=True):
            result[f"{name}.{part}"] = np.ascontiguousarray(weight)
    for part, weight in zip(
        ("coarser", "other"), np.split(result.pop("to_pixels.weight"), [inputs], axis=1), strict=True
    ):
        result[f"to_pixels.weight.{part}"] = np.ascontiguousarray(weight)
    return result


def unshuffled(picture: np.ndarray) -> np.ndarray:
    """(1, C, H, W) as (1, 4 C, H / 2, W / 2), each square of four pixels at one place; as `pixel_unshuffle`."""
    _, channels, height, width = picture.shape
    squares = picture.reshape(1, channels, height // 2, 2, width // 2, 2)
    return squares.transpose(0, 1, 3, 5, 2, 4).reshape(1, 4 * channels, height // 2, width // 2)


def _run(
    session: onnxruntime.InferenceSession, given: dict[str, np.ndarray], outputs: tuple[str, ...] | None = None
) -> list[np.ndarray]:
    return session.run(outputs, given)  # pyright: ignore[reportReturnType] (tensors, not the other things it may give)


def _session(path: Path, numbers: Numbers) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors: nobody could do anything about its warnings
    options.intra_op_num_threads = cores.chosen() or 0  # which leaves it to onnxruntime
    # Threads that wait in a loop would take turns with those of other programs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(value)) for value in numbers.values()]
    options.add_external_initializers(list(numbers), values)
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
