"""Large pictures in tiles: memory and time of one evaluation with VGG19, and whether tiles show in the gradient.

    python benchmarks/tiles.py [--sides 1024,2048,4096] [--tile 1366] [--loss gram]
        [--precision float32] [--roomy]

A line for each square picture, each in a process of its own:

    peak      most memory that the process ever held
    working   the same, less what the process held before, the picture, its gradient and the content's features
    time      seconds of processor time for each million pixels, and as ratios to untiled pictures': one as large as the
              largest tile, which fits into the same memory, and one of 512 x 512, which caches help
    borders   energy of the gradient along the tiles' borders over that along the same lines of the pattern elsewhere

Jobs that have room let the process keep memory that it will use again: `--roomy` does, at twice the memory, and times a
second evaluation. The picture is noise that repeats itself every 256 pixels, so that a border differs from other places
in nothing else.
"""

import argparse
import json
import math
import resource
import statistics
import subprocess
import sys
import time

import torch

from scumble import device
from scumble.perceptual import weights
from scumble.perceptual.catalogue import entry_named, find
from scumble.perceptual.vgg import VGG19
from scumble.style.balance import GATYS_CONTENT_LAYERS, STYLE_LAYERS
from scumble.style.objective.objective import Objective

SMALL = 512
PERIOD = 256
GIB = 1 << 30


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sides", default="1024,2048,4096")
    parser.add_argument("--tile", type=int, default=1366)
    parser.add_argument("--loss", default="gram", choices=STYLE_LAYERS)
    parser.add_argument("--precision", default="float32", choices=device.PRECISIONS)
    parser.add_argument("--roomy", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        with device.memory_kept(arguments.roomy):
            precision = device.PRECISIONS[arguments.precision]
            print(json.dumps(measured(arguments.one, arguments.tile, arguments.loss, precision, 1 + arguments.roomy)))
        return
    print(
        "| picture | tiles | peak | working | time | to a tile | to 512 | borders |\n|---|---|---|---|---|---|---|---|"
    )
    for side in map(int, arguments.sides.split(",")):
        command = [sys.executable, __file__, "--one", side, "--tile", arguments.tile, "--loss", arguments.loss]
        command += ["--precision", arguments.precision]
        command += ["--roomy"] if arguments.roomy else []
        done = subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, text=True)
        row = json.loads(done.stdout)
        memory = f"{row['peak'] / GIB:.2f} GiB | {row['working'] / GIB:.2f} GiB"
        speed = f"{row['time']:.2f} s | {row['time'] / row['fits']:.2f} | {row['time'] / row['small']:.2f}"
        print(f"| {side} x {side} | {row['tiles']} | {memory} | {speed} | {row['borders']:.4f} |", flush=True)


def measured(side, tile, loss, dtype, evaluations):
    """The figures of one picture; its own process knows of no other's memory. The last evaluation is timed."""
    entry = entry_named("vgg19-caffe")
    found = find(entry)
    if found is None:
        raise SystemExit("needs the weights vgg19-caffe on this machine: scumble models fetch vgg19-caffe")
    layers = GATYS_CONTENT_LAYERS, STYLE_LAYERS[loss]
    network = VGG19(weights.read(found).tensors, entry.preprocessing, tuple(layers[0] | layers[1]), dtype=dtype)
    style = noise(SMALL)
    small = Objective(network, style, [style], *layers, loss)
    small.value_and_gradient(style)
    small_seconds = [seconds(small, style) for _ in range(2)]

    before = device.used_bytes()
    canvas = noise(side)
    objective = Objective(network, canvas, [style], *layers, loss, tile_side=tile)
    for _ in range(evaluations - 1):
        objective.value_and_gradient(canvas)
    started = time.process_time()
    gradient = objective.value_and_gradient(canvas).gradient
    took = time.process_time() - started
    highest = peak()
    # The machine's other load changes while a large picture is looked at.
    small_seconds += [seconds(small, style) for _ in range(2)]
    whole = noise(largest(objective))
    fits = Objective(network, whole, [style], *layers, loss)
    fits.value_and_gradient(whole)
    fits_seconds = seconds(fits, whole)
    standing = [canvas, gradient, *objective.targets.content.values()]
    return {
        "tiles": len(objective.tiles),
        "peak": highest,
        "working": highest - before - sum(tensor.nbytes for tensor in standing),
        "time": took / side**2 * 1e6,
        "fits": fits_seconds / whole.shape[2] ** 2 * 1e6,
        "small": statistics.mean(small_seconds) / SMALL**2 * 1e6,
        "borders": borders(gradient, objective),
    }


def largest(objective):
    """The side of a square that is as large as the largest tile with its margins."""
    rectangles = [tile.seen for tile in objective.tiles]
    return round(max((bottom - top) * (right - left) for top, bottom, left, right in rectangles) ** 0.5)


def noise(side):
    """(1, 3, side, side) in [0, 1]."""
    block = torch.rand(1, 3, PERIOD, PERIOD, generator=torch.Generator().manual_seed(0))
    return block.repeat(1, 1, side // PERIOD + 1, side // PERIOD + 1)[:, :, :side, :side].contiguous()


def seconds(objective, canvas):
    """Of processor time, for one evaluation."""
    started = time.process_time()
    objective.value_and_gradient(canvas)
    return time.process_time() - started


def peak():
    """In bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def borders(gradient, objective):
    """Four pixels wide, and away from the picture's own borders."""
    at_borders, elsewhere = [], []
    inner = gradient[:, :, PERIOD:-PERIOD, PERIOD:-PERIOD]
    for axis, side in ((2, 0), (3, 2)):
        length = inner.shape[axis]
        edges = {tile.core[side] - PERIOD for tile in objective.tiles} & set(range(2, length - 1))
        energies = inner.square().sum(dim=tuple({0, 1, 2, 3} - {axis}))
        for edge in edges:
            same = [line for line in range(edge % PERIOD, length - 1, PERIOD) if line >= 2]
            at_borders.append(energies[edge - 2 : edge + 2].sum().item())
            others = [energies[line - 2 : line + 2].sum().item() for line in same if line not in edges]
            elsewhere.append(sum(others) / len(others) if others else math.nan)
    return sum(at_borders) / sum(elsewhere) if elsewhere else math.nan


if __name__ == "__main__":
    main()
