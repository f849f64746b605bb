"""Many scales, averages and several styles: the job as a whole, on a tiny network."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from conftest import photograph
from scumble import stylize, texture
from scumble.errors import ImageError, SettingsError
from scumble.events import Finished, Noted, Progress
from scumble.image import recipe
from scumble.style.inputs import Inputs
from scumble.style.preparation.colour import luminance
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events

SHALLOW = {"content_layers": {"relu2_1": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}


@pytest.fixture
def fine() -> dict:
    return {"preset": "fine", "steps": 4, "backbone": "pocket"} | SHALLOW


def floats(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image.convert("RGB"), np.float32) / 255).permute(2, 0, 1)[None]


def test_scales_go_up_by_the_root_of_two_from_128():
    sources = Sources(photograph(400, 300), [photograph(300, 300)])
    ladder = Inputs(sources, StyleSettings(init="content", size=512)).ladder
    assert ladder == [(128, 96), (181, 136), (256, 192), (362, 272), (512, 384)]
    assert Inputs(sources, StyleSettings(init="content", size=100)).ladder == [(100, 75)]
    assert Inputs(sources, StyleSettings(size=512, scales=2)).ladder == [(362, 272), (512, 384)]


def test_what_one_pass_has_painted_begins_at_256():
    sources = Sources(photograph(400, 300), [photograph(300, 300)])
    assert Inputs(sources, StyleSettings(size=512)).ladder == [(256, 192), (362, 272), (512, 384)]
    assert Inputs(sources, StyleSettings(size=300)).ladder == [(300, 225)]


def test_scales_too_small_for_the_deepest_layer_are_left_out():
    sources = Sources(photograph(1000, 100), [photograph(300, 300)])
    assert Inputs(sources, StyleSettings(init="content", size=512)).ladder == [
        (181, 18),
        (256, 26),
        (362, 36),
        (512, 51),
    ]


def test_no_scale_comes_twice():
    sources = Sources(photograph(40, 40), [photograph(40, 40)])
    ladder = Inputs(sources, StyleSettings(size=8, scales=20, **SHALLOW)).ladder
    assert ladder == sorted(set(ladder))


def test_textures_and_photographs_are_not_confused():
    for content, settings in ((None, StyleSettings()), ("c.png", TextureSettings())):
        with pytest.raises(SettingsError, match="content: got"):
            Inputs(Sources(content, ["a.png"]), settings)
    with pytest.raises(SettingsError, match="which has no regions"):
        Inputs(Sources(None, ["a.png"], masks=["m.png"]), TextureSettings())


def test_work_is_counted_in_evaluations_of_full_size(content_file, style_file, fine):
    events = list(paint_events(Sources(content_file, [style_file]), StyleSettings(**fine | {"size": 64, "scales": 3})))
    progress = [event for event in events if isinstance(event, Progress) and event.job == "stylize"]
    assert len(progress) == 12
    assert progress[-1].done == progress[-1].total == 7  # 4 + 2 + 1
    assert [event.done for event in progress] == sorted(event.done for event in progress)
    assert any("2 of 3" in event.message for event in events if isinstance(event, Noted))
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert max(finished.picture.size) == 64


def test_a_recipe_of_many_scales_repeats_to_the_byte(content_file, style_file, fine, tmp_path):
    sources = Sources(content_file, [style_file, content_file])
    settings = StyleSettings(**fine | {"size": 48, "scales": 2, "shares": (1, 3), "strength": 0.7, "colour": "match"})
    list(paint_events(sources, settings, tmp_path / "one.png"))
    made = recipe.read(tmp_path / "one.png")
    assert made["settings"]["shares"] == [1, 3]
    again = settings_from_recipe(json.loads(json.dumps(made)), StyleSettings())
    list(paint_events(sources, again, tmp_path / "two.png"))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_stopped_at_a_small_scale_the_picture_has_its_full_size(content_file, style_file, fine, tmp_path):
    events = paint_events(
        Sources(content_file, [style_file]), StyleSettings(**fine | {"size": 64, "scales": 3}), tmp_path / "out.png"
    )
    next(event for event in events if isinstance(event, Progress) and event.job == "stylize")
    events.close()
    with Image.open(tmp_path / "out.png") as picture:
        assert max(picture.size) == 64
    assert recipe.read(tmp_path / "out.png")["result"]["stopped"]


def test_chroma_is_the_contents(content_file, style_file, fine):
    result = floats(stylize(content_file, style_file, **fine, size=64, colour="content"))
    content = floats(stylize(content_file, style_file, **fine | {"steps": 1, "tolerance": 0}, size=64, strength=0))
    chroma = [picture - luminance(picture) for picture in (result, content)]
    assert (chroma[0] - chroma[1]).abs().mean().item() < 2 / 255
    assert (luminance(result) - luminance(content)).abs().mean().item() > 1 / 255


def test_no_strength_leaves_the_photograph_alone(content_file, style_file, fine):
    settings = fine | {"size": 64, "variation_weight": 0, "steps": 30}
    photo = floats(stylize(content_file, style_file, **settings | {"steps": 1}, strength=0))

    def change(strength: float) -> float:
        painted = floats(stylize(content_file, style_file, **settings, strength=strength))
        return (painted - photo).abs().mean().item()

    none, half, full = change(0), change(0.5), change(1)
    assert none < 1 / 255
    assert none < half < full


def test_a_texture_has_any_size_and_repeats(style_file, fine, tmp_path):
    fine = {name: value for name, value in fine.items() if name != "content_layers"}
    picture = texture(style_file, **fine, size=60, aspect=2)
    assert picture.size == (60, 30)
    settings = TextureSettings(**fine, size=60, aspect=2)
    list(paint_events(Sources(None, [style_file]), settings, tmp_path / "one.png"))
    made = recipe.read(tmp_path / "one.png")
    assert made["job"] == "texture"
    again = settings_from_recipe(made, TextureSettings())
    list(paint_events(Sources(None, [style_file]), again, tmp_path / "two.png"))
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with pytest.raises(ImageError, match="the recipe is of the job 'texture'; wanted 'stylize'"):
        settings_from_recipe(made, StyleSettings())


def test_shares_decide_what_is_mixed(content_file, style_file, fine):
    """A style with all the shares is as if it were the only one."""
    settings = fine | {"size": 48}
    alone = stylize(content_file, style_file, **settings)
    both = stylize(content_file, [style_file, content_file], **settings, shares=(2, 0))
    assert np.array_equal(np.array(alone), np.array(both))
    mixed = stylize(content_file, [style_file, content_file], **settings)
    assert not np.array_equal(np.array(alone), np.array(mixed))


def test_a_white_mask_changes_next_to_nothing_and_a_black_half_is_left_alone(content_file, style_file, fine):
    settings = fine | {"size": 64, "variation_weight": 0, "steps": 20, "optimizer": "lbfgs", "averaging": 0}
    plain = floats(stylize(content_file, style_file, **settings))
    size = (plain.shape[3], plain.shape[2])
    white = floats(stylize(content_file, style_file, masks=Image.new("L", size, 255), **settings))
    assert (plain - white).abs().mean().item() < 2 / 255
    mask = np.zeros((size[1], size[0]), np.uint8)
    mask[:, : size[0] // 2] = 255
    half = floats(stylize(content_file, style_file, masks=[Image.fromarray(mask)], **settings))
    photo = floats(stylize(content_file, style_file, **settings | {"steps": 1}, strength=0))
    change = (half - photo).abs().mean((0, 1, 2))
    assert change[: size[0] // 2].mean() > 3 * change[size[0] // 2 + 8 :].mean()


@pytest.mark.parametrize(
    ("sources", "settings", "message"),
    [
        ({"masks": ["m"]}, {}, "mask: got 1 for 2 styles, wanted one for each"),
        ({"masks": ["m", "m"]}, {"shares": (1, 2)}, "shares: got masks as well"),
        ({"masks": ["m", "m"], "style_maps": ["m"]}, {}, "wanted either masks or maps"),
        ({"style_maps": ["m", "m"]}, {}, "style-map: got no content-map"),
        ({"content_map": "m", "style_maps": ["m"]}, {}, "style-map: got 1 for 2 styles"),
        ({}, {"shares": (1, 2, 3)}, "shares: got 3 for 2 styles, wanted one for each"),
        ({}, {"shares": (0, 0)}, "nothing but zeros"),
        ({}, {"style_scale": (1, 2, 3)}, "style-scale: got 3 for 2 styles"),
    ],
)
def test_numbers_that_do_not_match_are_refused(sources, settings, message):
    with pytest.raises(SettingsError, match=message):
        Inputs(Sources("c.png", ["a.png", "b.png"], **sources), StyleSettings(**settings))


@pytest.mark.parametrize(("settings", "job"), [(StyleSettings(), "stylize"), (TextureSettings(), "texture")])
def test_an_older_recipe_keeps_the_momentum_that_could_not_be_chosen(settings, job):
    then = {"preset": "quick", "lr": 3.0, "averaging": 0.8, "steps": 45}
    again = settings_from_recipe({"job": job, "format_version": 2, "settings": then}, type(settings)())
    assert (again.momentum, again.lr, again.steps) == (0.9, 3.0, 45)
    assert settings_from_recipe({"job": job, "settings": then | {"momentum": 0.5}}, type(settings)()).momentum == 0.5
