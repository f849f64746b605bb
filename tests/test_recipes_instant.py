"""What puts a trained painter into the package."""

import importlib.util
import sys
from types import ModuleType

import numpy as np
import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

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


def test_the_critic_is_shown_what_counts_the_most_and_no_border_that_was_added():
    lessons = recipe("lessons")
    counts = torch.zeros(1, 1, 30, 60)
    counts[..., 40:] = 1
    columns = torch.linspace(0, 1, 480).expand(1, 3, 120, 480)
    part, found = lessons._counting_part(columns, counts, np.random.default_rng(0))
    assert (part.shape, found.shape) == ((1, 3, lessons.CUT, lessons.CUT), (1, 1, lessons.CUT // 8, lessons.CUT // 8))
    assert part[..., -1].min() > 0.7
    assert found[:, :, :14].max() == 1
    assert found[:, :, 16:].max() == 0


def test_the_critic_learns_how_features_lie_beside_each_other():
    critic, shapes = recipe("critic"), recipe("critic").LAYERS
    random = torch.Generator().manual_seed(0)
    network = critic.Critic()
    optimizer = torch.optim.Adam(network.parameters(), 3e-3, betas=(0.0, 0.99))
    code, counts = torch.zeros(2, critic.CODE), torch.ones(2, 1, 6, 6)

    def smooth() -> dict[str, torch.Tensor]:
        coarse = {name: torch.randn(2, channels, 6, 6, generator=random) for name, channels in shapes.items()}
        wide = {name: F.interpolate(one, scale_factor=4) for name, one in coarse.items()}
        return {name: (critic.DEVIATIONS[name] * one).half() for name, one in wide.items()}  # as lessons keep them

    def shuffled() -> dict[str, torch.Tensor]:
        places = torch.randperm(24 * 24, generator=random)
        return {name: one.flatten(2)[:, :, places].view_as(one) for name, one in smooth().items()}

    losses = []
    for _ in range(80):
        real = critic.of_paintings(network(smooth(), code), counts)
        losses.append(real + critic.of_painted(network(shuffled(), code)))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[0].item() == pytest.approx(2, abs=0.5)
    assert losses[-1].item() < 1
    assert critic.liking(network(smooth(), code)) > critic.liking(network(shuffled(), code)) + 0.5


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
