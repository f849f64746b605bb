"""The commands that tell what a GAN's pictures, and its discriminator, are worth."""

import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from scumble import jobs
from scumble.cli import report
from scumble.cli.flags import Device, Json, JsonLine, OfClass, Output, OutputFile, Overwrite, Quiet
from scumble.cli.gan.draw import parse_seeds
from scumble.gan.settings import NUMBERS, ClassifySettings, FeatureSettings, MeasureName, Split
from scumble.perceptual.catalogue import EmbeddingName

if TYPE_CHECKING:
    from scumble.gan.evaluation.nearest import Nearness
    from scumble.gan.evaluation.result import Figure


def evaluate(
    subject: str,
    data: str,
    /,
    *,
    labels: Path | None = None,
    network: EmbeddingName = "pocket",
    pictures: int | None = None,
    split: Split = "train",
    measures: list[MeasureName] | None = None,
    device: Device = "auto",
    json: JsonLine = False,
) -> None:
    """Measure how much a GAN's pictures, or others, look like real ones.

    Args:
        subject: a run, a model's folder, or pictures, of which those for training are taken.
        data: the real pictures: what `train` takes.
        labels: what `train` takes; labelled pictures that lie beside the others are real ones, too.
        network: the feature network; only what `inception` measures is called FID.
        pictures: how many of each kind, or as many as there are (default: 10,000, or half of the real ones where these
            are fewer, so that the other half can be measured in the same way).
        split: part of the data: train, or test for what no training sees.
        measures: frechet (distance), kernel (distance), neighbours (precision, recall, density, coverage, near copies),
            inception (score): once for each; all that the network is able to, if not given.
    """
    report.begin(f"comparing pictures of {subject} with {data}")
    found = report.run(jobs.start("evaluate", subject, data, network, pictures, split, measures, device, labels))
    if json:
        verdict = None if found.verdict is None else found.verdict._asdict()
        report.data(dataclasses.asdict(found) | {"verdict": verdict})
        return
    rows = [[one.title, *_with_interval(one), *_with_interval(found.other(one.name))] for one in found.figures]
    report.table(["figure", "value", "95% interval", "other real pictures", "95% interval"], rows)
    if found.readings:
        rows = [
            [one.title, f"{one.value:.4g}", f"{one.low:.4g} to {one.high:.4g}", f"{one.by_chance:.4g}"]
            for one in found.readings
        ]
        report.table(["found without being told", "value", "95% interval", "by chance"], rows)
    report.say(f"measured with: {report.visible(found.conditions())}")
    if found.verdict is not None:
        report.say(f"verdict: {found.verdict.text}")


def _with_interval(one: "Figure | None") -> list[str]:
    return ["", ""] if one is None else [f"{one.value:.4g}", f"{one.low:.4g} to {one.high:.4g}"]


def nearest(
    model: Path,
    data: str,
    /,
    *,
    seeds: str = "0-15",
    output: OutputFile = Path("nearest.png"),
    network: EmbeddingName = "pocket",
    of_class: OfClass = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the real pictures nearest to samples, by features and by pixels: is anything copied?

    Args:
        model: a run, or a model's folder.
        data: the real pictures: what `train` takes.
        seeds: of the samples: numbers and ranges, such as 0-15 or 3,7,20.
        output: the sheet, a row for each sample: itself, the three nearest by features, the three nearest by pixels;
            its recipe holds the distances.
        network: the feature network.
        of_class: class to draw, if it was trained with classes (default: all in turn).
    """
    numbers = parse_seeds(seeds)
    events = jobs.start("nearest", model, data, output, numbers, network, of_class, overwrite, device)
    found = report.run(events, json, quiet)
    if json or quiet:
        return
    rows = [[str(one.seed), *_nearest_of(one.by_features), *_nearest_of(one.by_pixels)] for one in found.samples]
    report.table(["seed", "by features", "distance", "as near", "by pixels", "distance", "as near"], rows)
    usual = f"{found.usual_features:.3g} by features, {found.usual_pixels:.3g} by pixels"
    report.say(f"a real picture is usually {usual} from the nearest other one; as near: so many real ones have another")


def _nearest_of(found: "Nearness") -> list[str]:
    first = found.neighbours[0]
    return [first.name or f"picture {first.picture}", f"{first.distance:.3g}", f"{found.share:.0%}"]


def report_(
    run: Path,
    data: str | None = None,
    /,
    *,
    output: Output = None,
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a run's report, a page for people who decide: samples, figures, copies, how it learnt and from what.

    Args:
        run: a run, finished or not.
        data: the pictures that it was trained on, where the cache has them no longer.
        output: .html for a page in one file, .png for a picture of A4 (default: both, RUN/report.html and
            RUN/report.png).
    """
    report.run(jobs.start("report", run, data, output, overwrite, device), json, quiet)


def features(
    run: Path,
    data: str,
    /,
    *,
    labels: Path | None = None,
    output: OutputFile = Path("features.npy"),
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
    settings: Annotated[FeatureSettings, Parameter(name="*")] = FeatureSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Write what a run's discriminator sees in pictures, a row of numbers for each.

    Args:
        run: a run, or a model's folder.
        data: what `train` takes.
        labels: what `train` takes: a table or a folder, also of a few pictures.
        output: .npy to write; a .json beside it tells what is in there.
        settings: everything else, one flag a field.
    """
    report.run(jobs.start("features", run, data, output, settings, overwrite, labels), json, quiet)


def classify(
    run: Path,
    data: str,
    /,
    *,
    labels: Path | None = None,
    output: Output = None,
    features: Path | None = None,
    semi: list[Path] | None = None,
    json: Json = False,
    quiet: Quiet = False,
    settings: Annotated[ClassifySettings, Parameter(name="*")] = ClassifySettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Measure a run's discriminator by a few-label linear probe against three baselines; make a classifier.

    Args:
        run: a run, or a model's folder.
        data: what `train` takes, with classes, if only of some pictures; its part for testing is what is tested with.
        labels: what `train` takes: a table of some pictures' classes, or a folder with folders of them.
        output: folder of the results and the classifier (default: RUN/classifier); given again, it goes on.
        features: what `features` wrote of this run and these pictures.
        semi: a run of the preset sgan on these pictures, to stand in the same table; may be given several times.
        settings: everything else, one flag a field.
    """
    folder = output or run / "classifier"
    if labels is not None and re.fullmatch(NUMBERS, str(labels)) and not labels.exists():
        labels, settings = None, settings.filled_from({"labelled": str(labels)})  # its name before there were tables
    report.begin(f"classifying {data} by {run}: {folder}", json, quiet)
    kept = report.Kept("classify", "fits", folder, "the same command goes on from")
    job = jobs.start("classify", run, data, folder, settings, features, semi or (), labels)
    table = report.run(job, json, quiet, kept)
    if not (json or quiet):
        report.table(
            ["judged", "labels a class", "draws", "errors", "95% interval"], list(map(_as_text, table["rows"]))
        )


def _as_text(row: dict[str, Any]) -> list[str]:
    """A row of the table of `classify`: errors, where the file has shares that are right."""
    low_high = [f"{1 - share:.2%}" for share in reversed(row["interval"] or ())]
    return [row["subject"], str(row["labels"]), str(row["draws"]), f"{1 - row['accuracy']:.2%}", " to ".join(low_high)]


def label(
    pictures: str,
    /,
    *,
    classifier: Path,
    labels: Path | None = None,
    output: OutputFile = Path("labels.csv"),
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Sort pictures by a classifier that `classify` made, into a table with the probability of every class.

    Look through the table, correct its column `class`, and `train --labels labels.csv` learns to draw by class.

    Args:
        pictures: a folder, or whatever else `train` takes.
        classifier: the folder that `classify` wrote; or a run of --preset infogan or clustergan, whose categories are
            classes without names.
        labels: what `train` takes: the classes of a few, which these keep.
        output: .csv to write.
    """
    from scumble.device import memory_errors

    with memory_errors("label fewer pictures at a time"):
        report.run(jobs.start("label", pictures, classifier, output, device, overwrite, labels), json, quiet)
