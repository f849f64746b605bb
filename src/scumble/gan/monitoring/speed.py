"""How fast a training is on this machine, from a few seconds of it, and how many images fit into an hour or a night."""

import math
import time
from typing import NamedTuple

import numpy as np
import torch

from scumble import cores, device
from scumble.data.dataset import Dataset
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.games import GAMES
from scumble.threads import few_threads
from scumble.training.settings import TrainingSettings
from scumble.training.trainer import Trainer

MEASURED_STEPS, MEASURED_SECONDS = 3, 2.0
"""A measurement takes so many steps at least, and so long."""
SECONDS = {"within the hour": 45 * 60, "by tomorrow": 12 * 3600}
"""How long a training is to take, as measured. The rest of an hour, and of sixteen, is for what is not measured:
reading pictures, previews, and other programs."""
FASTER = 1.2
"""By so much one thread must be faster than all to be proposed."""
MOST = 10
"""No training is proposed that is longer than so many times the default."""


class Speed(NamedTuple):
    """What was measured.

    Attributes:
        images_per_second: that a training sees.
        seconds_per_step: of the generator, with those of the discriminator that belong to it.
        load: of the machine then, in processes that wanted to compute, and its `cores`; None where nobody tells.
        threads: 1 where one is faster than as many as there are, which wait for one another; None for all.
    """

    images_per_second: float
    seconds_per_step: float
    load: float | None
    cores: int | None
    threads: int | None = None

    def __str__(self) -> str:
        one = " by one thread, which is faster now than several" if self.threads == 1 else ""
        load = cores.in_words(self.load, self.cores)
        measured_at = f", measured {load}" if load else ""
        speed = f"{self.images_per_second:.3g} images per second{one}"
        return f"{speed}, {self.seconds_per_step:.2g} seconds a step{measured_at}"


def measured(settings: GANSettings, shape: tuple[int, int, int]) -> Speed:
    """Of some steps with noise of (C, H, W): by as many threads as a training takes, or by one if that is faster.

    On a machine that others use, a thread that waits for another may wait a time slice, at each of a thousand places.
    """
    noise = np.random.default_rng(0).integers(0, 256, (settings.batch, *shape), dtype=np.uint8)
    game = GAMES[settings.task](settings, Dataset("noise", noise, None, (), ""), flip=False, placement=device.choose())
    return of_trainer(game.trainer(), settings.critic_steps, game.placement.device.type == "cpu")


def of_trainer(trainer: Trainer, critic_steps: int, on_cpu: bool) -> Speed:
    """The same of any trainer, which is some steps further afterwards."""
    trainer.train_step()  # the first one takes longer
    trainer.take_figures()  # waits for the device
    seconds = _seconds_per_step(trainer, critic_steps)
    threads = None
    if on_cpu and torch.get_num_threads() > 1:
        with few_threads(1):
            by_one = _seconds_per_step(trainer, critic_steps)
        if FASTER * by_one < seconds:
            seconds, threads = by_one, 1
    return Speed(critic_steps * trainer.task.size / seconds, seconds, *cores.load(), threads)


def _seconds_per_step(trainer: Trainer, critic_steps: int) -> float:
    started, steps = time.perf_counter(), 0
    while steps < MEASURED_STEPS or time.perf_counter() - started < MEASURED_SECONDS:
        for _ in range(critic_steps):
            trainer.train_step()
        trainer.take_figures()
        steps += 1
    return (time.perf_counter() - started) / steps


def images_for(speed: Speed, settings: TrainingSettings) -> dict[str, int]:
    """By the names of `SECONDS`, how many images to train with.

    Example:
        >>> images_for(Speed(100.0, 0.32, None, None), GANSettings())
        {'within the hour': 270000, 'by tomorrow': 4300000}
    """
    least, most = settings.batch, MOST * settings.images
    return {
        name: min(max(_rounded(speed.images_per_second * seconds), least), most) for name, seconds in SECONDS.items()
    }


def _rounded(number: float) -> int:
    """Down to two digits."""
    unit = 10 ** max(0, math.floor(math.log10(max(number, 1))) - 1)
    return int(number // unit * unit)
