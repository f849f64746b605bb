"""A classifier as a thing: a discriminator, and a linear map of what it sees, in one folder that explains itself."""

import csv
import io
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors
import safetensors.torch
import torch

from scumble import __version__, device, paths
from scumble.data.pixels import fitted_pixels
from scumble.data.sources.opener import open_source
from scumble.errors import ImageError, RunError, SettingsError, reason
from scumble.events import Event, Noted, Progress, Saved, Started, Warned
from scumble.gan.facts import CLASSIFIER_KIND, read_facts
from scumble.gan.features import BATCH, fresh_judge, rows
from scumble.gan.linear import Linear, Scaling
from scumble.gan.model import place
from scumble.gan.networks.pyramid import Judge
from scumble.gan.settings import FeatureSettings, GANSettings
from scumble.image import files
from scumble.image.files import Picture, PictureSource
from scumble.storage import checkpoint
from scumble.storage.folder import FACTS, WEIGHTS, as_safetensors, make, write_facts, writing

JOB = "label"


class Classifier:
    """Says which class a picture is of.

    Args:
        judge: (N, C, H, W) pictures in [-1, 1] -> activations; in evaluation mode.
        scaling: of its features.
        linear: what is made of them.
        facts: how it came to be: those of the discriminator's training, and "classifier": "classes", "features", ...

    Example:
        >>> classifier = scumble.Classifier.from_pretrained("runs/digits/classifier")  # doctest: +SKIP
        >>> classifier.predict(["one.png", "two.png"])  # doctest: +SKIP
        ['1', '2']
    """

    def __init__(self, judge: Judge, scaling: Scaling, linear: Linear, facts: dict[str, Any]):
        self.judge, self.scaling, self.linear, self.facts = judge, scaling, linear, facts

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes, in the order of `probabilities`."""
        return tuple(self.facts["classifier"]["classes"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the pictures that it looks at; others are cut around their middle and resampled."""
        channels, height, width = self.facts["data"]["shape"]
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
        """(N, K): how likely each class is, for each picture; see `predict`."""
        if isinstance(pictures, str | Path):
            raise SettingsError("pictures: got a single path, wanted a list of them")
        pixels = [self._pixels(files.load(picture, f"picture {n}")) for n, picture in enumerate(pictures)]
        return self.probabilities_of_pixels(np.stack(pixels)) if pixels else np.zeros((0, len(self.classes)))

    def probabilities_of_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """The same of (N, C, H, W) uint8 pixels of its own `shape`, N at least 1."""
        settings = FeatureSettings(**self.facts["classifier"]["features"])
        return np.concatenate(
            [self.linear.probabilities(self.scaling(some)) for some in rows(self.judge, pixels, settings)]
        )

    def _pixels(self, picture: Picture) -> np.ndarray:
        channels, height, width = self.shape
        return fitted_pixels(picture, (width, height), channels)[..., :channels].transpose(2, 0, 1)

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
        facts = read_facts(folder, CLASSIFIER_KIND)
        if "classifier" not in facts:
            raise RunError(f"{folder} holds no classifier; wanted a folder that `scumble gan classify` made")
        try:
            tensors = safetensors.torch.load_file(folder / WEIGHTS)
            judge = fresh_judge(GANSettings(**facts["settings"]), tuple(facts["data"]["shape"]))
            judge.load_state_dict(checkpoint.under("discriminator", tensors))
            place(judge.eval().requires_grad_(False), placement.device)
            arrays = {name: tensors[name].numpy() for name in ("mean", "scale", "weights", "biases")}
            known = facts["classifier"]
            linear = Linear(arrays["weights"], arrays["biases"], float(known["temperature"]), float(known["c"]))
            made = cls(judge, Scaling(arrays["mean"], arrays["scale"]), linear, facts)
            blank = np.zeros((1, *made.shape), np.uint8)
            if made.probabilities_of_pixels(blank).shape != (1, len(made.classes)):
                raise ValueError("its classes are not as many as its weights")
        except (
            safetensors.SafetensorError,
            OSError,
            RuntimeError,
            KeyError,
            TypeError,
            ValueError,
            SettingsError,
        ) as error:
            raise RunError(f"{folder} does not hold what its settings say: {reason(error).splitlines()[0]}") from error
        return made

    def save_pretrained(self, folder: str | Path) -> None:
        """Write settings.json, model.safetensors and README.md, which tells what they are.

        Raises:
            RunError: if the folder cannot be written.
        """
        folder = Path(folder)
        tensors = {f"discriminator.{name}": tensor for name, tensor in self.judge.state_dict().items()}
        arrays = self.scaling._asdict() | {"weights": self.linear.weights, "biases": self.linear.biases}
        tensors |= {name: torch.from_numpy(np.asarray(array, np.float32)) for name, array in arrays.items()}
        make(folder)
        with writing(folder):
            (folder / FACTS).unlink(missing_ok=True)  # until all is written, there is no classifier here
            paths.write_atomically(folder / WEIGHTS, as_safetensors(tensors))
            paths.write_atomically(folder / "README.md", self._card().encode(errors="replace"))
        write_facts(folder, CLASSIFIER_KIND, self.facts)

    def _card(self) -> str:
        data, known = self.facts["data"], self.facts["classifier"]
        accuracy = known["accuracy"]
        return CARD.format(
            classes=", ".join(known["classes"][:20]) + (", ..." if len(known["classes"]) > 20 else ""),
            count=data["count"],
            name=data["name"],
            images=self.facts["images_seen"],
            labelled=known["labelled"],
            kind={"svm": "support vector machine", "logistic": "logistic regression"}[known["kind"]],
            right=f"{accuracy:.2%} of {known['tested']:,}",
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

The discriminator of a GAN, trained without labels on {count:,} pictures ({name}), for {images:,} images, sees; a linear
{kind} of what it sees, trained with {labelled:,} labels, decides. It was right about {right} pictures that it
had no labels of. Made by scumble {version}; `settings.json` holds all settings, and the digest of the data.

## Limits

It knows these classes and no others: whatever it is shown, it answers with one of them. The probabilities hold for
pictures like those that it was trained on.
"""


def label_events(
    data: str | Path, classifier: str | Path, output: Path, device_name: str = "auto"
) -> Generator[Event, None, None]:
    """Write a CSV with the class of every picture: the likeliest first within each class, and the odds of all classes.

    Args:
        data: pictures: all that `scumble gan train` takes.
        classifier: a folder that `scumble gan classify` made.
        output: the .csv.
        device_name: "auto", or torch's name of a device.

    Yields:
        Noted; Started and Progress, in pictures; Warned of those that cannot be read; Saved.

    Raises:
        DataError: if there are no pictures.
        RunError: if there is no classifier, or the output cannot be written; what was there stays.
        SettingsError: if the output's name does not end in .csv, or the device is not there.
    """
    if output.suffix.lower() != ".csv":
        raise SettingsError(f"output {output} ends in {output.suffix or 'nothing'!r}; wanted .csv")
    source = open_source(data)
    made = Classifier.from_pretrained(classifier, device_name)
    if source.note:
        yield Noted(source.note)
    yield Started(JOB, len(source.items), "pictures")
    lines: list[tuple[str, int, np.ndarray]] = []  # name, class, odds
    unreadable: list[str] = []
    other_sizes = 0
    for start in range(0, len(source.items), BATCH):
        items, pixels, names = source.items[start : start + BATCH], [], []
        for item in items:
            try:
                picture = item.load()
            except ImageError as error:
                unreadable.append(str(error))
                continue
            other_sizes += picture.size != (made.shape[2], made.shape[1])
            pixels.append(made._pixels(picture))
            names.append(item.name)
        if pixels:
            odds = made.probabilities_of_pixels(np.stack(pixels))
            lines += zip(names, odds.argmax(1).tolist(), odds, strict=True)
        yield Progress(JOB, start + len(items), len(source.items))
    if other_sizes:
        size = f"{made.shape[2]}x{made.shape[1]}"
        yield Noted(f"{other_sizes} pictures are not {size}: they were cut around their middle and resampled")
    if unreadable:
        yield Warned(f"{len(unreadable)} pictures cannot be read and are left out, the first: {unreadable[0]}")
    lines.sort(key=lambda line: (line[1], -line[2][line[1]], line[0]))
    make(output.parent)
    with writing(output):
        paths.write_atomically(output, _as_csv(made.classes, lines))
    yield Saved(output)


def _as_csv(classes: tuple[str, ...], lines: list[tuple[str, int, np.ndarray]]) -> bytes:
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["picture", "class", "probability", *(f"probability of {name}" for name in classes)])
    for name, number, odds in lines:
        table.writerow([name, classes[number], f"{odds[number]:.6f}", *(f"{each:.6f}" for each in odds)])
    return text.getvalue().encode(errors="backslashreplace")
