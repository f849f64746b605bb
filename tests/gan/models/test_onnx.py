"""Export: what other programs draw with the file is what torch draws."""

import json

import numpy as np
import pytest
import torch

from gan_material import untrained_gan
from scumble import GANSettings
from scumble.cli import app
from scumble.errors import ScumbleError
from scumble.gan.models import onnx
from scumble.gan.models.onnx import Program, of_generator, write_program
from scumble.gan.models.sample import draw_latents
from scumble.gan.presets import PRESETS

pytestmark = pytest.mark.usefixtures("one_thread")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


SHAPES = ((1, 16, 16), (3, 64, 64), (3, 32, 24), (1, 20, 48))
"""Grey and colour, from 16 to 64 pixels, square and not."""
# Each preset at one of the shapes, and each of their generators at all of them.
GENERATORS = {(GANSettings(preset=name).network, GANSettings(preset=name).draws_classes): name for name in PRESETS}
CASES = [pytest.param(name, SHAPES[number % len(SHAPES)]) for number, name in enumerate(PRESETS)]
CASES += [pytest.param(name, shape, marks=pytest.mark.slow) for name in GENERATORS.values() for shape in SHAPES]


@pytest.mark.parametrize(("preset", "shape"), CASES)
def test_onnxruntime_draws_what_torch_draws(preset, shape, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    gan = untrained_gan(preset, shape)
    list(write_program(of_generator(gan), tmp_path / "gan.onnx"))
    session = onnxruntime.InferenceSession(tmp_path / "gan.onnx")
    for count in (1, 3, 7):
        inputs = {"latents": draw_latents(range(100, 100 + count), 8)}
        if gan.classes:
            inputs["labels"] = torch.arange(count) % 3
        (pictures,) = session.run(None, {name: tensor.numpy() for name, tensor in inputs.items()})
        expected = gan.generator(*inputs.values()).numpy()
        # Without training, some draw hardly anything but grey, and others, which sum levels, far beyond white.
        spread = expected.std()
        assert spread > 1e-4
        np.testing.assert_allclose(pictures, expected, rtol=0, atol=min(1e-4 * max(1.0, spread), spread / 20))
    kept = json.loads(session.get_modelmeta().custom_metadata_map["scumble"])
    assert kept["settings"]["preset"] == preset
    assert kept["classes"] == list(gan.classes)


def test_the_file_holds_plain_convolutions(tmp_path):
    onnx_format = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    list(write_program(of_generator(untrained_gan("sndcgan", (3, 16, 16))), tmp_path / "gan.onnx"))
    kinds = [node.op_type for node in onnx_format.load(tmp_path / "gan.onnx").graph.node]
    assert "ConvTranspose" in kinds
    assert not {"ScatterND", "MatMul"} & set(kinds)  # the parts of our own products for small pictures on CPUs


def test_a_file_that_draws_something_else_is_not_written(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    monkeypatch.setattr(onnx, "_difference", lambda *given: 0.02)
    with pytest.raises(ScumbleError, match="differ by 0.02"):
        list(write_program(of_generator(untrained_gan("gan", (1, 16, 16))), tmp_path / "gan.onnx"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("ours", "difference"), [(torch.clone, 0.25), (torch.ravel, float("inf"))])
def test_a_difference_is_seen(ours, difference):
    class Session:
        def run(self, names, given):
            return (given["x"] + 0.25,)

    program = Program(
        torch.nn.Identity(),
        lambda count: {"x": torch.zeros(count, 3)},
        "y",
        lambda given: ours(given["x"]).numpy(),
        {},
        "",
    )
    assert onnx._difference(Session(), program, 2) == pytest.approx(difference)


def test_without_the_packages_it_says_which_to_install(tmp_path, monkeypatch, capsys):
    untrained_gan("rpgan").save_pretrained(tmp_path / "model")
    for name in ("onnx", "onnxruntime", "onnxscript"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    assert run("gan", "export", tmp_path / "model", "--onnx", tmp_path / "gan.onnx") == 2
    assert "pip install 'scumble[onnx]'" in capsys.readouterr().err
    assert run("gan", "export", tmp_path / "model", "--onnx", tmp_path / "gan.pt") == 2
    assert "ends in '.pt'; wanted .onnx" in capsys.readouterr().err
