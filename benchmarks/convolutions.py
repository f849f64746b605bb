"""Which way a 3 x 3 convolution is faster, by instruction set: the library's own, or Winograd's.

    python benchmarks/convolutions.py [--isa native,avx2] [--page docs/speed.md]

For each of `--isa` the program starts itself anew, as `seconds.py` does. Channels are those of VGG19 and
`pocket`, each at a small and at a large size; the way there and back, in float32, on one thread, in milliseconds of the
processor.
`scumble.perceptual.vgg.WINOGRAD_CHANNELS` says from where on it pays.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

from seconds import ISAS, environment_of, write

SHAPES = [
    (inputs, outputs, height, width)
    for inputs, outputs in [(64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 512), (512, 512)]
    for height, width in [(32, 42), (128, 170)]
]
"""Channels, and the sides of what goes in."""

RUNS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--isa", default="native,avx2", help=f"some of {', '.join(ISAS)}")
    parser.add_argument("--page", type=Path, help="Markdown to write the table into")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measured()))
        return
    isas = arguments.isa.split(",")
    if not set(isas) <= ISAS.keys():
        parser.error(f"wanted of --isa some of {', '.join(ISAS)}")
    columns, rows = table([started_anew(isa) for isa in isas])
    for cells in (columns, ["---"] * len(columns), *rows):
        print(f"| {' | '.join(cells)} |")
    if arguments.page:
        write(arguments.page, "convolutions", columns, rows)


def started_anew(isa):
    command = [sys.executable, __file__, "--measure"]
    done = subprocess.run(command, env=environment_of(isa), check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)


def table(found):
    columns = ["channels", "picture"]
    for figures in found:
        columns += [f"{figures['computed']}: the library's, ms", "Winograd's, ms", "faster by"]
    rows = []
    for number, (inputs, outputs, height, width) in enumerate(SHAPES):
        cells = [f"{inputs} to {outputs}", f"{width} x {height}"]
        for figures in found:
            direct, winograd = figures["milliseconds"][number]
            cells += [f"{direct:.1f}", f"{winograd:.1f}", f"{direct / winograd:.2f}"]
        rows.append(cells)
    return columns, rows


def measured():
    """In the process that measures: the instruction set, and [the library's, Winograd's] for each shape."""
    import torch

    from scumble import device

    with device.memory_kept():
        milliseconds = [both_ways(*shape) for shape in SHAPES]
    return {"computed": torch.backends.cpu.get_cpu_capability(), "milliseconds": milliseconds}


def both_ways(inputs, outputs, height, width):
    import torch

    from scumble.perceptual import fused
    from scumble.perceptual.winograd import RectifiedConvolution

    convolution = torch.nn.Conv2d(inputs, outputs, 3, padding=1).requires_grad_(False)
    convolution.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
    x = torch.randn(1, inputs, height, width).to(memory_format=torch.channels_last).requires_grad_()
    gradient = torch.randn(1, outputs, height, width).to(memory_format=torch.channels_last)
    winograd = RectifiedConvolution(convolution.weight, convolution.get_parameter("bias"))
    ways = [lambda: fused.rectified(x, convolution), lambda: winograd(x)]
    taken = [[], []]
    for run in range(1 + RUNS):
        for way, found in zip(ways, taken, strict=True):
            before = time.process_time()
            torch.autograd.grad(way(), x, gradient)
            if run:  # the first one compiles
                found.append(1000 * (time.process_time() - before))
    return [statistics.median(found) for found in taken]


if __name__ == "__main__":
    main()
