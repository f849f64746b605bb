"""The commands that train a GAN and show its run."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from scumble import jobs
from scumble.cli import advice, report
from scumble.cli.flags import Json, JsonLine, Output, Overwrite, Quiet, Switch
from scumble.gan.presets import PRESETS
from scumble.gan.settings import GANSettings


def train(
    data: str,
    /,
    *,
    run: Path,
    fresh: Switch = False,
    start: Annotated[Path | None, Parameter(name="--from")] = None,
    labels: Path | None = None,
    json: Json = False,
    quiet: Quiet = False,
    settings: Annotated[GANSettings, Parameter(name="*")] = GANSettings(),  # noqa: B008 (it is frozen)
) -> None:
    """Train a GAN; the same command again continues where it stopped.

    Args:
        data: a folder, a .zip, .tar, .tar.gz, .npz or .npy, hf:owner/name[:split], digits or shapes.
        run: folder of the run, new or to be continued.
        fresh: start over: what earlier trainings left in the run's folder is removed.
        start: a model, a run or a checkpoint whose networks a new run begins with: fine-tuning. What is not given of
            the networks and of how they learn is as in its training.
        labels: a table, .csv or .txt, of the pictures' labels, or of those of a few: one class a picture, or several
            labels; or a folder with a folder of a few pictures for each class, beside the unlabelled ones.
        settings: everything else, one flag a field.
    """
    report.begin(f"training on {data}: {run}", json, quiet)
    kept = report.Kept("train", "images", run, "the same command goes on from")
    report.run(jobs.start("train", data, run, settings, fresh, start, labels), json, quiet, kept)


def check(data: str, /, *, labels: Path | None = None, json: JsonLine = False) -> None:
    """Look at every picture of a data set: what is in it, what fits, how long it takes here, what will go wrong.

    Args:
        data: what `train` takes.
        labels: what `train` takes: a table or a folder, also of a few pictures.
    """
    found = report.run(jobs.start("check", data, labels))
    advice.show(found, json)


def presets(*, json: JsonLine = False) -> None:
    """List the presets of `train`: the timeline of these networks, and what each row trains with."""
    rows = [{"preset": name} | entry._asdict() for name, entry in PRESETS.items()]
    if json:
        report.data({"presets": rows})
        return
    for row in rows:
        settings = GANSettings.model_validate({"preset": row["preset"]})
        axes = [settings.network, f"norm {settings.norm}", settings.loss]
        axes += [f"task {settings.task}"] * (settings.task != "latent")
        axes += [f"penalty {settings.penalty}"] * (settings.penalty != "none")
        axes += [f"clip {settings.clip}"] * bool(settings.clip)
        axes += [f"condition {settings.condition}"] * (settings.condition != "none")
        axes += [f"{settings.critic_steps} critic steps"] * (settings.critic_steps > 1)
        row["trained with"] = ", ".join(axes)
    columns = ["year", "preset", "paper", "news", "trained with"]
    report.table(columns, [[str(row[column]) for column in columns] for row in rows])


def plot(run: Path, /, *, output: Output = None, overwrite: Overwrite = False, json: Json = False) -> None:
    """Draw a run's figures over the images seen.

    Args:
        run: a run, finished or not.
        output: .png, .svg or .pdf to write (default: RUN/curves.png).
    """
    from scumble.gan.plots import write_curves

    # What has this name in the run's own folder is ours.
    report.saved(write_curves(run, output or run / "curves.png", overwrite or output is None), json)


def film(
    run: Path,
    /,
    *,
    output: Output = None,
    seconds: float = 8.0,
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Turn a run's grids into a film of its learning.

    Args:
        run: a run, finished or not.
        output: .webp, .gif or .mp4 to write (default: RUN/film.webp).
        seconds: how long the film is.
    """
    from scumble.gan.sample_sheets import write_film

    report.saved(write_film(run, output or run / "film.webp", seconds, overwrite or output is None), json)
