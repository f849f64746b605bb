"""How fast a training is on this machine, from a few seconds of it, and how many images fit into an hour or a night."""

import math
import time
from typing import NamedTuple

import numpy as np

from scumble import cores, device
from scumble.data.dataset import Dataset
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.latent import LatentGAN

MEASURED_STEPS, MEASURED_SECONDS = 3, 2.0
"""A measurement takes so many steps at least, and so long."""
SECONDS = {"within the hour": 45 * 60, "by tomorrow": 12 * 3600}
"""How long a training is to take, as measured. The rest of an hour, and of sixteen, is for what is not measured:
reading pictures, previews, and other programs."""
MOST = 10
"""No training is proposed that is longer than so many times the default."""


class Speed(NamedTuple):
    """What was measured.

    Attributes:
        images_per_second: that a training sees.
        seconds_per_step: of the generator, with those of the discriminator that belong to it.
        load: of the machine then, in processes that wanted to compute, and its `cores`; None where nobody tells.
    """

    images_per_second: float
    seconds_per_step: float
    load: float | None
    cores: int | None

    def __str__(self) -> str:
        load = "" if self.load is None else f", measured at a load of {self.load:.1f} on {self.cores} cores"
        return f"{self.images_per_second:.3g} images per second, {self.seconds_per_step:.2g} seconds a step{load}"


def measured(settings: GANSettings, shape: tuple[int, int, int]) -> Speed:
    """Of some steps with noise of (C, H, W)."""
    noise = np.random.default_rng(0).integers(0, 256, (settings.batch, *shape), dtype=np.uint8)
    game = LatentGAN(settings, Dataset("noise", noise, None, (), ""), flip=False, placement=device.choose())
    trainer = game.trainer()
    trainer.train_step()  # the first one takes longer
    trainer.take_figures()  # waits for the device
    started, steps = time.perf_counter(), 0
    while steps < MEASURED_STEPS or time.perf_counter() - started < MEASURED_SECONDS:
        for _ in range(settings.critic_steps):
            trainer.train_step()
        trainer.take_figures()
        steps += 1
    seconds = (time.perf_counter() - started) / steps
    return Speed(settings.critic_steps * settings.batch / seconds, seconds, *cores.load())


def images_for(speed: Speed, settings: GANSettings) -> dict[str, int]:
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
