"""Put a trained painter into the package: its numbers, and the two graphs that onnxruntime runs with them.

    python recipes/instant/export.py WORK

WORK is a folder of recipes/instant/train_instant.py, finished or not (then the newest checkpoint's moving average is
taken), or a file of numbers. Nothing is written unless onnxruntime gives the same picture with them as PyTorch.
"""

import argparse
import functools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import load_file, save

from scumble import paths
from scumble.perceptual.layers import after_pooling, block_of, down_to
from scumble.perceptual.pocket import WIDTHS as TRUNK_WIDTHS
from scumble.storage import checkpoint
from scumble.style.feedforward import onnx_networks, painter, pieces, weights
from scumble.style.feedforward.network import Decoder
from scumble.style.feedforward.shapes import LAYERS, NOISE, SLOPE, STATISTICS, WIDTHS
from scumble.style.feedforward.torch_networks import TorchNetworks

OPSET, IR_VERSION = 17, 8
"""Of 2022: any onnxruntime reads them."""

TOLERANCE = 1e-3


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    numbers, origin = trained(parser.parse_args().work)
    network = Decoder()
    network.load_state_dict(numbers)  # which refuses other names and shapes
    half = {name: tensor.half().contiguous() for name, tensor in network.state_dict().items()}
    if not all(tensor.isfinite().all() for tensor in half.values()):
        sys.exit("some numbers are not finite in 16 bits")
    before = weights.FILE.read_bytes() if weights.FILE.exists() else None
    paths.write_atomically(weights.FILE, save(half))
    paths.write_atomically(onnx_networks.HERE / "trunk.onnx", trunk())
    paths.write_atomically(onnx_networks.HERE / "decoder.onnx", decoder())
    try:
        difference = compared(network)
        if not difference <= TOLERANCE:
            raise ValueError(f"onnxruntime and PyTorch differ by {difference:.2g}")
    except Exception:
        if before is not None:
            weights.FILE.write_bytes(before)
        raise
    print(f"{weights.FILE}: {weights.FILE.stat().st_size:,} bytes of {origin}; onnxruntime differs by {difference:.1g}")


def trained(work: Path) -> tuple[dict[str, torch.Tensor], str]:
    """The decoder's numbers, and where they are from."""
    if work.is_file():
        return {name: tensor.float() for name, tensor in load_file(work).items()}, work.name
    if (work / "instant.safetensors").exists():
        return trained(work / "instant.safetensors")
    newest = checkpoint.numbers_in(work / "checkpoints")[-1]
    tensors = load_file(checkpoint.at(work / "checkpoints", newest))
    beginning = "averages.decoder."
    own = {name.removeprefix(beginning): tensor for name, tensor in tensors.items() if name.startswith(beginning)}
    return own, f"step {newest}"


def compared(network: Decoder) -> float:
    """The largest difference of two pictures, one painted by onnxruntime, one by PyTorch's unfolded network."""
    random = np.random.default_rng(0)
    picture, painting = (random.random((height, 64, 3), np.float32) for height in (48, 72))
    ours, theirs = onnx_networks.OnnxNetworks(), TorchNetworks()
    source = functools.partial(pieces.cut, picture)
    here, features = painter.known(ours, source, (48, 64), painting=False)
    there, _ = painter.known(ours, functools.partial(pieces.cut, painting), (72, 64))
    way, decode = painter.between(here, there, 1.0), ours.decoder(there.code(), 1.0)
    ((_, painted),) = painter.painted(ours, decode, source, (48, 64), way, 0, features)
    around = source(range(-pieces.BORDER - 1, 49 + pieces.BORDER), range(-pieces.BORDER - 1, 65 + pieces.BORDER))
    moved = {}
    for name, found in theirs.trunk(around, tuple(LAYERS)).items():
        matrix, offset = (torch.from_numpy(part).float() for part in way.features[name])
        moved[name] = torch.einsum("oi,nihw->nohw", matrix, torch.from_numpy(found)) + offset[:, None, None]
    base = torch.from_numpy(painter.in_colours(around[:, :, 1:-1, 1:-1], way.colours))
    noise = {places: torch.from_numpy(values) for places, values in pieces.drawn((48, 64), 0).items()}
    with torch.no_grad():
        wanted = network(moved, base, torch.from_numpy(there.code()).float()[None], noise)
    inner = slice(pieces.BORDER, -pieces.BORDER)
    return float(np.abs(painted - wanted[0, :, inner, inner].permute(1, 2, 0).numpy()).max())


# --- The graphs -----------------------------------------------------------------------------------------------------


class Graph:
    """Operations in their order, and what they need."""

    def __init__(self):
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operation: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """One more; returns the name of its output."""
        output = output or f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def convolution(
        self, x: str, layer: str, shape: tuple[int, ...], of: str = "", bias: bool = True, pad: int = 1
    ) -> str:
        """Of 3 x 3, by weights that are handed over: `LAYER.weight`, for a part `of` its inputs, and `LAYER.bias`."""
        names = [self.given(f"{layer}.weight" + (of and f".{of}"), (*shape, 3, 3))]
        names += [self.given(f"{layer}.bias", shape[:1])] if bias else []
        return self.add("Conv", x, *names, kernel_shape=[3, 3], pads=[pad] * 4)

    def given(self, name: str, shape: tuple[int, ...]) -> str:
        """An initializer that is said to be in another file, which is how onnxruntime takes one from memory."""
        tensor = TensorProto()
        tensor.name, tensor.data_type, tensor.data_location = name, TensorProto.FLOAT, TensorProto.EXTERNAL
        tensor.dims.extend(shape)
        tensor.external_data.add(key="location", value="handed over")
        self.constants.append(tensor)
        return name

    def file(self, inputs: dict[str, list[Any]], outputs: dict[str, list[Any]]) -> bytes:
        """As a file's bytes; sides that are words may have any length."""
        infos = [
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in both.items()]
            for both in (inputs, outputs)
        ]
        graph = helper.make_graph(self.nodes, "scumble", infos[0], infos[1], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        model.producer_name = "scumble"
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True).SerializeToString()


def trunk() -> bytes:
    """From a picture, one pixel larger at each side, to the layers that are looked at."""
    graph, x, inputs = Graph(), "picture", 3
    for name in down_to(LAYERS):
        outputs = TRUNK_WIDTHS[block_of(name) - 1]
        if after_pooling(name):
            x = graph.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
        x = graph.convolution(x, name, (outputs, inputs), pad=int(name != "relu1_1"))
        x = graph.add("Relu", x, output=name)
        inputs = outputs
    sides = {name: [1, channels, f"rows_{name}", f"columns_{name}"] for name, channels in STATISTICS.items()}
    return graph.file({"picture": [1, 3, "rows", "columns"]}, sides)


def decoder() -> bytes:
    """From the photograph's features and what moves them to the picture; colours are less a half, on both sides."""
    graph, x, inputs = Graph(), "", 0
    twice = graph.constants.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice")) or "twice"
    given: dict[str, list[Any]] = {"pixels": [1, 12, "rows", "columns"]}
    for (places, widths), layer in zip(WIDTHS.items(), reversed(LAYERS), strict=True):
        channels = LAYERS[layer]
        other = "pixels" if places == 2 else f"noise_{places}"
        sides = [f"rows_{places}", f"columns_{places}"]
        given |= {layer: [1, channels, *sides], f"matrix_{layer}": [channels, channels, 1, 1]}
        given |= {f"offset_{layer}": [channels]} | ({} if places == 2 else {other: [1, NOISE, *sides]})
        moved = graph.add("Conv", layer, f"matrix_{layer}", f"offset_{layer}", kernel_shape=[1, 1])
        for number, outputs in enumerate(widths):
            name = f"{places}_{number}"
            if number:
                found = graph.convolution(x, name, (outputs, inputs))
            else:
                found = graph.convolution(other, name, (outputs, given[other][1]), "other")
                found = graph.add(
                    "Add", found, graph.convolution(moved, name, (outputs, channels), "moved", bias=False)
                )
                if x:
                    x = graph.add("Resize", x, "", twice, mode="linear", coordinate_transformation_mode="half_pixel")
                    coarser = graph.convolution(x, name, (outputs, inputs), "coarser", bias=False)
                    found = graph.add("Add", found, coarser)
            found = graph.add("LeakyRelu", found, alpha=SLOPE)
            x = graph.add("Add", found, x) if number and outputs == inputs else found
            inputs = outputs
    found = graph.convolution(x, "to_pixels", (12, inputs), "coarser")
    found = graph.add("Add", found, graph.convolution("pixels", "to_pixels", (12, 12), "other", bias=False))
    found = graph.add("Tanh", found)
    graph.add("DepthToSpace", graph.add("Add", found, "pixels"), output="picture", blocksize=2, mode="CRD")
    return graph.file(given, {"picture": [1, 3, "height", "width"]})


if __name__ == "__main__":
    main()
