"""The commands `scumble translate ...`: networks that turn one kind of picture into another."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import App, Parameter

from scumble import jobs
from scumble.cli import advice, pages, report
from scumble.cli.flags import Device, Json, JsonLine, OutputFile, Overwrite, Quiet, Switch
from scumble.gan.translation.presets import PRESETS
from scumble.gan.translation.settings import TranslationSettings

if TYPE_CHECKING:
    from scumble.gan.translation.evaluation.evaluate import TranslationEvaluation

app = App(name="translate", help_flags=pages.FLAGS)

Settings = Annotated[TranslationSettings, Parameter(name="*")]


@app.command(help_formatter=pages.Page("translate train"))
def train(
    data: str,
    other: str | None = None,
    /,
    *,
    run: Path,
    fresh: Switch = False,
    labels: Path | None = None,
    json: Json = False,
    quiet: Quiet = False,
    settings: Settings = TranslationSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Train a translator; the same command again continues where it stopped.

    Args:
        data: a folder or an archive: with trainA, trainB, testA and testB; with pictures of two halves, A at the left;
            with a folder for each class; or with any pictures, and --pairs to say what code makes of them.
        other: side B, where DATA is side A only.
        run: folder of the run, new or to be continued.
        fresh: start over: what earlier trainings left in the run's folder is removed.
        labels: a table, .csv or .txt, of the pictures' labels, such as CelebA's list_attr_celeba.
        settings: everything else, one flag a field.
    """
    report.begin(f"training on {data}: {run}", json, quiet)
    kept = report.Kept("train", "images", run, "the same command goes on from")
    events = jobs.start("train-translator", _both(data, other), run, settings, fresh, labels)
    report.run(events, json, quiet, kept)


@app.command
def check(
    data: str,
    other: str | None = None,
    /,
    *,
    labels: Path | None = None,
    json: JsonLine = False,
    settings: Settings = TranslationSettings(),  # noqa: B008
) -> None:
    """Tell how data would be understood, which networks would be trained, and how long it takes here.

    Args:
        data: what `train` takes.
        other: what `train` takes.
        labels: what `train` takes.
        settings: of the training.
    """
    found = report.run(jobs.start("check-translation", _both(data, other), settings, labels))
    advice.show(found, json)


@app.command
def presets(*, json: JsonLine = False) -> None:
    """List the presets of `train`: published methods, what each learns from, and where it differs from its paper."""
    rows = [{"preset": name} | entry._asdict() for name, entry in PRESETS.items()]
    if json:
        report.data({"presets": rows})
        return
    columns = ["year", "preset", "paper", "news", "learns_from", "published", "differs"]
    titles = [column.replace("_", " ") for column in columns]
    report.table(titles, [[str(row[column]) for column in columns] for row in rows])


@app.command
def apply(
    model: Path,
    picture: Path,
    /,
    *more_pictures: Path,
    output: OutputFile = Path("translated"),
    seed: int = 0,
    target: str | None = None,
    direction: Literal["forward", "backward"] = "forward",
    bits: Literal[8, 16] = 8,
    format: Literal["png", "jpg", "webp", "tif"] = "png",
    recursive: Switch = False,
    strip: Switch = False,
    overwrite: Annotated[
        Switch, Parameter(help="write over what is there and was made otherwise, or by others")
    ] = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Translate pictures of any size, and folders of them.

    Given again, the same command leaves alone what is finished and goes on with what was stopped. What does not fit
    into memory is taken in tiles.

    Args:
        model: a run, or a model's folder.
        picture: a picture, or a folder of pictures.
        more_pictures: more of them.
        output: folder to write to; what scumble has made in it is not taken for a picture. Or a file, for one picture.
        seed: of the style, where results differ in style.
        target: the class to turn them into, where it was trained with classes; of several labels, those that results
            are to have, with commas between, such as smiling,glasses.
        direction: forward, as it was trained; backward, where its networks go both ways.
        bits: of the results.
        format: of the results in a folder.
        recursive: go into the folders of folders; the results lie in folders of the same names.
        strip: leave out what the pictures' files say about them: EXIF, resolution, artist and copyright.
    """
    report.begin(f"translating {picture}{' and others' * bool(more_pictures)} with {model}: {output}", json, quiet)
    options = {"seed": seed, "target": target, "direction": direction, "bits": bits, "suffix": f".{format}"}
    options |= {"recursive": recursive, "strip": strip, "overwrite": overwrite, "device_name": device}
    events = jobs.start("apply", model, (picture, *more_pictures), output, **options)
    kept = report.Kept("apply", "pixels", output, "the same command goes on; what is translated is in")
    report.run(events, json, quiet, kept)


@app.command
def evaluate(
    model: Path,
    data: str,
    other: str | None = None,
    /,
    *,
    labels: Path | None = None,
    pictures: int | None = None,
    device: Device = "auto",
    json: JsonLine = False,
) -> None:
    """Measure a translator on pictures that it has never learnt from, beside what takes no network.

    Args:
        model: a run, or a model's folder.
        data: what it was trained on, or other pictures in the same form, of which those for testing are taken.
        other: what `train` takes.
        labels: what `train` takes.
        pictures: how many, at most; by default 200.
    """
    report.begin(f"measuring {model} on {data}")
    found = report.run(jobs.start("evaluate-translator", model, _both(data, other), labels, device, pictures))
    if json:
        report.data(dataclasses.asdict(found) | {"lower_is_better": found.lower_is_better})
        return
    names = list(found.baselines)
    rows = [
        [
            one.title,
            f"{one.value:.4g}",
            f"{one.low:.4g} to {one.high:.4g}",
            *(_beside(found, baseline, name) for baseline in names),
        ]
        for name, one in found.figures.items()
    ]
    report.table(["figure", "value", "95% interval", *names], rows)
    report.say("+ it is better than this baseline for sure, - it is worse; nothing: that may be chance")
    report.say(f"decides: {found.figures[found.criterion].title}; measured: {report.visible(found.conditions())}")


def _beside(found: "TranslationEvaluation", baseline: str, name: str) -> str:
    """A baseline's figure, and whether the translator is ahead of it."""
    figure = found.baselines[baseline].get(name)
    sign = {True: " +", False: " -", None: ""}[found.ahead.get(baseline, {}).get(name)]
    return "" if figure is None else f"{figure.value:.4g}{sign}"


@app.command
def export(
    model: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias=["-o", "--onnx"])] = Path("exported"),
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a translator as ONNX for other programs, after a look at whether it gives the same there.

    Args:
        model: a run, or a model's folder.
        output: a folder: forward.onnx and, where it goes both ways, backward.onnx; or an .onnx file: forward.
    """
    report.run(jobs.start("export-translator", model, output, overwrite), json, quiet)


def _both(data: str, other: str | None) -> str | tuple[str, str]:
    return data if other is None else (data, other)
