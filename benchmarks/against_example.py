"""The presets against the plain program's 500 evaluations: time, VGG19's judgement, colours, texture and grain.

    python benchmarks/against_example.py FOLDER [--pair photo.jpg painting.jpg] [--pair ...] [--sizes 256]
        [--ways quick,finished,sketched] [--against stand-in]

Without a pair, of a photograph that scikit-learn brings and a painting drawn by code. Every picture is painted by a
command of its own, start-up included, into FOLDER, and not painted again when it is there: the work can be stopped and
continued. All are judged as saved, in 8 bits, by VGG19 in float32:

    way       the share of the way in style, from the photograph to the plain program's picture, that is covered:
              by the mean over relu1_1 ... relu5_1 of the Gaussian Wasserstein distance over the features' variance
    loss      Gatys' loss
    colour    sliced Wasserstein distance of the colours to the painting's
    texture   the same of patches of 5 x 5 pixels, each without its mean
    grain     deviation of the brightness from its neighbourhood's
    time      seconds from the command to the picture

All but the way are ratios to the plain program's, as geometric means over the pairs. `sketched` is the preset `gatys`
after a sketch by the small network, and counts up to its first picture whose loss is no higher than the plain
program's; a loss above 1 says that there was none.

The plain program takes minutes for a picture. For many pairs, `stand-in` may take its place: its algorithm by the
library, with convolutions in bfloat16 where the hardware multiplies it. As one of the ways, it is compared itself.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_image

from scumble import device
from scumble.data import synthetic
from scumble.image.files import load
from scumble.image.sizes import fit_shorter_side
from scumble.image.tensors import to_tensor
from scumble.perceptual import weights
from scumble.perceptual.catalogue import entry_named, find
from scumble.perceptual.vgg import VGG19
from scumble.style.balance import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.objective import Objective

EVALUATIONS = 500
SCRATCH = Path(__file__).parents[1] / "examples" / "gatys_from_scratch.py"
WAYS = {
    "quick": [],
    "finished": ["--finish", "20"],
    "sketched": ["--preset", "gatys", "--sketch", "50", "--range-weight", "1e4", "--init", "matched", "--steps", "200"],
    "stand-in": ["--preset", "gatys", "--steps", str(EVALUATIONS)],
}
"""By name: the flags of `scumble stylize`."""

LOOKED_AT_EVERY = 10
"""Evaluations between two looks at a picture that shall reach a loss."""

Figures = dict[str, float]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pair", type=Path, nargs=2, action="append")
    parser.add_argument("--sizes", default="256", help="shorter sides, in pixels")
    parser.add_argument("--ways", default="quick,finished")
    parser.add_argument("--against", choices=["example", "stand-in"], default="example")
    arguments = parser.parse_args()
    found = find(entry_named("vgg19-caffe"))
    if found is None:
        raise SystemExit("needs the weights vgg19-caffe on this machine: scumble models fetch vgg19-caffe")
    ways = arguments.ways.split(",")
    if unknown := set(ways) - {"example", *WAYS}:
        parser.error(f"--ways: got {', '.join(sorted(unknown))}, wanted some of example, {', '.join(WAYS)}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    device.choose("cpu", "float32")

    pairs = arguments.pair or [drawn(arguments.folder)]
    for size in map(int, arguments.sizes.split(",")):
        compare(arguments.folder, pairs, size, ways, arguments.against, found)


def drawn(folder: Path) -> tuple[Path, Path]:
    """A pair that needs no files of others."""
    photograph, picture = folder / "china.png", folder / "drawn.png"
    Image.fromarray(load_sample_image("china.jpg")).save(photograph)
    synthetic.painting(seed=1).save(picture)
    return photograph, picture


def compare(
    within: Path, pairs: list[tuple[Path, Path]], size: int, ways: list[str], against: str, found: Path
) -> None:
    """Print the figures of each picture, and the table of their means."""
    table: dict[str, list[Figures]] = {}
    for content, style in pairs:
        folder = within / f"{content.stem}-{style.stem}-{size}"
        folder.mkdir(exist_ok=True)
        for way, row in ratios(folder, content, style, size, ways, against, found).items():
            table.setdefault(way, []).append(row)
            print(folder / way, " ".join(f"{name} {value:.3f}" for name, value in row.items()), flush=True)
    columns = list(next(iter(table.values()))[0])
    print(f"\n| {len(pairs)} at {size} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for way, rows in table.items():
        means = [
            statistics.mean(row[c] for row in rows) if c == "way" else statistics.geometric_mean(row[c] for row in rows)
            for c in columns
        ]
        print(f"| {way} | {' | '.join(f'{mean:.3f}' for mean in means)} |")


def ratios(
    folder: Path, content: Path, style: Path, size: int, ways: list[str], against: str, found: Path
) -> dict[str, Figures]:
    """The figures of a pair's pictures over those of the one that they are held against, but for the way."""
    photograph = resized(content, size)
    judge = judge_of(photograph, style)
    wanted: Figures = {}

    def picture(way: str) -> Path:
        if way == "example":
            return from_scratch(folder, content, style, size, found)
        flags = [str(content), str(style), "--size", str(max(photograph.size))]
        return paint(folder, way, flags, lambda path: judge(path)["loss"] <= wanted["loss"])

    reference = picture(against)
    wanted |= judge(reference)
    photograph.save(folder / "photograph.png")
    start = judge(folder / "photograph.png")["distance"]
    rows = {}
    for way in ways:
        path = picture(way)
        figures = judge(path)
        covered = (start - figures["distance"]) / (start - wanted["distance"])
        over = {name: figures[name] / wanted[name] for name in ("loss", "colour", "texture", "grain")}
        rows[way] = {"way": covered, **over, "time": seconds(path) / seconds(reference)}
    return rows


def resized(source: Path, size: int) -> Image.Image:
    """A picture of the plain program's size: its shorter side of that many pixels."""
    picture = load(source).rgb
    return picture.resize(fit_shorter_side(picture.size, size), Image.Resampling.LANCZOS)


def from_scratch(folder: Path, content: Path, style: Path, size: int, found: Path) -> Path:
    """The plain program's picture."""
    path = folder / "example.png"
    if not path.exists():
        unfinished = folder / "example-unfinished.png"
        flags = ["--weights", found, "--size", size, "--steps", EVALUATIONS]
        started = time.perf_counter()
        command = [sys.executable, SCRATCH, content, style, unfinished, *flags]
        subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
        finish(unfinished, path, time.perf_counter() - started)
    return path


def paint(folder: Path, way: str, flags: list[str], enough: Callable[[Path], bool]) -> Path:
    """The picture of one of `WAYS`; of `sketched`, the first one that is enough."""
    path = folder / f"{way}.png"
    if not path.exists():
        unfinished = folder / f"{way}-unfinished.png"
        flags = [*flags, "-o", str(unfinished), *WAYS[way]]
        flags += ["--save-every", str(LOOKED_AT_EVERY)] if way == "sketched" else []
        started = time.perf_counter()
        saved = []
        command = [sys.executable, "-m", "scumble.cli.app", "stylize", *flags, "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) as job:
            assert job.stdout
            for line in job.stdout:
                event = json.loads(line)
                if event["event"] == "saved":
                    saved.append((Path(event["path"]), time.perf_counter() - started))
        if job.returncode:
            raise SystemExit(f"{' '.join(command)} failed")
        chosen, took = saved[-1]
        if way == "sketched":
            in_turn = sorted(saved, key=lambda pair: pair[1])
            chosen, took = next(((picture, when) for picture, when in in_turn if enough(picture)), saved[-1])
        print(f"{way}: {chosen.name}", flush=True)
        chosen.replace(unfinished)
        finish(unfinished, path, took)
    return path


def finish(unfinished: Path, path: Path, took: float) -> None:
    """The picture gets its name, and its time a file beside it."""
    path.with_suffix(".json").write_text(json.dumps({"seconds": took}))
    unfinished.rename(path)


def seconds(path: Path) -> float:
    """How long a picture took."""
    return json.loads(path.with_suffix(".json").read_text())["seconds"]


def judge_of(photograph: Image.Image, style: Path) -> Callable[[Path], Figures]:
    """What there is to say about pictures of the photograph's size."""
    painting = resized(style, min(photograph.size))
    entry = entry_named("vgg19-caffe")
    found = find(entry)
    assert found
    network = VGG19(weights.read(found).tensors, entry.preprocessing, (*GATYS_CONTENT_LAYERS, *GATYS_STYLE_LAYERS))
    objective = Objective(
        network, to_tensor(load(photograph)), [to_tensor(load(painting))], GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
    )
    wasserstein = STYLE_LOSSES["wasserstein"]

    @torch.no_grad()
    def seen(picture: Image.Image) -> dict[str, torch.Tensor]:
        features = network(to_tensor(load(picture)), GATYS_STYLE_LAYERS)
        return {name: features[name][0].flatten(1).mT for name in GATYS_STYLE_LAYERS}

    wanted = seen(painting)
    targets = {name: wasserstein.complete(wasserstein.statistics(found, None)) for name, found in wanted.items()}

    def judge(path: Path) -> Figures:
        picture = Image.open(path).convert("RGB")
        distances = [
            wasserstein.distance(wasserstein.statistics(found, None), targets[name]).item() / wanted[name].var().item()
            for name, found in seen(picture).items()
        ]
        return {
            "distance": statistics.mean(distances),
            "loss": objective.value_and_gradient(to_tensor(load(picture))).loss,
            "colour": sliced(colours(picture), colours(painting)),
            "texture": sliced(patches(picture), patches(painting)),
            "grain": grain(picture),
        }

    return judge


def colours(picture: Image.Image) -> np.ndarray:
    """(pixels, 3) in [0, 1]."""
    return np.asarray(picture, np.float32).reshape(-1, 3) / 255


def patches(picture: Image.Image, side: int = 5, count: int = 20_000) -> np.ndarray:
    """(count, side^2 x 3) at random places, without their means."""
    windows = np.lib.stride_tricks.sliding_window_view(np.asarray(picture, np.float32) / 255, (side, side), axis=(0, 1))
    random = np.random.default_rng(0)
    rows, columns = (random.integers(0, length, count) for length in windows.shape[:2])
    found = windows[rows, columns]
    return (found - found.mean((2, 3), keepdims=True)).reshape(count, -1)


def sliced(a: np.ndarray, b: np.ndarray, directions: int = 64) -> float:
    """Sliced Wasserstein-1 distance (Bonneel et al. 2015), by quantiles along random directions."""
    vectors = np.random.default_rng(0).normal(size=(a.shape[1], directions))
    vectors /= np.linalg.norm(vectors, axis=0)
    at = np.linspace(0.005, 0.995, 199)
    return float(np.abs(np.quantile(a @ vectors, at, axis=0) - np.quantile(b @ vectors, at, axis=0)).mean())


def grain(picture: Image.Image) -> float:
    """Root mean square of the brightness less its blur by a Gaussian of one pixel."""
    grey = picture.convert("L")
    fine = np.asarray(grey, float) - np.asarray(grey.filter(ImageFilter.GaussianBlur(1)), float)
    return math.sqrt((fine**2).mean())


if __name__ == "__main__":
    main()
