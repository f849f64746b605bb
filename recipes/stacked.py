"""The table of docs/timeline.md on stacked MNIST: how many of a thousand modes a preset finds.

    python recipes/stacked.py mnist.npz RUNS docs/timeline.md [PRESET...]

Three digits at random are the three colours of a picture (Metz et al. 2017, "Unrolled GANs"), so that there are 1,000
kinds of pictures, all equally frequent. Which kind a generated one is, a small classifier says that was trained on the
digits. Everything in RUNS goes on where it was stopped, and the table holds what there is so far.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tables
import torch
import torch.nn.functional as F
from presets import finished
from torch import nn

from scumble import GAN, GANSettings, paths, train_events
from scumble.data import batches, dataset
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_source, open_testing_part
from scumble.data.sources.source import Source
from scumble.gan.models.sample import draw_latents
from scumble.gan.presets import PRESETS
from scumble.image.tensors import to_signed
from scumble.training.task import Batch, Moment, Outcome, Task, Update
from scumble.training.trainer import Trainer

COMPARED = ("dcgan", "rpgan")
SIZE, STACKED, SAMPLES, CHUNK = 16, 50_000, 26_000, 500
MODES, SURE = 1000, 0.9
COMMON: dict[str, Any] = {"images": 240_000, "width": 16, "batch": 64, "lr": 5e-4, "decay": "linear", "grids": 8}
"""Beside a preset's own settings."""

OWN: dict[str, dict[str, Any]] = {"rpgan": {"penalty_weight": 20.0}}
"""What depends on the pictures: at a weight of 1, the discriminator leaves the generator far behind here."""

EPOCHS, BATCH, LR = 3, 64, 2e-3
CPU = torch.device("cpu")


def digits(source: Source | None) -> Dataset:
    """Grey, `SIZE` x `SIZE`."""
    assert source is not None
    return finished(dataset.prepare(source, (SIZE, SIZE), 1))


def stacked(pixels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(count, H, W, 3) of (N, 1, H, W) digits: each colour is one at random."""
    chosen = np.random.default_rng(seed).integers(len(pixels), size=(count, 3))
    return np.stack([pixels[column, 0] for column in chosen.T], axis=-1)


# --- Which kind a picture is ----------------------------------------------------------------------------------------


def classifier() -> nn.Sequential:
    """(N, 1, 16, 16) in [-1, 1] to (N, 10) logits."""
    layers = [
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * (SIZE // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, 10)),
    ]
    return nn.Sequential(*layers)


def trained_classifier(learn: Dataset, path: Path) -> nn.Module:
    """As it lies at `path`, or made, in half a minute."""
    torch.manual_seed(0)
    network = classifier()
    if path.exists():
        network.load_state_dict(torch.load(path, weights_only=True))
        return network.eval()
    steps = EPOCHS * len(learn.pixels) // BATCH
    trainer = Trainer(classification(network, learn, steps))
    for _ in range(steps):
        trainer.train_step()
    partial = path.with_suffix(".part")
    torch.save(network.state_dict(), partial)
    partial.replace(path)
    return network.eval()


def classification(network: nn.Module, learn: Dataset, steps: int) -> Task:
    """To tell the ten digits; the learning rate falls to 0 in a line."""
    labels = learn.labels
    assert labels is not None

    def batch(moment: Moment) -> Batch:
        chosen = batches.indices(len(learn.pixels), BATCH, moment.step, 0)
        return {"pictures": to_signed(learn.pixels[chosen], CPU), "labels": torch.from_numpy(labels[chosen])}

    def loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(F.cross_entropy(network(batch["pictures"]), batch["labels"]))

    update = Update(
        "network",
        ("network",),
        loss,
        lambda parameters: torch.optim.Adam(parameters, LR),
        schedule=lambda step: {"lr": LR * (1 - step / steps)},
    )
    return Task({"network": network}, (update,), batch, BATCH)


@torch.inference_mode()
def kinds(network: nn.Module, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Of (N, 3, H, W) pictures, the (N,) kinds from 0 to 999, and (N,) whether all three digits are clear."""
    odds = network(pictures.flatten(0, 1)[:, None]).softmax(1)
    sure, digit = (each.unflatten(0, (-1, 3)) for each in odds.max(1))
    return digit @ torch.tensor([100, 10, 1]), (sure > SURE).all(1)


def figures(found: torch.Tensor, clear: torch.Tensor) -> dict[str, float]:
    """Modes that have a sample at least, as is usual; the divergence KL(samples || uniform); what can be read.

    Even a uniform distribution has a divergence of about (modes - 1) / (2 samples), 0.019 here: it is not taken off.
    """
    shares = found.bincount(minlength=MODES).double() / len(found)
    return {
        "modes": int((shares > 0).sum()),
        "clear_modes": len(found[clear].unique()),
        "divergence": torch.special.xlogy(shares, MODES * shares).sum().item(),
        "clear": clear.double().mean().item(),
    }


@torch.inference_mode()
def measured(gan: GAN, network: nn.Module) -> dict[str, float]:
    """Of the averaged generator."""
    seen = []
    for start in range(0, SAMPLES, CHUNK):
        pictures = gan.generator(draw_latents(range(start, start + CHUNK), gan.settings.latent))
        seen.append(kinds(network, pictures))
    return figures(*map(torch.cat, zip(*seen, strict=True)))


# --- Trainings ------------------------------------------------------------------------------------------------------


def settings_of(preset: str) -> GANSettings:
    """Of one training."""
    return GANSettings.model_validate({"preset": preset} | COMMON | OWN.get(preset, {}))


def measured_before(preset: str, runs: Path) -> dict[str, Any] | None:
    """What an earlier training of the same settings came to, if there was one."""
    return tables.measured_before(runs / f"{preset}.json", settings_of(preset))


def result(preset: str, runs: Path, network: nn.Module) -> dict[str, Any]:
    """Of one training: read, if it was measured before, or made."""
    if (known := measured_before(preset, runs)) is not None:
        return known
    settings, started = settings_of(preset), time.perf_counter()
    finished(train_events(runs / "stacked.npz", runs / preset, settings))
    found = measured(GAN.from_pretrained(runs / preset, "cpu"), network) | {
        "settings": settings.model_dump(mode="json", exclude_defaults=True),
        "seconds": time.perf_counter() - started,
    }
    paths.write_atomically(runs / f"{preset}.json", json.dumps(found).encode())
    print(preset, {name: value for name, value in found.items() if name != "settings"}, flush=True)
    return found


def row(name: str, year: str, found: dict[str, Any]) -> list[str]:
    """A line of the table."""
    return [
        name,
        year,
        f"{found['modes']:,}",
        f"{found['clear_modes']:,}",
        f"{found['divergence']:.3f}",
        f"{100 * found['clear']:.1f}",
    ]


def main() -> None:
    """One preset after the other; the table is written after each."""
    data, runs, page = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    runs.mkdir(parents=True, exist_ok=True)
    learn, test = digits(open_source(data)), digits(open_testing_part(data))
    if not (runs / "stacked.npz").exists():
        np.savez(runs / "part.npz", x=stacked(learn.pixels, STACKED, seed=0))
        (runs / "part.npz").replace(runs / "stacked.npz")
    network = trained_classifier(learn, runs / "classifier.pt")
    with torch.inference_mode():
        said = network(to_signed(test.pixels, CPU)).argmax(1).numpy()
    print(f"errors of the classifier: {(said != test.labels).mean():.2%}", flush=True)
    other = torch.from_numpy(stacked(test.pixels, SAMPLES, seed=1)).permute(0, 3, 1, 2).float() / 127.5 - 1
    real = row("other real pictures", "", figures(*kinds(network, other)))
    columns = ["preset", "year", "modes", "of clear digits", "KL to uniform", "% clear"]
    for preset in sys.argv[4:] or COMPARED:
        result(preset, runs, network)
        known = {name: found for name in PRESETS if (found := measured_before(name, runs)) is not None}
        rows = [row(f"`{name}`", str(PRESETS[name].year), found) for name, found in known.items()]
        tables.write(page, "stacked", columns, [real, *rows])


if __name__ == "__main__":
    main()
