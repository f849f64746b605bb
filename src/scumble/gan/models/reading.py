"""Facts and weights of a trained model, from its folder, a run or one of the run's checkpoints."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from scumble import device
from scumble.errors import RunError, first_line
from scumble.gan.facts import GANFacts
from scumble.gan.format_1 import networks_upgraded
from scumble.gan.models.classes import check_label_sets
from scumble.gan.networks.build import MISFITS, build, filled, to_device
from scumble.gan.settings import GANSettings
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.folder import FACTS, WEIGHTS, check_finite, read_weights
from scumble.storage.run import Run
from scumble.training.facts import RunFacts

SUFFIX = ".safetensors"
Facts = TypeVar("Facts", bound=RunFacts)


def holds(folder: Path, name: str) -> bool:
    """Whether there is such a file in a folder, if that can be told."""
    try:
        return (folder / name).exists()
    except (OSError, ValueError):  # a name that the system refuses: reading it will say why
        return False


def is_trained(folder: Path) -> bool:
    """Whether this looks like a run, a model or a checkpoint; reading it may still fail."""
    return holds(folder, FACTS) or folder.suffix == SUFFIX


def read(folder: Path) -> tuple[GANFacts, dict[str, torch.Tensor]]:
    """Facts and weights of a GAN; raises as `read_model`."""
    return read_model(folder, GANFacts, "GAN", lambda facts: ("generator", "discriminator"), networks_upgraded)


def read_networks(folder: Path, device_name: str) -> tuple[nn.Module, nn.Module, GANFacts]:
    """Generator and discriminator of a GAN, ready to be used on a device, and its facts.

    Raises:
        RunError: as `read_model`, and if the weights are not those of the settings.
        SettingsError: if the device is not there.
    """
    placement = device.choose(device_name, "float32")
    facts, tensors = read(folder)
    try:
        data, settings = facts.data, GANSettings(**facts.settings)
        check_label_sets(data)
        generator, discriminator = filled(
            lambda: build(settings, data.shape, len(data.classes)),
            [checkpoint.under(name, tensors) for name in ("generator", "discriminator")],
        )
    except MISFITS as error:
        raise RunError(f"{folder} does not hold what its settings say: {first_line(error)}") from error
    for network in (generator, discriminator):
        to_device(network.eval().requires_grad_(False), placement.device)
    return generator, discriminator, facts


def read_model(
    folder: Path,
    kind: type[Facts],
    noun: str,
    names: Callable[[Facts], Iterable[str]],
    upgraded: Callable[[Checkpoint], Checkpoint] = lambda saved: saved,
) -> tuple[Facts, dict[str, torch.Tensor]]:
    """Facts and weights of a model or a run; of a file of one of them where it is given.

    Args:
        folder: where they are.
        kind: the record of its facts, which knows `images_seen`.
        noun: what it is called.
        names: of the networks that a model holds.
        upgraded: brings a checkpoint to date.

    Raises:
        RunError: if there is none, or its files cannot be read, are damaged, or those of another run.
    """
    is_file = folder.suffix == SUFFIX and not folder.is_dir()
    if holds(folder, WEIGHTS) or (is_file and folder.name == WEIGHTS):
        folder = folder.parent if is_file else folder
        return kind.read_from(folder), read_weights(folder / WEIGHTS)
    run = Run(folder.absolute().parent.parent if is_file else folder)
    facts = kind.of_run(run)
    numbers = checkpoint.numbers_in(run.checkpoints)
    if facts is None or not (numbers or is_file):
        raise RunError(f"{folder} is no trained {noun}: it has neither model.safetensors nor checkpoints")
    path = folder if is_file else checkpoint.at(run.checkpoints, numbers[-1])
    return _read_checkpoint(path, facts, names(facts), upgraded)


def _read_checkpoint(
    path: Path, facts: Facts, names: Iterable[str], upgraded: Callable[[Checkpoint], Checkpoint]
) -> tuple[Facts, dict[str, torch.Tensor]]:
    """Facts and weights of a run at the moment of a checkpoint; nothing is drawn with one that is not as it was made.

    Raises:
        RunError: if it is damaged, not finite, or not of the run with these facts.
    """
    saved = upgraded(checkpoint.read(path))
    if saved.facts.get("identity", "") not in (None, facts.known_by):
        raise RunError(f"{path}: {checkpoint.OF_ANOTHER_RUN}")
    networks = {}
    for name in names:  # its average, where one is kept
        average = checkpoint.under(f"averages.{name}", saved.tensors)
        of_one = average or checkpoint.under(f"modules.{name}", saved.tensors)
        networks |= {f"{name}.{key}": value for key, value in of_one.items()}
    check_finite(str(path), networks)
    return facts.model_copy(update={"images_seen": saved.facts.get("images_seen")}), networks
