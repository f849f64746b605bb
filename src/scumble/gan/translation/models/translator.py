"""A trained translator: loaded from a folder, asked for pictures, saved to a folder that explains itself."""

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from PIL import Image
from torch import nn

from scumble import device, jobs, paths
from scumble.data.labels import multi_hot
from scumble.errors import RunError, SettingsError, first_line
from scumble.gan.models.reading import holds, read_model
from scumble.gan.models.sample import draw_latents
from scumble.gan.networks.build import MISFITS, to_device
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.kind import Direction, Kind
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.models.card import card
from scumble.gan.translation.networks.build import filled
from scumble.gan.translation.settings import TranslationSettings
from scumble.storage.folder import FACTS, WEIGHTS, as_safetensors, make, writing

if TYPE_CHECKING:
    from scumble.gan.translation.evaluation.evaluate import TranslationEvaluation
    from scumble.gan.translation.forms import Data
    from scumble.image.files import PictureSource

SAMPLES = "samples.png"


class Translator:
    """Networks that turn one kind of picture into another: the moving averages of their training.

    Args:
        networks: by name, those of the kind's `result`, in evaluation mode.
        facts: what a run's settings.json holds, and `images_seen`.
        direction: "forward", from the kind of picture that it was trained to start from; "backward" for the other way,
            where its networks can.
        samples: a PNG file with some of what it makes, for its folder; None for none.

    Example:
        >>> translator = scumble.Translator.from_pretrained("runs/colours")  # doctest: +SKIP
        >>> translator("grey.jpg").save("coloured.png")  # doctest: +SKIP
    """

    def __init__(
        self,
        networks: Mapping[str, nn.Module],
        facts: TranslationFacts,
        direction: Direction = "forward",
        samples: bytes | None = None,
    ):
        self.networks, self.facts, self.direction, self.samples = dict(networks), facts, direction, samples
        self.settings = TranslationSettings(**facts.settings)
        self.kind: Kind = KINDS[self.settings.kind]
        if direction not in self.kind.directions:
            known = " or ".join(self.kind.directions)
            raise SettingsError(
                f"direction: got {direction}, wanted {known}: {self.settings.preset} learns no other way"
            )
        self.network = self.kind.translation(self.networks, direction).eval()

    def __repr__(self) -> str:
        seen = "" if self.facts.images_seen is None else f" for {self.facts.images_seen:,} images"
        return f"<Translator: preset {self.settings.preset}, trained on {self.facts.data.name}{seen}>"

    def __call__(self, picture: "PictureSource", seed: int = 0, target: str | None = None) -> Image.Image:
        """What becomes of a picture, of any size.

        Args:
            picture: a path, a PIL picture or a NumPy array.
            seed: of the style, where results differ in style: another seed, another one.
            target: the class to turn it into, where it was trained with classes; of several labels, those that it is to
                have, with commas between.

        Raises:
            ImageError: if the picture cannot be read, or has other channels.
            SettingsError: if there is no such target, or one is missing.

        Example:
            >>> [translator("shoe.png", seed=seed) for seed in range(4)]  # doctest: +SKIP
        """
        # By its name: whoever applies models imports this one.
        return jobs.load("scumble.gan.translation.applying.apply:translate")(self, picture, seed, target)

    @classmethod
    def from_pretrained(cls, folder: str | Path, device_name: str = "auto", direction: Direction = "forward") -> Self:
        """Load a model's folder, or the newest state of a run, finished or not.

        Args:
            folder: what `save_pretrained` wrote, or a run of `scumble translate train`, or one of its checkpoints.
            device_name: "auto", or torch's name of a device.
            direction: "forward" or "backward".

        Raises:
            RunError: if there is no such folder, its files are missing, damaged, or of another version, or its weights
                are no finite numbers or those of another run.
            SettingsError: if the device is not there, or it cannot be used in this direction.
        """
        folder = Path(folder)
        placement = device.choose(device_name, "float32")
        facts, tensors = read_model(folder, TranslationFacts, "translator", _names)
        try:
            networks = filled(TranslationSettings(**facts.settings), facts.shapes, tensors)
        except MISFITS as error:
            raise RunError(f"{folder} does not hold what its settings say: {first_line(error)}") from error
        for network in networks.values():
            to_device(network.eval().requires_grad_(False), placement.device)
        samples = None
        with contextlib.suppress(OSError):
            samples = (folder / SAMPLES).read_bytes()
        return cls(networks, facts, direction, samples)

    @property
    def device(self) -> torch.device:
        """Where the networks are."""
        return next(self.network.parameters()).device

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes that it can turn pictures into; none if it was trained without."""
        return self.facts.data.classes if "target" in self.kind.told else ()

    @property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """Those of the cuts that it was trained to start from and to end with, (C, H, W)."""
        a, b, _ = self.facts.shapes
        return (a, b) if self.direction == "forward" else (b, a)

    @property
    def multiple(self) -> int:
        """What sides fit best: others are padded and cut."""
        return self.kind.multiple(self.settings)

    @property
    def enlarges(self) -> int:
        """How many times a side of the result is as long."""
        before, after = self.shapes
        return max(1, after[1] // before[1])

    def told(self, seed: int = 0, target: str | None = None) -> dict[str, torch.Tensor]:
        """What the network takes beside the picture, for one picture, by the kind's names; a mask is not among it.

        Raises:
            SettingsError: if there is no such target, or one is missing.
        """
        told = {}
        if "code" in self.kind.told:
            told["code"] = draw_latents([seed], self.settings.latent)
        if "target" in self.kind.told:
            told["target"] = self._target(target)
        elif target is not None:
            raise SettingsError(f"target: got {target!r}, and {self.settings.preset} knows of none; wanted none")
        return {name: tensor.to(self.device) for name, tensor in told.items()}

    def _target(self, target: str | None) -> torch.Tensor:
        known = ", ".join(self.classes)
        names = [] if target is None else [name.strip() for name in target.split(",")]
        unknown = [name for name in names if name not in self.classes]
        if target is None or unknown:
            got = "none" if target is None else repr(unknown[0])
            raise SettingsError(f"target: got {got}, wanted one of {known}")
        numbers = [self.classes.index(name) for name in names]
        return torch.from_numpy(multi_hot([numbers], len(self.classes))).float()

    def evaluate(self, data: "Data", labels: str | Path | None = None) -> "TranslationEvaluation":
        """Figures on pictures that it has never learnt from, beside those of what takes no network.

        Args:
            data: what it was trained on, or other pictures in the same form, of which those for testing are taken.
            labels: as with the training.

        Raises:
            DataError: if the pictures cannot be read, or nothing can be measured of them.

        Example:
            >>> translator.evaluate("photos").figures["l1"].value  # doctest: +SKIP
        """
        return jobs.load("scumble.gan.translation.evaluation.evaluate:evaluate")(self, data, labels)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write settings.json, model.safetensors, README.md, a model card, and samples.png where there are samples.

        Raises:
            RunError: if the folder cannot be written, or is that of a run.
        """
        folder = Path(folder)
        if holds(folder, FACTS) and not holds(folder, WEIGHTS):
            raise RunError(f"{folder} is a run; wanted a folder of its own for the model")
        tensors = {
            f"{name}.{key}": tensor
            for name, network in self.networks.items()
            for key, tensor in network.state_dict().items()
        }
        make(folder)
        with writing(folder):
            if self.samples is not None:
                paths.write_atomically(folder / SAMPLES, self.samples)
            text = card(self.facts, self.samples is not None)
            paths.write_atomically(folder / "README.md", text.encode(errors="replace"))
            paths.write_atomically(folder / WEIGHTS, as_safetensors(tensors))
        self.facts.write_to(folder)


def _names(facts: TranslationFacts) -> tuple[str, ...]:
    """Of the networks that a model holds."""
    try:
        kind = TranslationSettings(**facts.settings).kind
    except SettingsError as error:
        raise RunError(f"its settings.json is not as scumble wrote it: {error}") from error
    return KINDS[kind].result
