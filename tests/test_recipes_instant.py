"""What puts a trained painter into the package."""

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
import safetensors.torch

from conftest import REPOSITORY
from feedforward_material import numbers_of, unlearnt_decoder
from scumble.style.feedforward import onnx_networks, weights

EXPORT = REPOSITORY / "recipes" / "instant" / "export.py"


@pytest.fixture(scope="module")
def export() -> ModuleType:
    pytest.importorskip("onnx")
    if not EXPORT.exists():
        pytest.skip("needs the folder recipes, which packages do not hold")
    spec = importlib.util.spec_from_file_location("instant_export", EXPORT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_package_holds_the_graphs_that_the_recipe_writes(export):
    assert (onnx_networks.HERE / "trunk.onnx").read_bytes() == export.trunk()
    assert (onnx_networks.HERE / "decoder.onnx").read_bytes() == export.decoder()


def test_numbers_are_exported_and_checked(export, tmp_path, monkeypatch, capsys):
    decoder = unlearnt_decoder()
    safetensors.torch.save_file(decoder.state_dict(), tmp_path / "trained.safetensors")
    monkeypatch.setattr(weights, "FILE", tmp_path / "instant.safetensors")
    monkeypatch.setattr(onnx_networks, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["export.py", str(tmp_path / "trained.safetensors")])
    weights._decoder.cache_clear()
    try:
        export.main()
        assert "onnxruntime differs by" in capsys.readouterr().out
        for name, value in numbers_of(decoder).items():
            np.testing.assert_allclose(weights._decoder()[name], value, rtol=1e-3, atol=1e-6)
    finally:
        weights._decoder.cache_clear()


def test_nothing_is_exported_that_pytorch_paints_otherwise(export, tmp_path, monkeypatch):
    safetensors.torch.save_file(unlearnt_decoder().state_dict(), tmp_path / "trained.safetensors")
    monkeypatch.setattr(weights, "FILE", tmp_path / "instant.safetensors")
    (tmp_path / "instant.safetensors").write_bytes(b"as before")
    monkeypatch.setattr(onnx_networks, "HERE", tmp_path)
    monkeypatch.setattr(sys, "argv", ["export.py", str(tmp_path / "trained.safetensors")])
    monkeypatch.setattr(export, "compared", lambda network: 0.1)
    with pytest.raises(ValueError, match="differ by 0.1"):
        export.main()
    assert (tmp_path / "instant.safetensors").read_bytes() == b"as before"
