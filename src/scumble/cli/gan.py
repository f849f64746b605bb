"""The commands of generative adversarial networks."""

import dataclasses
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from scumble.cli import report
from scumble.cli.flags import Output, Quiet, Switch
from scumble.errors import SettingsError
from scumble.gan.presets import PRESETS
from scumble.gan.settings import ClassifySettings, EmbeddingName, FeatureSettings, GANSettings, MeasureName, Split

app = App(name="gan", help="Train networks on a folder of pictures, and let them draw new ones.")

MAX_SEEDS = 1_000_000
MAX_BETWEEN = 1000


@app.command
def train(
    data: str,
    /,
    *,
    run: Path,
    fresh: Switch = False,
    json: Switch = False,
    quiet: Quiet = False,
    settings: Annotated[GANSettings, Parameter(name="*")] = GANSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Train a GAN; the same command again continues where it stopped.

    Args:
        data: a folder, a .zip, a .npz, hf:owner/name[:split], digits or shapes.
        run: folder of the run, new or to be continued.
        fresh: start over: what earlier trainings left in the run's folder is removed.
        json: print one event a line, as JSON.
        quiet: print nothing but the names of the results.
        settings: everything else, one flag a field.
    """
    from scumble.gan.train import train_events
    from scumble.training.loop import JOB

    kept = report.Kept(JOB, "images", run, "the same command goes on from")
    report.run(train_events(data, run, settings, fresh), json, quiet, kept)


@app.command
def sample(
    model: Path,
    /,
    *,
    seeds: str = "0-63",
    output: Annotated[Path, Parameter(alias="-o")] = Path("samples.png"),
    of_class: Annotated[str | None, Parameter(name="--class")] = None,
    truncation: float | None = None,
    columns: int | None = None,
    device: str = "auto",
) -> None:
    """Draw pictures; the same seed gives the same picture, alone or among others.

    Args:
        model: a run, or a model's folder.
        seeds: one a picture: numbers and ranges, such as 0-63 or 3,7,20-29.
        output: a picture's name for all of them in one grid, or a folder for a file each.
        of_class: class to draw, if it was trained with classes; by default they take turns.
        truncation: draw latents' numbers beyond this again; 1 gives more usual pictures that are more alike.
        columns: of the grid; a square where it is not given.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    numbers = parse_seeds(seeds)
    if columns is not None and columns < 1:
        raise SettingsError(f"columns: got {columns}, wanted 1 or more")
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.sample_sheets import write_samples

    with memory_errors("ask for fewer seeds"):
        for path in write_samples(GAN.from_pretrained(model, device), numbers, output, truncation, columns, of_class):
            report.say(str(path))


@app.command
def check(data: str, /, *, json: Switch = False) -> None:
    """Look at every picture of a data set: what is in it, what settings fit, and what will go wrong.

    Args:
        data: what `train` takes.
        json: print one line of JSON.
    """
    from scumble.gan.monitoring.check_data import check_events

    advice = report.run(check_events(data))
    if json:
        report.data(dataclasses.asdict(advice))
        return
    report.table(["", ""], [[name, value] for name, value in advice.found.items()])
    for warning in advice.warnings:
        report.say(f"note: {warning}")
    if advice.command is not None:
        report.say(f"try: {advice.command}")


@app.command
def evaluate(
    subject: str,
    data: str,
    /,
    *,
    network: EmbeddingName = "pocket",
    pictures: int = 10_000,
    split: Split = "train",
    measures: list[MeasureName] | None = None,
    device: str = "auto",
    json: Switch = False,
) -> None:
    """Measure how much a GAN's pictures, or others, look like real ones.

    Args:
        subject: a run, a model's folder, or pictures, of which those for training are taken.
        data: the real pictures: what `train` takes.
        network: that looks at pictures; only what `inception` measures is called FID.
        pictures: how many of each kind, or as many as there are.
        split: part of the data: train, or test for what no training sees.
        measures: frechet (distance), kernel (distance), neighbours (precision, recall, density, coverage), inception
            (score): once for each; all that the network is able to, if not given.
        device: auto, cpu, cuda, cuda:N or mps.
        json: print one line of JSON.
    """
    from scumble.gan.evaluation.evaluate import TITLES, evaluate_events

    found = report.run(evaluate_events(subject, data, network, pictures, split, measures, device))
    if json:
        report.data(dataclasses.asdict(found))
        return
    rows = []
    for one in found.figures:
        interval = f"{one.value - one.margin:.4g} to {one.value + one.margin:.4g}"
        title = TITLES.get(one.name, one.name)
        rows.append([title, f"{one.value:.4g}", interval, f"{one.of_half:.4g}", found.described(one)])
    report.table(["figure", "value", "95% interval", "of half as many", "measured with"], rows)


@app.command
def presets(*, json: Switch = False) -> None:
    """List the presets of `train`: the timeline of these networks, and what each row trains with.

    Args:
        json: print one line of JSON.
    """
    rows = [{"preset": name} | entry._asdict() for name, entry in PRESETS.items()]
    if json:
        report.data({"presets": rows})
        return
    for row in rows:
        settings = GANSettings.model_validate({"preset": row["preset"]})
        axes = [settings.network, f"norm {settings.norm}", settings.loss]
        axes += [f"penalty {settings.penalty}"] * (settings.penalty != "none")
        axes += [f"clip {settings.clip}"] * bool(settings.clip)
        axes += [f"condition {settings.condition}"] * (settings.condition != "none")
        axes += [f"{settings.critic_steps} critic steps"] * (settings.critic_steps > 1)
        row["trained with"] = ", ".join(axes)
    columns = ["year", "preset", "paper", "news", "trained with"]
    report.table(columns, [[str(row[column]) for column in columns] for row in rows])


@app.command
def features(
    run: Path,
    data: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("features.npy"),
    quiet: Quiet = False,
    settings: Annotated[FeatureSettings, Parameter(name="*")] = FeatureSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Write what a run's discriminator sees in pictures, a row of numbers for each.

    Args:
        run: a run, or a model's folder.
        data: what `train` takes.
        output: .npy to write; a .json beside it tells what is in there.
        quiet: print nothing but the names of the results.
        settings: everything else, one flag a field.
    """
    from scumble.gan.probe.features import write_events

    report.run(write_events(run, data, output, settings), quiet=quiet)


@app.command
def classify(
    run: Path,
    data: str,
    /,
    *,
    output: Output = None,
    features: Path | None = None,
    semi: list[Path] | None = None,
    json: Switch = False,
    quiet: Quiet = False,
    settings: Annotated[ClassifySettings, Parameter(name="*")] = ClassifySettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Judge a run's discriminator by few labels, beside three controls, and make a classifier of it.

    Args:
        run: a run, or a model's folder.
        data: what `train` takes, with classes; its part for testing is what is tested with.
        output: folder of the results and the classifier (default: RUN/classifier); given again, it goes on.
        features: what `features` wrote of this run and these pictures.
        semi: a run of the preset sgan on these pictures, to stand in the same table; may be given several times.
        json: print one event a line, as JSON.
        quiet: print nothing but the names of the results.
        settings: everything else, one flag a field.
    """
    from scumble.gan.probe.protocol import JOB, classify_events

    folder = output or run / "classifier"
    kept = report.Kept(JOB, "fits", folder, "the same command goes on from")
    table = report.run(classify_events(run, data, folder, settings, features, semi or ()), json, quiet, kept)
    if not (json or quiet):
        report.table(
            ["judged", "labels a class", "draws", "errors", "95% interval"], list(map(_as_text, table["rows"]))
        )


def _as_text(row: dict[str, Any]) -> list[str]:
    """A row of the table of `classify`: errors, where the file has shares that are right."""
    low_high = [f"{1 - share:.2%}" for share in reversed(row["interval"] or ())]
    return [row["subject"], str(row["labels"]), str(row["draws"]), f"{1 - row['accuracy']:.2%}", " to ".join(low_high)]


@app.command
def label(
    pictures: str,
    /,
    *,
    classifier: Path,
    output: Annotated[Path, Parameter(alias="-o")] = Path("labels.csv"),
    device: str = "auto",
    quiet: Quiet = False,
) -> None:
    """Sort pictures by a classifier that `classify` made, into a table with the odds of every class.

    Args:
        pictures: a folder, or whatever else `train` takes.
        classifier: the folder that `classify` wrote.
        output: .csv to write.
        device: auto, cpu, cuda, cuda:N or mps.
        quiet: print nothing but the name of the result.
    """
    from scumble.device import memory_errors
    from scumble.gan.probe.label import label_events

    with memory_errors("label fewer pictures at a time"):
        report.run(label_events(pictures, classifier, output, device), quiet=quiet)


@app.command
def plot(run: Path, /, *, output: Output = None) -> None:
    """Draw a run's figures over the images seen.

    Args:
        run: a run, finished or not.
        output: .png, .svg or .pdf to write (default: RUN/curves.png).
    """
    from scumble.gan.plots import write_curves

    report.say(str(write_curves(run, output or run / "curves.png")))


@app.command
def film(run: Path, /, *, output: Output = None, seconds: float = 8.0) -> None:
    """Turn a run's grids into a film of its learning.

    Args:
        run: a run, finished or not.
        output: .webp, .gif or .mp4 to write (default: RUN/film.webp).
        seconds: how long the film is.
    """
    from scumble.gan.sample_sheets import write_film

    report.say(str(write_film(run, output or run / "film.webp", seconds)))


@app.command
def interpolate(
    model: Path,
    /,
    *,
    seeds: str = "0-7",
    output: Annotated[Path, Parameter(alias="-o")] = Path("walk.webp"),
    of_class: Annotated[str | None, Parameter(name="--class")] = None,
    seconds: float = 8.0,
    between: int | None = None,
    closed: Switch = False,
    device: str = "auto",
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
        device: auto, cpu, cuda, cuda:N or mps.
    """
    numbers = parse_seeds(seeds)
    if between is not None and not 1 <= between <= MAX_BETWEEN:
        raise SettingsError(f"between: got {between}, wanted 1 to {MAX_BETWEEN:,}")
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.sample_sheets import write_walk

    with memory_errors("ask for fewer seeds, or less between them"):
        gan = GAN.from_pretrained(model, device)
        report.say(str(write_walk(gan, numbers, output, seconds, between, closed, of_class)))


@app.command
def arithmetic(
    model: Path,
    a: str,
    b: str,
    c: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("arithmetic.png"),
    of_class: Annotated[str | None, Parameter(name="--class")] = None,
    device: str = "auto",
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
        device: auto, cpu, cuda, cuda:N or mps.
    """
    plus, minus, also = (parse_seeds(seeds) for seeds in (a, b, c))
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.sample_sheets import write_arithmetic

    with memory_errors("ask for fewer seeds"):
        report.say(str(write_arithmetic(GAN.from_pretrained(model, device), plus, minus, also, output, of_class)))


@app.command
def project(
    model: Path,
    picture: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("projected.png"),
    by: Literal["pocket", "pixels"] = "pocket",
    of_class: Annotated[str | None, Parameter(name="--class")] = None,
    json: Switch = False,
    quiet: Quiet = False,
    device: str = "auto",
) -> None:
    """Find the latent whose picture is nearest to a given one.

    Args:
        model: a run, or a model's folder.
        picture: to look for; its middle is cut out where its shape is another.
        output: the sheet: the picture, that of the nearest seed, and what was found; its recipe holds the latent.
        by: what tells how near: the small network's features, or pixels.
        of_class: class to look in, if it was trained with classes (default: all).
        json: print one event a line, as JSON.
        quiet: print nothing but the names of the results.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from scumble.device import memory_errors
    from scumble.gan.models.gan import GAN
    from scumble.gan.models.projection import project_events

    with memory_errors("use another device"):
        report.run(project_events(GAN.from_pretrained(model, device), picture, output, by, of_class), json, quiet)


@app.command
def export(model: Path, /, *, onnx: Path) -> None:
    """Write the generator for other programs, after a look at whether it draws the same there.

    Args:
        model: a run, or a model's folder.
        onnx: the .onnx file: from latents (N, Z), and labels (N,) if there are classes, to pictures (N, C, H, W).
    """
    from scumble.gan.models.gan import GAN
    from scumble.gan.models.onnx import onnx_events

    report.run(onnx_events(GAN.from_pretrained(model, "cpu"), onnx))


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
