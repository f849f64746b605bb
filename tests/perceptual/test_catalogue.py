"""The catalogue: which weights are here, and where they are looked for."""

import pytest

from scumble import paths
from scumble.errors import SettingsError
from scumble.perceptual.catalogue import CATALOGUE, entry_named, find


def test_the_search_goes_from_the_users_folders_to_torchs_cache(tmp_path, monkeypatch):
    caffe = CATALOGUE["vgg19-caffe"]
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("SCUMBLE_WEIGHTS", f"{first}:{second}")
    folders = [first, second, *paths.weights_folders()[2:]]
    assert paths.weights_folders() == folders
    assert folders[2] == paths.weights_cache()
    assert find(caffe) is None
    for folder in reversed(folders):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / caffe.published_file).write_bytes(b"")
        assert find(caffe) == folder / caffe.published_file
    (first / "vgg19-caffe-features.safetensors").write_bytes(b"")
    assert find(caffe) == first / "vgg19-caffe-features.safetensors"
    assert find(CATALOGUE["vgg19"]) is None  # the other set's files are not taken for its own


def test_unknown_names_are_refused():
    with pytest.raises(SettingsError, match="got 'vgg16', wanted one of pocket, vgg19-caffe, vgg19, inception"):
        entry_named("vgg16")
