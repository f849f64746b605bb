"""Reading files of weights: safetensors, or PyTorch's .pth without unpickling code; checked before they are used."""

import hashlib
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch

from scumble.errors import WeightsError, reason
from scumble.perceptual import inception, pocket, vgg
from scumble.perceptual.catalogue import Network, is_file, promised_digest
from scumble.shared import warnings_ignored

MAX_FILE_BYTES = 2 << 30

SHAPES: dict[Network, Callable[[], dict[str, tuple[int, ...]]]] = {
    "pocket": pocket.parameter_shapes,
    "vgg19": vgg.parameter_shapes,
    "inception": inception.parameter_shapes,
}
"""The parameters that are used of each network, by name."""


@dataclass(frozen=True)
class Weights:
    """Checked parameters, with the digest of the file they were read from."""

    tensors: dict[str, torch.Tensor]
    sha256: str


def read(path: Path, network: Network = "vgg19") -> Weights:
    """Read and check a file of parameters: safetensors, or PyTorch's .pth (loaded without unpickling code).

    Args:
        path: of the file.
        network: whose parameters it must hold.

    Raises:
        WeightsError: if it is missing, damaged, of other shapes, or not the file that its name promises.
    """
    if not is_file(path):
        raise WeightsError(f"there is no weights file {path}; wanted a .safetensors or .pth file")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise WeightsError(f"weights file {path} is larger than any of ours; wanted one under 2 GiB")
        digest = sha256_of(path)
    except OSError as error:
        raise WeightsError(f"weights file {path} cannot be read: {reason(error)}") from error
    promised = promised_digest(path)
    if not digest.startswith(promised):
        raise WeightsError(
            f"weights file {path} has SHA-256 {digest[:8]}..., wanted {promised}...: it is damaged or another file",
            "remove it and fetch it again, or install scumble again if it is a part of it",
        )
    return Weights(checked(tensors_in(path), path, SHAPES[network]()), digest)


def tensors_in(path: Path) -> dict[str, torch.Tensor]:
    """Whatever a file holds; nothing in it is run.

    Raises:
        WeightsError: if it is damaged or of another kind.
    """
    try:
        with warnings_ignored():
            if path.suffix == ".safetensors":
                return safetensors.torch.load_file(path)
            if tarfile.is_tarfile(path):  # a format of 2016, which torch would unpack: names in it may lead anywhere
                raise tarfile.TarError("unsupported")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # whatever a damaged archive, or one that wants to run code, makes the libraries raise
        raise WeightsError(f"weights file {path} is damaged or of another kind; wanted tensors with names") from error


def checked(
    tensors: dict[str, torch.Tensor], path: Path, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, torch.Tensor]:
    """The tensors that `shapes` names, once each was found to be there, finite, and of its shape.

    Raises:
        WeightsError: if one is not.
    """
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


def sha256_of(path: Path) -> str:
    """Hexadecimal, of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
