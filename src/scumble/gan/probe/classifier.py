"""A trained classifier, a discriminator and a linear map of its features, in one folder that explains itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import numpy as np
import torch

from scumble import __version__, device, paths
from scumble.data.pixels import opened_pixels, pixels_of
from scumble.data.sources.source import Opened
from scumble.errors import RunError, first_line
from scumble.gan.facts import ClassifierFacts, ProbeFacts
from scumble.gan.networks.build import MISFITS, filled, to_device
from scumble.gan.networks.discriminator import Discriminator
from scumble.gan.probe.features import fresh_discriminator, rows
from scumble.gan.probe.linear import Linear, Scaling
from scumble.gan.settings import FeatureSettings, GANSettings
from scumble.image.files import PictureSource
from scumble.storage import checkpoint
from scumble.storage.folder import FACTS, WEIGHTS, as_safetensors, make, read_weights, writing


class Classifier:
    """Predicts the class of a picture.

    Args:
        discriminator: (N, C, H, W) pictures in [-1, 1] -> activations; in evaluation mode.
        scaling: of its features.
        linear: the linear classifier of them.
        facts: those of the discriminator's training, and "classifier": "classes", "features", ...

    Example:
        >>> classifier = scumble.Classifier.from_pretrained("runs/digits/classifier")  # doctest: +SKIP
        >>> classifier.predict(["one.png", "two.png"])  # doctest: +SKIP
        ['1', '2']
    """

    def __init__(self, discriminator: Discriminator, scaling: Scaling, linear: Linear, facts: ClassifierFacts):
        self.discriminator, self.scaling, self.linear, self.facts = discriminator, scaling, linear, facts

    def __repr__(self) -> str:
        known, few = self.facts.classifier, ", ".join(self.classes[:10]) + ", ..." * (len(self.classes) > 10)
        right = f"{known.accuracy:.1%} of {known.tested:,} test pictures right"
        return f"<Classifier of {self.facts.data.kind}: {few}; {right}>"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of `probabilities`."""
        return tuple(self.facts.classifier.classes)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures that it takes; others are cut around their middle and resampled."""
        channels, height, width = self.facts.data.shape
        return channels, height, width

    def predict(self, pictures: Iterable[PictureSource]) -> list[str]:
        """The likeliest class of each picture.

        Args:
            pictures: paths, PIL pictures or NumPy arrays.

        Raises:
            ImageError: if one cannot be read.
        """
        return [self.classes[number] for number in self.probabilities(pictures).argmax(1)]

    def probabilities(self, pictures: Iterable[PictureSource]) -> np.ndarray:
        """(N, K): the probability of each class, for each picture; see `predict`."""
        pixels = pixels_of(pictures, self.facts.form_of_data)
        return self.probabilities_of_pixels(pixels) if len(pixels) else np.zeros((0, len(self.classes)))

    @device.full_float32()
    def probabilities_of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(N, K), of (N, C, H, W) uint8 pixels of its own `shape`, N at least 1.

        Raises:
            RunError: if they are not finite, as with the numbers of a damaged file.
        """
        settings = FeatureSettings(**self.facts.classifier.features)
        with np.errstate(all="ignore"):  # it is the end that counts
            found = [
                self.linear.probabilities(self.scaling(some)) for some in rows(self.discriminator, pixels, settings)
            ]
        if not all(np.isfinite(some).all() for some in found):
            raise RunError("the classifier's numbers lead to no probability: its file is damaged")
        return np.concatenate(found)

    def pixels_of(self, opened: Opened, name: str) -> np.ndarray:
        """(C, H, W) uint8 pixels of its own `shape`, of an opened picture called `name`, made as for its training.

        Raises:
            ImageError: if the picture cannot be read, or has other channels.
        """
        return opened_pixels(opened, name, self.facts.form_of_data).transpose(2, 0, 1)

    @classmethod
    def from_pretrained(cls, folder: str | Path, device_name: str = "auto") -> Self:
        """Load what `save_pretrained` wrote.

        Args:
            folder: of the classifier; that of a run's own is RUN/classifier.
            device_name: "auto", or torch's name of a device.

        Raises:
            RunError: if there is none, or its files are missing, damaged, or of another version.
            SettingsError: if the device is not there.
        """
        folder = Path(folder)
        placement = device.choose(device_name, "float32")
        facts, tensors = ClassifierFacts.read_from(folder), read_weights(folder / WEIGHTS)
        try:
            settings = GANSettings(**facts.settings)
            (discriminator,) = filled(
                lambda: [fresh_discriminator(settings, facts.data.shape)], [checkpoint.under("discriminator", tensors)]
            )
            assert isinstance(discriminator, Discriminator)
            to_device(discriminator.eval().requires_grad_(False), placement.device)
            arrays = {name: tensors[name].numpy() for name in ("mean", "scale", "weights", "biases")}
            known = facts.classifier
            linear = Linear(arrays["weights"], arrays["biases"], known.temperature, known.c)
            made = cls(discriminator, Scaling(arrays["mean"], arrays["scale"]), linear, facts)
            blank = np.zeros((1, *made.shape), np.uint8)
            if made.probabilities_of_pixels(blank).shape != (1, len(made.classes)):
                raise ValueError("its classes are not as many as its weights")
        except MISFITS as error:
            raise RunError(f"{folder} does not hold what its settings say: {first_line(error)}") from error
        return made

    def save_pretrained(self, folder: str | Path) -> None:
        """Write settings.json, model.safetensors and README.md, a model card.

        Raises:
            RunError: if the folder cannot be written.
        """
        folder = Path(folder)
        tensors = {f"discriminator.{name}": tensor for name, tensor in self.discriminator.state_dict().items()}
        arrays = self.scaling._asdict() | {"weights": self.linear.weights, "biases": self.linear.biases}
        tensors |= {name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in arrays.items()}
        make(folder)
        with writing(folder):
            (folder / FACTS).unlink(missing_ok=True)  # until all is written, there is no classifier here
            paths.write_atomically(folder / WEIGHTS, as_safetensors(tensors))
            paths.write_atomically(folder / "README.md", self._card().encode(errors="replace"))
        self.facts.write_to(folder)

    def _card(self) -> str:
        data, known = self.facts.data, self.facts.classifier
        return CARD.format(
            classes=", ".join(known.classes[:20]) + (", ..." if len(known.classes) > 20 else ""),
            count=data.count,
            name=data.name,
            images=self.facts.images_seen,
            labelled=known.labelled,
            kind={"svm": "support vector machine", "logistic": "logistic regression"}[known.kind],
            tested=_tested(known),
            version=__version__,
        )


CARD = """# A classifier of pictures: {classes}

    scumble gan label PICTURES --classifier THIS_FOLDER

```python
import scumble

classifier = scumble.Classifier.from_pretrained("THIS_FOLDER")
classifier.predict(["picture.png"])
```

## How it was made

Features of the discriminator of a GAN, trained without labels on {count:,} pictures ({name}) for {images:,} images,
and a linear {kind} of them, trained with {labelled:,} labels. Accuracy: {tested}.
Made by scumble {version}; `settings.json` holds all settings, and the digest of the data.

## Limits

It knows these classes and no others: it predicts one of them for any picture. The probabilities are calibrated for
pictures like those that it was trained on.
"""


def _tested(known: ProbeFacts) -> str:
    right = f"{known.accuracy:.2%} of {known.tested:,}"
    if not known.folds:
        return f"{right} test pictures, none of which it had labels of"
    return f"{right} pictures in cross-validation in {known.folds} parts, by others that had fewer of its labels"
