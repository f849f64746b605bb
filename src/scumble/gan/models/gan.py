"""A trained GAN: loaded from a folder, asked for pictures, saved to a folder that explains itself."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from PIL import Image
from torch import nn

from scumble import jobs, paths
from scumble.data.pixels import pixels_of
from scumble.device import full_float32
from scumble.errors import RunError, SettingsError
from scumble.gan.facts import GANFacts
from scumble.gan.models import codes
from scumble.gan.models.card import card
from scumble.gan.models.classes import labels_of, names_of
from scumble.gan.models.reading import holds, read_networks
from scumble.gan.models.sample import Samples, draw_latents, encoded, generate
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.networks.features import rows
from scumble.gan.networks.games.autoencoder import CodeDiscriminator
from scumble.gan.settings import FeatureSettings, GANSettings
from scumble.image import files
from scumble.image.files import PictureSource
from scumble.image.tensors import grid, to_signed
from scumble.storage.folder import FACTS, WEIGHTS, as_safetensors, make, writing

if TYPE_CHECKING:
    from scumble.gan.evaluation.evaluate import Evaluation

CARD_SAMPLES = 64
MAX_PIL_CHANNELS = 4


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
        return cls(*read_networks(Path(folder), device_name))

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return next(self.generator.parameters()).device

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, or labels, that can be drawn; none if it was trained without."""
        return self.facts.data.classes if self.settings.draws_classes else ()

    def sample(
        self,
        seeds: Iterable[int],
        truncation: float | None = None,
        of_class: str | None = None,
        code: str | int | None = None,
    ) -> Samples:
        """Draw pictures, one a seed: the same seed gives the same picture, alone or among others.

        Args:
            seeds: such as range(64).
            truncation: redraw latent values beyond this: 1 trades diversity for fidelity; None keeps all diversity.
            of_class: one of `classes`; by default, seed n draws class n modulo their number. Where pictures have
                several labels, all of them with commas between, such as "smiling,glasses", or "none"; by default,
                seeds draw those of pictures that it was trained on, in turn.
            code: what to draw, if it was trained with codes: "3,0.5" is category 3 with 0.5 for the first number; see
                `scumble.gan.models.codes`. Where it stands for several codes, all seeds are drawn for each.

        Returns:
            A list of PIL pictures, of mode L for grey and RGB for colour, LA and RGBA with opacity; a notebook shows
            them side by side.

        Raises:
            SettingsError: if a seed or the truncation is out of range, there is no such class or code, or pictures have
                more channels than PIL's.
        """
        if (channels := self.facts.data.shape[0]) > MAX_PIL_CHANNELS:
            wanted = "use sample_array, or `scumble gan sample`"
            raise SettingsError(f"a PIL picture of {channels} channels is none; {wanted}")
        pictures = self.sample_array(seeds, truncation, of_class, code)
        return Samples(
            Image.fromarray(picture.squeeze(-1) if picture.shape[-1] == 1 else picture) for picture in pictures
        )

    def sample_array(
        self,
        seeds: Iterable[int],
        truncation: float | None = None,
        of_class: str | None = None,
        code: str | int | None = None,
    ) -> np.ndarray:
        """The same as (N, H, W, C) uint8 pixels."""
        seeds = list(seeds)
        latents = draw_latents(seeds, self.settings.latent, truncation)
        if code is not None:
            chosen = codes.codes_of(code, self.settings)
            latents = torch.cat([codes.set_to(latents, one, self.settings) for one in chosen])
            seeds = seeds * len(chosen)
        return generate(self.generator, latents, self.labels(seeds, of_class))

    def grid(
        self,
        seeds: Iterable[int] = range(64),
        columns: int | None = None,
        truncation: float | None = None,
        of_class: str | None = None,
        code: str | int | None = None,
    ) -> Image.Image:
        """Pictures side by side as one, with white gaps, small ones enlarged to about 64 pixels; mode RGB.

        Args:
            seeds: one a picture, row after row.
            columns: of the grid; by default, it is about a square; with a code, it has a row for each that this stands
                for, or, of one seed, a column for each value of its last place: "all,all" is a sheet.
            truncation: as of `sample`.
            of_class: as of `sample`.
            code: as of `sample`.

        Raises:
            SettingsError: as `sample`, and if there are no columns.

        Example:
            >>> gan.grid(range(16)).save("grid.png")  # doctest: +SKIP
        """
        seeds = list(seeds)
        pictures = self.sample_array(seeds, truncation, of_class, code)
        if columns is None:
            square = math.ceil(math.sqrt(len(pictures)))
            columns = square if code is None else codes.columns(len(seeds), code, self.settings)
        if columns < 1:
            raise SettingsError(f"columns: got {columns}, wanted 1 or more")
        return Image.fromarray(grid(pictures, min(columns, len(pictures))))

    def read_codes(self, pictures: Iterable[PictureSource]) -> np.ndarray:
        """(N, K + C): what pictures say of their code: the probability of each category, and the numbers.

        Raises as `features`, and SettingsError if it was trained without codes.
        """
        return codes.read(self.discriminator, self._pixels(pictures), self.settings)

    def _pixels(self, pictures: Iterable[PictureSource]) -> np.ndarray:
        """(N, C, H, W) uint8, made as for its training."""
        pixels = pixels_of(pictures, self.facts.form_of_data)
        if not len(pixels):
            raise SettingsError("pictures: got none, wanted at least one")
        return pixels

    @full_float32()
    def features(
        self, pictures: Iterable[PictureSource], pool: str = "max", side: int = 4, layers: int = 0
    ) -> np.ndarray:
        """What the discriminator sees in pictures: its activations, pooled and concatenated, a row of each picture.

        A linear classifier of these rows is what the discriminator has learnt without labels (Radford et al. 2015,
        section 5). Batch norm uses the averages of the training; `scumble.classify` takes those of its pictures.

        Args:
            pictures: paths, PIL pictures or NumPy arrays; they are made as for its training.
            pool: "max" or "average", of each layer to `side` x `side` pixels.
            side: 1 to 64; smaller layers stay as they are.
            layers: the last so many; 0 for all.

        Returns:
            (N, D) float16.

        Raises:
            SettingsError: if there are no pictures, a choice does not exist, or the discriminator needs each one's
                class, as with the condition "plane".
            ImageError: if a picture cannot be read, or has other channels.
            RunError: if a number leaves float16's range.

        Example:
            >>> gan.features(["one.png", "two.png"], layers=1).shape  # doctest: +SKIP
            (2, 4096)
        """
        settings = FeatureSettings.model_validate({"pool": pool, "side": side, "layers": layers})
        return np.concatenate(list(rows(unconditional(self.discriminator), self._pixels(pictures), settings)))

    def evaluate(self, data: str | Path, **settings: Any) -> "Evaluation":
        """Figures of its pictures against real ones, as `scumble.evaluate` returns them.

        Args:
            data: the real pictures: what `scumble.train` takes.
            settings: as of `scumble.evaluate`: network, pictures, split, measures.

        Raises:
            SettingsError, DataError, WeightsError: as `scumble.evaluate`.

        Example:
            >>> gan.evaluate("digits", pictures=1000).figures[0].value  # doctest: +SKIP
        """
        # By its name among the jobs: the module of evaluations imports this one.
        evaluate = jobs.load("scumble.gan.evaluation.evaluate:evaluate")
        return evaluate(self, data, device_name=str(self.device), **settings)

    @property
    def encoder(self) -> nn.Module | None:
        """(N, C, H, W) pictures in [-1, 1] -> (N, Z) latents, of an adversarial autoencoder; others have none."""
        return self.discriminator.encoder if isinstance(self.discriminator, CodeDiscriminator) else None

    def encode(self, pictures: Iterable[PictureSource]) -> torch.Tensor:
        """(N, Z) latents of pictures, by an adversarial autoencoder; `draw_array` decodes them.

        Args:
            pictures: paths, PIL pictures or NumPy arrays; they are made as for its training.

        Raises:
            SettingsError: if there are no pictures, or the GAN has no encoder.
            ImageError: if a picture cannot be read, or has other channels.

        Example:
            >>> gan.draw_array(gan.encode(["one.png"])).shape  # doctest: +SKIP
            (1, 28, 28, 1)
        """
        if self.encoder is None:
            raise SettingsError(f"preset {self.settings.preset} has no encoder; wanted a GAN of preset aae")
        return encoded(self.encoder, to_signed(self._pixels(pictures), self.device)).cpu()

    def reconstruct(self, pictures: Iterable[PictureSource]) -> np.ndarray:
        """(N, H, W, C) uint8 pixels: the pictures encoded and decoded; see `encode`."""
        return self.draw_array(self.encode(pictures))

    def draw_array(self, latents: torch.Tensor, of_class: str | None = None) -> np.ndarray:
        """(N, H, W, C) uint8 pixels from given (N, Z) latents, all of one class: by default, as seed 0 has it."""
        return generate(self.generator, latents, self.labels([0] * len(latents), of_class))

    def labels(self, seeds: Iterable[int], of_class: str | None = None) -> torch.Tensor | None:
        """(N,): the numbers of the classes that `sample` draws; None if it was trained without.

        (N, K) float32, 0 or 1 for each of `classes`, where pictures have several labels.

        Raises:
            SettingsError: if there is no such class.
        """
        return labels_of(self.classes, self.facts.data.label_sets, seeds, of_class)

    def class_names(self, labels: torch.Tensor) -> list[str]:
        """By what name `sample` draws each of these labels, which are as `labels` has them."""
        return names_of(self.classes, labels)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write settings.json, model.safetensors, samples.png and README.md, a model card.

        Raises:
            RunError: if the folder cannot be written, or is that of a run.
        """
        folder = Path(folder)
        if holds(folder, FACTS) and not holds(folder, WEIGHTS):
            raise RunError(f"{folder} is a run; wanted a folder of its own for the model")
        tensors = {
            f"{name}.{key}": tensor
            for name, network in (("generator", self.generator), ("discriminator", self.discriminator))
            for key, tensor in network.state_dict().items()
        }
        make(folder)
        with writing(folder):
            files.save(grid(self.sample_array(range(CARD_SAMPLES)), 8), folder / "samples.png")
            paths.write_atomically(folder / "README.md", card(self.facts).encode(errors="replace"))
            paths.write_atomically(folder / WEIGHTS, as_safetensors(tensors))
        self.facts.write_to(folder)
