"""The commands that let a trained GAN draw."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from scumble import jobs
from scumble.cli import report
from scumble.cli.flags import Device, Json, OfClass, OutputFile, Overwrite, Quiet, Switch
from scumble.errors import SettingsError

MAX_SEEDS = 1_000_000
MAX_BETWEEN = 1000


def sample(
    model: Path,
    /,
    *,
    seeds: str | None = None,
    output: OutputFile = Path("samples.png"),
    of_class: Annotated[list[str] | None, Parameter(name="--class")] = None,
    code: list[str] | None = None,
    truncation: float | None = None,
    columns: int | None = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Draw pictures; the same seed gives the same picture, alone or among others.

    Args:
        model: a run, or a model's folder.
        seeds: one a picture: numbers and ranges, such as 3,7,20-29 (default: 0-63; with --code, 0-9, or 0 where two
            places go through all values).
        output: a picture's name for all of them in one grid, or a folder for a file each; in there, every class has a
            folder of its own.
        of_class: class to draw, if it was trained with classes, and once for each of several; by default they take
            turns. Of pictures with several labels, all of them with commas between, such as smiling,glasses, or none.
        code: what to draw, if it was trained with codes, and once for each of several: the category and numbers in
            [-1, 1], such as 3 or 3,0.5. All values of a place are all: a row for each with --code all, and with
            --code all,all a row for each category and a column for each value of the first number.
        truncation: draw latents' numbers beyond this again; 1 trades diversity for fidelity.
        columns: of the grid; a square where it is not given.
    """
    both = code is not None and any(text.split(",").count("all") > 1 for text in code)
    numbers = parse_seeds(seeds or ("0-63" if code is None else "0" if both else "0-9"))
    if columns is not None and columns < 1:
        raise SettingsError(f"columns: got {columns}, wanted 1 or more")
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.sample_sheets import write_samples

    with memory_errors("ask for fewer seeds"):
        gan = GAN.from_pretrained(model, device)
        for path in write_samples(gan, numbers, output, truncation, columns, of_class or (), overwrite, code or ()):
            report.saved(path, json)


def interpolate(
    model: Path,
    /,
    *,
    seeds: str = "0-7",
    output: OutputFile = Path("walk.webp"),
    of_class: OfClass = None,
    seconds: float = 8.0,
    between: int | None = None,
    closed: Switch = False,
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Go from picture to picture: a film, or a strip, of what lies between seeds.

    Args:
        model: a run, or a model's folder.
        seeds: the pictures on the way, in their order: numbers and ranges, such as 0-7 or 3,7,20.
        output: .webp, .gif or .mp4 for a film; .png, .jpg or .tif for a strip, a row from each seed to the next.
        of_class: class to draw, if it was trained with classes (default: the first).
        seconds: how long the film is.
        between: steps from each seed to the next (default: 24 in a film, 8 in a strip).
        closed: come back to the first seed, so that the film can go round and round.
    """
    numbers = parse_seeds(seeds)
    if between is not None and not 1 <= between <= MAX_BETWEEN:
        raise SettingsError(f"between: got {between}, wanted 1 to {MAX_BETWEEN:,}")
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.sample_sheets import write_walk

    with memory_errors("ask for fewer seeds, or less between them"):
        gan = GAN.from_pretrained(model, device)
        report.saved(write_walk(gan, numbers, output, seconds, between, closed, of_class, overwrite), json)


def arithmetic(
    model: Path,
    a: str,
    b: str,
    c: str,
    /,
    *,
    output: OutputFile = Path("arithmetic.png"),
    of_class: OfClass = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Draw A - B + C: what A's pictures have and B's have not, with what C's have.

    Averages of three or more seeds each say most clearly what their pictures have in common.

    Args:
        model: a run, or a model's folder.
        a: seeds of pictures that have something, such as 3,7,20.
        b: seeds of pictures that are like them without it.
        c: seeds of pictures that are to have it.
        output: the sheet: a column for each of the three, its seeds above its average, and at last the result.
        of_class: class to draw, if it was trained with classes (default: the first).
    """
    plus, minus, also = (parse_seeds(seeds) for seeds in (a, b, c))
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.sample_sheets import write_arithmetic

    with memory_errors("ask for fewer seeds"):
        gan = GAN.from_pretrained(model, device)
        report.saved(write_arithmetic(gan, plus, minus, also, output, of_class, overwrite), json)


def project(
    model: Path,
    picture: Path,
    /,
    *,
    output: OutputFile = Path("projected.png"),
    by: Literal["pocket", "pixels"] = "pocket",
    of_class: OfClass = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    device: Device = "auto",
) -> None:
    """Find the latent whose picture is nearest to a given one.

    Args:
        model: a run, or a model's folder.
        picture: to look for; its middle is cut out where its shape is another.
        output: the sheet: the picture, that of the nearest seed, and what was found; its recipe holds the latent.
        by: what tells how near: the small network's features, or pixels.
        of_class: class to look in, if it was trained with classes (default: all).
    """
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN

    with memory_errors("use another device"):
        gan = GAN.from_pretrained(model, device)
        report.run(jobs.start("project", gan, picture, output, by, of_class, overwrite), json, quiet)


def export(
    model: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias=["-o", "--onnx"])] = Path("exported"),
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the generator and the classifier for other programs, after a look at whether they give the same there.

    Args:
        model: a run, a model's folder, or a classifier's.
        output: a folder: generator.onnx; classifier.onnx, where `classify` has made one; and example.py, ten lines that
            use them without PyTorch. Or an .onnx file: the generator, or the classifier if it is given as MODEL.
    """
    report.run(jobs.start("export", model, output, overwrite), json, quiet)


def parse_seeds(text: str) -> list[int]:
    """Numbers and ranges, both ends included: "3,7,20-22" is [3, 7, 20, 21, 22].

    Raises:
        SettingsError: if it is anything else, or more than a million.
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        ends = (first, last) if dash else (first,)
        if not all(end.isdecimal() and len(end) < 20 for end in ends) or (dash and int(last) < int(first)):
            raise SettingsError(f"seeds: got {text[:60]!r}, wanted numbers and ranges such as 0-63 or 3,7,20-29")
        end = int(last) if dash else int(first)
        if end - int(first) + len(seeds) >= MAX_SEEDS:
            raise SettingsError(f"seeds: got {text!r}, wanted {MAX_SEEDS:,} at most")
        seeds += range(int(first), end + 1)
    return seeds
