"""The catalogue of weights: what they are, where they come from, what they expect; finding, fetching, checking them.

Those of the small network are inside the package. All others are looked for in $SCUMBLE_WEIGHTS, our cache, PyTorch's
cache, and are downloaded last (`scumble.paths` tells the folders). We keep what is used of them as safetensors: VGG19's
published files are 548 MB because they hold a classifier that nobody here uses, and its convolutions alone are 80 MB.
Eight hexadecimal digits at the end of a file's name are the beginning of its SHA-256: PyTorch's custom, which we follow
in our own cache, and hold files to.
"""

import hashlib
import http.client
import re
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import safetensors
import safetensors.torch
import torch

from scumble import paths
from scumble.errors import SettingsError, WeightsError, reason
from scumble.events import Event, Noted, Progress, Started
from scumble.perceptual import inception, pocket
from scumble.perceptual.layers import LAYERS
from scumble.perceptual.vgg import Preprocessing, parameter_shapes

CHUNK_BYTES = 1 << 20
MAX_FILE_BYTES = 2 << 30
TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class Entry:
    """One set of weights: published at `url`, or in a `file` of the package.

    `shapes` tells the parameters that are used; `layers` are those that style transfer can look at, if any.
    """

    name: str
    licence: str
    origin: str
    preprocessing: Preprocessing
    url: str = ""
    file: Path | None = None
    shapes: Callable[[], dict[str, tuple[int, ...]]] = parameter_shapes
    layers: Collection[str] = LAYERS

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
            preprocessing=pocket.PREPROCESSING,
            file=pocket.FILE,
            shapes=pocket.parameter_shapes,
            layers=tuple(pocket.FEATURES),
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
            # The gain is 255 times the mean deviation: features on the scale of an input in 0..255.
            preprocessing=Preprocessing("RGB", 1, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), gain=57.6),
        ),
        Entry(
            name="inception",
            url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
            licence="Apache-2.0",
            origin="TensorFlow's Inception-v3 of 2015: the network that FID is measured with",
            preprocessing=inception.PREPROCESSING,
            shapes=inception.parameter_shapes,
            layers=(),
        ),
    )
}


@dataclass(frozen=True)
class Weights:
    """Checked parameters, with the digest of the file they were read from."""

    tensors: dict[str, torch.Tensor]
    sha256: str


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
        for path in (*_converted(entry, folder), folder / entry.published_file):
            if _is_file(path):
                return path
    return None


def locate(entry: Entry) -> Generator[Event, None, Path]:
    """Find the weights on this machine, or download them; tells its progress, returns the file.

    Raises:
        WeightsError: if they are nowhere, and the network is off, unreachable or delivers another file.
    """
    found = find(entry)
    if found is not None:
        return found
    if paths.offline():
        raise WeightsError(
            f"weights {entry.name} are not on this machine, and SCUMBLE_OFFLINE is set", _how_to_get(entry)
        )
    return (yield from fetch(entry))


def read(path: Path, shapes: Mapping[str, tuple[int, ...]] | None = None) -> Weights:
    """Read and check a file of parameters: safetensors, or PyTorch's .pth (loaded without unpickling code).

    Args:
        path: of the file.
        shapes: those of the parameters that it must hold, by name; VGG19's unless they are given.

    Raises:
        WeightsError: if it is missing, damaged, of other shapes, or not the file that its name promises.
    """
    if not _is_file(path):
        raise WeightsError(f"there is no weights file {path}; wanted a .safetensors or .pth file")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise WeightsError(f"weights file {path} is larger than any of ours; wanted one under 2 GiB")
        digest = _sha256(path)
    except OSError as error:
        raise WeightsError(f"weights file {path} cannot be read: {reason(error)}") from error
    promised = _promised_digest(path)
    if not digest.startswith(promised):
        raise WeightsError(
            f"weights file {path} has SHA-256 {digest[:8]}..., wanted {promised}...: it is damaged or another file",
            "remove it and fetch it again, or install scumble again if it is a part of it",
        )
    return Weights(_checked(_tensors_in(path), path, shapes or parameter_shapes()), digest)


def fetch(entry: Entry) -> Generator[Event, None, Path]:
    """Download weights into the cache, check them, and keep those that are used; returns the new file.

    A broken download is kept and continued by the next call.

    Raises:
        WeightsError: if the server cannot be reached, breaks off, or delivers another file than the published one.
    """
    cache = paths.weights_cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(cache / f"{entry.name}.lock"):
            if already := _converted(entry, cache):  # by another process, while we waited for the lock
                return already[0]
            yield from _download(entry, _partial(entry))
            kept = _keep_used(entry, _partial(entry))
    except OSError as error:
        raise WeightsError(f"weights {entry.name} cannot be kept in {cache}: {reason(error)}") from error
    yield Noted(f"{entry.name} is kept as {kept}")
    return kept


def remove(entry: Entry) -> list[Path]:
    """Delete these weights from our cache, with whatever a broken download left; returns what was deleted."""
    cache = paths.weights_cache()
    files = [*_converted(entry, cache), cache / entry.published_file, _partial(entry)]
    removed = [path for path in files if _is_file(path)]
    try:
        for path in removed:
            path.unlink()
    except OSError as error:
        raise WeightsError(f"weights {entry.name} cannot be removed from {cache}: {reason(error)}") from error
    return removed


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be entered, a name that is too long
        return False


def _converted(entry: Entry, folder: Path) -> list[Path]:
    """Files of the used weights alone: the entry's name, then eight characters, a digest or the word "features"."""
    try:
        return sorted(folder.glob(f"{entry.name}-????????.safetensors"))
    except OSError:
        return []


# --- Reading --------------------------------------------------------------------------------------------------------


def _tensors_in(path: Path) -> dict[str, torch.Tensor]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if path.suffix == ".safetensors":
                return safetensors.torch.load_file(path)
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged archive, or one that wants to run code, makes the libraries raise
        raise WeightsError(f"weights file {path} is damaged or of another kind; wanted tensors with names") from error


def _checked(
    tensors: dict[str, torch.Tensor], path: Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, torch.Tensor]:
    for name, shape in shapes.items():
        tensor = tensors.get(name) if isinstance(tensors, dict) else None
        if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided or tensor.is_meta:
            raise WeightsError(f"weights file {path} has no {name}; wanted a network with torchvision's names")
        if not tensor.is_floating_point():
            raise WeightsError(f"weights file {path} has {name} of type {tensor.dtype}; wanted floating-point numbers")
        if tuple(tensor.shape) != shape:
            raise WeightsError(
                f"weights file {path} has {name} of shape {tuple(tensor.shape)}; wanted {shape}",
                "--backbone says what network it is",
            )
        if not tensor.isfinite().all():
            raise WeightsError(f"weights file {path} has numbers in {name} that are not finite")
    return {name: tensors[name] for name in shapes}


def _promised_digest(path: Path) -> str:
    """The eight digits at the end of a name of the catalogue's; a user's own names promise nothing."""
    name, _, digits = path.stem.rpartition("-")
    published = any(Path(entry.published_file).stem == path.stem for entry in CATALOGUE.values())
    return digits if published or (name in CATALOGUE and re.fullmatch(r"[0-9a-f]{8}", digits)) else ""


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# --- Downloading ----------------------------------------------------------------------------------------------------


def _partial(entry: Entry) -> Path:
    return paths.weights_cache() / f"{entry.published_file}.part"


def _how_to_get(entry: Entry) -> str:
    nowhere = [f", which names {folder} now: there is no such folder" for folder in paths.missing_weights_folders()]
    return f"put {entry.published_file} into a folder that SCUMBLE_WEIGHTS names{''.join(nowhere[:1])}"


def _download(entry: Entry, partial: Path) -> Iterator[Event]:
    """Download the published file, continuing what a broken download left; its digest decides whether it is it."""
    job = f"download {entry.name}"
    have = partial.stat().st_size if partial.exists() else 0
    chunks = _chunks(entry, have)
    have, total = next(chunks, (have, have))
    yield Started(job, total, "bytes")
    with partial.open("ab" if have else "wb") as file:
        for chunk, _ in chunks:
            have += file.write(chunk)
            yield Progress(job, have, total)
    if have < total:
        raise _broke_off(entry)

    digest, promised = _sha256(partial), _promised_digest(Path(entry.published_file))
    if not digest.startswith(promised):
        partial.unlink()
        raise WeightsError(
            f"{entry.url} delivered a file with SHA-256 {digest[:8]}..., wanted {promised}...: thrown away"
        )


def _chunks(entry: Entry, have: int) -> Iterator[tuple[Any, int]]:
    """What the server sends: first (bytes we keep, bytes in all), then (chunk, its length); nothing if all is here.

    Turns every failure of the network, and of nothing else, into a WeightsError.
    """
    request = urllib.request.Request(entry.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0  # the server sends the whole file, whatever was asked for
            yield have, have + int(response.headers.get("Content-Length", 0))
            while chunk := response.read(CHUNK_BYTES):
                yield chunk, len(chunk)
    except urllib.error.HTTPError as error:
        # "Range not satisfiable": the last run broke off between the last byte and the check.
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise WeightsError(f"{entry.url} answers {error.code} {error.reason}", _how_to_get(entry)) from error
    except urllib.error.URLError as error:
        why = reason(error.reason) if isinstance(error.reason, OSError) else str(error.reason)
        raise WeightsError(f"{entry.url} cannot be reached: {why}", _how_to_get(entry)) from error
    except (http.client.HTTPException, OSError) as error:
        raise _broke_off(entry) from error


def _broke_off(entry: Entry) -> WeightsError:
    return WeightsError(f"the download of {entry.name} broke off", "run it again: it goes on from there")


def _keep_used(entry: Entry, published: Path) -> Path:
    """Turn the published file into one with the used weights alone, named after its own digest."""
    tensors = _checked(_tensors_in(published), published, entry.shapes())
    data = safetensors.torch.save(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        metadata={"source": entry.published_file, "origin": entry.origin, "licence": entry.licence},
    )
    kept = paths.weights_cache() / f"{entry.name}-{hashlib.sha256(data).hexdigest()[:8]}.safetensors"
    paths.write_atomically(kept, data)
    published.unlink()
    return kept
