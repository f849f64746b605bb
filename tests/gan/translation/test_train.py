"""Training a translator from end to end: the run's folder, going on, starting over, and what is refused."""

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image

from scumble import SettingsError, TranslationSettings, Translator, train_translator
from scumble.errors import RunError
from scumble.events import Finished, Noted, Preview, Progress, Started
from scumble.gan.translation import train
from scumble.gan.translation.train import train_translator_events
from translation_material import SHORT

pytestmark = pytest.mark.usefixtures("one_thread")


def weights(run):
    return safetensors.torch.load_file(run / "model" / "model.safetensors")


def test_a_run_has_all_that_is_needed(grey_run):
    names = {path.name for path in grey_run.iterdir() if not path.name.startswith(".")}
    assert names == {"settings.json", "metrics.jsonl", "grids", "checkpoints", "model"} | (names & {"tensorboard"})
    assert {path.name for path in (grey_run / "model").iterdir()} == {
        "settings.json", "model.safetensors", "README.md", "samples.png"
    }  # fmt: skip
    facts = json.loads((grey_run / "settings.json").read_text())
    assert (facts["kind"], facts["shape_a"], facts["data"]["shape"]) == ("translation", [1, 16, 16], [3, 16, 16])
    rows = [json.loads(line) for line in (grey_run / "metrics.jsonl").read_text().splitlines()]
    assert rows[-1]["images"] == 80
    assert {"l1", "adversarial", "d_real", "d_fake", "loss_g", "loss_d"} <= rows[-1].keys()


def test_a_grid_has_the_picture_its_result_and_the_truth(grey_run):
    grids = sorted((grey_run / "grids").iterdir())
    assert [path.name for path in grids] == ["000000000040.png", "000000000080.png"]
    pixels = np.asarray(Image.open(grids[-1]))
    columns = [pixels[:, left : left + 64].reshape(-1, 3).astype(int) for left in (0, 66, 132)]
    colourful = [np.ptp(column, axis=1).mean() for column in columns]
    assert pixels.shape[1] == 3 * 64 + 2 * 2
    assert colourful[0] == 0
    assert colourful[2] > 10


def test_events_tell_of_it(photos, tmp_path):
    events = list(train_translator_events(photos, tmp_path / "run", TranslationSettings.model_validate(SHORT)))
    kinds = [type(event) for event in events]
    assert Started(job="train", total=80, unit="images") in events
    assert {Progress, Preview, Noted} <= set(kinds)
    assert isinstance(events[-1], Finished)
    assert events[-1].figures["images"] == 80


def test_stopped_and_gone_on_with_it_ends_with_the_same_bits(photos, grey_run, tmp_path):
    run = tmp_path / "run"
    for stop in (30, 60, None):
        events = train_translator_events(photos, run, TranslationSettings.model_validate(SHORT))
        for event in events:
            if stop is not None and isinstance(event, Preview | Progress) and event.done >= stop:
                events.close()
                break
    whole, ended = weights(grey_run), weights(run)
    assert all(torch.equal(whole[name], ended[name]) for name in whole)
    assert (run / "metrics.jsonl").read_text().count('"l1"') == 1


def test_another_training_is_refused_and_started_over_where_it_is_asked_for(photos, grey_run, tmp_path):
    other = TranslationSettings.model_validate(SHORT | {"width": 8})
    with pytest.raises(RunError, match="is a run with width 4; got width 8"):
        list(train_translator_events(photos, grey_run, other))
    given = {"pairs": "noise", "size": 16, "width": 4, "batch": 4, "images": 8, "patch_layers": 1}
    found = train_translator(photos, tmp_path / "run", **given)
    assert isinstance(found, Translator)
    assert train_translator(photos, tmp_path / "run", fresh=True, **given | {"width": 8}).settings.width == 8


def test_what_cannot_be_is_refused_before_anything_is_written(photos, tmp_path):
    for given, words in (
        ({"weights": "cycle=1"}, "weights: got cycle"),
        ({"patch_layers": 6}, "patch-layers: got 6 for cuts of 16 x 16"),
    ):
        with pytest.raises(SettingsError, match=words):
            list(train_translator_events(photos, tmp_path / "run", TranslationSettings.model_validate(SHORT | given)))
    assert not (tmp_path / "run").exists()


def test_a_run_of_another_art_is_refused(photos, noise_run):
    with pytest.raises(RunError, match="holds no translation"):
        list(train_translator_events(photos, noise_run, TranslationSettings.model_validate(SHORT)))


def test_a_folder_of_pairs_side_by_side_is_learnt_from_backward(tmp_path):
    folder = tmp_path / "pairs"
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(20):
        left = np.full((16, 16, 3), random.integers(0, 200), np.uint8)
        Image.fromarray(np.concatenate([left, 255 - left], 1)).save(folder / f"{number}.png")
    given = SHORT | {"pairs": "none", "direction": "backward", "images": 8}
    translator = train_translator(folder, tmp_path / "run", **given)
    assert translator.facts.shapes.a == (1, 16, 16)


def test_preview_and_model_are_of_the_averages(grey_run):
    model, run = Translator.from_pretrained(grey_run / "model"), Translator.from_pretrained(grey_run)
    for name, tensor in model.networks["generator"].state_dict().items():
        assert torch.equal(tensor, run.networks["generator"].state_dict()[name])
    assert model.facts.images_seen == run.facts.images_seen == 80
    assert train.SHOWN == 8
