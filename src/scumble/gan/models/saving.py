"""A trained GAN as a folder that explains itself: settings, weights, samples and a model card."""

from pathlib import Path
from typing import TYPE_CHECKING

from scumble import paths
from scumble.errors import RunError
from scumble.gan.models.card import card
from scumble.gan.models.reading import holds
from scumble.image import files
from scumble.image.tensors import grid
from scumble.storage.folder import FACTS, WEIGHTS, as_safetensors, make, writing

if TYPE_CHECKING:
    from scumble.gan.models.gan import GAN

CARD_SAMPLES = 64


def write(gan: "GAN", folder: Path) -> None:
    """Write settings.json, model.safetensors, samples.png and README.md, a model card.

    Raises:
        RunError: if the folder cannot be written, or is that of a run.
    """
    if holds(folder, FACTS) and not holds(folder, WEIGHTS):
        raise RunError(f"{folder} is a run; wanted a folder of its own for the model")
    tensors = {
        f"{name}.{key}": tensor
        for name, network in (("generator", gan.generator), ("discriminator", gan.discriminator))
        for key, tensor in network.state_dict().items()
    }
    sheet = grid(gan.sample_array(range(CARD_SAMPLES)), 8)
    make(folder)
    with writing(folder):
        files.save(sheet, folder / "samples.png")
        paths.write_atomically(folder / "README.md", card(gan.facts).encode(errors="replace"))
        paths.write_atomically(folder / WEIGHTS, as_safetensors(tensors))
    gan.facts.write_to(folder)
