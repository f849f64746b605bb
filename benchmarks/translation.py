"""Losses and speed of image translation: the programs' networks and losses written plainly, and the library, in turn.

    python benchmarks/translation.py [--kinds pix2pix cyclegan dualgan] [--size 128] [--width 64] [--rounds 4]

The plain programs are in plain_translation.py. First both start from equal weights and take three steps on the same
pictures in float64, without dropout, and their losses are shown side by side: in float32, rounding grows in a cycle
whose first results are nearly flat. Then they are timed: a step of each in
turn, in one process, the library as its presets have it, in the number format that it chooses by itself; and again in
float32. Pictures are drawn by code. Enlarging is by transposed convolutions in both.
"""

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

import plain_translation as plain
from scumble import device
from scumble.gan.translation.kind import Game, Shapes
from scumble.gan.translation.kinds.adversary import PENALTY_DRAWS
from scumble.gan.translation.networks.unet import depth_for
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.task import game_of, trainer_of
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment

STEPS = 3
STEPS_IN_TURN = 2
"""So many generator steps are timed before it is the other program's turn."""
PAIRS = {"batch": 2, "norm": "batch", "upsampling": "transposed"}
CYCLE = {"batch": 2, "norm": "instance", "upsampling": "transposed", "pool": 50}
SETTINGS = {
    "pix2pix": {"preset": "pix2pix"} | PAIRS,
    "cyclegan": {"kind": "unpaired", "network": "resnet", "blocks": 9, "loss": "least-squares"} | CYCLE,
    "dualgan": {"kind": "unpaired", "network": "unet", "loss": "wasserstein", "critic_steps": 5}
    | CYCLE
    | {"weights": "adversarial=1,cycle=10,identity=0,penalty=10", "pool": 0},
}
ADAM = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999, "decay": "none", "images": 10**6}


class Exact(device.Placement):
    """On the CPU, in float64."""

    def compute(self, network: Callable[..., torch.Tensor], *inputs: torch.Tensor | None) -> torch.Tensor:
        """What a network makes of its inputs."""
        return network(*inputs)


class Both:
    """The library's trainer and the plain program with the same weights."""

    def __init__(self, kind: str, size: int, width: int, precision: str, **changed: Any):
        settings = TranslationSettings(**SETTINGS[kind] | ADAM | {"size": str(size), "width": width} | changed)
        shape = (3, size, size)
        exact = precision == "float64"
        placement = Exact(torch.device("cpu"), torch.float64, "") if exact else device.choose("cpu", precision)
        self.game = game_of(settings, Shapes(shape, shape), placement)
        self.dtype = torch.float64 if exact else torch.float32
        for network in self.game.networks.values():
            network.to(self.dtype)
        self.batch = self.game.settings.batch
        self.trainer = trainer_of(self.game, self.drawn)
        self.program = PROGRAMS[kind](self.game)

    def drawn(self, moment: Moment) -> Batch:
        """Smooth pictures in [-1, 1], `b` the negative of `a`."""
        random = moment.generator()
        coarse = draw(torch.rand, self.batch, 3, 8, 8, random=random).to(self.dtype)
        a = nn.functional.interpolate(coarse, self.game.shapes.a[1:], mode="bilinear") * 2 - 1
        return {"a": a, "b": -a, "random": random}

    def library_step(self) -> dict[str, float]:
        """A step; returns the losses by update."""
        self.trainer.train_step()
        return {name: figures.get("loss", 0.0) for name, figures in self.trainer.take_figures().items()}

    def plain_step(self) -> dict[str, float]:
        """Likewise."""
        batch = self.drawn(self.trainer.moment()._replace(step=self.trainer.step - 1))
        return dict(zip(("d", "g"), (loss.item() for loss in self.program.step(batch["a"], batch["b"])), strict=True))


def pix2pix(game: Game) -> plain.Pix2pix:
    """The plain program with the library's weights."""
    settings, size = game.settings, game.settings.cut
    drops = any(module.p > 0 for module in game.networks["generator"].modules() if isinstance(module, nn.Dropout))
    g = plain.UNet(3, 3, settings.width, depth_for(size), settings.norm, dropout=drops)
    d = plain.patches(6, settings.width, settings.patch_layers, settings.norm)
    return plain.Pix2pix(
        copied(game.networks["generator"], g, 3, size), copied(game.networks["discriminator"], d, 6, size)
    )


def unpaired(game: Game) -> list[nn.Module]:
    """Two generators and two discriminators with the library's weights."""
    settings, size = game.settings, game.settings.cut
    made = []
    for name in ("generator_ab", "generator_ba"):
        if settings.network == "resnet":
            g = plain.resnet(3, 3, settings.width, settings.blocks)
        else:
            g = plain.UNet(3, 3, settings.width, depth_for(size), settings.norm, dropout=False)
        made.append(copied(game.networks[name], g, 3, size))
    norm = "none" if settings.loss == "wasserstein" else settings.norm
    for name in ("discriminator_a", "discriminator_b"):
        d = plain.patches(3, settings.width, settings.patch_layers, norm)
        made.append(copied(game.networks[name], d, 3, size))
    return made


def cyclegan(game: Game) -> plain.CycleGAN:
    """Likewise."""
    g_ab, g_ba, d_a, d_b = unpaired(game)
    return plain.CycleGAN(g_ab, g_ba, d_a, d_b)


def dualgan(game: Game) -> plain.DualGAN:
    """Likewise; its penalty is at the pictures that the library's is at."""
    (g_ab, g_ba, d_a, d_b), calls = unpaired(game), itertools.count()

    def mixtures(real: torch.Tensor) -> torch.Tensor:
        random = Moment(next(calls) // 2, (game.settings.seed, 0)).generator(PENALTY_DRAWS)  # two calls a step
        return 1 - draw(torch.rand, len(real), 1, 1, 1, random=random).to(real)

    return plain.DualGAN(g_ab, g_ba, d_a, d_b, game.settings.critic_steps, mixtures)


PROGRAMS: dict[str, Callable[[Game], plain.Pix2pix | plain.CycleGAN | plain.DualGAN]] = {
    "pix2pix": pix2pix,
    "cyclegan": cyclegan,
    "dualgan": dualgan,
}


def copied(ours: nn.Module, theirs: nn.Module, channels: int, size: tuple[int, int]) -> nn.Module:
    """Theirs with our weights: layers correspond in the order in which a picture passes them."""
    dtype = next(ours.parameters()).dtype
    theirs, pictures = theirs.to(dtype), torch.zeros(2, channels, *size, dtype=dtype)
    for mine, its in zip(passed(ours, pictures), passed(theirs, pictures), strict=True):
        given = mine.state_dict()
        for name, value in its.state_dict().items():
            # A bias before a norm, which the library leaves out, starts at 0.
            value.copy_(given[name] if name in given else torch.zeros_like(value))
    return theirs


@torch.no_grad()
def passed(network: nn.Module, pictures: torch.Tensor) -> list[nn.Module]:
    """The layers with weights, in the order in which they are called."""
    found: list[nn.Module] = []
    layers = [module for module in network.modules() if any(True for _ in module.parameters(recurse=False))]
    hooks = [layer.register_forward_hook(lambda module, *_: found.append(module)) for layer in layers]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(pictures)
    network.load_state_dict(before)  # batch norm has averaged
    for hook in hooks:
        hook.remove()
    return found


def without_dropout(both: Both) -> None:
    for network in (*both.game.networks.values(), getattr(both.program, "g", nn.Identity())):
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0


def losses(kind: str, size: int, width: int, **changed: Any) -> Iterator[tuple[str, float, float]]:
    """(name, the library's, the plain program's) for each loss of some steps from equal weights.

    Generators of DualGAN move in every step here.
    """
    both = Both(kind, size, width, "float64", critic_steps=1, **changed)
    without_dropout(both)
    for step in range(STEPS):
        mine, theirs = both.library_step(), both.plain_step()
        for name in ("d", "g"):
            yield f"{name} {step + 1}", mine[name], theirs[name]


def speed(kind: str, size: int, width: int, precision: str, rounds: int) -> tuple[float, float, str]:
    """Seconds a step of the library and of the plain program, medians of rounds in turn; and where it was."""
    both = Both(kind, size, width, precision)
    mine, theirs = [], []
    for _ in range(rounds):
        with device.memory_kept():  # as every training of the library
            mine.append(seconds_a_step(both.library_step, both.game.settings.critic_steps))
        theirs.append(seconds_a_step(both.plain_step, both.game.settings.critic_steps))
    return statistics.median(mine), statistics.median(theirs), both.game.placement.reason


def seconds_a_step(step: Callable[[], Any], critic_steps: int) -> float:
    """After some that are not counted: what another program has left in the caches is no concern of this one."""
    for _ in range(critic_steps):
        step()
    started = time.perf_counter()
    for _ in range(critic_steps * STEPS_IN_TURN):
        step()
    return (time.perf_counter() - started) / (critic_steps * STEPS_IN_TURN)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", default=list(SETTINGS), choices=list(SETTINGS))
    parser.add_argument("--size", type=int, default=128, help="side of the pictures, in pixels")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=4)
    arguments = parser.parse_args()
    for kind in arguments.kinds:
        for name, mine, theirs in losses(kind, arguments.size, arguments.width):
            print(f"{kind}: loss {name}: {mine:.6f}, plain {theirs:.6f}, apart {abs(mine - theirs):.1e}", flush=True)
        for precision in ("auto", "float32"):
            mine, theirs, where = speed(kind, arguments.size, arguments.width, precision, arguments.rounds)
            print(
                f"{kind}: {mine:.2f} s a step, plain {theirs:.2f}: {theirs / mine:.2f} times as fast; {where}",
                flush=True,
            )


if __name__ == "__main__":
    main()
