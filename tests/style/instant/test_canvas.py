"""One pass as the start of many steps, and as what is shown before the first of them."""

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import photograph
from scumble.events import Finished, Preview
from scumble.image import recipe
from scumble.image.files import load
from scumble.style import outputs
from scumble.style.files.wanted import Wanted
from scumble.style.inputs import Inputs
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings
from scumble.style.stylize import paint_events, stylize


def start(sources: Sources, **given) -> np.ndarray:
    """The first canvas, of 8 bits."""
    inputs = Inputs(sources, StyleSettings(size=64, scales=1, init="instant", **given))
    content, styles = inputs.pixels(inputs.ladder[0], torch.device("cpu"))
    return (inputs.start(content, styles, torch.device("cpu"))[0].permute(1, 2, 0).numpy() * 255).astype(np.uint8)


def test_a_painting_begins_where_one_pass_ends(tmp_path):
    photograph(64, 48).save(tmp_path / "content.png")
    photograph(48, 48, seed=1).save(tmp_path / "style.png")
    sources = Sources(tmp_path / "content.png", [tmp_path / "style.png"])
    alone = np.asarray(stylize(sources.content, tmp_path / "style.png", preset="instant", size=64), float)  # pyright: ignore
    begun = start(sources)
    assert begun.shape == (48, 64, 3)
    assert np.abs(begun - alone).mean() < 2  # the sizes are found and rounded in other ways
    assert np.abs(start(sources, strength=0.5) - alone).mean() > 2


def test_what_no_mask_covers_begins_as_the_photograph(tmp_path):
    photograph(64, 48).save(tmp_path / "content.png")
    left = Image.new("L", (64, 48))
    left.paste(255, (0, 0, 32, 48))
    left.save(tmp_path / "left.png")
    begun = start(Sources(tmp_path / "content.png", [photograph(48, 48, seed=1)], masks=[tmp_path / "left.png"]))
    photo = np.asarray(load(tmp_path / "content.png").rgb, float)
    assert np.abs(begun[:, 34:] - photo[:, 34:]).max() <= 1
    assert np.abs(begun[:, :30] - photo[:, :30]).mean() > 2


def test_where_masks_overlap_each_painting_has_its_part(tmp_path):
    photograph(64, 48).save(tmp_path / "content.png")
    Image.new("L", (64, 48), 255).save(tmp_path / "all.png")
    style, masks = photograph(48, 48, seed=1), [tmp_path / "all.png"]
    alone = start(Sources(tmp_path / "content.png", [style], masks=masks))
    twice = start(Sources(tmp_path / "content.png", [style, style], masks=2 * masks))
    assert np.abs(twice.astype(float) - alone).max() <= 1


def test_the_recipe_of_such_a_painting_names_the_network_and_repeats_it(content_file, style_file, tmp_path):
    settings = StyleSettings(size=32, steps=2, scales=1, init="instant")
    sources = Sources(content_file, [style_file])
    list(paint_events(sources, settings, tmp_path / "o.png"))
    made = recipe.read(tmp_path / "o.png")
    assert made["settings"]["init"] == "instant"
    assert made["inputs"]["weights instant"]["name"] == "instant"
    list(paint_events(sources, settings_from_recipe(made, StyleSettings()), tmp_path / "again.png", made))
    assert (tmp_path / "again.png").read_bytes() == (tmp_path / "o.png").read_bytes()


def test_the_first_preview_is_that_of_one_pass_and_coarse_ones_do_not_take_its_place(
    content_file, style_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(outputs, "PREVIEW_SECONDS", 0.0)
    settings = StyleSettings(size=96, steps=2, coarse_steps=2, scales=4)
    wanted = Wanted(None, tmp_path / "now.png")
    told = list(paint_events(Sources(content_file, [style_file]), settings, wanted))
    shown = [event for event in told if isinstance(event, Preview)]
    assert isinstance(told[-1], Finished)
    assert shown[0].done == 0
    assert {event.picture.size for event in shown} == {(96, 80)}
    evaluations = told[-1].figures["evaluations"]
    assert [event.done for event in shown[1:]] == list(
        range(3, evaluations + 1)
    )  # the first scale has a third of the size


SHALLOW = {"style_layers": {"relu1_1": 1}, "content_layers": {"relu2_1": 1}}


@pytest.mark.parametrize("given", [{"size": 17} | SHALLOW, {"size": 48, "strength": 0}])
def test_nothing_is_shown_at_once_where_one_pass_has_nothing_to_show(given, content_file, style_file):
    settings = StyleSettings(scales=1, steps=1, style_scale=0.5, **given)
    inputs = Inputs(Sources(content_file, [style_file]), settings)
    assert list(outputs.at_once(inputs, Wanted(None, show=True))) == []
