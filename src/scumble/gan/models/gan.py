"""A trained GAN: loaded from a folder, asked for pictures, saved to a folder that explains itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import torch
from PIL import Image
from torch import nn

from scumble import __version__, device, paths
from scumble.data.labels import multi_hot
from scumble.errors import RunError, SettingsError, first_line
from scumble.gan.facts import GANFacts
from scumble.gan.format_1 import networks_upgraded
from scumble.gan.models.sample import Samples, draw_latents, generate, labels_in_turn
from scumble.gan.networks.build import MISFITS, build, filled, to_device
from scumble.gan.settings import GANSettings
from scumble.image import files
from scumble.image.tensors import grid
from scumble.storage import checkpoint
from scumble.storage.folder import FACTS, WEIGHTS, as_safetensors, check_finite, make, read_weights, writing
from scumble.storage.run import Run
from scumble.training.facts import DataFacts

CARD_SAMPLES = 64
MAX_PIL_CHANNELS = 4
SUFFIX = ".safetensors"
NO_LABELS = "none"
"""How the labels of a picture without any are called, where pictures may have several."""


class GAN:
    """A generator, the moving average of its training, and the discriminator.

    Args:
        generator: (N, Z) latents -> (N, C, H, W) pictures in [-1, 1].
        discriminator: (N, C, H, W) pictures -> (N,) logits.
        facts: what a run's settings.json holds, and `images_seen`.

    Example:
        >>> gan = scumble.GAN.from_pretrained("runs/digits")  # doctest: +SKIP
        >>> gan.sample(seeds=[7])[0].save("seven.png")  # doctest: +SKIP
    """

    def __init__(self, generator: nn.Module, discriminator: nn.Module, facts: GANFacts):
        self.generator, self.discriminator, self.facts = generator, discriminator, facts

    def __repr__(self) -> str:
        seen = "" if self.facts.images_seen is None else f" for {self.facts.images_seen:,} images"
        return (
            f"<GAN of {self.facts.data.kind}: preset {self.settings.preset}, trained on {self.facts.data.name}{seen}>"
        )

    @property
    def settings(self) -> GANSettings:
        """Of the training."""
        return GANSettings(**self.facts.settings)

    @classmethod
    def from_pretrained(cls, folder: str | Path, device_name: str = "auto") -> Self:
        """Load a model's folder, or the newest state of a run, finished or not.

        Args:
            folder: what `save_pretrained` wrote, or a run of `scumble gan train`, or one of its checkpoints.
            device_name: "auto", or torch's name of a device.

        Raises:
            RunError: if there is no such folder, its files are missing, damaged, or of another version, or its weights
                are no finite numbers or those of another run.
            SettingsError: if the device is not there.
        """
        folder = Path(folder)
        placement = device.choose(device_name, "float32")
        facts, tensors = _read(folder)
        try:
            data, settings = facts.data, GANSettings(**facts.settings)
            _check_label_sets(data)
            generator, discriminator = filled(
                lambda: build(settings, data.shape, len(data.classes)),
                [checkpoint.under(name, tensors) for name in ("generator", "discriminator")],
            )
        except MISFITS as error:
            raise RunError(f"{folder} does not hold what its settings say: {first_line(error)}") from error
        for network in (generator, discriminator):
            to_device(network.eval().requires_grad_(False), placement.device)
        return cls(generator, discriminator, facts)

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return next(self.generator.parameters()).device

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, or labels, that can be drawn; none if it was trained without."""
        return self.facts.data.classes if self.settings.draws_classes else ()

    def sample(self, seeds: Iterable[int], truncation: float | None = None, of_class: str | None = None) -> Samples:
        """Draw pictures, one a seed: the same seed gives the same picture, alone or among others.

        Args:
            seeds: such as range(64).
            truncation: redraw latent values beyond this: 1 trades diversity for fidelity; None keeps all diversity.
            of_class: one of `classes`; by default, seed n draws class n modulo their number. Where pictures have
                several labels, all of them with commas between, such as "smiling,glasses", or "none"; by default,
                seeds draw those of pictures that it was trained on, in turn.

        Returns:
            A list of PIL pictures, of mode L for grey and RGB for colour, LA and RGBA with opacity; a notebook shows
            them side by side.

        Raises:
            SettingsError: if a seed or the truncation is out of range, there is no such class, or pictures have more
                channels than PIL's.
        """
        if (channels := self.facts.data.shape[0]) > MAX_PIL_CHANNELS:
            raise SettingsError(
                f"a PIL picture of {channels} channels is none; use sample_array, or `scumble gan sample`"
            )
        pictures = self.sample_array(seeds, truncation, of_class)
        return Samples(
            Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture) for picture in pictures
        )

    def sample_array(
        self, seeds: Iterable[int], truncation: float | None = None, of_class: str | None = None
    ) -> np.ndarray:
        """The same as (N, H, W, C) uint8 pixels."""
        seeds = list(seeds)
        latents = draw_latents(seeds, self.settings.latent, truncation)
        return generate(self.generator, latents, self.labels(seeds, of_class))

    def draw_array(self, latents: torch.Tensor, of_class: str | None = None) -> np.ndarray:
        """(N, H, W, C) uint8 pixels from given (N, Z) latents, all of one class: by default, as seed 0 has it."""
        return generate(self.generator, latents, self.labels([0] * len(latents), of_class))

    def labels(self, seeds: Iterable[int], of_class: str | None = None) -> torch.Tensor | None:
        """(N,): the numbers of the classes that `sample` draws; None if it was trained without.

        (N, K) float32, 0 or 1 for each of `classes`, where pictures have several labels.

        Raises:
            SettingsError: if there is no such class.
        """
        classes, sets = self.classes, self.facts.data.label_sets
        if not classes and of_class is None:
            return None
        if of_class is None:
            return labels_in_turn(seeds, len(classes), sets)
        names = [of_class]
        if classes and sets is not None and of_class not in classes:
            names = [] if of_class == NO_LABELS else [name.strip() for name in of_class.split(",")]
        for name in names:
            if name not in classes:
                which = "one" if sets is None else "some, with commas between,"
                known = f"{which} of {', '.join(classes)}" if classes else "none: it was trained without classes"
                raise SettingsError(f"class: got {name!r}, wanted {known}")
        numbers = [classes.index(name) for name in names]
        if sets is None:
            return torch.tensor(numbers * len(list(seeds)))
        return torch.from_numpy(multi_hot([numbers for _ in seeds], len(classes))).float()

    def class_names(self, labels: torch.Tensor) -> list[str]:
        """By what name `sample` draws each of these labels, which are as `labels` has them."""
        if labels.dim() == 1:
            return [self.classes[number] for number in labels.tolist()]
        names = [[self.classes[number] for number in row.nonzero().flatten().tolist()] for row in labels]
        return [",".join(some) or NO_LABELS for some in names]

    def save_pretrained(self, folder: str | Path) -> None:
        """Write settings.json, model.safetensors, samples.png and README.md, a model card.

        Raises:
            RunError: if the folder cannot be written, or is that of a run.
        """
        folder = Path(folder)
        if _holds(folder, FACTS) and not _holds(folder, WEIGHTS):
            raise RunError(f"{folder} is a run; wanted a folder of its own for the model")
        tensors = {
            f"{name}.{key}": tensor
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for key, tensor in network.state_dict().items()
        }
        sheet = grid(self.sample_array(range(CARD_SAMPLES)), 8)
        make(folder)
        with writing(folder):
            files.save(sheet, folder / "samples.png")
            paths.write_atomically(folder / "README.md", self._card().encode(errors="replace"))
            paths.write_atomically(folder / WEIGHTS, as_safetensors(tensors))
        self.facts.write_to(folder)

    def _card(self) -> str:
        data, settings = self.facts.data, self.settings
        colours, height, width = data.shape
        rows = "\n".join(f"| {name} | {value} |" for name, value in self.facts.settings.items())
        return CARD.format(
            name=data.name,
            count=data.count,
            kind={1: "grey", 3: "colour"}.get(colours, f"{colours}-channel"),
            width=width,
            height=height,
            images=self.facts.images_seen,
            network=settings.network,
            loss=settings.loss,
            rows=rows,
            version=__version__,
            averaged="The generator is the moving average of the trained one. " if settings.ema else "",
        )


CARD = """# A GAN trained on {name}

![samples](samples.png)

Draws {kind} pictures of {width} x {height} pixels. The samples above are seeds 0 to 63, neither selected nor
truncated.

    scumble gan sample THIS_FOLDER --seeds 0-63 -o grid.png

```python
import scumble

gan = scumble.GAN.from_pretrained("THIS_FOLDER")
gan.sample(seeds=[7])[0].save("seven.png")
```

## How it was made

Trained on {count:,} pictures ({name}), for {images:,} images, with the networks `{network}` and the loss `{loss}`, by
scumble {version}. {averaged}`model.safetensors` holds it and the
discriminator; `settings.json` holds everything below, the digest of the data, and versions.

| setting | value |
|---|---|
{rows}

## Limits

It knows only what it was trained on: whatever is rare, missing or wrong in those pictures is so here. It may repeat
training pictures, above all where they were few. Whether you may pass it on depends on the terms of those pictures.
"""


def _check_label_sets(data: DataFacts) -> None:
    sets = data.label_sets
    if sets is not None and (not sets or any(len(one) != len(data.classes) or set(one) - {"0", "1"} for one in sets)):
        raise ValueError("label_sets are no rows of 0 and 1, one for each class")


def is_trained(folder: Path) -> bool:
    """Whether this looks like a run, a model or a checkpoint; reading it may still fail."""
    return _holds(folder, FACTS) or folder.suffix == SUFFIX


def _holds(folder: Path, name: str) -> bool:
    try:
        return (folder / name).exists()
    except (OSError, ValueError):  # a name that the system refuses: reading it will say why
        return False


def _read(folder: Path) -> tuple[GANFacts, dict[str, torch.Tensor]]:
    """Facts and weights of a model or a run; of a file of one of them where it is given."""
    is_file = folder.suffix == SUFFIX and not folder.is_dir()
    if _holds(folder, WEIGHTS) or (is_file and folder.name == WEIGHTS):
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
