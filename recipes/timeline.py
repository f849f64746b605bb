"""The timeline of docs/timeline.md: every preset of both halves trained for some minutes, measured, and shown.

    python recipes/timeline.py RUNS docs/timeline.md --digits mnist.npz --cifar cifar10.zip --faces faces64.zip
        --photos photos.zip --paintings paintings.zip [--minutes 20] [--only PRESET...]

Each preset is trained in turn, in a run of its own in RUNS, for as many images as fit into its minutes of the
processor (twice as many as the clock's where two cores work): a first half minute of training, thrown away, tells. It
can be stopped at any time, and goes on where it was. What was measured is kept in RUNS, and after each preset the table
and the picture hold what there is so far; what RUNS does not have, stays there as it was. Of faces, no sample is shown;
what learns from photographs is shown by that of the pages, which it has not learnt from.

GANs are measured by the kernel distance of their samples from real pictures, in the features of the network inside the
package, beside two others: a Gaussian with the mean and the covariance of the pixels, which a GAN has to beat, and
other real pictures, which it can hardly. Codes are measured by how well they are the classes. Translators are measured
on withheld pictures by what `scumble translate evaluate` decides by, beside its baselines.
"""

import argparse
import json
import shutil
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tables
import timeline_picture
from PIL import Image

from scumble import GANSettings, TranslationSettings, jobs, paths
from scumble.data import dataset
from scumble.data.sources.opener import open_source
from scumble.events import Event, Progress, returned
from scumble.gan.presets import PRESETS as OF_GANS
from scumble.gan.translation.presets import PRESETS as OF_TRANSLATORS
from scumble.storage.run import Run

PROBE_SECONDS, FIRST_SECONDS = 20.0, 10.0
"""How long a training is watched for its speed, and what is not counted of it: the first steps take longer."""
SHARE = 0.95
"""Of the minutes, for the training; the rest is for its grids and checkpoints."""
SAMPLES, SMALLEST_RUN = 2000, 64


READ = ("adjusted_rand_index", "pair_agreement")
"""What a GAN with codes, or of two domains, is measured by instead: how well its codes are the classes, or its pairs
belong together, beside what chance would have."""


class Row(NamedTuple):
    """What a preset is trained on: names of flags, settings that differ from its own, what stands before the data."""

    data: tuple[str, ...]
    settings: dict[str, Any] = {}  # noqa: RUF012 (nothing writes into it)
    prefix: str = ""


_PIXELS = {"size": "32", "width": 16}
_DRAWINGS = {"pairs": "edges", "direction": "backward", "size": "64", "width": 16}
ROWS = dict.fromkeys(OF_GANS, Row(("digits",), _PIXELS)) | {
    "cogan": Row(("digits",), _PIXELS, "inverse:"),
    "lapgan": Row(("cifar",), {"size": "32"}),
    "began": Row(("faces",), {"size": "64"}),
    "sngan": Row(("cifar",), {"size": "32"}),
    "projection": Row(("cifar",), {"size": "32"}),
    "sagan": Row(("cifar",), {"size": "32"}),
    "aae": Row(("digits",), {"size": "32"}),
    "pix2pix": Row(("photos",), {"pairs": "grey", "size": "64"}),
    "bicyclegan": Row(("photos",), {"pairs": "x4", "size": "64"}),
    # Photographs become drawings: where pairs are kept apart, the withheld truth is known all the same.
    **dict.fromkeys(("discogan", "dualgan", "unit", "munit"), Row(("photos",), _DRAWINGS)),
    **dict.fromkeys(("cyclegan", "cut"), Row(("photos", "paintings"), {"size": "64", "width": 16})),
    "context-encoder": Row(("photos",), {"pairs": "holes", "size": "64"}),
    "ccgan": Row(("photos",), {"pairs": "mosaic", "size": "64"}),
    "srgan": Row(("photos",), {"pairs": "x4", "size": "96"}),
    "esrgan": Row(("photos",), {"pairs": "x4", "size": "96", "blocks": 4}),
    "stargan": Row(("digits",), {"size": "32"}),
    "pixelda": Row(("digits", "inverted"), {"size": "32"}),
}

DATA = ("digits", "cifar", "faces", "photos", "paintings")
OF_PEOPLE = ("faces",)
PHOTOGRAPH = Path(__file__).parents[1] / "docs" / "pictures" / "photo.jpg"
"""What is shown in place of photographs that may be trained on, but not passed on."""

REPORTED = {
    "infogan": "MNIST: 5% of digits in the wrong code (paper)",
    "clustergan": "MNIST: 95% of digits in the right cluster (paper)",
    "wgan-gp": "CIFAR-10: Inception Score 7.86, residual networks (paper)",
    "sndcgan": "CIFAR-10: Inception Score 7.42, FID 29.3 (paper)",
    "sngan": "CIFAR-10: Inception Score 8.22, FID 21.7 (paper)",
    "sagan": "ImageNet, 128 pixels: FID 18.7 (paper)",
    "projection": "ImageNet, 128 pixels: FID 27.6 (paper)",
}

REASONS = {
    "gan": "it draws one picture for all latents, as the monitor warns from 70,000 images on",
    "began": "its faces are still blurred, being what a small autoencoder reconstructs first",
    "pix2pix": "colours that are guessed are farther from the truth than none; by the kernel distance it does",
    "bicyclegan": "one of many sharp results is drawn, of which few are near the truth",
    "ccgan": "learnt by a discriminator alone, its sharp guess is farther from the truth than coarse squares",
    "discogan": "its small middle, without skips, lets no fine lines through",
}
"""Why a preset does not beat its baselines, where it does not."""


class Job(NamedTuple):
    """A preset's training: which job, its settings, and the data."""

    preset: str
    settings: GANSettings | TranslationSettings
    data: str | tuple[str, ...]
    runs: Path

    @property
    def run(self) -> Path:
        """The folder of its run."""
        return self.runs / self.preset

    def events(self, run: Path, images: int | None = None) -> Generator[Event, None, Any]:
        """Of its training, in this folder."""
        is_gan = isinstance(self.settings, GANSettings)
        settings = self.settings if images is None else self.settings.model_copy(update={"images": images})
        return jobs.start("train" if is_gan else "train-translator", self.data, run, settings)


def job_of(preset: str, given: dict[str, str], runs: Path, changes: dict[str, Any]) -> Job | None:
    """What is to be done for a preset; None where its data is not given."""
    row = ROWS[preset]
    if any(name not in given for name in row.data):
        return None
    kind = GANSettings if preset in OF_GANS else TranslationSettings
    settings = kind.model_validate({"preset": preset, "grids": 4} | row.settings | changes)
    data = tuple(row.prefix + given[name] for name in row.data)
    return Job(preset, settings, data[0] if len(data) == 1 else data, runs)


def images_in(job: Job, seconds: float) -> int:
    """How many images a training sees in this time: watched once, and known from then on."""
    path = job.runs / f"{job.preset}.plan.json"
    if path.exists() and (plan := json.loads(path.read_text()))["seconds"] == seconds:
        return plan["images"]
    probe, began, first, last = job.runs / f"{job.preset}.probe", None, (0.0, 0), (1.0, 1)
    shutil.rmtree(probe, ignore_errors=True)
    watched = min(PROBE_SECONDS, seconds / 10)
    events = job.events(probe, images=10**9)
    for event in events:
        if isinstance(event, Progress) and event.job == "train":
            now = time.process_time()  # of the processor: the machine may do other things beside
            began = began or now
            first = (now, event.done) if now < began + watched * FIRST_SECONDS / PROBE_SECONDS else first
            last = (now, event.done)
            if now > began + watched and last[1] > first[1]:
                break
    events.close()
    shutil.rmtree(probe, ignore_errors=True)
    speed = (last[1] - first[1]) / (last[0] - first[0])
    images = max(SMALLEST_RUN, int(SHARE * seconds * speed))
    paths.write_atomically(path, json.dumps({"seconds": seconds, "images": images}).encode())
    return images


# --- What came of it ------------------------------------------------------------------------------------------------


def done_for(job: Job, seconds: float) -> dict[str, Any]:
    """Train a preset to its end, measure it, and keep what was found; read, if it was done before."""
    images, path = images_in(job, seconds), job.runs / f"{job.preset}.json"
    settings = job.settings.model_copy(update={"images": images})
    told = settings.model_dump(mode="json")
    if path.exists() and (known := json.loads(path.read_text()))["settings"] == told:
        return known
    returned(job.events(job.run, images))
    measured = measured_gan(job) if job.preset in OF_GANS else measured_translator(job)
    found = {"settings": told, "seconds_per_step": seconds_per_step(job)} | measured
    data = ROWS[job.preset].data
    sample = (
        None
        if set(data) & set(OF_PEOPLE)
        else timeline_picture.sample_of(job.run, PHOTOGRAPH if "photos" in data else None)
    )
    if sample is not None:
        sample.save(job.runs / f"{job.preset}.png")
    paths.write_atomically(path, json.dumps(found).encode())
    print(job.preset, {name: value for name, value in found.items() if name != "settings"}, flush=True)
    return found


def seconds_per_step(job: Job) -> float:
    """The median over the training, of a step of the generator with those of the discriminator that belong to it."""
    speeds = [row["images_per_second"] for row in Run(job.run).metrics() if "images_per_second" in row]
    return job.settings.batch * job.settings.critic_steps / float(np.median(speeds))


def measured_gan(job: Job) -> dict[str, Any]:
    """The kernel distance of its samples, of a Gaussian's, and of other real pictures."""
    assert isinstance(job.data, str)
    assert isinstance(job.settings, GANSettings)
    pixels = returned(dataset.prepare(open_source(job.data), *job.settings.form)).pixels
    count = min(SAMPLES, len(pixels) // 2)
    gaussian = job.runs / f"{job.preset}.gaussian.npz"
    np.savez(gaussian, x=gaussian_like(pixels[:20_000], count))
    model = job.run / "best" if (job.run / "best").exists() else job.run
    ours = returned(jobs.start("evaluate", str(model), job.data, "pocket", count, "train", ["kernel"]))
    theirs = returned(jobs.start("evaluate", str(gaussian), job.data, "pocket", count, "train", ["kernel"]))
    gaussian.unlink()
    (one,), (other,), real = ours.figures, theirs.figures, ours.other("kernel_distance")
    found = {"figure": one.title, "value": one.value, "low": one.low, "high": one.high, "lower_is_better": True}
    if read := next((one for one in ours.readings if one.name in READ), None):
        told = {"figure": read.title, "value": read.value, "low": read.low, "high": read.high}
        return told | {
            "lower_is_better": False,
            "baselines": {"by chance": read.by_chance},
            "for comparison": {one.title: one.value},
        }
    best = {} if real is None else {"other real pictures": real.value}
    return found | {"baselines": {"a Gaussian of the pixels": other.value}, "for comparison": best}


def gaussian_like(pixels: np.ndarray, count: int, directions: int = 500) -> np.ndarray:
    """(count, H, W, C) uint8 drawn from a Gaussian with the mean and the covariance of (N, C, H, W) uint8 pixels.

    Of more dimensions than `directions`, those of the largest variance.
    """
    random = np.random.default_rng(0)
    rows = pixels.reshape(len(pixels), -1).astype(np.float32)
    mean = rows.mean(0)
    values, vectors = np.linalg.eigh(np.cov(rows - mean, rowvar=False))
    kept = slice(-directions, None)
    codes = random.standard_normal((count, len(values[kept]))) * np.sqrt(np.maximum(values[kept], 0))
    drawn = codes @ vectors[:, kept].T + mean
    return drawn.round().clip(0, 255).astype(np.uint8).reshape(count, *pixels.shape[1:]).transpose(0, 2, 3, 1)


def measured_translator(job: Job) -> dict[str, Any]:
    """What `scumble translate evaluate` decides by, of the translator and of its baselines."""
    model = job.run / "best" if (job.run / "best").exists() else job.run
    evaluation = returned(jobs.start("evaluate-translator", str(model), job.data))
    name = evaluation.criterion
    one = evaluation.figures[name]
    beside = {other: figures[name].value for other, figures in evaluation.baselines.items() if name in figures}
    real = {other: beside.pop(other) for other in list(beside) if other == "real pictures"}
    found = {"figure": one.title, "value": one.value, "low": one.low, "high": one.high}
    return found | {"lower_is_better": evaluation.lower_is_better, "baselines": beside, "for comparison": real}


# --- The page -------------------------------------------------------------------------------------------------------


def beats(found: dict[str, Any]) -> bool:
    """Whether a preset is better than every baseline."""
    others = found["baselines"].values()
    return all(found["value"] < other if found["lower_is_better"] else found["value"] > other for other in others)


def row_of(preset: str, found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    entry = OF_GANS.get(preset) or OF_TRANSLATORS[preset]
    row, settings = ROWS[preset], found["settings"]
    learns = getattr(entry, "learns_from", "") or "pictures" + " and classes" * (settings.get("condition") != "none")
    code = settings.get("pairs", "none")
    learns += f": {' and '.join(row.data)}" + f", {code} by code" * (code != "none")
    value = f"{found['figure']} {found['value']:.3g} ({found['low']:.3g} to {found['high']:.3g})"
    beside = found["baselines"] | found["for comparison"]
    others = "; ".join(f"{name} {other:.3g}" for name, other in beside.items())
    told = "yes" if beats(found) else f"no: {REASONS.get(preset, 'too short a training')}"
    reported = getattr(entry, "published", "") or REPORTED.get(preset, "")
    cells = [str(entry.year), f"`{preset}`", learns, value, others, told, f"{found['seconds_per_step']:.2g}", reported]
    return [cell.replace("|", "/") for cell in cells]


COLUMNS = ["year", "preset", "learns from", "figure of merit", "beside", "beats", "seconds a step", "reported"]


def written(page: Path, runs: Path) -> None:
    """The table and the picture, of all that was measured so far, here or before."""
    years = {name: entry.year for name, entry in (OF_GANS | OF_TRANSLATORS).items()}
    order = sorted(ROWS, key=lambda preset: years[preset])
    known = {name: json.loads(path.read_text()) for name in order if (path := runs / f"{name}.json").exists()}
    rows = {cells[COLUMNS.index("preset")].strip("`"): cells for cells in tables.read(page, "timeline")}
    rows |= {preset: row_of(preset, found) for preset, found in known.items()}
    tables.write(page, "timeline", COLUMNS, [rows[preset] for preset in order if preset in rows])
    samples = {name: path if (path := runs / f"{name}.png").exists() else None for name in order}
    picture = page.parent / "pictures" / "timeline.jpg"
    picture.parent.mkdir(exist_ok=True)
    before = Image.open(picture) if picture.exists() else None
    methods = {name: (years[name], samples[name]) for name in order}
    timeline_picture.drawn(methods, before).save(picture, quality=85)


def inverted(digits: str, runs: Path) -> str:
    """The digits once more, white for black: a second domain for adaptation, written beside the runs."""
    path = runs / "inverted.npz"
    if not path.exists():
        with np.load(digits) as arrays:
            turned = {name: 255 - array if array.ndim > 1 else array for name, array in arrays.items()}
        np.savez_compressed(path, **turned)
    return str(path)


def main(arguments: list[str] | None = None) -> None:
    """Preset by preset, in the order of their years."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("runs", type=Path)
    parser.add_argument("page", type=Path)
    for name in DATA:
        parser.add_argument(f"--{name}")
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--short", action="store_true", help="tiny networks, and a few steps: whether it works")
    asked = parser.parse_args(arguments)
    if not asked.page.exists():
        parser.error(f"{asked.page} is not there; wanted a page with a place for the table")
    asked.runs.mkdir(parents=True, exist_ok=True)
    given = {name: value for name in DATA if (value := getattr(asked, name)) is not None}
    if asked.digits is not None:
        given["inverted"] = inverted(asked.digits, asked.runs)
    changes = {"width": 4, "batch": 4, "device": "cpu"} if asked.short else {}
    for preset in asked.only or sorted(ROWS, key=lambda name: (OF_GANS.get(name) or OF_TRANSLATORS[name]).year):
        if (job := job_of(preset, given, asked.runs, changes)) is not None:
            done_for(job, 60 * asked.minutes)
        written(asked.page, asked.runs)


if __name__ == "__main__":
    main()
