"""What is in a data set, which settings fit it, and what will go wrong: before hours are spent on training."""

import re
import shlex
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np

from scumble import device
from scumble.data import dataset
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_source
from scumble.data.survey import Survey, look_over
from scumble.events import Event, Noted
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.latent import LatentGAN

FEW = 5000
"""With fewer pictures, the discriminator overfits before the generator has learnt to draw."""
VERY_FEW = 500
MANY_DUPLICATES = 0.01
TIMED_STEPS = 3


@dataclass(frozen=True)
class Advice:
    """Findings, as rows of a table; the command that fits, if training is possible at all; and warnings."""

    found: dict[str, str]
    command: str | None
    warnings: list[str]


@device.in_full_float32
def check_events(data: str) -> Generator[Event, None, Advice]:
    """Look at every picture, and time a few steps of training on pictures of that size.

    Raises:
        DataError: if there is nothing to read.
    """
    source = open_source(data)
    if source.note:
        yield Noted(source.note)
    survey = yield from look_over(source)
    settings = fitting_settings(survey)
    shape = _shape(survey)
    name = re.split(r"[/.]", source.name)[-1 if data.startswith("hf:") else 0] or "run"
    given = settings.model_dump(include=settings.model_fields_set)
    flags = "".join(f" --{name}" if value is True else f" --{name} {value}" for name, value in given.items())
    with device.memory_errors("use a smaller --size"):
        speed = _speed(settings, shape)
    return Advice(
        found=_found(survey) | {"speed": speed},
        command=None
        if _is_refused(survey)
        else f"scumble gan train {shlex.quote(data)} --run {shlex.quote(f'runs/{name}')}{flags}",
        warnings=warnings(survey),
    )


def fitting_settings(survey: Survey) -> GANSettings:
    """The default preset, and augmentation where there are few pictures."""
    return GANSettings(augment=True) if survey.count < FEW else GANSettings()


def _has_too_many_unreadable(survey: Survey) -> bool:
    bad = len(survey.unreadable)
    return bad > dataset.MAX_UNREADABLE * (survey.count + bad)


def _is_refused(survey: Survey) -> bool:
    return survey.count < dataset.MIN_PICTURES or _has_too_many_unreadable(survey)


def warnings(survey: Survey) -> list[str]:
    """What will go wrong, or may surprise, one line each."""
    count, bad = survey.count, len(survey.unreadable)
    lines = []
    if count < dataset.MIN_PICTURES:
        lines.append(f"too few pictures: {count}; training needs at least {dataset.MIN_PICTURES}")
    elif count < VERY_FEW:
        lines.append(f"very few pictures: {count}; expect samples that repeat them")
    elif count < FEW:
        lines.append(f"few pictures: {count}; use --augment, and check for samples that repeat them")
    if bad:
        name, why = survey.unreadable[0]
        fate = "too many to train" if _has_too_many_unreadable(survey) else "to be skipped"
        lines.append(f"unreadable: {bad}, {fate}; the first is {name}: {why}")
    if survey.duplicates > MANY_DUPLICATES * count:
        lines.append(f"duplicates: {survey.duplicates}; the generator will draw them more often")
    if len(survey.sizes) > 1:
        lines.append(
            "sizes differ: all are cropped to the shape of the most common one and resampled, unless --size is given"
        )
    if survey.sizes:
        width, height = survey.sizes.most_common(1)[0][0]
        if min(width, height) > dataset.MAX_AUTOMATIC_SIDE:
            lines.append(f"pictures are reduced to {_automatic(survey)}; --size {min(width, height)} keeps all pixels")
        if min(width, height) < dataset.MIN_SIDE:
            lines.append(f"pictures are enlarged to {_automatic(survey)}, the smallest size of the networks")
    if survey.transparent:
        lines.append(f"transparent: {survey.transparent}; they are composited on white")
    return lines


def _found(survey: Survey) -> dict[str, str]:
    sizes = [f"{width}x{height} ({count:,})" for (width, height), count in survey.sizes.most_common(5)]
    more = len(survey.sizes) - len(sizes)
    return {
        "pictures": f"{survey.count:,}",
        "sizes": ", ".join(sizes) + (f" and {more} more" if more else ""),
        "colours": "grey" if survey.grey else "colour",
        "classes": _classes(survey.classes),
        "duplicates": f"{survey.duplicates:,}",
        "unreadable": f"{len(survey.unreadable):,}",
        "mirrored at random": {True: "yes", False: "no, mirrored ones look different", None: "no"}[
            survey.mirrored_alike
        ],
    }


def _classes(classes: Counter[str]) -> str:
    if not classes:
        return "none"
    least, most = min(classes.values()), max(classes.values())
    return f"{len(classes)}, of {least:,} to {most:,} pictures"


def _automatic(survey: Survey) -> str:
    width, height = dataset.automatic_size(survey.sizes.most_common(1)[0][0])
    return f"{width}x{height}"


def _shape(survey: Survey) -> tuple[int, int, int]:
    width, height = dataset.automatic_size(survey.sizes.most_common(1)[0][0]) if survey.sizes else (64, 64)
    return (1 if survey.grey else 3), height, width


def _speed(settings: GANSettings, shape: tuple[int, int, int]) -> str:
    noise = np.random.default_rng(0).integers(0, 256, (settings.batch, *shape), dtype=np.uint8)
    game = LatentGAN(settings, Dataset("noise", noise, None, (), ""), flip=False, placement=device.choose())
    trainer = game.trainer()
    trainer.train_step()
    started = time.perf_counter()
    for _ in range(TIMED_STEPS * settings.critic_steps):
        trainer.train_step()
    trainer.take_figures()  # waits for the device
    speed = TIMED_STEPS * settings.critic_steps * settings.batch / (time.perf_counter() - started)
    return f"{speed:.0f} images per second here: {settings.images:,} take {_duration(settings.images / speed)}"


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{max(minutes, 1)} min"
