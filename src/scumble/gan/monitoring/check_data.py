"""What is in a data set, which settings fit it, and what will go wrong: before hours are spent on training."""

import re
import shlex
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble import device
from scumble.data import labels, measuring
from scumble.data.form import MIN_SIDE, Size, times
from scumble.data.sources.opener import open_source
from scumble.data.sources.source import Source
from scumble.data.survey import Survey, look_over
from scumble.errors import DataError
from scumble.events import Event
from scumble.gan.monitoring.speed import Speed, images_for, measured
from scumble.gan.settings import GANSettings

FEW = 5000
"""With fewer pictures, the discriminator overfits before the generator has learnt to draw."""
VERY_FEW = 500
MANY_DUPLICATES = 0.01
SEEN_SOMETHING = 32_000
"""Images after which digits can be read: those of the example in the README."""
MUCH_LOST, MANY_CUT = 1 / 3, 0.1
"""Where more than a tenth of the pictures lose more than a third of their area, their shape should be looked at."""


@dataclass(frozen=True)
class Advice:
    """What is in a data set, and what to do.

    Attributes:
        found: in words, rows of a table.
        figures: the same as numbers: counts, "images_per_second", and the "seconds" that each of the commands takes.
        command: the one that fits, of the default length; None if training is not possible.
        commands: those that end "within the hour" and "by tomorrow".
        warnings: what will go wrong, or may surprise.
    """

    found: dict[str, str]
    figures: dict[str, Any]
    command: str | None
    commands: dict[str, str]
    warnings: list[str]


@device.in_full_float32
def check_events(data: str, labels_table: str | Path | None = None) -> Generator[Event, None, Advice]:
    """Look at every picture, and time a few steps of training on pictures of that size.

    Args:
        data: what a training takes.
        labels_table: a table of labels, likewise.

    Raises:
        DataError: if there is nothing to read.
    """
    source = open_source(data, labels_table)
    survey = yield from look_over(source)
    settings = fitting_settings(survey)
    name = re.split(r"[/.]", source.name)[-1 if data.startswith("hf:") else 0] or "run"
    given = settings.model_dump(include=settings.model_fields_set)
    flags = "".join(f" --{name}" if value is True else f" --{name} {value}" for name, value in given.items())
    numbers, _ = labels.numbered([item.label for item in source.items])
    if labels_table is not None and numbers is not None and labels.UNLABELLED not in numbers:
        flags = f" --labels {shlex.quote(str(labels_table))} --condition projection{flags}"
    channels, refusals = _channels(source, survey)
    classes = labels.described([item.label for item in source.items], [item.name for item in source.items])
    width, height = _automatic(survey) if survey.sizes else (64, 64)
    with device.memory_errors("use a smaller --size"):
        speed = measured(settings, (channels, height, width))
    images = images_for(speed, settings)
    told = [event.message for event in source.told]
    command = None
    if not (refusals or _is_refused(survey)):
        one = "OMP_NUM_THREADS=1 " if speed.threads == 1 else ""
        command = f"{one}scumble gan train {shlex.quote(data)} --run {shlex.quote(f'runs/{name}')}{flags}"
    return Advice(
        found=_found(survey, channels)
        | {"classes": classes}
        | _use_of_classes(source, f"runs/{name}", data, labels_table)
        | {"speed": str(speed)},
        figures=_figures(survey, channels, speed, images),
        command=command,
        commands={when: f"{command} --images {number}" for when, number in images.items() if command is not None},
        warnings=told + refusals + warnings(survey) + _of_speed(images, (width, height)),
    )


def fitting_settings(survey: Survey) -> GANSettings:
    """The default preset, and augmentation where there are few pictures."""
    return GANSettings(augment=True) if survey.count < FEW else GANSettings()


def _channels(source: Source, survey: Survey) -> tuple[int, list[str]]:
    """How many channels will be trained on, and why that cannot be."""
    try:
        found = measuring.channels_of(source, survey.bands, survey.count)
    except DataError as error:
        return 3, [str(error)]
    return found or (1 if survey.grey else 3), []


def _has_too_many_unreadable(survey: Survey) -> bool:
    bad = len(survey.unreadable)
    return bad > measuring.MAX_UNREADABLE * (survey.count + bad)


def _is_refused(survey: Survey) -> bool:
    return survey.count < measuring.MIN_PICTURES or _has_too_many_unreadable(survey)


def warnings(survey: Survey) -> list[str]:
    """What will go wrong, or may surprise, one line each."""
    count, bad = survey.count, len(survey.unreadable)
    lines = []
    if count < measuring.MIN_PICTURES:
        lines.append(f"too few pictures: {count}; training needs at least {measuring.MIN_PICTURES}")
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
    if survey.sizes:
        lines += _of_sizes(survey)
    if survey.values:
        lines.append(f"{survey.values}; --value-range LOW,HIGH sets others")
    if survey.transparent:
        learnt = f"--channels {2 if survey.grey else 4} learns the transparency"
        lines.append(f"transparent: {survey.transparent}; they are composited on white ({learnt})")
    return lines


def _of_sizes(survey: Survey) -> list[str]:
    """What becomes of pictures of these sizes, and which size would keep their pixels."""
    sizes, count = survey.sizes, survey.count
    median, size = measuring.median_size(sizes), _automatic(survey)
    width, height = median
    lines = []
    if len(sizes) > 1:
        shape = f"{measuring.sizes_in_words(sizes, median)}: all are cropped to that shape"
        lines.append(f"sizes differ; {shape} and resampled to {times(size)}, unless --size or --fit is given")
        cut = sum(number for one, number in sizes.items() if _lost(one, size) > MUCH_LOST)
        if cut > MANY_CUT * count:
            lines.append(f"another shape: {cut} of {count} lose more than a third to the crop; --fit pad keeps them")
        small = sum(number for (w, h), number in sizes.items() if w < size[0] or h < size[1])
        if small:
            lines.append(f"smaller: {small} of {count} are enlarged to {times(size)}")
    if min(median) > measuring.MAX_AUTOMATIC_SIDE:
        wanted = f"--size {width if width == height else times(median)}"
        enlarged = sum(number for (w, h), number in sizes.items() if w < width or h < height)
        kept = f"{wanted} keeps all pixels" if len(sizes) == 1 else f"{wanted} keeps the median's pixels"
        kept += f", and enlarges {enlarged} of {count}" * (enlarged > 0)
        lines.append(f"pictures are reduced to {times(size)}; {kept}")
    if min(median) < MIN_SIDE:
        lines.append(f"pictures are enlarged to {times(size)}, the smallest size of the networks")
    return lines


def _lost(size: Size, wanted: Size) -> float:
    """The share of a picture's area that is cut off to give it the shape of `wanted`."""
    ratio = size[0] / size[1] / (wanted[0] / wanted[1])
    return 1 - min(ratio, 1 / ratio)


def _found(survey: Survey, channels: int) -> dict[str, str]:
    sizes = [f"{times(size)} ({count:,})" for size, count in survey.sizes.most_common(5)]
    more = len(survey.sizes) - len(sizes)
    return {
        "pictures": f"{survey.count:,}",
        "sizes": ", ".join(sizes) + (f" and {more} more" if more else ""),
        "colours": {1: "grey", 3: "colour"}.get(channels, f"{channels} channels"),
        "classes": "",
        "duplicates": f"{survey.duplicates:,}",
        "unreadable": f"{len(survey.unreadable):,}",
        "mirrored at random": {True: "yes", False: "no, mirrored ones look different", None: "no"}[
            survey.mirrored_alike
        ],
    }


def _automatic(survey: Survey) -> Size:
    return measuring.automatic_size(measuring.median_size(survey.sizes))


def _figures(survey: Survey, channels: int, speed: Speed, images: dict[str, int]) -> dict[str, Any]:
    """What `_found` says in words, and the speed, as numbers."""
    return {
        "pictures": survey.count,
        "sizes": {times(size): count for size, count in survey.sizes.most_common()},
        "channels": channels,
        "classes": dict(survey.classes),
        "duplicates": survey.duplicates,
        "unreadable": len(survey.unreadable),
        "mirrored_at_random": bool(survey.mirrored_alike is not False),
        **speed._asdict(),
        "images": images,
        "seconds": {when: number / speed.images_per_second for when, number in images.items()},
    }


def _use_of_classes(source: Source, run: str, data: str, table: str | Path | None) -> dict[str, str]:
    """A row that says what to do with classes; none where there are none."""
    found = [item.label for item in source.items]
    numbers, _ = labels.numbered(found)
    if numbers is None:
        return {}
    if labels.are_several(found):
        return {"to use them": "--condition projection draws each on request"}
    all_known = numbers.min() >= 0
    training = "--preset projection draws each on request" if all_known else "--preset sgan learns with those few"
    of_table = "" if table is None else f" --labels {shlex.quote(str(table))}"
    probe = f"scumble gan classify {shlex.quote(run)} {shlex.quote(data)}{of_table}"
    return {"to use them": f"{training}; after a training of any preset, `{probe}` makes a classifier"}


def _of_speed(images: dict[str, int], size: Size) -> list[str]:
    """A warning where an hour is too short to see anything."""
    first = min(images.values())
    if first >= SEEN_SOMETHING:
        return []
    half = f"; half the --size, {times((size[0] // 2, size[1] // 2))}, takes about a quarter of the time"
    return [f"slow: {first:,} images within the hour show little" + half * (min(size) // 2 >= MIN_SIDE)]
