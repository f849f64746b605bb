"""What the refinements of `fine` bring: the same pairs painted with and without them, in equal time, judged alike.

    python benchmarks/refinements.py FOLDER --pair photo.jpg painting.jpg [--pair ...] [--size 256] [--steps 60]

Every variant makes the same number of evaluations, which are nearly all of its time (a column shows it). The finished
8-bit pictures, kept in FOLDER and not made again, are judged by one network with replicated borders: the loss of `fine`
with its variation alone (grain), and how much more the outermost pixels vary than the rest (frames). Each number is the
geometric mean over the pairs of its ratio to `fine`.
"""

import argparse
import contextlib
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from scumble import device, stylize
from scumble.events import returned
from scumble.image.files import load
from scumble.image.tensors import to_tensor
from scumble.perceptual import backbones
from scumble.style.inputs import Inputs
from scumble.style.losses.pixels import total_variation
from scumble.style.objective.objective import GREY_LEVELS, Objective
from scumble.style.optimization.adam import Adam
from scumble.style.preparation.sources import Sources
from scumble.style.settings import StyleSettings

FRAME = 8
"""Pixels: how far from the border a frame is looked for."""

PLAIN = {"averaging": 0.0, "padding": "zeros"}
VARIANTS: dict[str, tuple[dict[str, Any], bool]] = {
    "fine": ({}, True),
    "without averaging": ({"averaging": 0.0}, True),
    "without carried moments": ({}, False),
    "without replication": ({"padding": "zeros"}, True),
    "plain: without any of them": (PLAIN, False),
}
"""By name: other settings, and whether Adam's moments are carried."""


def main() -> None:
    """Paint what is not there yet, judge all, print the table."""
    parser = argparse.ArgumentParser(description="Compare `fine` with and without its refinements.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pair", type=Path, nargs=2, action="append", required=True)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=StyleSettings(preset="fine").steps)
    arguments = parser.parse_args()
    folder = arguments.folder / f"{arguments.size}-{arguments.steps}"
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"preset": "fine", "size": arguments.size, "steps": arguments.steps, "tolerance": 0.0, "sketch": 0}
    ratios: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for content, style in arguments.pair:
        judge = judge_of(content, style, StyleSettings(**settings))
        found = {
            name: paint(folder, name, content, style, settings) | judge(path_of(folder, name, content, style))
            for name in VARIANTS
        }
        for name, figures in found.items():
            ratios[name].append({key: value / found["fine"][key] for key, value in figures.items()})
    columns = list(ratios["fine"][0])
    print(f"| variant | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, rows in ratios.items():
        means = [math.exp(sum(math.log(row[column]) for row in rows) / len(rows)) for column in columns]
        print(f"| {name} | {' | '.join(f'{mean:.3f}' for mean in means)} |")


def path_of(folder: Path, name: str, content: Path, style: Path) -> Path:
    """Where a variant's picture is."""
    return folder / f"{content.stem}-{style.stem}-{name.replace(' ', '-').replace(':', '')}.png"


def paint(folder: Path, name: str, content: Path, style: Path, settings: dict[str, Any]) -> dict[str, float]:
    """The processor seconds it took; beside the picture, so that a second run knows them."""
    path = path_of(folder, name, content, style)
    seconds = path.with_suffix(".json")
    if not seconds.exists():
        changes, carried = VARIANTS[name]
        with contextlib.nullcontext() if carried else forgetful():
            started = time.process_time()
            stylize(content, style, **settings | changes).save(path)
        seconds.write_text(json.dumps({"seconds": time.process_time() - started}))
        print(path, flush=True)
    return json.loads(seconds.read_text())


@contextlib.contextmanager
def forgetful() -> Iterator[None]:
    """Adam that starts anew at each scale."""
    carried = Adam.carried
    Adam.carried = lambda self, size: Adam()
    try:
        yield
    finally:
        Adam.carried = carried


def judge_of(content: Path, style: Path, settings: StyleSettings) -> Callable[[Path], dict[str, float]]:
    """The objective of `fine` at full size, for all variants the same."""
    placement = device.choose("cpu", "float32")
    loading = backbones.load(settings.backbone, settings.layers(), placement, settings.pooling, settings.padding, None)
    network = returned(loading).network
    inputs = Inputs(Sources(content, [style]), settings)
    photograph, paintings = inputs.pixels(inputs.size(), placement.device)
    assert photograph is not None
    terms = settings.terms()
    objective = Objective(
        network, photograph, paintings, terms.content, terms.style, settings.loss, settings.variation_weight,
        transported_layers=terms.transported, leak_layers=terms.leak, focused=terms.focused,
    )  # fmt: skip

    def judge(path: Path) -> dict[str, float]:
        picture = to_tensor(load(path, "result"))
        inner = picture[:, :, FRAME:-FRAME, FRAME:-FRAME]
        return {
            "loss": objective.value_and_gradient(picture).loss,
            "grain": total_variation(picture).item() * GREY_LEVELS**2,
            "frame": _frame(picture) / total_variation(inner).item(),
        }

    return judge


def _frame(picture: torch.Tensor) -> float:
    """The variation along the four borders."""
    turned = picture.mT
    strips = [p[:, :, place] for p in (picture, turned) for place in (slice(FRAME), slice(-FRAME, None))]
    return sum(total_variation(strip).item() for strip in strips) / len(strips)


if __name__ == "__main__":
    main()
