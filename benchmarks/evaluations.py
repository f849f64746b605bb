"""Seconds per evaluation: the plain program in examples/ and the library, with VGG19 and with pocket, in turn.

    python benchmarks/evaluations.py [--sizes 341x256,682x512] [--evaluations 12] [--losses 0]

All look at the same picture in one process, and the machine's other load hits them alike: the ratios are what to look
at, the plain program's time to the library's, and VGG19's to pocket's. With `--losses N`, the plain program and the
library run for N evaluations from the content, and both losses are computed by the plain program's float32 network. The
pictures are drawn by code, unless `--content` and `--style` name files.
"""

import argparse
import itertools
import platform
import statistics
import sys
import time
from pathlib import Path

import torch
from PIL import Image

from scumble import device
from scumble.data.synthetic import painting
from scumble.image.files import load
from scumble.image.tensors import cover, to_tensor
from scumble.perceptual import weights
from scumble.perceptual.catalogue import CATALOGUE, POCKET_FILE, entry_named, find
from scumble.perceptual.vgg import VGG19
from scumble.style.balance import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
from scumble.style.objective.objective import Objective
from scumble.style.optimization.descent import Descent
from scumble.style.optimization.lbfgs import LBFGS

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import gatys_from_scratch as scratch

EVALUATIONS_PER_TURN = 5


def main():
    parser = argparse.ArgumentParser(description="Compare the library's evaluations with the plain program's.")
    parser.add_argument("--content", type=Path)
    parser.add_argument("--style", type=Path)
    parser.add_argument("--sizes", default="341x256,682x512")
    parser.add_argument("--evaluations", type=int, default=12)
    parser.add_argument("--precision", default="auto", choices=["auto", *device.PRECISIONS], help="of the library")
    parser.add_argument("--losses", type=int, default=0, help="also compare the losses after so many evaluations")
    arguments = parser.parse_args()

    entry = entry_named("vgg19-caffe")
    path = find(entry)
    if path is None:
        raise SystemExit("needs the weights vgg19-caffe on this machine: scumble models fetch vgg19-caffe")
    placement = device.choose("cpu", arguments.precision)
    layers = (*GATYS_CONTENT_LAYERS, *GATYS_STYLE_LAYERS)
    network = VGG19(weights.read(path).tensors, entry.preprocessing, layers, dtype=placement.dtype)
    shipped = weights.read(POCKET_FILE, "pocket")
    pocket_network = VGG19(shipped.tensors, CATALOGUE["pocket"].preprocessing, layers, dtype=placement.dtype)
    parameters = scratch.load_vgg19(path)
    print(f"{platform.machine()}, torch {torch.__version__}; library: {placement.reason}")
    print("| picture | from scratch | VGG19 | ratio | pocket | ratio |" + (" loss ratio |" if arguments.losses else ""))
    print("|---|---|---|---|---|---|" + ("---|" if arguments.losses else ""))

    for size in arguments.sizes.split(","):
        width, height = map(int, size.split("x"))
        content = _picture(arguments.content or _photograph(), width, height)
        style = _picture(arguments.style or painting(seed=1), width, height)
        networks = network, pocket_network
        plain, large, small = _time_in_turn(content, style, parameters, networks, arguments.evaluations)
        row = f"| {size} | {plain:.3f} s | {large:.3f} s | {plain / large:.2f} | {small:.3f} s | {large / small:.2f} |"
        if arguments.losses:
            row += f" {_loss_ratio(content, style, parameters, network, arguments.losses):.3f} |"
        print(row, flush=True)


def _photograph():
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image("china.jpg"))


def _picture(source, width, height):
    return cover(to_tensor(load(source)), (width, height))


def _time_in_turn(content, style, parameters, networks, evaluations):
    """Medians of the seconds per evaluation, taking turns, with optimisers that remember little as yet."""

    def plain(tick):
        scratch.stylize(content * 255, style * 255, parameters, EVALUATIONS_PER_TURN, report=lambda line: tick())

    def ours(network):
        objective = Objective(network, content, [style], GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS)

        def run(tick):
            for _ in Descent(objective, content, LBFGS(), EVALUATIONS_PER_TURN):
                tick()

        return run

    runs = [plain, *map(ours, networks)]
    seconds = [[] for _ in runs]
    for _ in range(max(1, evaluations // (EVALUATIONS_PER_TURN - 1))):
        for run, found in zip(runs, seconds, strict=True):
            ticks = []
            run(lambda ticks=ticks: ticks.append(time.perf_counter()))
            found += [after - before for before, after in itertools.pairwise(ticks)]
    return [statistics.median(found) for found in seconds]


def _loss_ratio(content, style, parameters, network, evaluations):
    """Ours over the plain program's loss, of the pictures both end with, by the plain program's network."""
    pixels = content * 255, style * 255
    plain = scratch.stylize(*pixels, parameters, evaluations, report=lambda line: None)
    objective = Objective(network, content, [style], GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS)
    *_, last = Descent(objective, content, LBFGS(), evaluations)
    targets = scratch.targets(*pixels, parameters)
    with torch.no_grad():
        ours, theirs = (
            scratch.loss_of(picture, parameters, *targets).item() for picture in (last.picture * 255, plain)
        )
    return ours / theirs


if __name__ == "__main__":
    main()
