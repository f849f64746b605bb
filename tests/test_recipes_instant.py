"""What puts a trained painter into the package."""

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
import safetensors.torch
import torch

from conftest import REPOSITORY
from feedforward_material import numbers_of, unlearnt_decoder
from scumble.style.feedforward import onnx_networks, weights

RECIPE = REPOSITORY / "recipes" / "instant"


def recipe(name: str) -> ModuleType:
    if not RECIPE.exists():
        pytest.skip("needs the folder recipes, which packages do not hold")
    spec = importlib.util.spec_from_file_location(f"instant_{name}", RECIPE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def export() -> ModuleType:
    pytest.importorskip("onnx")
    return recipe("export")


@pytest.mark.parametrize(("part", "counts"), [(slice(0, 48), (2, 0)), (slice(48, 96), (0, 2)), (slice(0, 96), (1, 1))])
def test_plain_parts_learn_from_plain_parts(part, counts):
    lessons = recipe("lessons")
    random = torch.Generator().manual_seed(0)
    # Plain on the left; the painting is of another size, and busier everywhere.
    photo = 0.5 + torch.randn(1, 3, 64, 96, generator=random) * torch.linspace(0.01, 0.2, 96)
    painting = 0.5 + torch.randn(1, 3, 96, 192, generator=random) * torch.linspace(0.1, 2, 192)
    here = lessons.degrees(photo)
    assert here.shape == (1, 1, 64, 96)
    found = lessons.as_busy(here[..., part], lessons.degrees(painting))
    assert found.mean() == pytest.approx(1, abs=0.02)
    halves = [half.mean().item() for half in found.chunk(2, dim=3)]
    assert halves == pytest.approx(counts, abs=0.35)


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
