"""What a picture is made of, and what of it stays the photograph."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ExifTags import IFD, Base

import scumble
from conftest import photograph, run
from scumble.errors import ImageError, SettingsError
from scumble.events import Finished, Noted, Preview, Progress, Saved, Warned
from scumble.image import files, recipe
from scumble.style import outputs
from scumble.style.batch import batch_events
from scumble.style.inputs import Inputs
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events, stylize_events

PHOTO, STYLE = photograph(48, 40), photograph(36, 44, seed=1)


@pytest.fixture
def quick() -> dict:
    return {"size": 48, "steps": 4, "backbone": "pocket"}


def array(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, int)


def apart(one: Image.Image, other: Image.Image) -> np.ndarray:
    """(H, W): by how much pixels differ, of 255."""
    return np.abs(array(one) - array(other)).max(2)


def right_half(width: int = 48, height: int = 40) -> np.ndarray:
    return np.arange(width)[None].repeat(height, 0) >= width // 2


def mask_of(inside: np.ndarray) -> Image.Image:
    return Image.fromarray(np.where(inside, 255, 0).astype(np.uint8))


# --- Masks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"preset": "gatys"},
        {"preset": "fine"},
        {"colour": "content"},
        {"colour": "match"},
        {"init": "noise"},
        {"init": "style"},
        {"scales": 2},
        {"strength": 0.5},
        {"variation_weight": 100.0},
    ],
    ids=str,
)
def test_outside_of_every_mask_is_the_photograph_to_the_byte(quick, settings):
    painted = scumble.stylize(PHOTO, STYLE, masks=mask_of(~right_half()), **quick | settings)
    off = apart(painted, PHOTO)
    assert not off[right_half()].any()
    assert off[~right_half()].mean() > 1


def test_so_it_is_in_files_previews_copies_films_and_after_a_stop(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "PREVIEW_SECONDS", 0.0)
    sources = Sources(PHOTO, [STYLE], [mask_of(~right_half())])
    settings = StyleSettings(**quick | {"bits": 16})
    wanted = outputs.Wanted(tmp_path / "out.tif", tmp_path / "now.png", save_every=1)
    events = paint_events(sources, settings, wanted)
    for event in events:
        if isinstance(event, Preview):
            assert not apart(files.load(tmp_path / "now.png").rgb, PHOTO)[right_half()].any()
            assert not apart(event.picture, PHOTO)[right_half()].any()
        if isinstance(event, Saved):
            assert not apart(files.load(event.path).rgb, PHOTO)[right_half()].any()
        if isinstance(event, Progress) and event.done == 2:
            events.close()
    import tifffile

    for resume in (True, False):
        list(paint_events(sources, settings, wanted, resume=resume))
        pixels = tifffile.imread(tmp_path / "out.tif")
        assert np.array_equal(pixels[right_half()], np.asarray(PHOTO, np.uint16)[right_half()] * 257)


def test_so_it_is_whatever_was_painted_there(quick):
    photo = photograph(320, 200)
    outside = right_half(320, 200)
    settings = quick | {"size": 320, "scales": 1, "steps": 2}
    inputs = Inputs(Sources(photo, [STYLE], [mask_of(~outside)]), StyleSettings(**settings))
    noise = torch.rand(1, 3, 200, 320, generator=torch.Generator().manual_seed(0))
    finished = (inputs.finish(noise)[0].permute(1, 2, 0) * 255).round().numpy()
    assert np.array_equal(finished[outside], array(photo)[outside])
    assert np.array_equal(finished[~outside], (noise[0].permute(1, 2, 0) * 255).round().numpy()[~outside])


def test_soft_edges_are_blended_and_overlaps_are_covered_once(quick):
    grey = np.full((40, 48), 128, np.uint8)
    half = scumble.stylize(PHOTO, STYLE, masks=Image.fromarray(grey), **quick)
    both = scumble.stylize(PHOTO, [STYLE, STYLE], masks=[Image.fromarray(grey), Image.fromarray(255 - grey)], **quick)
    assert 0 < apart(half, PHOTO).mean() < apart(both, PHOTO).mean()


def test_at_another_size_it_is_the_photograph_at_that_size(quick):
    photo = photograph(96, 80)
    painted = scumble.stylize(photo, STYLE, masks=mask_of(~right_half()), **quick)
    alone = scumble.stylize(photo, STYLE, **quick, strength=0)
    assert not apart(painted, alone)[:, 26:].any()


def test_a_photographs_hidden_colours_and_opacity_stay_outside_of_masks(quick):
    pixels = np.dstack([np.asarray(PHOTO), np.tile(np.linspace(0, 255, 48), (40, 1))]).astype(np.uint8)
    pixels = pixels[:, ::-1]
    painted = scumble.stylize(Image.fromarray(pixels), STYLE, masks=mask_of(~right_half()), **quick)
    assert np.array_equal(array(painted)[right_half()], pixels[right_half()])
    alone = scumble.stylize(Image.fromarray(pixels), STYLE, **quick | {"size": 24, "scales": 1}, strength=0)
    # Seen on any ground, a reduced picture is the reduction of what is seen: no hidden colour bleeds into it.
    seen = Image.alpha_composite(Image.new("RGBA", (48, 40), (9, 9, 9, 255)), Image.fromarray(pixels))
    small = Image.alpha_composite(Image.new("RGBA", (24, 20), (9, 9, 9, 255)), alone)
    assert apart(small, seen.resize((24, 20), Image.Resampling.BICUBIC)).mean() < 2


def test_how_a_mask_was_understood_is_told(quick):
    faint = Image.new("L", (48, 40), 100)
    events = list(paint_events(Sources(PHOTO, [STYLE], [faint]), StyleSettings(**quick)))
    assert [e.message for e in events if isinstance(e, Warned)] == [
        "the mask mask is faint: 39% white at most, and counts no more than that"
    ]


# --- Nothing to paint -----------------------------------------------------------------------------------------------

NOTHING = [
    {"strength": 0},
    {"strength": 0, "init": "noise"},
    {"strength": 0, "colour": "content"},
    {"style_weight": 0},
    {"style_weight": 0, "preset": "gatys"},
    {"style_weight": 0, "preset": "fine"},
    {"style_weight": 0, "init": "content", "balance": "plain"},
    {"style_layers": {"relu1_1": 0.0}},
]


@pytest.mark.parametrize("settings", NOTHING, ids=str)
def test_nothing_of_the_painting_is_the_photograph(quick, settings, tmp_path):
    output = tmp_path / "out.png"
    events = list(stylize_events(PHOTO, STYLE, StyleSettings(**quick | settings), output))
    with Image.open(output) as picture:
        assert np.array_equal(array(picture), array(PHOTO))
    assert sum(isinstance(event, Progress) for event in events) == 1
    assert any("the result is the photograph as it is" in event.message for event in events if isinstance(event, Noted))
    again = settings_from_recipe(recipe.read(output), StyleSettings())
    list(stylize_events(PHOTO, STYLE, again, tmp_path / "again.png"))
    assert (tmp_path / "again.png").read_bytes() == output.read_bytes()


def test_content_alone_still_reconstructs_the_photograph_from_noise(quick):
    """Gatys et al. 2015, figure 1."""
    found = scumble.stylize(PHOTO, STYLE, **quick, style_weight=0, init="noise", balance="plain")
    assert apart(found, PHOTO).any()


# --- Grey -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings", [{}, {"preset": "gatys"}, {"init": "noise"}, {"colour": "content"}, {"colour": "match"}], ids=str
)
def test_grey_pictures_give_grey(quick, settings):
    photo, style = PHOTO.convert("L"), STYLE.convert("L").convert("RGB")
    painted = array(scumble.stylize(photo, style, **quick | settings))
    assert not np.ptp(painted, axis=2).any()
    assert np.abs(painted[..., 0] - array(photo)).mean() > 1
    coloured = array(scumble.stylize(photo, [style, STYLE], **quick | settings))
    assert np.ptp(coloured, axis=2).any() == ("colour" not in settings)


def test_grey_is_what_is_seen(quick):
    photo, style = PHOTO.convert("L"), np.dstack([np.asarray(STYLE.convert("L"))] * 3 + [np.full((44, 36), 255)])
    style[:4, :4] = (255, 0, 0, 0)
    assert not np.ptp(array(scumble.stylize(photo, style.astype(np.uint8), **quick)), axis=2).any()
    texture = scumble.texture(STYLE.convert("L"), size=40, steps=2, backbone="pocket")
    assert not np.ptp(array(texture), axis=2).any()
    assert np.ptp(array(scumble.texture(STYLE, size=40, steps=2, backbone="pocket")), axis=2).any()


# --- Transparent paintings ------------------------------------------------------------------------------------------


def cut_out(hidden: tuple[int, int, int], shape: str = "disc") -> Image.Image:
    """A painting of which only the middle is visible, with something beneath the rest."""
    pixels = np.dstack([np.asarray(photograph(72, 88, seed=1)), np.full((88, 72), 255, np.uint8)])
    y, x = np.mgrid[0:88, 0:72]
    inside = (abs(x - 36) < 20) & (abs(y - 44) < 30)
    if shape == "disc":
        inside &= ((x - 36) / 20) ** 2 + ((y - 44) / 30) ** 2 < 1
    pixels[~inside] = (*hidden, 0)
    return Image.fromarray(pixels)


@pytest.mark.parametrize("settings", [{}, {"preset": "gatys"}, {"colour": "match"}, {"colour": "content"}], ids=str)
def test_what_is_hidden_of_a_painting_has_no_part_in_its_style(quick, settings):
    one, other = (scumble.stylize(PHOTO, cut_out(hidden), **quick | settings) for hidden in ((0, 0, 0), (255, 0, 255)))
    assert np.array_equal(array(one), array(other))


def test_a_painting_cut_out_is_the_part_that_is_visible(quick):
    style = cut_out((0, 0, 0), "rectangle")
    visible = style.crop(style.getchannel("A").getbbox()).convert("RGB")
    assert scumble.stylize(PHOTO, style, **quick) == scumble.stylize(PHOTO, visible, **quick)
    assert scumble.texture(style, size=40, steps=2) == scumble.texture(visible, size=40, steps=2)


def test_colours_are_those_that_are_visible(quick):
    """The canvas begins in the painting's colours: with their whole spread, however much of it is hidden."""
    inputs = Inputs(Sources(PHOTO, [cut_out((0, 0, 0))]), StyleSettings(**quick))
    cpu = torch.device("cpu")
    start = inputs.start(*inputs.pixels((48, 40), cpu), cpu)
    pixels = np.asarray(cut_out((0, 0, 0)), np.float32) / 255
    wanted = pixels[pixels[..., 3] > 0][:, :3]
    assert start.mean((0, 2, 3)).numpy() == pytest.approx(wanted.mean(0), abs=0.03)
    assert start.std((0, 2, 3)).numpy() == pytest.approx(wanted.std(0), abs=0.06)


def test_with_maps_a_region_is_what_is_visible_of_it(quick):
    everywhere = Image.new("RGB", (48, 40), (255, 0, 0))
    results = []
    for hidden in ((0, 0, 0), (255, 0, 255)):
        sources = Sources(PHOTO, [cut_out(hidden)], (), everywhere, [Image.new("RGB", (72, 88), (255, 0, 0))])
        *_, finished = paint_events(sources, StyleSettings(**quick))
        assert isinstance(finished, Finished)
        results.append(array(finished.picture))
    assert np.array_equal(*results)
    halves = np.zeros((88, 72, 3), np.uint8)
    halves[8:] = (255, 0, 0)
    sources = Sources(PHOTO, [cut_out((0, 0, 0))], (), mask_of(right_half()).convert("RGB"), [Image.fromarray(halves)])
    with pytest.raises(ImageError, match=r"in no map|nothing can be seen of the region #000000 in style"):
        Inputs(sources, StyleSettings(**quick)).regions  # noqa: B018 (it is found when it is asked for)


def test_a_painting_of_which_nothing_is_visible_is_refused(quick):
    with pytest.raises(ImageError, match="style is transparent all over"):
        scumble.stylize(PHOTO, Image.new("RGBA", (40, 40)), **quick)


# --- What is protected ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"preset": "gatys"}, {"colour": "content"}, {"init": "noise"}], ids=str)
def test_what_is_protected_is_the_photograph_as_outside_of_a_mask(quick, settings):
    protected = scumble.stylize(PHOTO, STYLE, protect=mask_of(right_half()), **quick | settings)
    assert not apart(protected, PHOTO)[right_half()].any()
    assert protected == scumble.stylize(PHOTO, STYLE, masks=mask_of(~right_half()), **quick | settings)


def test_what_is_protected_stays_beside_masks_and_maps(quick):
    rows = np.arange(40)[:, None].repeat(48, 1) < 20
    styles, masks = [photograph(seed=1), photograph(seed=2)], [mask_of(rows), mask_of(~rows)]
    coloured = Image.fromarray(np.where(rows[..., None], (255, 0, 0), (0, 0, 255)).astype(np.uint8))
    given = (
        {"masks": masks},
        {"content_map": coloured, "style_maps": [coloured, coloured.rotate(180)]},
        {"shares": "2,1"},
    )
    for regions in given:
        painted = scumble.stylize(PHOTO, styles, protect=mask_of(right_half()), **regions | quick)
        assert not apart(painted, PHOTO)[right_half()].any()
        assert apart(painted, PHOTO)[~right_half()].mean() > 1


def test_it_is_in_the_recipe_and_another_is_noticed(quick, tmp_path):
    for name, inside in (("face.png", right_half()), ("other.png", ~right_half())):
        mask_of(inside).save(tmp_path / name)
    PHOTO.save(tmp_path / "photo.png")
    STYLE.save(tmp_path / "style.png")
    arguments = (tmp_path / "photo.png", tmp_path / "style.png", "-o", tmp_path / "out.png", "--size", 48, "--steps", 1)
    assert run("stylize", *arguments, "--protect", tmp_path / "face.png") == 0
    made = recipe.read(tmp_path / "out.png")
    assert made["inputs"]["protect"]["name"] == "face.png"
    sources = Sources(tmp_path / "photo.png", [tmp_path / "style.png"], protect=tmp_path / "other.png")
    settings = settings_from_recipe(made, StyleSettings())
    told = [e.message for e in paint_events(sources, settings, repeated=made) if isinstance(e, Noted)]
    assert "protect: other.png; in the recipe face.png" in told


def test_what_there_is_to_tell_of_masks_and_of_what_is_protected_is_told_once(quick):
    grey = Image.fromarray(np.where(right_half(), 0, 128).astype(np.uint8))
    faint = Image.fromarray(np.where(right_half(), 180, 0).astype(np.uint8))
    sources = Sources(PHOTO, [STYLE, STYLE], masks=[grey, mask_of(~right_half())], protect=faint)
    told = [e.message for e in paint_events(sources, StyleSettings(**quick), dry_run=True) if isinstance(e, Warned)]
    assert [message.partition(":")[0] for message in told] == ["the mask mask is faint", "the mask protect is faint"]


def test_protecting_everything_or_in_another_shape_or_a_texture_is_refused(quick):
    with pytest.raises(ImageError, match="protect protects all of the photograph: nothing is left"):
        scumble.stylize(PHOTO, STYLE, protect=mask_of(right_half() | True), **quick)
    masks = [mask_of(~right_half()), mask_of(right_half())]
    with pytest.raises(ImageError, match="protect protects all of mask 2: nothing is left"):
        scumble.stylize(PHOTO, [STYLE, STYLE], masks=masks, protect=masks[1], **quick)
    with pytest.raises(ImageError, match="protect is 20x40 pixels, the content 48x40: wanted the same shape"):
        scumble.stylize(PHOTO, STYLE, protect=mask_of(right_half(20)), **quick)
    with pytest.raises(SettingsError, match="protect: got a mask for a texture"):
        list(paint_events(Sources(None, [STYLE], protect=mask_of(right_half())), TextureSettings()))


# --- Numbers for several styles -------------------------------------------------------------------------------------


def test_numbers_for_several_styles_come_at_once_or_one_by_one(tmp_path):
    PHOTO.save(tmp_path / "photo.png")
    STYLE.save(tmp_path / "style.png")
    pictures = (tmp_path / "photo.png", tmp_path / "style.png", tmp_path / "style.png")
    ways = (
        ("--shares", "2,1", "--style-scale", "1,0.5"),
        ("--shares=2,1", "--style-scale=1,0.5"),
        ("--shares", 2, "--shares", 1, "--style-scale", 1, "--style-scale", 0.5),
    )
    for way in ways:
        output = tmp_path / "out.png"
        assert run("stylize", *pictures, "-o", output, "--size", 48, "--steps", 1, *way) == 0
        settings = recipe.read(output)["settings"]
        assert (settings["shares"], settings["style_scale"]) == ([2, 1], [1, 0.5])
    assert StyleSettings(shares="2,1").shares == StyleSettings(shares=[2, 1]).shares == (2, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"shares": "2"}, "shares: got 1 for 2 styles, wanted one for each: --shares A,B"),
        ({"shares": "2,"}, "shares: got '', wanted a number from 0 to 1,000,000"),
        ({"style_scale": "1,2,3"}, "style-scale: got 3 for 2 styles, wanted one, or one for each: --style-scale A,B"),
        ({"style_scale": "1,x"}, "style-scale: got 'x', wanted a number above 0, up to 64"),
    ],
)
def test_wrong_numbers_for_several_styles_are_told(quick, given, message):
    with pytest.raises(SettingsError, match=message):
        scumble.stylize(PHOTO, [STYLE, STYLE], **quick, **given)


# --- The photograph's own size --------------------------------------------------------------------------------------


def test_original_is_the_photographs_own_size(quick, tmp_path):
    photo = photograph(47, 83)
    photo.save(tmp_path / "photo.png")
    painted = scumble.stylize(photo, STYLE, **quick | {"size": "original"})
    assert painted.size == (47, 83)
    assert painted == scumble.stylize(photo, STYLE, **quick | {"size": 83})
    turned = Image.Exif()
    turned[0x0112] = 6
    photo.save(tmp_path / "turned.jpg", exif=turned)
    assert scumble.stylize(tmp_path / "turned.jpg", STYLE, **quick | {"size": "original"}).size == (83, 47)
    assert scumble.texture(STYLE, size="original", steps=2).size == (44, 44)


def test_original_is_kept_in_recipes_and_has_plan_and_scales_as_any_size(quick, tmp_path):
    settings = StyleSettings(**quick | {"size": "original"})
    list(stylize_events(PHOTO, STYLE, settings, tmp_path / "out.png"))
    again = settings_from_recipe(recipe.read(tmp_path / "out.png"), StyleSettings())
    assert again.size == "original"
    events = list(paint_events(Sources(photograph(300, 200), [STYLE]), again, dry_run=True))
    assert any("300x200 pixels" in event.message for event in events if isinstance(event, Noted))
    ladder = Inputs(Sources(photograph(300, 200), [STYLE]), StyleSettings(size="original")).ladder
    assert ladder == Inputs(Sources(photograph(300, 200), [STYLE]), StyleSettings(size=300)).ladder


@pytest.mark.parametrize("size", [0, -1, 65537, "orig", "12.5"])
def test_other_sizes_are_refused(size):
    for kind in (StyleSettings, TextureSettings):
        with pytest.raises(SettingsError, match="size: got"):
            kind(size=size)


# --- What is known about the photograph -----------------------------------------------------------------------------


def camera_file(path: Path) -> Path:
    exif = Image.Exif()
    exif[Base.Orientation], exif[Base.Artist], exif[Base.Copyright] = 6, "Ann", "Ann's"
    exif.get_ifd(IFD.Exif)[Base.MakerNote] = b"secret"
    exif.get_ifd(IFD.GPSInfo)[1] = "N"
    PHOTO.save(path, exif=exif, dpi=(300, 300))
    return path


@pytest.mark.parametrize("ending", [".png", ".jpg", ".webp", ".tif"])
def test_pictures_keep_what_is_known_about_the_photograph_unless_that_is_stripped(quick, tmp_path, ending):
    sources = Sources(camera_file(tmp_path / "photo.jpg"), [STYLE])
    output = tmp_path / f"out{ending}"
    for strip in (False, True):
        wanted = outputs.Wanted(output, save_every=2, strip=strip)
        list(paint_events(sources, StyleSettings(**quick | {"size": "original"}), wanted))
        for path in (output, outputs.numbered(output, 2)):
            with Image.open(path) as picture:
                assert picture.size == (40, 48)
                exif = picture.getexif()
            assert exif.get(Base.Artist) == (None if strip else "Ann")
            assert exif.get(Base.Copyright) == (None if strip else "Ann's")
            assert exif.get(Base.Orientation, 1) == 1
            resolution = exif.get(Base.XResolution, 1)  # which a TIFF has in any case
            assert resolution == (1 if strip else pytest.approx(300, abs=0.1))
            assert IFD.GPSInfo not in exif
            assert b"secret" not in path.read_bytes()
            assert recipe.read(path)["settings"]["size"] == "original"


def test_a_batch_keeps_sizes_and_what_is_known_of_each(quick, tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    camera_file(photos / "a.jpg")
    photograph(44, 40).save(photos / "b.png")
    STYLE.save(tmp_path / "style.png")
    for folder, strip in ((tmp_path / "kept", False), (tmp_path / "stripped", True)):
        settings = StyleSettings(**quick | {"size": "original"})
        list(batch_events([photos], [tmp_path / "style.png"], settings, folder, ".jpg", strip=strip))
        with Image.open(folder / "a-style.jpg") as one, Image.open(folder / "b-style.jpg") as other:
            assert (one.size, other.size) == ((40, 48), (44, 40))
            assert one.getexif().get(Base.Artist) == (None if strip else "Ann")
            assert other.getexif().get(Base.Artist) is None


def test_the_command_line_strips(quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    camera_file(tmp_path / "photo.jpg")
    STYLE.save("style.png")
    for flag, artist in (([], "Ann"), (["--strip"], None)):
        assert run("stylize", "photo.jpg", "style.png", "--size", "original", "--steps", "2", "-o", "o.jpg", *flag) == 0
        with Image.open("o.jpg") as picture:
            assert picture.getexif().get(Base.Artist) == artist
    assert run("stylize", "photo.jpg", "style.png", "--size", "own") == 2
