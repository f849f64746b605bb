"""A generator as an ONNX file, for programs without PyTorch; checked against PyTorch before it is written.

The generator is the one that `sample` uses: the moving average, with its statistics frozen. Inputs are `latents`
(N, Z), standard normal, and `labels` if it is conditional: (N,) class indices, or (N, K) zeros and ones where pictures
have several labels. The output is `pictures` (N, C, H, W), about in [-1, 1]. The file's metadata holds the names of the
classes and the settings of the training.
"""

import contextlib
import copy
import json
import logging
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from scumble import paths
from scumble.errors import ScumbleError, SettingsError
from scumble.events import Event, Noted, Saved
from scumble.gan.models.gan import GAN
from scumble.gan.models.sample import draw_latents
from scumble.image import files, recipe
from scumble.shared import shared, warnings_ignored
from scumble.storage.folder import writing

SUFFIX = ".onnx"
MARK = "scumble"
"""The key of its metadata, by which a file of ours is known."""

CHECKED = (1, 5)
"""Batch sizes that are compared."""

TOLERANCE = 1e-3
"""Of numbers in [-1, 1]: an eighth of a grey level."""


def onnx_events(gan: GAN, output: Path, overwrite: bool = False) -> Generator[Event, None, None]:
    """Write a generator as ONNX, unless onnxruntime draws other pictures with it than torch.

    Yields:
        Noted, with the largest difference found, and Saved.

    Raises:
        SettingsError: if the output does not end in .onnx, or the packages for it are not installed.
        ScumbleError: if the pictures differ.
        ImageError: if the place is none for a file, or, without `overwrite`, if one is there that scumble has not made.
        RunError: if it cannot be written.
    """
    if output.suffix.lower() != SUFFIX:
        raise SettingsError(f"output {output} ends in {output.suffix or 'nothing'!r}; wanted {SUFFIX}")
    files.check_place(output)
    if not overwrite:
        files.check_free(output, MARK)
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 (torch needs it)
    except ImportError as error:
        raise SettingsError("an .onnx file takes more packages: pip install 'scumble[onnx]'") from error
    generator = copy.deepcopy(gan.generator).cpu()
    model = _exported(generator, _inputs(gan, 2))
    facts = {"classes": list(gan.classes), "settings": gan.facts.settings, "versions": recipe.versions()}
    onnx.helper.set_model_props(model, {MARK: json.dumps(facts)})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    difference = max(_difference(session, generator, _inputs(gan, count)) for count in CHECKED)
    if not difference <= TOLERANCE:
        raise ScumbleError(
            f"onnxruntime draws other pictures than torch: numbers in [-1, 1] differ by {difference:.2g}"
        )
    with writing(output):
        paths.write_atomically(output, data)
    yield Noted(f"onnxruntime draws the same: of numbers in [-1, 1], none differs by more than {difference:.1g}")
    yield Saved(output)


def _inputs(gan: GAN, count: int) -> dict[str, torch.Tensor]:
    labels = gan.labels(range(count))
    latents = draw_latents(range(count), gan.settings.latent)
    return {"latents": latents} if labels is None else {"latents": latents, "labels": labels}


def _exported(generator: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> Any:
    """The model in onnx's own form, for any number of pictures."""
    with _quiet():
        program = torch.onnx.export(
            generator,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=["pictures"],
            dynamic_shapes=tuple({0: torch.export.Dim("pictures_in_batch")} for _ in inputs),
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    return program.model_proto


@shared
@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says about its own parts."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings_ignored():
            yield
    finally:
        logger.setLevel(level)


@torch.inference_mode()
def _difference(session: Any, generator: torch.nn.Module, inputs: dict[str, torch.Tensor]) -> float:
    (there,) = session.run(["pictures"], {name: tensor.numpy() for name, tensor in inputs.items()})
    here = generator(*inputs.values()).numpy()
    return float(np.abs(there - here).max()) if there.shape == here.shape else float("inf")
