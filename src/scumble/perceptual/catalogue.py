"""The catalogue of weights: what they are, where they come from, what they expect, and which of them are here.

Those of the small network are inside the package. All others are looked for in $SCUMBLE_WEIGHTS, our cache, PyTorch's
cache, and are downloaded last (`scumble.paths` tells the folders). Eight hexadecimal digits at the end of a file's name
are the beginning of its SHA-256: PyTorch's custom, which we follow in our own cache, and hold files to.

Nothing heavy is imported here, so that the list is there at once.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scumble import paths
from scumble.errors import SettingsError, WeightsError, reason

Network = Literal["pocket", "vgg19", "inception"]

BackboneName = Literal["pocket", "vgg19-caffe", "vgg19"]
"""The weights whose layers style transfer can look at."""

EmbeddingName = Literal[BackboneName, "inception"]
"""The weights whose network turns pictures into points."""

POCKET_FILE = Path(__file__).with_name("pocket-17ca3bc9.safetensors")


@dataclass(frozen=True)
class Preprocessing:
    """What a set of weights expects: (picture * scale - mean) / standard deviation, in its order of channels.

    `gain` is a number that all features are multiplied by. A chain of convolutions and ReLUs is positively homogeneous:
    the first weights and all biases times a number are the features times that number. Weights trained on small inputs
    are thereby brought to the scale of Caffe's, for which the field's loss weights were found.
    """

    order: Literal["RGB", "BGR"]
    scale: float
    mean: tuple[float, float, float]
    standard_deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gain: float = 1.0


@dataclass(frozen=True)
class Entry:
    """One set of weights: published at `url`, or in a `file` of the package.

    `network` is the one that they are the parameters of; several entries may be of one network.
    """

    name: str
    licence: str
    origin: str
    preprocessing: Preprocessing
    network: Network = "vgg19"
    url: str = ""
    file: Path | None = None

    @property
    def published_file(self) -> str:
        """The name of the file as its authors publish it; empty if they do not."""
        return self.url.rpartition("/")[2]


CATALOGUE = {
    entry.name: entry
    for entry in (
        Entry(
            name="pocket",
            licence="CC BY 4.0",
            origin="part of scumble: a small network, trained to see what vgg19-caffe sees",
            # VGG19's mean colour, since a border of zeros stands for it here as well.
            preprocessing=Preprocessing("RGB", scale=1, mean=(0.48502, 0.45796, 0.4076)),
            network="pocket",
            file=POCKET_FILE,
        ),
        Entry(
            name="vgg19-caffe",
            url="https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth",
            licence="CC BY 4.0",
            origin="Simonyan and Zisserman 2015: the network of the style transfer papers",
            preprocessing=Preprocessing("BGR", scale=255, mean=(103.939, 116.779, 123.68)),
        ),
        Entry(
            name="vgg19",
            url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
            licence="BSD-3-Clause",
            origin="torchvision's own training run of the same network",
            # The gain is 255 times the mean standard deviation: features on the scale of an input in 0..255.
            preprocessing=Preprocessing("RGB", 1, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), gain=57.6),
        ),
        Entry(
            name="inception",
            url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
            licence="Apache-2.0",
            origin="TensorFlow's Inception-v3 of 2015: the network that FID is measured with",
            preprocessing=Preprocessing("RGB", scale=2, mean=(1, 1, 1)),  # pictures in [-1, 1]
            network="inception",
        ),
    )
}


def entry_named(name: str) -> Entry:
    """The catalogue's entry.

    Raises:
        SettingsError: if there is none of that name.
    """
    if name not in CATALOGUE:
        raise SettingsError(f"weights: got {name!r}, wanted one of {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


def find(entry: Entry) -> Path | None:
    """The first file of these weights on this machine, or None."""
    if entry.file is not None:
        return entry.file
    for folder in paths.weights_folders():
        for path in (*converted(entry, folder), folder / entry.published_file):
            if is_file(path):
                return path
    return None


def remove(entry: Entry) -> list[Path]:
    """Delete these weights from our cache, with whatever a broken download left; returns what was deleted."""
    cache = paths.weights_cache()
    files = [*converted(entry, cache), cache / entry.published_file, partial_download(entry)]
    removed = [path for path in files if is_file(path)]
    try:
        for path in removed:
            path.unlink()
    except OSError as error:
        raise WeightsError(f"weights {entry.name} cannot be removed from {cache}: {reason(error)}") from error
    return removed


def is_file(path: Path) -> bool:
    """Whether there is such a file that can be looked at."""
    try:
        return path.is_file()
    except OSError:  # a folder that may not be entered, a name that is too long
        return False


def converted(entry: Entry, folder: Path) -> list[Path]:
    """Files of the used weights alone: the entry's name, then eight characters, a digest or the word "features"."""
    try:
        return sorted(folder.glob(f"{entry.name}-????????.safetensors"))
    except OSError:
        return []


def promised_digest(path: Path) -> str:
    """The eight digits at the end of a name of the catalogue's; a user's own names promise nothing."""
    name, _, digits = path.stem.rpartition("-")
    published = any(Path(entry.published_file).stem == path.stem for entry in CATALOGUE.values())
    return digits if published or (name in CATALOGUE and re.fullmatch(r"[0-9a-f]{8}", digits)) else ""


def partial_download(entry: Entry) -> Path:
    """Where a download that broke off is kept."""
    return paths.weights_cache() / f"{entry.published_file}.part"
