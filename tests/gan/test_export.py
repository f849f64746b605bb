"""What is exported into a folder is used by the example beside it, which needs no PyTorch and no scumble."""

import ast
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from gan_material import CLASSES, TINY_TRAINING, untrained_classifier, untrained_gan
from scumble import Classifier
from scumble.cli import app
from scumble.data.sources.source import item_of_file
from scumble.gan.example import example
from scumble.gan.export import export_events
from scumble.gan.models import onnx
from scumble.gan.train import train

pytestmark = pytest.mark.usefixtures("one_thread")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


def with_classifier(run):
    """A run that has one of pictures like its own."""
    untrained_classifier("sndcgan", "spectral").save_pretrained(run / "classifier")
    return run


WITHOUT_TORCH = """
import runpy, sys
sys.modules |= dict.fromkeys(("torch", "scumble"))
try:
    import torch
except ImportError:
    runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def run_without_torch(folder, program, *arguments) -> str:
    """What a program says, in an empty folder and in a process in which importing torch fails."""
    folder.mkdir()
    command = [sys.executable, "-c", WITHOUT_TORCH, str(program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_uses_both_files_without_torch(halves, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    train(halves, tmp_path / "run", preset="projection", **TINY_TRAINING)
    made = with_classifier(tmp_path / "run")
    assert run("gan", "export", made, "-o", tmp_path / "exported") == 0
    names = ("generator.onnx", "classifier.onnx", "example.py")
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "exported" / name) for name in names]
    program = tmp_path / "exported" / "example.py"
    assert 9 <= sum(map(bool, _lines_of_use(program.read_text()))) <= 14
    drawn = run_without_torch(tmp_path / "there", program).split("\n")[:-1]
    with Image.open(tmp_path / "there" / "drawn.png") as row:
        assert row.size == (8 * 16, 16)
        pixels = np.asarray(row).reshape(16, 8, 16).transpose(1, 0, 2)
    classifier = Classifier.from_pretrained(made / "classifier")
    assert drawn == _said(classifier, pixels)
    photo = np.random.default_rng(0).integers(0, 256, (30, 40, 4), dtype=np.uint8)
    Image.fromarray(photo).save(tmp_path / "photo.png")
    assert run_without_torch(tmp_path / "elsewhere", program, tmp_path / "photo.png").split("\n")[:-1] == _said(
        classifier, [tmp_path / "photo.png"]
    )


def _said(classifier, pictures) -> list[str]:
    return [f"{CLASSES[row.argmax()]} {row.max():.1%}" for row in classifier.probabilities(pictures)]


def _lines_of_use(program: str) -> list[str]:
    """What is neither an import, nor a comment, nor the function that opens photographs."""
    body = ast.parse(program).body
    return [ast.unparse(node) for node in body if not isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef)]


def test_without_a_classifier_it_says_so_and_draws(halves_run, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    assert run("gan", "export", halves_run, "-o", tmp_path / "exported") == 0
    assert "without a classifier: " in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "exported").iterdir()) == ["example.py", "generator.onnx"]
    assert run_without_torch(tmp_path / "there", tmp_path / "exported/example.py") == ""
    assert (tmp_path / "there/drawn.png").exists()


def test_a_classifier_is_exported_by_itself(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    made = tmp_path / "classifier"
    untrained_classifier("sndcgan", "spectral").save_pretrained(made)
    list(export_events(made, tmp_path / "exported"))
    assert sorted(path.name for path in (tmp_path / "exported").iterdir()) == ["classifier.onnx", "example.py"]
    session = onnxruntime.InferenceSession(tmp_path / "exported/classifier.onnx")
    assert json.loads(session.get_modelmeta().custom_metadata_map["scumble"])["classes"] == list(CLASSES)
    picture = np.full((16, 16), 9, np.uint8)
    Image.fromarray(picture).save(tmp_path / "photo.png")
    said = run_without_torch(tmp_path / "there", tmp_path / "exported/example.py", tmp_path / "photo.png")
    assert said.split("\n")[:-1] == _said(Classifier.from_pretrained(made), [picture])


def opening_of(classifier):
    """The function by which an example opens photographs."""
    body = [n for n in ast.parse(example(None, classifier)).body if isinstance(n, ast.ImportFrom | ast.FunctionDef)]
    names: dict = {"np": np}
    exec("\n".join(map(ast.unparse, body)), names)
    return names["opened"]


def pixels_of(classifier, path) -> np.ndarray:
    """(H, W, C), as for the training."""
    return classifier.pixels_of(item_of_file(path.name, None, path.read_bytes).opened(), path.name).transpose(1, 2, 0)


@pytest.mark.parametrize("value_range", [(0.0, 4095.0), None])
def test_the_example_reads_deep_pictures_as_the_training_did(value_range, tmp_path):
    """Pillow would cut values of 16 bits off at 255: nearly all of them white."""
    classifier = untrained_classifier("sndcgan", "spectral")
    data = classifier.facts.data.model_copy(update={"value_range": value_range})
    classifier.facts = classifier.facts.model_copy(update={"data": data})
    deep = np.linspace(0, 4500, 600).astype(np.uint16).reshape(20, 30)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert np.array_equal(opening_of(classifier)(tmp_path / "deep.png"), pixels_of(classifier, tmp_path / "deep.png"))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_the_example_brings_pictures_to_the_pixels_that_the_training_did(channels, fit, tmp_path):
    classifier = untrained_classifier("sndcgan", "spectral", (channels, 16, 16))
    facts = classifier.facts
    classifier.facts = facts.model_copy(update={"settings": facts.settings | {"fit": fit}})
    random = np.random.default_rng(0)
    opened = opening_of(classifier)
    for name, shape in (("grey", (20, 30)), ("colour", (30, 20, 3)), ("clear", (20, 30, 4)), ("small", (16, 16, 4))):
        path = tmp_path / f"{name}.png"
        Image.fromarray(random.integers(0, 256, shape, dtype=np.uint8)).save(path)
        assert np.array_equal(opened(path), pixels_of(classifier, path)), name


def test_which_files_there_are(halves_run, tmp_path, monkeypatch):
    """Of a run and of its model in it, both; of a file, the one that MODEL is."""
    made = with_classifier(halves_run)
    shutil.copytree(made / "model", tmp_path / "model")
    written = []
    monkeypatch.setattr(onnx, "write_program", lambda program, path: written.append((program.output, path.name)) or [])
    both = [("pictures", "generator.onnx"), ("probabilities", "classifier.onnx")]
    for model, output, wanted in (
        ("run", "exported", both),
        ("run/model", "exported", both),
        ("model", "exported", both[:1]),
        ("run", "a.onnx", [("pictures", "a.onnx")]),
        ("run/classifier", "a.onnx", [("probabilities", "a.onnx")]),
    ):
        list(export_events(tmp_path / model, tmp_path / output))
        assert written == wanted
        written.clear()


def test_files_of_others_stay(halves_run, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    (tmp_path / "exported").mkdir()
    (tmp_path / "exported/example.py").write_text("mine")
    assert run("gan", "export", halves_run, "-o", tmp_path / "exported") == 1
    assert "example.py is there already, and not made by scumble" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "exported").iterdir()] == ["example.py"]
    assert run("gan", "export", halves_run, "-o", tmp_path / "exported", "--overwrite") == 0
    assert run("gan", "export", halves_run, "-o", tmp_path / "exported") == 0  # they are ours now


@pytest.mark.parametrize("shape", [(1, 16, 16), (2, 16, 20), (3, 16, 16), (4, 16, 16), (7, 16, 16)])
@pytest.mark.parametrize("fit", ["crop", "pad", "stretch"])
def test_an_example_is_a_program_whatever_pictures_are(shape, fit):
    gan, classifier = untrained_gan("sndcgan", shape), untrained_classifier("sndcgan", "spectral", shape)
    facts = classifier.facts
    classifier.facts = facts.model_copy(update={"settings": facts.settings | {"fit": fit}})
    for text in (example(gan, None), example(None, classifier), example(gan, classifier)):
        compile(text, "example.py", "exec")


def test_an_example_draws_several_labels_as_zeros_and_ones():
    gan = untrained_gan("projection")
    assert '"labels": np.arange(8) % 3}' in example(gan, None)
    data = gan.facts.data.model_copy(update={"label_sets": ("011", "100")})
    gan.facts = gan.facts.model_copy(update={"data": data})
    assert '"labels": np.eye(3, dtype=np.float32)[np.arange(8) % 3]}' in example(gan, None)
