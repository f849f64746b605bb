"""A trained translator: loaded, saved, and what it says where something is wrong."""

import json
import shutil

import pytest
import torch

from scumble import SettingsError, Translator
from scumble.errors import RunError

pytestmark = pytest.mark.usefixtures("one_thread")


def test_saved_and_loaded_it_is_the_same(grey_run, tmp_path):
    translator = Translator.from_pretrained(grey_run / "model")
    translator.save_pretrained(tmp_path / "copy")
    names = [path.name for path in sorted((grey_run / "model").iterdir())]
    for name in names:
        assert (tmp_path / "copy" / name).read_bytes() == (grey_run / "model" / name).read_bytes()
    other, pictures = Translator.from_pretrained(tmp_path / "copy"), torch.rand(2, 1, 20, 28) * 2 - 1
    assert torch.equal(other.network(pictures), translator.network(pictures))
    assert other.network(pictures).shape == (2, 3, 20, 28)


def test_it_says_what_it_is(grey_run):
    translator = Translator.from_pretrained(grey_run)
    assert repr(translator) == "<Translator: preset pix2pix, trained on photos for 80 images>"
    assert (translator.shapes, translator.enlarges, translator.classes) == (((1, 16, 16), (3, 16, 16)), 1, ())
    assert translator.multiple == 16
    assert translator.told() == {}
    card = (grey_run / "model" / "README.md").read_text()
    assert "By the method `pix2pix` (Isola et al. 2017): trained on 20 pictures (photos), for 80 images" in card
    assert "made by code (grey)" in card
    assert "| width | 4 |" in card


def test_what_it_cannot_do_is_refused(grey_run):
    with pytest.raises(SettingsError, match="direction: got backward, wanted forward"):
        Translator.from_pretrained(grey_run, direction="backward")
    with pytest.raises(SettingsError, match="target: got 'blond', and pix2pix knows of none"):
        Translator.from_pretrained(grey_run).told(target="blond")


def test_other_folders_are_refused(grey_run, noise_run, tmp_path):
    for folder, words in (
        (tmp_path, "is no trained translator"),
        (noise_run / "model", "holds no translation: its settings.json is of the kind 'gan'"),
    ):
        with pytest.raises(RunError, match=words):
            Translator.from_pretrained(folder)
    with pytest.raises(RunError, match="is a run; wanted a folder of its own"):
        Translator.from_pretrained(grey_run).save_pretrained(grey_run)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("width", 8, "downs.0.bias is 4, wanted 8"),
        ("kind", "none", "kind: got 'none'"),
        ("size", "32", "missing|not of this network"),
        ("width", 1024, "downs.0.bias is 4, wanted 1024"),
    ],
)
def test_edited_settings_are_refused_in_one_line(grey_run, tmp_path, field, value, words):
    shutil.copytree(grey_run / "model", tmp_path / "model")
    path = tmp_path / "model" / "settings.json"
    facts = json.loads(path.read_text())
    facts["settings"][field] = value
    path.write_text(json.dumps(facts))
    with pytest.raises(RunError, match=words) as error:
        Translator.from_pretrained(tmp_path / "model")
    assert "\n" not in str(error.value)
