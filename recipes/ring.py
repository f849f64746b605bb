"""The table of docs/timeline.md on a ring of eight Gaussians: which presets find all of them, and how exactly.

    python recipes/ring.py RUNS docs/timeline.md [PRESET...]

Points in the plane are pictures of 1 x 1 pixels with two colours: the package's own trainer, losses and penalties
learn them, with the pair `mlp` in place of each preset's networks. RUNS keeps what was measured, and the training that
is under way: killed at any moment, the same command goes on. The table holds what there is so far.

The ring is that of Metz et al. 2017 ("Unrolled GANs", radius 2 and deviation 0.02), made small enough for [-1, 1].
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tables
import torch

from scumble import GANSettings, device, paths
from scumble.data.dataset import Dataset
from scumble.data.labels import UNLABELLED
from scumble.gan.presets import PRESETS
from scumble.gan.tasks.latent import LatentGAN
from scumble.storage import checkpoint
from scumble.training.task import Batch, Moment
from scumble.training.trainer import Trainer

MODES, RADIUS, DEVIATION = 8, 0.8, 0.008
SEEDS = range(5)
COMMON: dict[str, Any] = {
    "network": "mlp",
    "width": 16,
    "latent": 16,
    "batch": 128,
    "lr": 1e-3,
    "decay": "linear",
}
"""Beside a preset's own settings."""

SHOWN = [name for name, preset in PRESETS.items() if "task" not in preset.values]
"""Those of one generator of latents against one discriminator: what others learn besides, points do not have."""

GENERATOR_STEPS = 4000
WEIGHTS_FOR_POINTS = {"gp": 0.1, "dragan": 0.1}
"""Of penalties on slopes other than 1, a hundredth of those for pictures, as in Gulrajani et al.'s program for points:
modes lie so close that the discriminator must be steeper between them."""

SAMPLES = 10_000
FOUND = 0.1
"""A mode is found if it has at least this part of its fair share of the samples, within three deviations."""

TOLD = {"none": "", "few-labels": "half of the points' modes"} | dict.fromkeys(
    ("plane", "projection", "auxiliary", "coupled"), "the mode"
)
"""By condition, what the networks are told; with a few labels, the discriminator alone."""

CHECKPOINT_SECONDS = 30.0

ANGLES = torch.arange(MODES) * (2 * math.pi / MODES)
CENTRES = RADIUS * torch.stack([ANGLES.cos(), ANGLES.sin()], 1)  # (modes, 2)

# The trainer asks for the shape of the pictures and for their classes, which are the modes: of each, as many as a
# preset with a few labels wants to choose from.
LABELS = np.arange(16 * MODES) % MODES
PLACEHOLDER = Dataset("ring", np.zeros((len(LABELS), 2, 1, 1), np.uint8), LABELS, tuple("abcdefgh"), "ring")


class Ring(LatentGAN):
    """The package's task on points that never repeat: bytes would be too coarse for them."""

    def batch(self, moment: Moment) -> Batch:
        """(N, 2, 1, 1) points, and their modes if these are looked at."""
        random = moment.generator()
        modes = torch.randint(MODES, (self.settings.batch,), generator=random)
        points = CENTRES[modes] + DEVIATION * torch.randn(len(modes), 2, generator=random)
        labels = modes.clone()
        if self.settings.condition == "few-labels":
            labels[1::2] = UNLABELLED  # every second one is known, as in batches of pictures
        latents = torch.randn(len(modes), self.settings.latent, generator=random)
        return {
            "real": points[:, :, None, None],
            "latents": latents,
            "labels": None if self.labels is None else labels,
            "random": random,
        }


def trained(settings: GANSettings, folder: Path) -> Trainer:
    """A finished training, from wherever `folder` says that it stood."""
    trainer = Ring(settings, PLACEHOLDER, False, device.choose("cpu", "float32")).trainer()
    checkpoint.newest(folder, trainer.restored)
    saved = time.perf_counter()
    while trainer.images_seen < settings.images:
        trainer.train_step()
        if time.perf_counter() - saved > CHECKPOINT_SECONDS:
            checkpoint.write(folder, trainer.images_seen, trainer.state())
            saved = time.perf_counter()
    return trainer


@torch.inference_mode()
def measured(trainer: Trainer, settings: GANSettings) -> dict[str, Any]:
    """How many modes the averaged generator has found, and the share of its samples within three deviations of one."""
    latents = torch.randn(SAMPLES, settings.latent, generator=torch.Generator().manual_seed(0))
    labels = [torch.arange(SAMPLES) % MODES] if settings.draws_classes else []
    points = trainer.averages["generator"](latents, *labels).flatten(1)
    distances, nearest = torch.cdist(points, CENTRES).min(1)
    close = distances < 3 * DEVIATION
    counts = nearest[close].bincount(minlength=MODES)
    return {
        "modes": int((counts >= FOUND * SAMPLES / MODES).sum()),
        "close": close.float().mean().item(),
        "finite": bool(points.isfinite().all()),
    }


def settings_of(preset: str, seed: int) -> GANSettings:
    """Of one training: equally many steps of the generator, and no batch norm, through which points see one another."""
    given = {"preset": preset, "seed": seed} | COMMON
    own = GANSettings.model_validate(given)
    changed: dict[str, Any] = {"images": own.batch * own.critic_steps * GENERATOR_STEPS}
    if own.norm == "batch":
        changed["norm"] = "none"
    if own.penalty in WEIGHTS_FOR_POINTS:
        changed["penalty_weight"] = WEIGHTS_FOR_POINTS[own.penalty]
    return GANSettings.model_validate(given | changed)


def measured_before(preset: str, seed: int, runs: Path) -> dict[str, Any] | None:
    """What an earlier training of the same settings came to, if there was one."""
    return tables.measured_before(runs / f"{preset}-{seed}.json", settings_of(preset, seed))


def result(preset: str, seed: int, runs: Path) -> dict[str, Any]:
    """Of one training: read, if it was measured before, or made."""
    if (known := measured_before(preset, seed, runs)) is not None:
        return known
    settings, folder = settings_of(preset, seed), runs / f"{preset}-{seed}"
    started = time.perf_counter()
    found = measured(trained(settings, folder), settings) | {
        "settings": settings.model_dump(mode="json", exclude_defaults=True),
        "seconds": time.perf_counter() - started,
    }
    paths.write_atomically(runs / f"{preset}-{seed}.json", json.dumps(found).encode())
    for number in checkpoint.numbers_in(folder):
        (folder / f"{number:012}.safetensors").unlink()
    print(preset, seed, {name: value for name, value in found.items() if name != "settings"}, flush=True)
    return found


def row(preset: str, results: list[dict[str, Any]]) -> list[str]:
    """A line of the table."""
    modes = [found["modes"] for found in results]
    close = [100 * found["close"] for found in results]
    told = TOLD[PRESETS[preset].values.get("condition", "none")]
    return [
        f"`{preset}`",
        str(PRESETS[preset].year),
        told,
        " ".join(map(str, modes)),
        f"{modes.count(MODES)} of {len(modes)}",
        f"{np.mean(close):.1f} ({min(close):.1f} to {max(close):.1f})",
    ]


def main() -> None:
    """Seed by seed over all presets, so that the table is soon there, and then becomes exact."""
    runs, page = Path(sys.argv[1]), Path(sys.argv[2])
    torch.set_num_threads(1)  # tiny networks: threads would only wait for one another
    runs.mkdir(parents=True, exist_ok=True)
    columns = ["preset", "year", "knows", "modes found, by seed", "all eight", "% within 3 standard deviations"]
    for seed in SEEDS:
        for preset in sys.argv[3:] or SHOWN:
            result(preset, seed, runs)
            known = {name: [found for s in SEEDS if (found := measured_before(name, s, runs))] for name in SHOWN}
            tables.write(page, "ring", columns, [row(name, some) for name, some in known.items() if some])


if __name__ == "__main__":
    main()
