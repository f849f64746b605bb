"""Networks that learn with labels: the supervised baseline of a probe, and semi-supervised GANs beside it.

The baseline is the discriminator's network from scratch, trained with the same labels alone. It has batch norm,
whatever norm the GAN has: spectral norm holds it back (docs/log.md), and a baseline must be strong.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from scumble import device
from scumble.data import batches
from scumble.data.labels import UNLABELLED
from scumble.errors import RunError, SettingsError
from scumble.gan.combinations import PLAIN_NETWORKS
from scumble.gan.models.gan import GAN
from scumble.gan.networks.build import build, to_device
from scumble.gan.networks.conditioning import AuxiliaryDiscriminator, unconditional
from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.features import BATCH as PREDICTION_BATCH
from scumble.gan.probe.features import with_statistics_of
from scumble.gan.probe.table import confusion
from scumble.gan.probe.trials import Trial
from scumble.gan.settings import ClassifySettings, GANSettings
from scumble.image.tensors import to_signed
from scumble.training.task import Batch, Moment, Outcome, Task, Update
from scumble.training.trainer import Trainer

BATCH, LR, EPOCHS = 64, 1e-3, 5
"""Adam's own rate; 64 is the batch of most GANs here."""


def supervised(gan: GAN, data: ProbeData, settings: ClassifySettings) -> Callable[[Trial], np.ndarray]:
    """The baseline: a function that trains a network with the labels of a trial, and predicts (M,) test classes."""

    def predict(trial: Trial) -> np.ndarray:
        chosen = data.draw(trial.per_class, settings.seed, trial.draw)
        learner = trainer(gan, data, chosen, settings.seed + trial.draw)
        for _ in range(steps_of(len(chosen), settings)):
            learner.train_step()
        return predictions(learner.task.modules["network"].eval(), data.test_pixels)

    return predict


def trainer(gan: GAN, data: ProbeData, chosen: np.ndarray, seed: int) -> Trainer:
    """A trainer of the baseline, with the labels of the pictures at (n,) positions."""
    network = fresh_network(gan, len(data.classes), seed)
    return Trainer(supervised_task(network, data.pixels[chosen], data.labels[chosen], seed), seed)


def steps_of(count: int, settings: ClassifySettings) -> int:
    """How many steps it learns from so many pictures."""
    return max(settings.supervised_steps, EPOCHS * count // min(BATCH, count))


def fresh_network(gan: GAN, classes: int, seed: int) -> nn.Module:
    """The baseline before its training, with logits of classes; `normfree` stays without a norm.

    Where a discriminator has no place for classes, it is the default one.
    """
    values = gan.facts.settings | {"task": "latent", "condition": "auxiliary", "loss": "bce", "seed": seed}
    if values["network"] not in PLAIN_NETWORKS:
        values["network"] = GANSettings.model_fields["network"].default
    if values["network"] != "normfree":
        values |= {"norm": "batch", "penalty": "none", "penalty_weight": None}
    _, network = build(GANSettings(**values), gan.facts.data.shape, classes)
    to_device(network, next(gan.discriminator.parameters()).device)
    return network.train()


def supervised_task(network: nn.Module, pixels: np.ndarray, labels: np.ndarray, seed: int) -> Task:
    """To learn the (N,) labels of (N, C, H, W) uint8 pictures, by the cross-entropy of the network's logits of classes.

    In bfloat16 where that is fast, as GANs are trained: half the time.
    """
    placement = device.choose(str(next(network.parameters()).device))
    size = min(BATCH, len(labels))

    def batch(moment: Moment) -> Batch:
        some = batches.indices(len(labels), size, moment.step, seed)
        return {"pictures": to_signed(pixels[some], placement.device), "labels": torch.from_numpy(labels[some])}

    def loss(batch: Batch, moment: Moment) -> Outcome:
        logits = placement.compute(network, batch["pictures"], None)
        return Outcome(F.cross_entropy(logits[:, 1:], batch["labels"].to(placement.device)))

    update = Update("network", ("network",), loss, lambda parameters: torch.optim.Adam(parameters, LR))
    return Task({"network": network}, (update,), batch, size)


@torch.no_grad()
def predictions(network: nn.Module, pixels: np.ndarray) -> np.ndarray:
    """The (N,) likeliest classes of (N, C, H, W) uint8 pictures, by the network's own logits of classes."""
    assert not network.training
    placement = next(network.parameters()).device
    chunks = (pixels[start : start + PREDICTION_BATCH].copy() for start in range(0, len(pixels), PREDICTION_BATCH))
    parts = [network(to_signed(some, placement), None)[:, 1:].argmax(1) for some in chunks]
    return torch.cat(parts).cpu().numpy()


def semi_supervised(
    runs: Sequence[str | Path], data: ProbeData, settings: ClassifySettings
) -> Iterator[tuple[int | None, np.ndarray]]:
    """Of each semi-supervised run: its labels per class, None where it was given all, and its confusion matrix.

    Raises:
        SettingsError: if a run is of another kind.
        RunError: if it was trained on other pictures, or with labels of those that it would be tested with.
    """
    for run in runs:
        gan = GAN.from_pretrained(run, settings.device)
        if not isinstance(gan.discriminator, AuxiliaryDiscriminator) or gan.settings.draws_classes:
            raise SettingsError(f"{run} is a run with condition {gan.settings.condition}; wanted few-labels")
        facts = gan.facts.data
        if facts.classes != data.classes or not data.digest.startswith(facts.digest):
            raise RunError(f"{run} was trained on {facts.name}; wanted a run on the same pictures")
        if not data.is_apart:
            why = f"{run} has learnt from the labels that it would be tested with ({data.tested_by})"
            raise RunError(f"{why}; wanted data with a part for testing")
        all_known = bool((data.labels != UNLABELLED).all())
        with_statistics_of(unconditional(gan.discriminator), data.pixels)
        yield (
            gan.settings.labelled if all_known else None,
            confusion(predictions(gan.discriminator, data.test_pixels), data),
        )
