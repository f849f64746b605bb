"""Reading weights: what is damaged, of another kind, or dangerous is refused."""

import tarfile
import tempfile

import pytest
import safetensors.torch
import torch

from scumble.errors import WeightsError
from scumble.perceptual import weights


def test_files_that_are_no_weights_are_told_in_one_line(tmp_path, tensors):
    shapes_off = dict(tensors) | {"features.0.weight": torch.zeros(64, 3, 5, 5)}
    not_finite = dict(tensors) | {"features.2.bias": torch.full((64,), torch.nan)}
    missing = {name: tensor for name, tensor in tensors.items() if name != "features.34.bias"}
    for name, content in {"shapes": shapes_off, "nan": not_finite, "missing": missing}.items():
        safetensors.torch.save_file(content, tmp_path / f"{name}.safetensors")
    whole = (tmp_path / "shapes.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:100_000])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "text.pth").write_text("no weights")
    integers = dict(tensors) | {"features.0.bias": torch.zeros(64, dtype=torch.int64)}
    safetensors.torch.save_file(integers, tmp_path / "integers.safetensors")
    torch.save(dict(tensors) | {"features.0.weight": tensors["features.0.weight"].to_sparse()}, tmp_path / "sparse.pth")
    with (tmp_path / "hole.pth").open("wb") as file:
        file.truncate(2**36)
    torch.save([1, 2, 3], tmp_path / "list.pth")
    (tmp_path / "vgg19-caffe-00000000.safetensors").write_bytes(whole)
    for name, message in [
        ("shapes.safetensors", r"features.0.weight of shape \(64, 3, 5, 5\); wanted \(64, 3, 3, 3\)"),
        ("nan.safetensors", "features.2.bias that are not finite"),
        ("missing.safetensors", "has no features.34.bias"),
        ("cut.safetensors", "damaged or of another kind"),
        ("empty.safetensors", "damaged or of another kind"),
        ("text.pth", "damaged or of another kind"),
        ("list.pth", "has no features.0.weight"),
        ("vgg19-caffe-00000000.safetensors", "has SHA-256 .* wanted 00000000"),
        ("none.safetensors", "there is no weights file"),
        (".", "there is no weights file"),
        ("integers.safetensors", "features.0.bias of type torch.int64"),
        ("sparse.pth", "has no features.0.weight"),
        ("hole.pth", "is larger than any"),
    ]:
        with pytest.raises(WeightsError, match=message) as error:
            weights.read(tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_date_in_a_users_own_name_is_no_digest(tmp_path, weights_file):
    own = tmp_path / "portraits-20240131.safetensors"
    own.write_bytes(weights_file.read_bytes())
    assert weights.read(own).tensors


def test_an_archive_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "mkdtemp", lambda *_, **__: pytest.fail("unpacks"))
    path = tmp_path / "net.pth"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("storages"))
    with pytest.raises(WeightsError, match="damaged or of another kind"):
        weights.read(path)


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="damaged or of another kind"):
        weights.read(tmp_path / "evil.pth")
