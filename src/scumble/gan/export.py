"""A trained GAN for programs without PyTorch: its generator and its classifier as ONNX files, and how to use them."""

import contextlib
from collections.abc import Generator
from pathlib import Path

from scumble import paths
from scumble.errors import RunError
from scumble.events import Event, Noted, Saved
from scumble.gan.example import example
from scumble.gan.facts import ClassifierFacts
from scumble.gan.models import onnx
from scumble.gan.models.gan import GAN
from scumble.gan.models.onnx import Program
from scumble.gan.probe.classifier import Classifier
from scumble.gan.probe.onnx import of_classifier
from scumble.storage.folder import make, writing
from scumble.storage.run import Run

GENERATOR, CLASSIFIER, EXAMPLE = "generator.onnx", "classifier.onnx", "example.py"


def export_events(model: str | Path, output: str | Path, overwrite: bool = False) -> Generator[Event, None, None]:
    """Write a GAN as ONNX, after a look at whether onnxruntime gives the same with it as torch.

    Args:
        model: a run, a model's folder, or that of a classifier, which `scumble gan classify` makes.
        output: an .onnx file for the generator, or the classifier if `model` is one; or a folder for the generator, the
            run's classifier where there is one, and example.py, which uses them with onnxruntime and Pillow.
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
    if _is_classifier(model):
        gan, classifier = None, Classifier.from_pretrained(model, "cpu")
    else:
        gan, classifier = GAN.from_pretrained(model, "cpu"), None if is_file else _classifier_of(model)
    programs: dict[str, Program] = {}
    if gan is not None:
        programs[GENERATOR] = onnx.of_generator(gan)
    if classifier is not None:
        programs[CLASSIFIER] = of_classifier(classifier)
    if is_file:
        (program,) = programs.values()
        onnx.check_output(output, overwrite)
        yield from onnx.write_program(program, output)
        return
    make(output)
    for name in (*programs, EXAMPLE):
        onnx.check_output(output / name, overwrite)
    if classifier is None:
        yield Noted(f"without a classifier: {model} has none; `scumble gan classify` makes it")
    for name, program in programs.items():
        yield from onnx.write_program(program, output / name)
    with writing(output / EXAMPLE):
        paths.write_atomically(output / EXAMPLE, example(gan, classifier).encode())
    yield Saved(output / EXAMPLE)


def _is_classifier(folder: Path) -> bool:
    with contextlib.suppress(RunError):
        return bool(ClassifierFacts.read_from(folder))
    return False


def _classifier_of(model: Path) -> Classifier | None:
    """That of a run, or of the run that a model is in."""
    run = Run(model.parent)
    folder = (model.parent if model in (run.best, run.model) else model) / "classifier"
    return Classifier.from_pretrained(folder, "cpu") if _is_classifier(folder) else None
