"""What a run and a model show: sheets of samples, curves of figures, and a film of the learning."""

import contextlib
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from scumble import paths
from scumble.errors import ImageError, RunError, SettingsError
from scumble.gan import latents
from scumble.gan.facts import GANRun
from scumble.gan.model import GAN
from scumble.gan.sample import draw_latents
from scumble.image import files, film, recipe
from scumble.image.tensors import grid
from scumble.storage.folder import make, writing
from scumble.storage.run import Run

CHUNK = 64
FRAMES_BETWEEN, STRIP_BETWEEN = 24, 8
CURVE_SUFFIXES = (".png", ".svg", ".pdf")
MAX_NAMED_CLASSES = 20
"""A confusion of more is too small for words and numbers."""
CURVES = {
    "losses": {"loss_d": "discriminator", "loss_g": "generator"},
    "belief that a picture is real": {"d_real": "D(x), real", "d_fake": "D(G(z)), generated"},
    "lengths of the gradients": {"gradient_d": "discriminator", "gradient_g": "generator"},
    "speed": {"images_per_second": "images a second"},
}
WATCHED = {
    "what the monitor sees": {
        "diversity": "diversity of samples, real ones having 1",
        "overfitting": "overfitting of the discriminator",
    },
    "the discriminator's lead, in deviations": {"lead": "real above generated pictures"},
}
EVALUATIONS = {
    "Frechet distance, by pocket": {"frechet_distance": "averaged generator"},
    "shares of pictures, by pocket": {name: name for name in ("precision", "recall", "coverage")},
}


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
    made_by = recipe.versions() | {"gan": gan.facts["data"]["name"], "truncation": truncation}
    made_by |= {"class": of_class} if of_class is not None else {}
    if output.suffix.lower() in files.WRITERS:
        files.check_output(output)
        pictures = gan.sample_array(seeds, truncation, of_class)
        sheet = grid(pictures, min(columns or math.ceil(math.sqrt(len(seeds))), len(seeds)))
        files.save(sheet, output, made_by | {"seeds": seeds})
        yield output
        return
    if output.suffix and not output.is_dir():
        raise SettingsError(
            f"output {output} ends in {output.suffix!r}; wanted a folder or one of {', '.join(files.WRITERS)}"
        )
    make(output)
    for start in range(0, len(seeds), CHUNK):
        some = seeds[start : start + CHUNK]
        for seed, picture in zip(some, gan.sample_array(some, truncation, of_class), strict=True):
            path = output / f"seed{seed:06}.png"
            files.save(np.broadcast_to(picture, (*picture.shape[:2], 3)).copy(), path, made_by | {"seeds": [seed]})
            yield path


def write_walk(
    gan: GAN,
    seeds: list[int],
    output: Path,
    seconds: float = 8.0,
    between: int | None = None,
    closed: bool = False,
    of_class: str | None = None,
) -> Path:
    """Write the pictures on the way through the latents of `seeds`, as a film or, for other endings, as a strip.

    Args:
        gan: that draws.
        seeds: two or more.
        output: .webp, .gif or .mp4 for a film; .png, .jpg or .tif for a strip with a row from each seed to the next.
        seconds: how long the film is.
        between: steps from each seed to the next (default: 24 in a film, 8 in a strip).
        closed: come back to the first.
        of_class: drawn all the way (default: the first).

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
    way = latents.walk(draw_latents(seeds, gan.settings.latent), between, closed)
    pictures = gan.draw_array(way, of_class)
    if is_film:
        frames = [Image.fromarray(grid(picture[None], 1)) for picture in pictures]
        film.write(frames, output, seconds, 0.0 if closed else film.LAST_SECONDS)
    else:
        made_by = recipe.versions() | {"gan": gan.facts["data"]["name"], "seeds": seeds, "class": of_class}
        files.save(grid(pictures, between), output, made_by)
    return output


def write_arithmetic(
    gan: GAN, plus: list[int], minus: list[int], also: list[int], output: Path, of_class: str | None = None
) -> Path:
    """Write a sheet of A - B + C: a column for each of the three, its seeds above its average, and at last the result.

    Raises:
        ImageError: if it cannot be written.
        SettingsError: if the output's ending is unknown, or there is no such class.
    """
    files.check_output(output)
    sets = [draw_latents(seeds, gan.settings.latent) for seeds in (plus, minus, also)]
    averages = gan.draw_array(latents.arithmetic(*sets), of_class)
    rows = max(map(len, sets)) + 1
    cells = np.full((rows, 4, *averages.shape[1:]), 255, np.uint8)
    for column, some in enumerate(sets):
        cells[: len(some), column] = gan.draw_array(some, of_class)
    cells[-1] = averages
    seeds = {"a": plus, "b": minus, "c": also}
    made_by = recipe.versions() | {"gan": gan.facts["data"]["name"], "arithmetic": seeds, "class": of_class}
    files.save(grid(cells.reshape(-1, *averages.shape[1:]), 4), output, made_by)
    return output


def write_curves(run: Path, output: Path) -> Path:
    """Draw the figures of a run over the images seen.

    Raises:
        RunError: if there is no such run, or it has no figures yet.
        SettingsError: if the output's ending is unknown.
    """
    _check_suffix(output, CURVE_SUFFIXES)
    folder = _run(run)
    rows = folder.metrics()
    if len(rows) < 2:
        raise RunError(f"{run} has {len(rows)} lines of figures; wanted two or more", "let it train a little longer")
    shown = dict(CURVES)
    for curves, figure in ((WATCHED, "diversity"), (EVALUATIONS, "frechet_distance")):
        shown |= curves if any(figure in row for row in rows) else {}
    height = len(shown) // 2
    figure = Figure(figsize=(10, 3.5 * height), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(height, 2).flat, shown.items(), strict=True):
        for name, label in curves.items():
            known = [row for row in rows if name in row]
            images, values = [row["images"] for row in known], [row[name] for row in known]
            axes.plot(images, values, label=label, linewidth=1)
        axes.set_title(title)
        axes.set_xlabel("images seen")
        axes.grid(alpha=0.3)
        axes.legend()
    encoded = io.BytesIO()
    figure.savefig(encoded, format=output.suffix[1:].lower(), dpi=120)
    _write(output, encoded)
    return output


def write_film(run: Path, output: Path, seconds: float = 8.0) -> Path:
    """Show a run's grids one after another, the last one longer, as an animated picture.

    Raises:
        RunError: if there is no such run, or it has no grids yet.
        SettingsError: if the output's ending is unknown or the time out of range.
    """
    film.check(output, seconds)
    frames: list[Image.Image] = []
    for path in sorted(_run(run).grids.glob("*.png")):
        with contextlib.suppress(ImageError):  # one that was damaged is not missed
            frames.append(files.load(path).rgb)
    frames = [frame for frame in frames if frame.size == frames[-1].size]
    if len(frames) < 2:
        raise RunError(f"{run} has {len(frames)} grids; wanted two or more", "let it train a little longer")
    film.write(frames, output, seconds)
    return output


def write_classification(table: dict[str, Any], output: Path) -> Image.Image:
    """Draw what `scumble gan classify` found: errors over labels, with their intervals, and who was taken for whom.

    Args:
        table: as in table.json.
        output: the .png.

    Returns:
        What was drawn.

    Raises:
        RunError: if it cannot be written.
    """
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    errors, confusion = figure.subplots(1, 2)
    for subject in dict.fromkeys(row["subject"] for row in table["rows"]):
        rows = [row for row in table["rows"] if row["subject"] == subject]
        labels = [
            len(table["classes"]) * row["labels"] if row["labels"] != "all" else table["labels_of_all"] for row in rows
        ]
        middle = [100 * (1 - row["accuracy"]) for row in rows]
        bars = [100 * (row["interval"][1] - row["accuracy"]) if row["interval"] else 0 for row in rows]
        errors.errorbar(labels, middle, bars, label=subject, marker="o", markersize=3, capsize=3, linewidth=1)
    errors.set(xscale="log", yscale="log", xlabel="labels", ylabel="errors in %", title="errors with few labels")
    for which in ("major", "minor"):  # 40 and 60, not powers of ten
        getattr(errors.yaxis, f"set_{which}_formatter")("{x:g}")
    errors.grid(alpha=0.3, which="both")
    errors.legend()
    counts = np.array(table["confusion"])
    confusion.imshow(np.sqrt(counts), cmap="Blues")  # roots: rare mistakes are what one looks for
    classes = table["classes"]
    if len(classes) <= MAX_NAMED_CLASSES:
        confusion.set_xticks(range(len(classes)), classes, rotation=90 if max(map(len, classes)) > 2 else 0)
        confusion.set_yticks(range(len(classes)), classes)
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if 2 * np.sqrt(count) > np.sqrt(counts.max()) else "black"
            confusion.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=7, color=colour)
    confusion.set(xlabel="taken for", ylabel="class", title="the discriminator's features, with the most labels")
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", dpi=120)
    _write(output, encoded)
    return Image.open(encoded).convert("RGB")


def _run(folder: Path) -> Run:
    run = GANRun(folder)
    if run.facts() is None:
        raise RunError(f"{folder} is no run; wanted a folder that `scumble gan train` made")
    return run


def _check_suffix(output: Path, wanted: tuple[str, ...]) -> None:
    if output.suffix.lower() not in wanted:
        raise SettingsError(
            f"output {output} ends in {output.suffix or 'nothing'!r}; wanted one of {', '.join(wanted)}"
        )


def _write(output: Path, encoded: io.BytesIO) -> None:
    with writing(output):
        paths.write_atomically(output, encoded.getbuffer())
