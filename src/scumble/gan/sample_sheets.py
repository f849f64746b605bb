"""Sheets of samples, and films: of a grid, a path between latents, latent arithmetic, and a training's grids."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from scumble.errors import ImageError, RunError, SettingsError
from scumble.gan.facts import GANFacts
from scumble.gan.models import latents
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
    of_class: str | None = None,
) -> Iterator[Path]:
    """Write pictures of `seeds`: one grid where `output` ends like a picture, else a folder with a file a seed.

    Yields:
        What was written.

    Raises:
        ImageError: if it cannot be written.
        SettingsError: if the truncation is out of range, or there is no such class.
    """
    made_by = recipe.versions() | {"gan": gan.facts.data.name, "truncation": truncation}
    made_by |= {"class": of_class} if of_class is not None else {}
    if output.suffix.lower() in encode.WRITERS:
        files.check_output(output)
        pictures = gan.sample_array(seeds, truncation, of_class)
        sheet = grid(pictures, min(columns or math.ceil(math.sqrt(len(seeds))), len(seeds)))
        files.save(sheet, output, made_by | {"seeds": seeds})
        yield output
        return
    if output.suffix and not output.is_dir():
        raise SettingsError(
            f"output {output} ends in {output.suffix!r}; wanted a folder or one of {', '.join(encode.WRITERS)}"
        )
    make(output)
    for start in range(0, len(seeds), CHUNK):
        some = seeds[start : start + CHUNK]
        for seed, picture in zip(some, gan.sample_array(some, truncation, of_class), strict=True):
            path = output / f"seed{seed:06}{'.png' if picture.shape[2] <= 4 else '.tif'}"
            files.save(_savable(picture), path, made_by | {"seeds": [seed]})
            yield path


def _savable(picture: np.ndarray) -> np.ndarray:
    """(H, W, C) with grey repeated over the colours: with opacity, if it has two channels."""
    channels = picture.shape[2]
    return picture if channels > 2 else np.concatenate([picture[..., :1]] * 3 + [picture[..., 1:]], axis=2)


def write_walk(
    gan: GAN,
    seeds: list[int],
    output: Path,
    seconds: float = 8.0,
    between: int | None = None,
    closed: bool = False,
    of_class: str | None = None,
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

    Raises:
        ImageError: if it cannot be written.
        SettingsError: if there are fewer seeds, or something is out of range or unknown.
    """
    if len(seeds) < 2:
        raise SettingsError(f"seeds: got {len(seeds)}, wanted two or more to go from one to the other")
    is_film = output.suffix.lower() in film.SUFFIXES
    between = between or (FRAMES_BETWEEN if is_film else STRIP_BETWEEN)
    if is_film:
        film.check(output, seconds)
        files.check_place(output)
    else:
        files.check_output(output)
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
    gan: GAN, plus: list[int], minus: list[int], also: list[int], output: Path, of_class: str | None = None
) -> Path:
    """Write a sheet of A - B + C: a column for each of the three, its seeds above its average, and the result last.

    Raises:
        ImageError: if it cannot be written.
        SettingsError: if the output's ending is unknown, or there is no such class.
    """
    files.check_output(output)
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


def write_film(run: Path, output: Path, seconds: float = 8.0) -> Path:
    """Show a run's grids one after another, the last one longer, as an animated picture.

    Raises:
        RunError: if there is no such run, or it has no grids yet.
        SettingsError: if the output's ending is unknown or the time out of range.
    """
    film.check(output, seconds)
    frames: list[Image.Image] = []
    for path in sorted(open_run(run).grids.glob("*.png")):
        with contextlib.suppress(ImageError):  # a damaged one is left out
            frames.append(files.load(path).rgb)
    frames = [frame for frame in frames if frame.size == frames[-1].size]
    if len(frames) < 2:
        raise RunError(f"{run} has {len(frames)} grids; wanted two or more", "let it train a little longer")
    film.write(frames, output, seconds)
    return output


def open_run(folder: Path) -> Run:
    """A run that exists.

    Raises:
        RunError: if there is none.
    """
    run = Run(folder)
    if GANFacts.of_run(run) is None:
        raise RunError(f"{folder} is no run; wanted a folder that `scumble gan train` made")
    return run
