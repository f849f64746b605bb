"""A translator as ONNX files, for programs without PyTorch: any number of pictures, of any sides that fit.

A file's metadata says what it takes and gives, as JSON under the key "scumble". Padding and cutting to sides that fit
is left to whoever uses it.
"""

import copy
from collections.abc import Generator
from pathlib import Path

import numpy as np
import torch

from scumble.events import Event
from scumble.gan.models import onnx
from scumble.gan.models.onnx import SUFFIX, Inputs, Program
from scumble.gan.models.sample import draw_latents
from scumble.gan.translation.kind import Direction
from scumble.gan.translation.models.translator import Translator
from scumble.storage.folder import make

LEAST = 8
"""Sides of the pictures that are compared, at least."""


def export_events(model: str | Path, output: str | Path, overwrite: bool = False) -> Generator[Event, None, None]:
    """Write a translator as ONNX, after a look at whether onnxruntime gives the same with it as torch.

    Args:
        model: a run, or a model's folder.
        output: an .onnx file for the forward direction; or a folder for a file for each direction, by its name.
        overwrite: whether files may be there that scumble has not made.

    Yields:
        Noted and Saved for each file.

    Raises:
        SettingsError: if the output has another ending, or the packages for it are not installed.
        ScumbleError: if onnxruntime gives something else.
        ImageError: if the place is none for a file, or, without `overwrite`, if one is there that scumble has not made.
        RunError: if the model cannot be read, or a file cannot be written.
    """
    model, output = Path(model), Path(output)
    is_file = onnx.is_file(output)
    onnx.check_packages()
    translator = Translator.from_pretrained(model, "cpu")
    directions: tuple[Direction, ...] = ("forward",) if is_file else translator.kind.directions
    places: dict[Direction, Path] = {
        direction: output if is_file else output / f"{direction}{SUFFIX}" for direction in directions
    }
    if not is_file:
        make(output)
    for place in places.values():
        onnx.check_output(place, overwrite)
    for direction, place in places.items():
        one = Translator(translator.networks, translator.facts, direction)
        yield from onnx.write_program(of_translator(one), place)


def of_translator(translator: Translator) -> Program:
    """From `pictures` (N, C, H, W) in [-1, 1], and what it is told beside them, to `results` (N, C', H', W')."""
    network = copy.deepcopy(translator.network).cpu()
    kind, settings, multiple = translator.kind, translator.settings, translator.multiple
    (before, *_), (after, *_) = translator.shapes

    def inputs(count: int) -> Inputs:
        random = torch.Generator().manual_seed(count)
        # Other sides for other batches, so that each is seen to be free.
        height, width = (multiple * -(-LEAST // multiple) * times for times in (1 + count // 2, 2))
        given = {"pictures": torch.rand(count, before, height, width, generator=random) * 2 - 1}
        for name in kind.told:
            if name == "code":
                given[name] = draw_latents(range(count), settings.latent)
            elif name == "target":
                given[name] = torch.eye(len(translator.classes))[torch.arange(count) % len(translator.classes)]
            else:
                given[name] = (torch.rand(count, 1, height, width, generator=random) < 0.5).float()
        return given

    @torch.inference_mode()
    def ours(given: Inputs) -> np.ndarray:
        return network(*given.values()).numpy()

    shape = f"{before}, H, W) float32, about -1 (black) to 1 (white); H and W are multiples of {multiple}"
    known = {
        "code": f"(N, {settings.latent}) float32, standard normal numbers: the style",
        "target": f"(N, {len(translator.classes)}) float32, 1 for each of the classes that a result is to have, else 0",
        "mask": "(N, 1, H, W) float32, 1 where a picture has a hole, else 0",
    }
    takes = {"pictures": f"(N, {shape}"} | {name: known[name] for name in kind.told}
    times = "" if translator.enlarges == 1 else f"{translator.enlarges} "
    gives = {"results": f"(N, {after}, {times}H, {times}W) float32, about -1 (black) to 1 (white)"}
    facts = {"takes": takes, "gives": gives, "classes": list(translator.classes)}
    facts |= {"direction": translator.direction, "settings": translator.facts.settings}
    sides = {"pictures": multiple, "mask": multiple}
    return Program(network, inputs, "results", ours, facts, "pictures", sides)
