"""A network as an ONNX file, for programs without PyTorch; checked against PyTorch before it is written.

The generator is the one that `sample` uses: the moving average, with its statistics frozen. A classifier's file is made
in `scumble.gan.probe.onnx`. A file's metadata says what it takes and gives, the names of the classes and the settings
of the training, as JSON under the key "scumble".
"""

import contextlib
import copy
import json
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

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
"""Of numbers in [-1, 1], an eighth of a grey level; of a probability, a tenth of a percent."""

Inputs = dict[str, torch.Tensor]


class Program(NamedTuple):
    """What a file is made of.

    Attributes:
        network: in evaluation mode, on the CPU; takes the inputs in their order.
        inputs: makes those of so many pictures, by name.
        output: the name of what it gives.
        ours: what scumble gives for such inputs.
        facts: for the metadata: what it "takes" and "gives", by name, and the names of "classes".
        noun: what its output is called where it differs.
        sides: of inputs that are pictures of any size, what divides their height and width, by name.
    """

    network: nn.Module
    inputs: Callable[[int], Inputs]
    output: str
    ours: Callable[[Inputs], np.ndarray]
    facts: dict[str, Any]
    noun: str
    sides: Mapping[str, int] = {}


def of_generator(gan: GAN) -> Program:
    """From `latents` (N, Z), and `labels` if it is conditional, to `pictures` (N, C, H, W), about in [-1, 1].

    Labels are (N,) class indices, or (N, K) zeros and ones where pictures have several.
    """
    generator = copy.deepcopy(gan.generator).cpu()

    def inputs(count: int) -> Inputs:
        labels, latents = gan.labels(range(count)), draw_latents(range(count), gan.settings.latent)
        return {"latents": latents} if labels is None else {"latents": latents, "labels": labels}

    @torch.inference_mode()
    def ours(given: Inputs) -> np.ndarray:
        return generator(*given.values()).numpy()

    channels, height, width = gan.facts.data.shape
    takes = {"latents": f"(N, {gan.settings.latent}) float32, standard normal numbers"}
    if gan.settings.has_codes:
        takes["latents"] += f"; the largest of the first {gan.settings.categories} is the category"
    if gan.classes:
        several = gan.facts.data.label_sets is not None
        takes["labels"] = (
            f"(N, {len(gan.classes)}) float32, 1 for each label that a picture has and 0 for the others"
            if several
            else f"(N,) int64, the classes' positions, 0 to {len(gan.classes) - 1}"
        )
    gives = {"pictures": f"(N, {channels}, {height}, {width}) float32, about -1 (black) to 1 (white)"}
    facts = {"takes": takes, "gives": gives, "classes": list(gan.classes), "settings": gan.facts.settings}
    return Program(generator, inputs, "pictures", ours, facts, "pictures")


def check_packages() -> None:
    """Refuse to begin without what writes such files.

    Raises:
        SettingsError: if it is not installed.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401 (torch needs it)
    except ImportError as error:
        raise SettingsError("an .onnx file takes more packages: pip install 'scumble[onnx]'") from error


def is_file(output: Path) -> bool:
    """Whether an output is the name of an .onnx file, rather than that of a folder.

    Raises:
        SettingsError: if it ends in something else, and is no folder that is there.
    """
    if output.suffix.lower() == SUFFIX:
        return True
    if output.suffix and not output.is_dir():
        raise SettingsError(f"output {output} ends in {output.suffix!r}; wanted {SUFFIX} or a folder's name")
    return False


def check_output(output: Path, overwrite: bool) -> None:
    """Refuse a place that no file can be written to, or, without `overwrite`, where one is that is not ours.

    Raises:
        ImageError: if it is such a place.
    """
    files.check_place(output)
    if not overwrite:
        files.check_free(output, MARK)


def write_program(program: Program, output: Path) -> Generator[Event, None, None]:
    """Write an .onnx file, unless onnxruntime gives something else with it than scumble does.

    Yields:
        Noted, with the largest difference found, and Saved.

    Raises:
        ScumbleError: if they differ.
        RunError: if it cannot be written.
    """
    import onnx
    import onnxruntime

    model = _exported(program)
    facts = program.facts | {"versions": recipe.versions()}
    onnx.helper.set_model_props(model, {MARK: json.dumps(facts)})
    onnx.checker.check_model(model)
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    difference = max(_difference(session, program, count) for count in CHECKED)
    if not difference <= TOLERANCE:
        raise ScumbleError(f"onnxruntime gives other {program.noun} than torch: they differ by {difference:.2g}")
    with writing(output):
        paths.write_atomically(output, data)
    yield Noted(f"onnxruntime gives the same {program.noun}: none differs by more than {difference:.1g}")
    yield Saved(output)


def _exported(program: Program) -> Any:
    """The model in onnx's own form, for any number of pictures."""
    inputs = program.inputs(2)
    with _quiet():
        exported = torch.onnx.export(
            program.network,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=[program.output],
            dynamic_shapes=tuple(_dynamic(program.sides.get(name)) for name in inputs),
            dynamo=True,
            verbose=False,
        )
    assert exported is not None
    return exported.model_proto


def _dynamic(divisor: int | None) -> dict[int, Any]:
    """The sides of an input that may be of any length, or of any multiple."""
    sides = {0: torch.export.Dim("pictures_in_batch")}
    if divisor is not None:
        names = ("height", "width") if divisor == 1 else ("height_in_multiples", "width_in_multiples")
        sides |= {number: divisor * torch.export.Dim(name) for number, name in zip((2, 3), names, strict=True)}
    return sides


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


def _difference(session: Any, program: Program, count: int) -> float:
    """The largest one, between what the session gives for so many pictures and what scumble does."""
    inputs = program.inputs(count)
    (there,) = session.run([program.output], {name: tensor.numpy() for name, tensor in inputs.items()})
    here = program.ours(inputs)
    return float(np.abs(there - here).max()) if there.shape == here.shape else float("inf")
