"""Seconds per evaluation: the plain program in examples/ and the library in turn, in one process, on the same picture.

    python benchmarks/evaluations.py [--sizes 341x256,682x512] [--evaluations 12] [--losses 0]

The machine's other load hits both alike, so the ratio is what to look at. With `--losses N`, both run for N evaluations
from the content, and both losses are computed by the plain program's float32 network. The pictures are drawn by code,
unless `--content` and `--style` name files.
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
from scumble.perceptual.vgg import VGG19
from scumble.style.objective import Objective
from scumble.style.optimize import LBFGS, Descent
from scumble.style.settings import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS

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

    entry = weights.entry_named("vgg19-caffe")
    path = weights.find(entry)
    if path is None:
        raise SystemExit("needs the weights vgg19-caffe on this machine: scumble models fetch vgg19-caffe")
    placement = device.choose("cpu", arguments.precision)
    layers = (*GATYS_CONTENT_LAYERS, *GATYS_STYLE_LAYERS)
    network = VGG19(weights.read(path).tensors, entry.preprocessing, layers, dtype=placement.dtype)
    parameters = scratch.load_vgg19(path)
    print(f"{platform.machine()}, torch {torch.__version__}; library: {placement.reason}")
    print("| picture | from scratch | scumble | ratio |" + (" loss ratio |" if arguments.losses else ""))
    print("|---|---|---|---|" + ("---|" if arguments.losses else ""))

    for size in arguments.sizes.split(","):
        width, height = map(int, size.split("x"))
        content = _picture(arguments.content or _photograph(), width, height)
        style = _picture(arguments.style or painting(seed=1), width, height)
        plain, ours = _time_in_turn(content, style, parameters, network, arguments.evaluations)
        row = f"| {size} | {plain:.3f} s | {ours:.3f} s | {plain / ours:.2f} |"
        if arguments.losses:
            row += f" {_loss_ratio(content, style, parameters, network, arguments.losses):.3f} |"
        print(row, flush=True)


def _photograph():
    from sklearn.datasets import load_sample_image

    return Image.fromarray(load_sample_image("china.jpg"))


def _picture(source, width, height):
    return cover(to_tensor(load(source)), (width, height))


def _time_in_turn(content, style, parameters, network, evaluations):
    """Medians of the seconds per evaluation of both, taking turns, with optimisers that remember little as yet."""
    objective = Objective(network, content, [style], GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS)

    def plain(tick):
        scratch.stylize(content * 255, style * 255, parameters, EVALUATIONS_PER_TURN, report=lambda line: tick())

    def ours(tick):
        for _ in Descent(objective, content, LBFGS(), EVALUATIONS_PER_TURN):
            tick()

    seconds = {plain: [], ours: []}
    for run in (plain, ours) * max(1, evaluations // (EVALUATIONS_PER_TURN - 1)):
        ticks = []
        run(lambda ticks=ticks: ticks.append(time.perf_counter()))
        seconds[run] += [after - before for before, after in itertools.pairwise(ticks)]
    return statistics.median(seconds[plain]), statistics.median(seconds[ours])


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
