"""Facts and weights of a trained GAN, from a model's folder, a run or one of its checkpoints."""

from pathlib import Path

import torch

from scumble.errors import RunError
from scumble.gan.facts import GANFacts
from scumble.gan.format_1 import networks_upgraded
from scumble.storage import checkpoint
from scumble.storage.folder import FACTS, WEIGHTS, check_finite, read_weights
from scumble.storage.run import Run

SUFFIX = ".safetensors"


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
    """Facts and weights of a model or a run; of a file of one of them where it is given.

    Raises:
        RunError: if there is no trained GAN, or its files cannot be read, are damaged, or those of another run.
    """
    is_file = folder.suffix == SUFFIX and not folder.is_dir()
    if holds(folder, WEIGHTS) or (is_file and folder.name == WEIGHTS):
        folder = folder.parent if is_file else folder
        return GANFacts.read_from(folder), read_weights(folder / WEIGHTS)
    run = Run(folder.absolute().parent.parent if is_file else folder)
    facts = GANFacts.of_run(run)
    numbers = checkpoint.numbers_in(run.checkpoints)
    if facts is None or not (numbers or is_file):
        raise RunError(f"{folder} is no trained GAN: it has neither model.safetensors nor checkpoints")
    return _read_checkpoint(folder if is_file else checkpoint.at(run.checkpoints, numbers[-1]), facts)


def _read_checkpoint(path: Path, facts: GANFacts) -> tuple[GANFacts, dict[str, torch.Tensor]]:
    """Facts and weights of a run at the moment of a checkpoint; nothing is drawn with one that is not as it was made.

    Raises:
        RunError: if it is damaged, not finite, or not of the run with these facts.
    """
    saved = networks_upgraded(checkpoint.read(path))
    if saved.facts.get("identity", "") not in (None, facts.known_by):
        raise RunError(f"{path}: {checkpoint.OF_ANOTHER_RUN}")
    homes = {"generator": "averages.generator", "discriminator": "modules.discriminator"}
    networks = {
        f"{name}.{key}": value
        for name, home in homes.items()
        for key, value in checkpoint.under(home, saved.tensors).items()
    }
    check_finite(str(path), networks)
    return facts.model_copy(update={"images_seen": saved.facts.get("images_seen")}), networks
