"""Translators as ONNX files: the same pictures as torch's, of any number and of any sides that fit."""

import json

import numpy as np
import pytest
import torch

from conftest import run
from scumble.events import Noted
from scumble.gan.models.onnx import MARK, write_program
from scumble.gan.translation.models.onnx import of_translator
from scumble.gan.translation.presets import PRESETS
from translation_material import untrained_translator

onnxruntime = pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

pytestmark = pytest.mark.usefixtures("one_thread")

WAYS = [*((preset, "forward") for preset in PRESETS), ("cyclegan", "backward"), ("munit", "backward")]
WAYS = [*((*way, "none") for way in WAYS), ("pix2pix", "forward", "blur")]


@pytest.mark.parametrize(("preset", "direction", "pairs"), WAYS)
def test_every_translator_gives_the_same_there(preset, direction, pairs, tmp_path):
    translator = untrained_translator(preset, direction, **({"pairs": pairs} if pairs != "none" else {}))
    program = of_translator(translator)
    assert program.ours(program.inputs(2)).std() > 0.01  # there is something to compare
    first, _ = write_program(program, tmp_path / "x.onnx")  # refuses what differs by more than 1e-3
    assert isinstance(first, Noted)
    session = onnxruntime.InferenceSession(tmp_path / "x.onnx")
    assert [entry.name for entry in session.get_inputs()] == ["pictures", *translator.kind.told]
    given = program.inputs(1)
    multiple = translator.multiple
    for name in given.keys() & {"pictures", "mask"}:  # sides that were neither exported nor compared
        channels = given[name].shape[1]
        given[name] = (torch.rand(1, channels, 3 * max(multiple, 16), max(multiple, 16)) < 0.5).float()
    (there,) = session.run(None, {name: tensor.numpy() for name, tensor in given.items()})
    here = program.ours(given)
    assert there.shape == here.shape
    assert np.abs(there - here).max() < 1e-3


def test_a_file_says_what_it_takes_and_gives(tmp_path):
    list(write_program(of_translator(untrained_translator("stargan")), tmp_path / "x.onnx"))
    model = onnx.load(tmp_path / "x.onnx")
    facts = json.loads({entry.key: entry.value for entry in model.metadata_props}[MARK])
    assert facts["takes"]["target"].startswith("(N, 3) float32, 1 for each of the classes")
    assert facts["takes"]["pictures"].startswith(
        "(N, 3, H, W) float32, about -1 (black) to 1 (white); H and W are mult"
    )
    assert facts["gives"] == {"results": "(N, 3, H, W) float32, about -1 (black) to 1 (white)"}
    assert facts["classes"] == ["day", "night", "dusk"]
    assert (facts["direction"], facts["settings"]["preset"]) == ("forward", "stargan")


def test_the_command_writes_a_file_for_each_direction(grey_run, tmp_path, monkeypatch, capsys):
    untrained_translator("cyclegan").save_pretrained(tmp_path / "model")
    assert run("translate", "export", tmp_path / "model", "-o", tmp_path / "out") == 0
    assert capsys.readouterr().out.split() == [str(tmp_path / "out" / f"{way}.onnx") for way in ("forward", "backward")]
    assert run("translate", "export", grey_run, "--onnx", tmp_path / "one.onnx") == 0
    assert (tmp_path / "one.onnx").exists()
