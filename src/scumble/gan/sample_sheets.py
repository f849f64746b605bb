"""Sheets of samples, and films: of a grid, a path between latents, latent arithmetic, and a training's grids."""

import contextlib
import itertools
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble.errors import ImageError, RunError, SettingsError
from scumble.gan.facts import GANFacts
from scumble.gan.models import latents
from scumble.gan.models.codes import codes_of, name_of
from scumble.gan.models.codes import columns as columns_of
from scumble.gan.models.gan import GAN
from scumble.gan.models.sample import draw_latents
from scumble.image import encode, files, film, recipe
from scumble.image.tensors import grid
from scumble.storage.folder import make
from scumble.storage.run import Run

CHUNK = 64
FRAMES_BETWEEN, STRIP_BETWEEN = 24, 8


def write_samples(
    gan: GAN,
    seeds: list[int],
    output: Path,
    truncation: float | None = None,
    columns: int | None = None,
    of_classes: Sequence[str] = (),
    overwrite: bool = False,
    codes: Sequence[str] = (),
) -> Iterator[Path]:
    """Write pictures of `seeds`: one grid where `output` ends like a picture, else a folder with a file a seed.

    A model with classes has a folder for each of them in there, as data sets have; one of pictures with several labels,
    for each choice of labels. Of domains that share a latent, every seed is drawn in each, side by side.

    Args:
        gan: the model.
        seeds: one a picture; for each class, where some are chosen.
        output: the grid, or the folder.
        truncation: see `GAN.sample`.
        columns: of the grid; by default it is a square, or has a row for each class or code that is chosen; with one
            seed, as many columns as the last place of a code has values.
        of_classes: to draw, each as of `GAN.sample`; by default, seeds take turns.
        overwrite: whether files may be there that scumble has not made.
        codes: to draw, each as of `GAN.sample`.

    Yields:
        What was written.

    Raises:
        ImageError: if it cannot be written.
        SettingsError: if the truncation is out of range, or there is no such class or code.
    """
    made_by = recipe.versions() | {"gan": gan.facts.data.name, "truncation": truncation}
    pairs = gan.settings.condition == "coupled" and not of_classes
    chosen = _choices(gan.classes if pairs else of_classes, codes, gan)
    if output.suffix.lower() in encode.WRITERS:
        files.check_output(output, overwrite=overwrite)
        pictures = np.stack([gan.sample_array(seeds, truncation, *choice) for choice in chosen])
        pictures = (pictures.swapaxes(0, 1) if pairs else pictures).reshape(-1, *pictures.shape[2:])
        columns = columns or _columns(gan, seeds, chosen, codes, pairs)
        made_by |= {"class": of_classes[0] if len(of_classes) == 1 else list(of_classes)} if of_classes else {}
        made_by |= {"code": list(codes)} if codes else {}
        files.save(grid(pictures, min(columns, len(pictures))), output, made_by | {"seeds": seeds})
        yield output
    else:
        yield from _write_each(gan, seeds, output, truncation, chosen, made_by, overwrite)


Choice = tuple[str | None, str | None]
"""A class and a code, as of `GAN.sample`; None for whatever seeds draw."""


def _choices(of_classes: Sequence[str], codes: Sequence[str], gan: GAN) -> list[Choice]:
    """All that are to be drawn; raises if there is no such class or code."""
    for name in of_classes:
        gan.labels([], name)
    each = [name_of(code) for text in codes for code in codes_of(text, gan.settings)]
    return list(itertools.product(of_classes or (None,), each or (None,)))


def _columns(gan: GAN, seeds: list[int], chosen: list[Choice], codes: Sequence[str], pairs: bool) -> int:
    """Of a grid, where nobody has said how many."""
    if codes:
        return columns_of(len(seeds), codes[-1], gan.settings)
    square = math.ceil(math.sqrt(len(seeds)))
    return square * len(gan.classes) if pairs else len(seeds) if len(chosen) > 1 else square


def _write_each(
    gan: GAN,
    seeds: list[int],
    output: Path,
    truncation: float | None,
    chosen: list[Choice],
    made_by: dict[str, Any],
    overwrite: bool,
) -> Iterator[Path]:
    """A file a seed, for each of the classes and codes that are chosen."""
    if output.suffix and not output.is_dir():
        raise SettingsError(
            f"output {output} ends in {output.suffix!r}; wanted a folder or one of {', '.join(encode.WRITERS)}"
        )
    places = [_places(gan, seeds, output, *choice) for choice in chosen]
    for path, _ in itertools.chain(*places) if not overwrite else ():
        files.check_free(path)
    for choice, each in zip(chosen, places, strict=True):
        for start in range(0, len(seeds), CHUNK):
            pictures = gan.sample_array(seeds[start : start + CHUNK], truncation, *choice)
            for picture, (path, facts) in zip(pictures, each[start : start + CHUNK], strict=True):
                make(path.parent)
                files.save(_savable(picture), path, made_by | facts)
                yield path


def _places(
    gan: GAN, seeds: list[int], output: Path, of_class: str | None, code: str | None
) -> list[tuple[Path, dict[str, Any]]]:
    """A file a seed, in the folder of its class or code where there are such, and what its recipe tells of it."""
    if code is not None:
        folder = output / f"code {code.replace(',', '_')}"
        return [(path, facts | {"code": code}) for path, facts in _places(gan, seeds, folder, of_class, None)]
    ending = ".png" if gan.facts.data.shape[0] <= 4 else ".tif"
    paths = [output / f"seed{seed:06}{ending}" for seed in seeds]
    classes = gan.labels(seeds, of_class)
    if classes is None:
        return [(path, {"seeds": [seed]}) for path, seed in zip(paths, seeds, strict=True)]
    names = gan.class_names(classes)
    if classes.dim() == 1:
        folders = dict(zip(gan.classes, folder_names(gan.classes), strict=True))
    else:
        chosen = "" if of_class is None else folder_names([names[0].replace(",", " and ")])[0]
        folders = dict.fromkeys(names, chosen)
    return [
        (output / folders[name] / path.name, {"seeds": [seed], "class": name})
        for path, seed, name in zip(paths, seeds, names, strict=True)
    ]


def _savable(picture: np.ndarray) -> np.ndarray:
    """(H, W, C) with grey repeated over the colours: with opacity, if it has two channels."""
    channels = picture.shape[2]
    return picture if channels > 2 else np.concatenate([picture[..., :1]] * 3 + [picture[..., 1:]], axis=2)


def folder_names(classes: Sequence[str]) -> list[str]:
    """A folder's name for each class: its own, or with its number where a system might not take it or tell it apart.

    Example:
        >>> folder_names(["cats", "a/b", ".."])
        ['cats', '1-a_b', '2-__']
    """
    plain = [re.sub(r"[^\w -]", "_", name)[:100].strip() for name in classes]
    numbered = [f"{number}-{name}" for number, name in enumerate(plain)]
    each = zip(classes, plain, numbered, strict=True)
    names = [safe if safe and safe == name else with_number for name, safe, with_number in each]
    # Where capitals do not count, as on Windows, two of them might be one folder.
    return names if len({name.casefold() for name in names}) == len(names) else numbered


def write_walk(
    gan: GAN,
    seeds: list[int],
    output: Path,
    seconds: float = 8.0,
    between: int | None = None,
    closed: bool = False,
    of_class: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the pictures on the path through the latents of `seeds`, as a film or, for other endings, as a strip.

    Args:
        gan: the model.
        seeds: two or more.
        output: .webp, .gif or .mp4 for a film; .png, .jpg or .tif for a strip with a row from each seed to the next.
        seconds: how long the film is.
        between: steps from each seed to the next (default: 24 in a film, 8 in a strip).
        closed: return to the first.
        of_class: of all pictures (default: the first).
        overwrite: whether a file may be there that scumble has not made.

    Raises:
        ImageError: if it cannot be written.
        SettingsError: if there are fewer seeds, or something is out of range or unknown.
    """
    if len(seeds) < 2:
        raise SettingsError(f"seeds: got {len(seeds)}, wanted two or more to go from one to the other")
    is_film = output.suffix.lower() in film.SUFFIXES
    between = between or (FRAMES_BETWEEN if is_film else STRIP_BETWEEN)
    if is_film:
        _check_film(output, seconds, overwrite)
    else:
        files.check_output(output, overwrite=overwrite)
    path = latents.walk(draw_latents(seeds, gan.settings.latent), between, closed)
    pictures = gan.draw_array(path, of_class)
    if is_film:
        frames = [Image.fromarray(grid(picture[None], 1)) for picture in pictures]
        film.write(frames, output, seconds, 0.0 if closed else film.LAST_SECONDS)
    else:
        made_by = recipe.versions() | {"gan": gan.facts.data.name, "seeds": seeds, "class": of_class}
        files.save(grid(pictures, between), output, made_by)
    return output


def write_arithmetic(
    gan: GAN,
    plus: list[int],
    minus: list[int],
    also: list[int],
    output: Path,
    of_class: str | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a sheet of A - B + C: a column for each of the three, its seeds above its average, and the result last.

    Raises:
        ImageError: if it cannot be written, or, without `overwrite`, if a file is there that scumble has not made.
        SettingsError: if the output's ending is unknown, or there is no such class.
    """
    files.check_output(output, overwrite=overwrite)
    operands = [draw_latents(seeds, gan.settings.latent) for seeds in (plus, minus, also)]
    averages = gan.draw_array(latents.arithmetic(*operands), of_class)
    rows = max(map(len, operands)) + 1
    cells = np.full((rows, 4, *averages.shape[1:]), 255, np.uint8)
    for column, some in enumerate(operands):
        cells[: len(some), column] = gan.draw_array(some, of_class)
    cells[-1] = averages
    seeds = {"a": plus, "b": minus, "c": also}
    made_by = recipe.versions() | {"gan": gan.facts.data.name, "arithmetic": seeds, "class": of_class}
    files.save(grid(cells.reshape(-1, *averages.shape[1:]), 4), output, made_by)
    return output


def write_film(run: Path, output: Path, seconds: float = 8.0, overwrite: bool = False) -> Path:
    """Show a run's grids one after another, the last one longer, as an animated picture.

    Raises:
        ImageError: if it cannot be written, or, without `overwrite`, if a file is there that scumble has not made.
        RunError: if there is no such run, or it has no grids yet.
        SettingsError: if the output's ending is unknown or the time out of range.
    """
    _check_film(output, seconds, overwrite)
    frames: list[Image.Image] = []
    for path in sorted(open_run(run).grids.glob("*.png")):
        with contextlib.suppress(ImageError):  # a damaged one is left out
            frames.append(files.load(path).rgb)
    frames = [frame for frame in frames if frame.size == frames[-1].size]
    if len(frames) < 2:
        raise RunError(f"{run} has {len(frames)} grids; wanted two or more", "let it train a little longer")
    film.write(frames, output, seconds)
    return output


def _check_film(output: Path, seconds: float, overwrite: bool) -> None:
    film.check(output, seconds)
    files.check_place(output)
    if not overwrite:
        files.check_free(output, film.MARK)


def open_run(folder: Path) -> Run:
    """A run that exists.

    Raises:
        RunError: if there is none.
    """
    run = Run(folder)
    if GANFacts.of_run(run) is None:
        raise RunError(f"{folder} is no run; wanted a folder that `scumble gan train` made")
    return run
