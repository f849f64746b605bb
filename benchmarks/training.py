"""Images per second of DCGAN and of the default preset at 64 x 64: a plain program and the library in turn.

    python benchmarks/training.py [--steps 12] [--presets dcgan sndcgan] [--curves 0] [--data FOLDER_OR_ZIP]

The plain programs are examples/dcgan_from_scratch.py and plain_sndcgan.py. All read their pictures themselves: the
plain ones decode each when its turn comes, the library reads its store. The ratio is what to look at, as the machine's
other load hits both alike; with one thread, that of the processor's time is the steadiest. With `--curves N`, both
train for N steps from two seeds each, and their losses are shown side by side. The pictures are shapes drawn by code;
`--data` names others. For the figures of processors without AVX-512, set before the start:

    ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2
"""

import argparse
import itertools
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

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
import dcgan_from_scratch
import plain_sndcgan

PROGRAMS: dict[str, ModuleType] = {"dcgan": dcgan_from_scratch, "sndcgan": plain_sndcgan}
STEPS_IN_TURN = 3
"""After one that is not counted: what another program has left in the caches and the memory is no concern of theirs."""
DRAWN = 1024


def settings_of(preset: str, seed: int = 0) -> GANSettings:
    return GANSettings(preset=preset, size="64", channels=3, seed=seed)


class Plain:
    """A plain program's training, a step at a time."""

    def __init__(self, preset: str, data: Path, seed: int):
        torch.manual_seed(seed)
        settings, self.program = settings_of(preset), PROGRAMS[preset]
        self.shape = settings.batch, self.program.LATENT
        pictures = dcgan_from_scratch.Pictures(data, dcgan_from_scratch.SIZE)
        loader = DataLoader(pictures, settings.batch, shuffle=True, drop_last=True)
        self.batches = itertools.chain.from_iterable(loader for _ in itertools.count())
        g, d = self.program.generator(), self.program.discriminator()
        if preset == "dcgan":
            g, d = dcgan_from_scratch.initialize(g), dcgan_from_scratch.initialize(d)
        betas = settings.beta1, settings.beta2
        optimizers = (torch.optim.Adam(network.parameters(), settings.lr, betas) for network in (g, d))
        self.parts = g, d, *optimizers

    def step(self) -> tuple[float, float]:
        """One step; both losses."""
        latents = torch.randn(*self.shape)
        loss_d, loss_g, *_ = self.program.train_step(*self.parts, next(self.batches), latents)
        return loss_d.item(), loss_g.item()


class Ours:
    """The library's, likewise."""

    def __init__(self, preset: str, pictures: Dataset, seed: int, precision: str):
        settings = settings_of(preset, seed)
        self.trainer = LatentGAN(settings, pictures, True, device.choose("cpu", precision)).trainer()

    def step(self) -> tuple[float, float]:
        """One step; both losses."""
        self.trainer.train_step()
        figures = self.trainer.take_figures()
        return figures["d"]["loss"], figures["g"]["loss"]


def main():
    parser = argparse.ArgumentParser(description="Compare the library's training with the plain program's.")
    parser.add_argument("--steps", type=int, default=12, help="of each, in turn, for the speed")
    parser.add_argument("--presets", nargs="+", default=list(PROGRAMS), choices=PROGRAMS)
    parser.add_argument("--curves", type=int, default=0, help="also compare the losses over so many steps")
    parser.add_argument("--precision", default="auto", choices=["auto", *device.PRECISIONS], help="of the library")
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    instructions, reason = torch.backends.cpu.get_cpu_capability(), device.choose("cpu", arguments.precision).reason
    print(f"{platform.machine()}, torch {torch.__version__} with {instructions}; library: {reason}")
    with tempfile.TemporaryDirectory() as folder:
        data = arguments.data or draw_shapes(Path(folder))
        pictures = returned(dataset.prepare(open_source(data), (64, 64), 3))
        print("| 64 x 64 pixels, in turn | from scratch | scumble | ratio |\n|---|---|---|---|")
        for preset in arguments.presets:
            compare_speed(preset, data, pictures, arguments.steps, arguments.precision)
        for preset in arguments.presets if arguments.curves else ():
            compare_curves(preset, data, pictures, arguments.curves, arguments.precision)


def compare_speed(preset: str, data: Path, pictures: Dataset, steps: int, precision: str):
    plain, ours = Plain(preset, data, 0), Ours(preset, pictures, 0, precision)
    spent: dict[Plain | Ours, list[tuple[float, float]]] = {plain: [], ours: []}
    for _ in range(-(-steps // STEPS_IN_TURN)):
        for program, times in spent.items():
            with device.memory_kept(program is ours):  # as in its own training
                times += [timed(program.step) for _ in range(1 + STEPS_IN_TURN)][1:]
    batch = settings_of(preset).batch
    for number, what in enumerate(("images a second", "images a second of the processor")):
        speeds = [batch / statistics.median(time[number] for time in times) for times in spent.values()]
        print(f"| {preset}, {what} | {speeds[0]:.1f} | {speeds[1]:.1f} | {speeds[1] / speeds[0]:.2f} |", flush=True)


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds, and those of the processor, all threads together."""
    before = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - before[0], time.process_time() - before[1]


def compare_curves(preset: str, data: Path, pictures: Dataset, steps: int, precision: str):
    programs: list[Plain | Ours] = [Plain(preset, data, seed) for seed in (0, 1)]
    programs += [Ours(preset, pictures, seed, precision) for seed in (0, 1)]
    part = max(1, steps // 10)
    print(f"\n{preset}, mean losses, discriminator / generator, two seeds of each:")
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
