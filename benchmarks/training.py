"""Images per second of DCGAN at 64 x 64, batch 64: the plain program in examples/ and the library in turn.

    python benchmarks/training.py [--steps 12] [--curves 0] [--data FOLDER_OR_ZIP]

Both read their pictures themselves: the plain program decodes each when its turn comes, the library reads its store.
The ratio is what to look at, as the machine's other load hits both alike. With `--curves N`, both train for N steps
from two seeds each, and their losses are shown side by side. The pictures are shapes drawn by code;
`--data` names others.
"""

import argparse
import itertools
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from scumble import device
from scumble.data import dataset, synthetic
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_source
from scumble.events import returned
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.latent import LatentGAN

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import dcgan_from_scratch as scratch

BATCH = 64
WARM_UP_STEPS = 2
DRAWN = 1024


class Plain:
    """The plain program's training, a step at a time."""

    def __init__(self, data: Path, seed: int):
        torch.manual_seed(seed)
        pictures = scratch.Pictures(data, scratch.SIZE)
        loader = DataLoader(pictures, BATCH, shuffle=True, drop_last=True)
        self.batches = itertools.chain.from_iterable(loader for _ in itertools.count())
        g, d = scratch.initialize(scratch.generator()), scratch.initialize(scratch.discriminator())
        g_optimizer, d_optimizer = (torch.optim.Adam(n.parameters(), lr=2e-4, betas=(0.5, 0.999)) for n in (g, d))
        self.parts = g, d, g_optimizer, d_optimizer

    def step(self) -> tuple[float, float]:
        """One step; both losses."""
        latents = torch.randn(BATCH, scratch.LATENT)
        loss_d, loss_g, *_ = scratch.train_step(*self.parts, next(self.batches), latents)
        return loss_d.item(), loss_g.item()


class Ours:
    """The library's, likewise."""

    def __init__(self, pictures: Dataset, seed: int, precision: str):
        settings = GANSettings(preset="dcgan", size="64", channels=3, batch=BATCH, seed=seed)
        self.trainer = LatentGAN(settings, pictures, True, device.choose("cpu", precision)).trainer()

    def step(self) -> tuple[float, float]:
        """One step; both losses."""
        self.trainer.train_step()
        figures = self.trainer.take_figures()
        return figures["d"]["loss"], figures["g"]["loss"]


def main():
    parser = argparse.ArgumentParser(description="Compare the library's training with the plain program's.")
    parser.add_argument("--steps", type=int, default=12, help="of each, in turn, for the speed")
    parser.add_argument("--curves", type=int, default=0, help="also compare the losses over so many steps")
    parser.add_argument("--precision", default="auto", choices=["auto", *device.PRECISIONS], help="of the library")
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or draw_shapes(Path(folder))
        pictures = returned(dataset.prepare(open_source(data), (64, 64), 3))
        compare_speed(data, pictures, arguments.steps, arguments.precision)
        if arguments.curves:
            compare_curves(data, pictures, arguments.curves, arguments.precision)


def compare_speed(data: Path, pictures: Dataset, steps: int, precision: str):
    plain, ours = Plain(data, 0), Ours(pictures, 0, precision)
    seconds: dict[Plain | Ours, list[float]] = {plain: [], ours: []}
    for _ in range(WARM_UP_STEPS + steps):
        for program, times in seconds.items():
            started = time.perf_counter()
            program.step()
            times.append(time.perf_counter() - started)
    speeds = [BATCH / statistics.median(times[WARM_UP_STEPS:]) for times in seconds.values()]
    print(f"{platform.machine()}, torch {torch.__version__}; library: {device.choose('cpu', precision).reason}")
    print("| DCGAN, 64 x 64, batch 64 | from scratch | scumble | ratio |\n|---|---|---|---|")
    print(f"| images per second | {speeds[0]:.1f} | {speeds[1]:.1f} | {speeds[1] / speeds[0]:.2f} |", flush=True)


def compare_curves(data: Path, pictures: Dataset, steps: int, precision: str):
    programs = [Plain(data, 0), Plain(data, 1), Ours(pictures, 0, precision), Ours(pictures, 1, precision)]
    part = max(1, steps // 10)
    print("\nMean losses, discriminator / generator, two seeds of each:")
    print("| steps | from scratch | from scratch | scumble | scumble |\n|---|---|---|---|---|")
    for start in range(0, steps, part):
        cells = []
        for program in programs:
            losses = [program.step() for _ in range(part)]
            cells.append(" / ".join(f"{statistics.mean(column):.3f}" for column in zip(*losses, strict=True)))
        print(f"| {start + 1}-{start + part} | " + " | ".join(cells) + " |", flush=True)


def draw_shapes(folder: Path) -> Path:
    for number in range(DRAWN):
        synthetic.shape(number).save(folder / f"{number:04}.png")
    return folder


if __name__ == "__main__":
    main()
