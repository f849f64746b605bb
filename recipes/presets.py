"""The table of docs/timeline.md on pictures: every preset on the same data, with equally many images and seeds.

    python recipes/presets.py mnist.npz RUNS docs/timeline.md [PRESET...]

Each training is a run of its own in RUNS, which goes on where it was stopped; what was measured is kept beside it, and
the table holds what there is so far. IMAGES and SEEDS below say how much that is.

Measured in the features of the network inside the package (docs/pocket.md), which is not the network of the FID:
figures compare within this table, and with nothing else.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import tables
import torch

from scumble import GAN, GANSettings, paths, train_events
from scumble.data import dataset
from scumble.data.sources.opener import open_source
from scumble.device import choose
from scumble.gan.evaluation.frechet import Moments, frechet_distance
from scumble.gan.evaluation.neighbours import neighbour_figures
from scumble.gan.presets import PRESETS
from scumble.image.tensors import to_signed
from scumble.perceptual import backbones

IMAGES, SEEDS, SIZE = 100_000, range(1), 32
COMMON: dict[str, Any] = {"size": str(SIZE), "images": IMAGES, "width": 8, "batch": 32, "decay": "linear", "grids": 4}
"""Beside a preset's own settings: all networks are equally narrow."""

SAMPLES, CHUNK = 2000, 100
LAYERS = ("relu3_1", "relu4_1")
"""Their means and deviations over the picture are its features."""


def finished(events: Any) -> Any:
    """What a job returns at its end."""
    while True:
        try:
            next(events)
        except StopIteration as end:
            return end.value


class Looker:
    """What the small network makes of pictures, and that of the real ones: a set to compare with, and another one."""

    def __init__(self, data: str):
        self.network = finished(backbones.load("pocket", LAYERS, choose("cpu", "float32"))).network
        pixels = finished(dataset.prepare(open_source(data), (SIZE, SIZE), None)).pixels
        chosen = np.random.default_rng(0).permutation(len(pixels))[: 2 * SAMPLES]
        self.scale = 1.0
        seen = self.features(pixels[chosen])
        self.scale = 1 / np.sqrt(seen[:SAMPLES].var(0).sum())
        self.real, self.other_real = np.split(seen * self.scale, 2)

    @torch.inference_mode()
    def features(self, pixels: np.ndarray) -> np.ndarray:
        """(N, D) of (N, C, H, W) uint8, in units in which those of the real pictures have a total variance of 1."""
        rows = []
        for start in range(0, len(pixels), CHUNK):
            rgb = (to_signed(pixels[start : start + CHUNK], torch.device("cpu")) + 1) / 2
            seen = self.network(rgb.expand(-1, 3, -1, -1), LAYERS).values()
            rows.append(torch.cat([f(layer, (2, 3)) for layer in seen for f in (torch.mean, torch.std)], 1))
        return torch.cat(rows).double().numpy() * self.scale

    def figures(self, features: np.ndarray) -> dict[str, float]:
        """Distances from the real pictures, and diversity: the mean distance of two pictures, real ones having 1."""
        neighbours = neighbour_figures(self.real, features)
        return {
            "frechet": _frechet(self.real, features),
            "precision": neighbours.precision,
            "recall": neighbours.recall,
            "diversity": _spread(features) / _spread(self.real),
        }


def _frechet(real: np.ndarray, generated: np.ndarray) -> float:
    one, other = Moments.of(real), Moments.of(generated)
    return frechet_distance(one.mean, one.covariance, other.mean, other.covariance)


def _spread(features: np.ndarray) -> float:
    """The mean distance between two neighbours in the list, which are in no order."""
    return float(np.linalg.norm(features - np.roll(features, 1, axis=0), axis=1).mean())


def settings_of(preset: str, seed: int) -> GANSettings:
    """Of one training."""
    return GANSettings.model_validate({"preset": preset, "seed": seed} | COMMON)


def measured_before(preset: str, seed: int, runs: Path) -> dict[str, Any] | None:
    """What an earlier training of the same settings came to, if there was one."""
    return tables.measured_before(runs / f"{preset}-{seed}.json", settings_of(preset, seed))


def result(preset: str, seed: int, data: str, runs: Path, looker: Looker) -> dict[str, Any]:
    """Of one training: read, if it was measured before, or made."""
    if (known := measured_before(preset, seed, runs)) is not None:
        return known
    settings, folder = settings_of(preset, seed), runs / f"{preset}-{seed}"
    finished(train_events(data, folder, settings))
    gan = GAN.from_pretrained(folder, "cpu")
    pixels = gan.sample_array(range(SAMPLES)).transpose(0, 3, 1, 2)
    found = looker.figures(looker.features(np.ascontiguousarray(pixels))) | {
        "settings": settings.model_dump(mode="json", exclude_defaults=True)
    }
    paths.write_atomically(runs / f"{preset}-{seed}.json", json.dumps(found).encode())
    print(preset, seed, {name: value for name, value in found.items() if name != "settings"}, flush=True)
    return found


def row(preset: str, year: str, results: list[dict[str, Any]]) -> list[str]:
    """A line of the table: means over seeds."""
    cells = [np.mean([found[name] for found in results]) for name in ("frechet", "precision", "recall", "diversity")]
    return [preset, year, str(len(results)), f"{cells[0]:.3g}", *(f"{cell:.2f}" for cell in cells[1:])]


def main() -> None:
    """Seed by seed over all presets; the table is written after each."""
    data, runs, page = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    runs.mkdir(parents=True, exist_ok=True)
    looker = Looker(data)
    columns = ["preset", "year", "seeds", "Fréchet distance", "precision", "recall", "diversity"]
    real = row("other real pictures", "", [looker.figures(looker.other_real)])
    for seed in SEEDS:
        for preset in sys.argv[4:] or PRESETS:
            result(preset, seed, data, runs, looker)
            known = {name: [found for s in SEEDS if (found := measured_before(name, s, runs))] for name in PRESETS}
            rows = [row(f"`{name}`", str(PRESETS[name].year), some) for name, some in known.items() if some]
            tables.write(page, "presets", columns, [real, *rows])


if __name__ == "__main__":
    main()
