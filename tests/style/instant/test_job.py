"""The preset `instant` as people use it: settings, masks, colours, transparency, bits, recipe and batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from conftest import photograph
from scumble import stylize
from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Finished, Noted, Planned, Preview, Progress, Saved, Started, Warned
from scumble.image import files, recipe
from scumble.image.files import load
from scumble.style.batch import batch_events
from scumble.style.files.wanted import Wanted
from scumble.style.instant.job import instant_events
from scumble.style.instant.work import Work
from scumble.style.preparation.sources import Sources
from scumble.style.presets import ONE_PASS
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events

STEPPED = {
    "steps": 7,
    "loss": "gram",
    "keep": 3.0,
    "lr": 2.0,
    "init": "noise",
    "backbone": "vgg19",
    "palette": "whole",
    "content_layers": {"relu4_1": 1.0},
    "enlarge": True,
}


def painted(content: Any, *styles: Any, **settings: Any) -> np.ndarray:
    sources = {
        name: settings.pop(name) for name in ("masks", "content_map", "style_maps", "protect") if name in settings
    }
    return np.asarray(stylize(content, list(styles), preset="instant", **sources, **settings))


def events_of(sources: Sources, wanted: Wanted | None = None, how: dict[str, Any] | None = None, **given: Any):
    settings = StyleSettings(preset="instant", **{"size": 48} | given)
    return list(paint_events(sources, settings, wanted, **how or {}))


def grey_levels(picture: np.ndarray) -> float:
    """How far a picture's channels are apart, at most."""
    return float(np.ptp(picture[..., :3].astype(float), axis=2).max())


def test_the_defaults_of_one_pass_are_the_settings_own():
    dumped = StyleSettings(preset="instant").model_dump(mode="json", include=set(ONE_PASS))
    assert dumped == ONE_PASS
    assert list(dumped) == list(ONE_PASS)  # so that recipes are the same to the byte


@pytest.mark.parametrize(("name", "value"), STEPPED.items())
def test_what_has_no_meaning_in_one_pass_is_refused_in_one_line(name, value):
    with pytest.raises(
        SettingsError, match=rf"^{name.replace('_', '-')}: got .* the preset instant paints in one pass"
    ):
        StyleSettings(preset="instant", **{name: value})
    default = StyleSettings.model_fields[name].default
    assert StyleSettings.model_validate({"preset": "instant", name: default}).preset == "instant"


def test_a_texture_is_not_made_in_one_pass():
    with pytest.raises(SettingsError, match="preset: got 'instant', wanted 'quick', 'fine' or 'gatys'"):
        TextureSettings.model_validate({"preset": "instant"})


def test_a_picture_is_painted_at_its_size_and_is_the_same_each_time(content_file, style_file):
    one, again = (painted(content_file, style_file, size=64) for _ in range(2))
    assert one.shape == (53, 64, 3)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, painted(content_file, style_file, size=64, seed=1))
    photo = np.asarray(load(content_file).rgb.resize((64, 53), Image.Resampling.BICUBIC))
    assert np.abs(one.astype(float) - photo).mean() > 4
    assert np.array_equal(painted(content_file, style_file, size=64, strength=0), photo)


def test_the_settings_of_paper_and_resolution_are_kept(content_file, style_file, tmp_path):
    events_of(Sources(content_file, [style_file]), Wanted(tmp_path / "o.png"), size="2x3cm", dpi=100)
    with Image.open(tmp_path / "o.png") as picture:
        assert picture.info["dpi"] == pytest.approx((100, 100), rel=1e-3)
        assert max(picture.size) == 94  # as wide as 2 x 3 cm, turned, have room for 48 x 40


def test_a_recipe_tells_all_that_decides_and_repeats_the_bytes(content_file, style_file, tmp_path):
    sources, out = Sources(content_file, [style_file]), tmp_path / "o.png"
    events_of(sources, Wanted(out), strength=0.5, style_scale=2)
    made = recipe.read(out)
    assert made["settings"] == ONE_PASS | {"size": 48, "strength": 0.5, "style_scale": [2.0]}
    assert {role: len(source["sha256"]) for role, source in made["inputs"].items()} == dict.fromkeys(
        ("content", "style", "weights", "weights pocket"), 64
    )
    assert made["inputs"]["weights"]["name"] == "instant"
    assert {"onnxruntime", "numpy", "scumble"} <= made["versions"].keys()
    settings = settings_from_recipe(made, StyleSettings())
    told = list(paint_events(sources, settings, tmp_path / "again.png", made))
    assert not [event for event in told if isinstance(event, Warned)]
    assert (tmp_path / "again.png").read_bytes() == out.read_bytes()
    # With another preset, of the same pictures.
    assert settings_from_recipe(made, StyleSettings(preset="quick")).strength == 0.5


def test_what_is_finished_is_left_alone_and_other_things_are_written_over_with_a_word(
    content_file, style_file, tmp_path
):
    sources, wanted = Sources(content_file, [style_file]), Wanted(tmp_path / "o.png")
    events_of(sources, wanted)
    written = (tmp_path / "o.png").read_bytes()
    first, last = events_of(sources, wanted, {"resume": True})
    assert isinstance(first, Noted)
    assert "is finished" in first.message
    assert isinstance(last, Finished)
    told = [event.message for event in events_of(sources, wanted, strength=0.5) if isinstance(event, Noted)]
    assert any("its settings strength was 1.0, this one's is 0.5" in message for message in told)
    assert (tmp_path / "o.png").read_bytes() != written
    photograph(20, 20, seed=5).save(tmp_path / "o.png")
    with pytest.raises(ImageError, match="not made by scumble"):
        events_of(sources, wanted)


def test_events_tell_what_there_is_to_tell_and_a_dry_run_paints_nothing(content_file, style_file, tmp_path):
    wanted = Wanted(tmp_path / "o.png", tmp_path / "now.jpg")
    told = events_of(Sources(content_file, [style_file]), wanted)
    kinds: list[type[Event]] = [type(event) for event in told]
    assert kinds == [Noted, Planned, Started, Progress, Saved, Preview, Finished]
    assert recipe.read(tmp_path / "now.jpg")["job"] == "preview"
    last = told[-1]
    assert isinstance(last, Finished)
    assert (last.outputs, last.picture.size) == ([tmp_path / "o.png"], (48, 40))
    told = events_of(Sources(content_file, [style_file]), Wanted(tmp_path / "p.png"), {"dry_run": True})
    plan = told[-1]
    assert isinstance(plan, Planned)
    assert plan.seconds is not None
    assert (plan.width, plan.height) == (48, 40)
    assert not (tmp_path / "p.png").exists()


@pytest.mark.parametrize(
    ("wanted", "given", "said"),
    [
        ({"timelapse": "film.webp"}, {}, "timelapse: got film.webp"),
        ({"save_every": 3}, {}, "save-every: got 3"),
        ({}, {"device": "cuda"}, "device: got 'cuda'"),
        ({}, {"size": 12}, "content.png is 48x40 pixels, worked at as 12x10; wanted 16x16"),
        ({}, {"shares": (1, 2)}, "shares: got 2 for 1 style"),
        ({}, {"size": 65536}, "more than"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(wanted, given, said, content_file, style_file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    wanted = {name: Path(value) if name == "timelapse" else value for name, value in wanted.items()}
    with pytest.raises((ImageError, SettingsError), match=said):
        events_of(Sources(content_file, [style_file]), Wanted(Path("o.png"), **wanted), **given)


def test_several_styles_are_blended_by_their_shares(content_file, style_file):
    other = photograph(50, 40, seed=7)
    only, blend, both = (
        painted(content_file, style_file, other, size=48, shares=shares) for shares in ((1, 0), (1, 1e-9), (1, 1))
    )
    assert np.array_equal(only, painted(content_file, style_file, size=48))
    assert np.abs(only.astype(float) - blend).max() <= 2
    assert np.abs(only.astype(float) - both).mean() > 1


def test_masks_paint_where_they_are_white_and_leave_the_rest(content_file, style_file, tmp_path):
    left = Image.new("L", (48, 40))
    left.paste(255, (0, 0, 24, 40))
    left.save(tmp_path / "left.png")
    Image.eval(left, lambda value: 255 - value).save(tmp_path / "right.png")
    photo = np.asarray(load(content_file).rgb)
    alone = painted(content_file, style_file, size=48, masks=tmp_path / "left.png")
    assert np.array_equal(alone[:, 24:], photo[:, 24:])
    assert np.abs(alone[:, :24].astype(float) - photo[:, :24]).mean() > 2
    kept = painted(content_file, style_file, size=48, protect=tmp_path / "right.png")
    assert np.array_equal(kept[:, 24:], photo[:, 24:])
    masks = [tmp_path / "left.png", tmp_path / "right.png"]
    both = painted(content_file, style_file, photograph(50, 40, seed=7), size=48, masks=masks)
    assert np.array_equal(both[:, :24], alone[:, :24])
    with pytest.raises(SettingsError, match="mask: got 1 for 2 styles"):
        painted(content_file, style_file, style_file, masks=masks[0])


def test_maps_pair_regions_by_their_colours(content_file, style_file, tmp_path):
    for name, size in (("content", (48, 40)), ("style", (36, 44))):
        flat = Image.new("RGB", size, "red")
        flat.paste("blue", (0, 0, size[0] // 2, size[1]))
        flat.save(tmp_path / f"{name}-map.png")
    maps = {"content_map": tmp_path / "content-map.png", "style_maps": tmp_path / "style-map.png"}
    paired = painted(content_file, style_file, size=48, **maps)
    assert paired.shape == (40, 48, 3)
    assert not np.array_equal(paired, painted(content_file, style_file, size=48))


def test_the_photographs_colours_are_kept_exactly_and_grey_stays_grey(content_file, style_file):
    photo = np.asarray(load(content_file).rgb, float)
    kept = painted(content_file, style_file, size=48, colour="content").astype(float)
    shares = np.array([0.299, 0.587, 0.114])
    chroma, wanted = (picture - (picture @ shares)[..., None] for picture in (kept, photo))
    assert np.abs(chroma - wanted).max() < 1.5  # rounded
    matched = painted(content_file, style_file, size=48, colour="match")
    assert not np.array_equal(matched, painted(content_file, style_file, size=48))
    grey = load(content_file).rgb.convert("L")
    assert grey_levels(painted(grey, grey.transpose(Image.Transpose.ROTATE_90), size=48)) == 0
    assert grey_levels(painted(grey, style_file, size=48, colour="match")) == 0


def test_transparency_is_the_photographs_own_and_what_is_hidden_does_not_matter(style_file):
    seen = photograph(48, 40).convert("RGBA")
    seen.paste((0, 0, 0, 0), (0, 0, 20, 40))
    other = seen.copy()
    other.paste((255, 0, 0, 0), (0, 0, 20, 40))
    one, same = (painted(picture, style_file, size=48) for picture in (seen, other))
    assert one.shape == (40, 48, 4)
    assert np.array_equal(one[..., 3], np.asarray(seen)[..., 3])
    assert np.array_equal(one[:, 20:], same[:, 20:])
    hole = photograph(44, 36, seed=1).convert("RGBA")
    hole.paste((9, 9, 9, 0), (10, 10, 20, 20))
    filled = hole.copy()
    filled.paste((250, 9, 250, 0), (10, 10, 20, 20))
    first, second = (painted(photograph(48, 40), style, size=48).astype(float) for style in (hole, filled))
    assert (
        np.abs(first - second).mean()
        < np.abs(first - painted(photograph(48, 40), filled.convert("RGB"), size=48)).mean()
    )


def test_sixteen_bits_are_eight_and_more(content_file, style_file, tmp_path):
    for colour in ("style", "content"):
        events_of(
            Sources(content_file, [style_file]), Wanted(tmp_path / "o.tif", overwrite=True), bits=16, colour=colour
        )
        deep = load(tmp_path / "o.tif")
        assert (
            np.abs(np.asarray(deep.rgb, float) - painted(content_file, style_file, size=48, colour=colour)).max() <= 1
        )
        assert recipe.read(tmp_path / "o.tif")["settings"]["bits"] == 16


def test_a_batch_paints_all_and_the_same_command_leaves_them_alone(tmp_path):
    for kind in ("photos", "paintings"):
        (tmp_path / kind).mkdir()
        for number in range(2):
            photograph(48, 40, seed=number + 10 * (kind == "photos")).save(tmp_path / kind / f"{kind}{number}.png")
    folders, out = ([tmp_path / "photos"], [tmp_path / "paintings"]), tmp_path / "out"
    settings = StyleSettings(preset="instant", size=48)
    last = list(batch_events(*folders, settings, out))[-1]
    assert isinstance(last, Finished)
    assert last.figures == {"painted": 4, "there_already": 0}
    single = painted(tmp_path / "photos" / "photos1.png", tmp_path / "paintings" / "paintings0.png", size=48)
    assert np.array_equal(np.asarray(load(out / "photos1-paintings0.png").rgb), single)
    last = list(batch_events(*folders, settings, out))[-1]
    assert isinstance(last, Finished)
    assert last.figures == {"painted": 0, "there_already": 4}


def test_a_large_picture_tells_how_far_it_is(content_file, style_file, monkeypatch):
    monkeypatch.setattr("scumble.style.instant.job.AT_ONCE", 100)
    told = [event for event in events_of(Sources(content_file, [style_file])) if isinstance(event, Progress)]
    assert told[-1].done == told[-1].total == 48 * 40


def test_plain_values_are_enough(content_file, style_file):
    *_, last = instant_events(Sources(content_file, [style_file]), ONE_PASS | {"size": 32}, Wanted(None))
    assert isinstance(last, Finished)
    assert last.picture.size == (32, 27)
    assert json.loads(json.dumps(ONE_PASS)) == ONE_PASS


def test_pictures_of_one_file_are_two_paintings(content_file, tmp_path):
    first, second = (photograph(40, 40, seed=seed) for seed in (5, 6))
    first.save(tmp_path / "scan.tif", save_all=True, append_images=[second])
    found = [painted(content_file, tmp_path / f"scan.tif[{page}]", size=48) for page in (1, 2)]
    for picture, page in zip(found, (first, second), strict=True):
        assert np.array_equal(picture, painted(content_file, page, size=48))


def test_a_painting_is_looked_at_once_for_all_photographs(content_file, tmp_path):
    photograph(40, 40, seed=99).save(tmp_path / "once.png")
    known = []
    for number in range(2):
        photograph(48, 40, seed=number).save(tmp_path / f"{number}.png")
        sources = Sources(tmp_path / f"{number}.png", [tmp_path / "once.png"])
        list(instant_events(sources, ONE_PASS | {"size": 48}, Wanted(None)))
        work = Work(sources, ONE_PASS | {"size": 48})
        known.append(work._style(work.styles[0], 1.0, np.zeros((40, 48, 3), np.uint8), None).known)
    assert known[0] is known[1]
    assert len(known[0]) == 1
    assert files.load(tmp_path / "once.png").size == (40, 40)
