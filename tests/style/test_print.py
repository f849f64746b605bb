"""Pictures for paper: as large as their sheet, with the resolution in the file, and the same again by their recipe."""

import pytest
from PIL import Image

import scumble
from conftest import photograph, run
from scumble.errors import SettingsError
from scumble.events import Noted
from scumble.image import files, metadata, recipe
from scumble.style.outputs import Wanted
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events, stylize_events

PHOTO, STYLE = photograph(60, 40), photograph(36, 44, seed=1)


def resolution(path) -> tuple[float, float] | None:
    return metadata.of(path).dpi


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.webp", "out.tif", "deep.png", "deep.tif"])
def test_the_resolution_is_in_the_file(name, tmp_path):
    settings = StyleSettings(size="A10", dpi=40, steps=1, bits=16 if "deep" in name else 8)
    list(stylize_events(PHOTO, STYLE, settings, tmp_path / name))
    assert files.load(tmp_path / name).size == (58, 39)  # 37 mm wide
    assert resolution(tmp_path / name) == pytest.approx((40, 40), abs=0.02)


def test_three_hundred_is_usual_on_paper_and_nowhere_else(tmp_path):
    assert StyleSettings(size="a4").resolution() == 300
    assert StyleSettings(size=512).resolution() is StyleSettings(size="original").resolution() is None
    assert StyleSettings(size=48, dpi=72).resolution() == 72


def test_what_is_asked_for_wins_over_the_photographs_and_stays_where_that_is_left_out(tmp_path):
    PHOTO.save(tmp_path / "photo.png", dpi=(96, 96))
    for given, expected in (({}, 96), ({"dpi": 200}, 200)):
        list(
            stylize_events(tmp_path / "photo.png", STYLE, StyleSettings(size=32, steps=1, **given), tmp_path / "o.png")
        )
        assert resolution(tmp_path / "o.png") == pytest.approx((expected, expected), abs=0.02)
    sources, wanted = Sources(tmp_path / "photo.png", [STYLE]), Wanted(tmp_path / "stripped.png", strip=True)
    list(paint_events(sources, StyleSettings(size=32, steps=1, dpi=200), wanted))
    assert resolution(tmp_path / "stripped.png") == pytest.approx((200, 200), abs=0.02)


def test_the_picture_is_whole_on_its_sheet_and_that_is_told():
    for shape, size in (((60, 40), (58, 39)), ((40, 60), (39, 58)), ((40, 40), (41, 41))):
        events = paint_events(Sources(photograph(*shape), [STYLE]), StyleSettings(size="A10", dpi=40), dry_run=True)
        told = [event.message for event in events if isinstance(event, Noted)]
        assert any(message.startswith("A10 at 40 dpi: ") and "whole" in message for message in told)
        assert told[-1].startswith(f"{size[0]}x{size[1]} pixels")


def test_from_python_and_the_command_line_it_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PHOTO.save("photo.png")
    STYLE.save("style.png")
    arguments = ("photo.png", "style.png", "--size", "a10", "--dpi", 40, "--steps", 2)
    assert run("stylize", *arguments, "-o", "out.png") == 0
    painted = scumble.stylize("photo.png", "style.png", size="A10", dpi=40, steps=2)
    with Image.open("out.png") as picture:
        assert picture.size == painted.size == (58, 39)
        assert picture.tobytes() == painted.tobytes()


def test_a_recipe_repeats_the_sheet_and_its_resolution(tmp_path):
    settings = StyleSettings(size="A10", dpi=40, steps=1)
    list(stylize_events(PHOTO, STYLE, settings, tmp_path / "out.jpg"))
    again = settings_from_recipe(recipe.read(tmp_path / "out.jpg"), StyleSettings())
    assert (again.size, again.dpi) == ("A10", 40)
    larger = settings_from_recipe(recipe.read(tmp_path / "out.jpg"), StyleSettings(size="A9"))
    assert (larger.size, larger.dpi) == ("A9", 40)


def test_a_texture_fills_its_sheet_which_stands_as_it_is_named(tmp_path):
    assert scumble.texture(STYLE, size="A10", dpi=40, steps=1).size == (41, 58)
    assert scumble.texture(STYLE, size="3x2cm", dpi=40, steps=1).size == (47, 31)
    assert scumble.texture(STYLE, size="A10", dpi=40, aspect=1, steps=1).size == (41, 41)
    assert scumble.texture(STYLE, size=40, steps=1).size == (40, 40)
    settings = TextureSettings(size="A10", dpi=40, steps=1)
    events = list(paint_events(Sources(None, [STYLE]), settings, tmp_path / "out.png"))
    assert any("fills the sheet" in event.message for event in events if isinstance(event, Noted))
    assert resolution(tmp_path / "out.png") == pytest.approx((40, 40), abs=0.02)


@pytest.mark.parametrize("size", ["A11", "800x600", "30x40", "0x40cm"])
def test_what_is_no_sheet_is_told_with_examples(size):
    with pytest.raises(SettingsError, match=f"size: got '{size}'.* something like A3, 30x40cm or 12x18in"):
        StyleSettings(size=size)


@pytest.mark.parametrize("dpi", [0, 1, 10_000, 1.5, "many"])
def test_resolutions_out_of_range_are_refused(dpi):
    with pytest.raises(SettingsError, match="dpi: got"):
        StyleSettings(dpi=dpi)
