"""Every kind of job killed (SIGKILL) at random moments: its end must equal that of an undisturbed one, to the byte.

    python recipes/kills.py [--kills 40] [--seed 0] [--jobs train ...]     or: make kills

A job is done once undisturbed. Then it is begun, killed and repeated, as its user would, until it was killed so many
times. Whenever it comes to its end, all files are compared that it has left, and it begins anew in an empty folder with
empty caches. So that there is much to lose, jobs write their state as often as they can. What nobody promises to be the
same is left out: times in metrics.jsonl, and locks. Needs Linux or macOS: jobs are forked off a process that has
imported everything, so that kills hit the work and not the imports.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import psutil
from PIL import Image

from scumble import paths
from scumble.cli import app
from scumble.cli.gan import draw, measure, train  # noqa: F401 (imported before forking)
from scumble.data.synthetic import shape
from scumble.gan import train as gan_train  # noqa: F401
from scumble.gan.evaluation import evaluate, feature_cache  # noqa: F401
from scumble.gan.probe import protocol  # noqa: F401
from scumble.gan.translation import train as translation_train  # noqa: F401
from scumble.gan.translation.presets import PRESETS
from scumble.gan.translation.settings import TranslationSettings, counts
from scumble.style import batch, resume, stylize  # noqa: F401
from scumble.training import loop

SMALL = "--width 4 --batch 8 --grids 4 --seed 1 --flip no"
TRAIN = f"--preset dcgan --latent 8 {SMALL}"
TRANSLATE = "--size 16 --width 4 --batch 4 --images 240 --grids 4 --jitter 1"
TRANSLATIONS = dict.fromkeys(PRESETS, "--pairs noise") | {
    "srgan": "--pairs x4 --weights perceptual=0,pixel=1",
    "esrgan": "--pairs x4 --weights perceptual=0",
    "context-encoder": "--pairs holes",
    "ccgan": "--pairs mosaic",
    "stargan": "",
    "pixelda": "--pairs noise",
}
CODES = dict.fromkeys(("infogan", "clustergan", "ebgan", "began", "aae", "lapgan", "sagan"), "") | {"cogan": "inverse:"}
"""GANs that carry more than two networks and their optimisers, and what stands before their data."""
KEPT = Path("build/kills").resolve()
"""For what differs: both, side by side."""
TIMES = ("seconds", "images_per_second")
"""Figures that are no function of the work."""


class Job(NamedTuple):
    """A command line, in a folder that `material` has filled, and which of its files and output are compared."""

    command: str
    left: Callable[[Path], dict[str, bytes]]
    repeated: str = ""


def smallest(preset: str) -> str:
    """Flags that make a preset's networks small: those that change something with it."""
    settings = TranslationSettings(preset=preset)
    names = [name for name in ("patch_layers", "blocks") if counts(name, settings.kind, settings.network)]
    return " ".join(f"--{name.replace('_', '-')} 1" for name in names)


def material(folder: Path) -> None:
    """Small pictures, and a GAN trained on some of them."""
    for name, count in (("photos", 3), ("paintings", 2)):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            coarse = np.random.default_rng(number + 10 * count).integers(0, 256, (5, 6, 3), dtype=np.uint8)
            picture = Image.fromarray(coarse).resize((72, 60), Image.Resampling.BICUBIC)
            picture.save(folder / name / f"{name[:2]}{number}.png")
    shapes = np.stack([np.asarray(shape(n, 16).convert("L")) for n in range(160)])
    np.savez(folder / "shapes.npz", x=shapes, y=np.arange(160) % 3)
    # In a process of its own, too: torch starts threads with the first gradient, and cannot be forked after that.
    if code := _done(Job(f"gan train shapes.npz --run model {TRAIN} --images 160", all_files), folder):
        raise RuntimeError(f"the training ended with {code}: {(folder / 'complaints').read_text()[-2000:]}")
    shutil.rmtree(folder / "cache")


def all_files(folder: Path) -> dict[str, bytes]:
    """The bytes of all files below a folder, but for locks and times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != ".lock":
            data = path.read_bytes()
            if path.name == "metrics.jsonl":
                rows = [json.loads(line) for line in data.splitlines()]
                data = json.dumps([{k: v for k, v in row.items() if k not in TIMES} for row in rows]).encode()
            found[path.relative_to(folder).as_posix()] = data
    return found


def last_line(folder: Path) -> dict[str, bytes]:
    """What was printed last."""
    return {"printed": (folder / "printed").read_bytes().splitlines()[-1]}


def below(*names: str) -> Callable[[Path], dict[str, bytes]]:
    """All files of some folders, and all that begin with these names."""

    def found(folder: Path) -> dict[str, bytes]:
        return {name: data for name, data in all_files(folder).items() if name.startswith(names)}

    return found


def of_run(folder: Path) -> dict[str, bytes]:
    """All files of a run, but for checkpoints before the last: when they were written is a matter of time."""
    found = below("run")(folder)
    checkpoints = [name for name in found if name.startswith("run/checkpoints/")]
    return {name: data for name, data in found.items() if name not in checkpoints[:-1]}


JOBS = {
    "stylize": Job(
        "stylize photos/ph0.png paintings/pa0.png -o out.png --size 72 --steps 40 --scales 2 --optimizer lbfgs",
        below("out.png", "."),
        "--resume",
    ),
    "batch": Job("batch photos --style paintings -o painted --size 64 --steps 12", below("painted")),
    "train": Job(f"gan train shapes.npz --run run {TRAIN} --images 1600", of_run),
    "classify": Job(
        "gan classify model shapes.npz -o classifier --labelled 1,4 --draws 3 --supervised-steps 5", below("classifier")
    ),
    "evaluate": Job("gan evaluate model shapes.npz --pictures 160 --json", last_line),
    **{
        f"translate-{preset}": Job(
            f"translate train shapes.npz --run run --preset {preset} {smallest(preset)} {TRANSLATE} {more}", of_run
        )
        for preset, more in TRANSLATIONS.items()
    },
    **{
        f"train-{preset}": Job(
            f"gan train {before}shapes.npz --run run --preset {preset} --latent 24 {SMALL} --images 400", of_run
        )
        for preset, before in CODES.items()
    },
}


class Outcome(NamedTuple):
    """Of one kind of job: how often it was killed, came to its end, and which ends differed in what."""

    kills: int
    ends: int
    different: list[str]
    seconds: float


def killed(name: str, kills: int, seed: int, scratch: Path) -> Outcome:
    """Do a job, killed so many times.

    Raises:
        RuntimeError: if it fails where nobody disturbs it.
    """
    job, chance = JOBS[name], random.Random(f"{seed}/{name}")
    material(scratch / "material")
    wanted, seconds = _undisturbed(job, scratch)
    started, count, ends, different = time.monotonic(), 0, 0, []
    place = _anew(scratch)
    while count < kills:
        code = _done(job, place, chance.uniform(0, 1.1 * seconds))
        if code == -signal.SIGKILL:
            count += 1
            print(f"{name}: {count} of {kills} kills, {ends} ends, {len(different)} different", file=sys.stderr)
        else:
            different += _compared(job, place, wanted, code, count)
            ends += 1
            place = _anew(scratch)
    different += _compared(job, place, wanted, _done(job, place), count)
    return Outcome(count, ends + 1, different, time.monotonic() - started)


def _undisturbed(job: Job, scratch: Path) -> tuple[dict[str, bytes], float]:
    """What it leaves, and how long it takes."""
    place, before = _anew(scratch), os.times()
    if code := _done(job, place):
        raise RuntimeError(f"{job.command} ended with {code}: {(place / 'complaints').read_text()[-2000:]}")
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    wanted = job.left(place)
    again = _anew(scratch)
    _done(job, again)
    if strange := _differences(wanted, job.left(again)):
        raise RuntimeError(f"{job.command} is never the same: {strange}")
    return wanted, seconds


def _anew(scratch: Path) -> Path:
    shutil.rmtree(scratch / "place", ignore_errors=True)
    shutil.copytree(scratch / "material", scratch / "place")
    return scratch / "place"


def _done(job: Job, place: Path, seconds: float | None = None) -> int:
    """Its exit code, or minus the signal's number; killed after some seconds of computing, however busy the machine."""
    process = os.fork()
    if process == 0:
        _child(job, place)
    watched = psutil.Process(process)
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if seconds is not None and _computed(watched) >= seconds:
            os.kill(process, signal.SIGKILL)
            seconds = None
        time.sleep(0.005)


def _computed(process: psutil.Process) -> float:
    """Seconds that a process has computed for."""
    times = process.cpu_times()
    return times.user + times.system


def _child(job: Job, place: Path) -> None:
    """Run the command line in this process, and end it."""
    code = 70
    try:
        os.chdir(place)
        for stream, name in ((1, "printed"), (2, "complaints")):
            os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
        os.environ |= {"SCUMBLE_HOME": str(place / "cache"), "SCUMBLE_OFFLINE": "1"}
        resume.SECONDS, loop.CHECKPOINT_SECONDS, loop.LOG_STEPS, feature_cache.PIECE = 0.0, 0.02, 7, 20
        paths.LEFT_SECONDS = 0.0
        app.main([*job.command.split(), *job.repeated.split()])
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(code)


def _compared(job: Job, place: Path, wanted: dict[str, bytes], code: int, kills: int) -> list[str]:
    if code:
        return [f"after {kills} kills: exit {code}: {(place / 'complaints').read_text()[-500:].strip()}"]
    different = _differences(wanted, found := job.left(place))
    for name, data in {"wanted": wanted, "found": found}.items() if different else ():
        for file in data:
            path = KEPT / job.command.split()[0] / str(kills) / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data[file])
    return [f"after {kills} kills: {what}" for what in different]


def _differences(wanted: dict[str, bytes], found: dict[str, bytes]) -> list[str]:
    return [
        f"{name} is {'missing' if name not in found else 'left over' if name not in wanted else 'different'}"
        for name in sorted(wanted | found)
        if wanted.get(name) != found.get(name)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, a row a job, and what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=40, help="of each kind of job")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", nargs="+", default=list(JOBS), choices=JOBS)
    given = parser.parse_args(arguments)
    print("| job | kills | ends | of these different | minutes |\n|---|---|---|---|---|", flush=True)
    failed = False
    for name in given.jobs:
        with tempfile.TemporaryDirectory(prefix="scumble-kills-") as scratch:
            found = killed(name, given.kills, given.seed, Path(scratch))
        print(
            f"| {name} | {found.kills} | {found.ends} | {len(found.different)} | {found.seconds / 60:.1f} |", flush=True
        )
        for what in found.different:
            print(f"    {name} {what}", file=sys.stderr)
        failed |= bool(found.different)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
