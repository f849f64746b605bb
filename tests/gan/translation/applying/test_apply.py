import json
import shutil

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from conftest import photograph
from scumble import SettingsError, Translator
from scumble.cli.info import sentence
from scumble.errors import ImageError, RunError, ScumbleError
from scumble.events import Finished, Noted, Progress, Saved, Started, Warned
from scumble.gan.translation.applying import apply, tiles
from scumble.gan.translation.applying.apply import apply_events, translate
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.networks.build import build
from scumble.gan.translation.presets import PRESETS
from scumble.gan.translation.settings import TranslationSettings
from scumble.image import recipe
from scumble.training.facts import DataFacts

pytestmark = pytest.mark.usefixtures("one_thread")

COLOUR, GREY = (3, 16, 16), (1, 16, 16)
SAME = Shapes(COLOUR, COLOUR)


def untrained(shapes=SAME, ranges=(None, None), classes=(), **given) -> Translator:
    """A translator whose results differ from what it is given, without looking like anything."""
    torch.manual_seed(0)
    settings = TranslationSettings.model_validate({"size": "16", "width": 4, "patch_layers": 1} | given)
    networks = {name: network.eval() for name, network in build(settings, shapes).items()}
    networks = {name: networks[name].requires_grad_(False) for name in KINDS[settings.kind].result}
    for network in networks.values():
        for parameter in network.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    data = DataFacts(name="made up", count=9, shape=shapes.b, classes=classes, digest="")
    plain = settings.model_dump(mode="json")
    facts = TranslationFacts(
        settings=plain, data=data, versions={}, threads=1, shape_a=shapes.a, value_ranges=ranges, images_seen=5
    )
    return Translator(networks, facts)


def applied(*arguments, **options):
    return list(apply_events(*arguments, **options))


def signed(pixels) -> torch.Tensor:
    return torch.from_numpy(np.asarray(pixels).copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def levels(result: torch.Tensor, bits=8) -> np.ndarray:
    top = 2**bits - 1
    return ((result[0].permute(1, 2, 0) + 1) / 2 * top).round().clamp(0, top).numpy()


@pytest.fixture
def translator():
    return untrained()


def test_a_picture_becomes_what_the_network_makes_of_it(translator, content_file):
    found = translator(content_file)
    wanted = levels(translator.network(signed(Image.open(content_file))))
    assert (found.mode, found.size) == ("RGB", (48, 40))
    assert np.abs(np.asarray(found).astype(int) - wanted).max() <= 1


def test_it_takes_pictures_and_arrays_and_gives_the_same(translator, content_file):
    picture = Image.open(content_file)
    wanted = np.asarray(translator(content_file))
    assert np.array_equal(np.asarray(translator(picture)), wanted)
    assert np.array_equal(np.asarray(translator(np.asarray(picture))), wanted)


def test_a_file_is_written_with_its_recipe(translator, content_file, tmp_path):
    events = applied(translator, [content_file], tmp_path / "out.png")
    assert [type(event) for event in events if not isinstance(event, Progress)] == [Started, Saved, Finished]
    made_by = recipe.read(tmp_path / "out.png")
    assert made_by["job"] == "apply"
    assert made_by["settings"] == {"preset": "pix2pix", "direction": "forward", "bits": 8}
    assert made_by["inputs"]["picture"]["name"] == "content.png"
    assert len(made_by["inputs"]["model"]["sha256"]) == 64
    assert str(tmp_path) not in json.dumps(made_by)
    assert sentence(made_by) == "content translated by pix2pix, trained on made up"
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), np.asarray(translator(content_file)))


def test_the_same_again_does_nothing_and_another_model_is_refused_in_a_folder(translator, content_file, tmp_path):
    (tmp_path / "in").mkdir()
    for n in range(3):
        photograph(40, 32, seed=n).save(tmp_path / "in" / f"{n}.png")
    first = applied(translator, [tmp_path / "in"], tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["0.png", "1.png", "2.png", "contact.jpg"]
    (tmp_path / "out" / "1.png").unlink()
    times = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("?.png")}
    again = applied(translator, [tmp_path / "in"], tmp_path / "out")
    assert sum(isinstance(event, Noted) and "is finished" in event.message for event in again) == 2
    assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("[02].png")} == times
    assert isinstance(first[-1], Finished)
    assert [path.name for path in first[-1].outputs] == ["0.png", "1.png", "2.png"]
    other = untrained(width=8)
    with pytest.raises(ScumbleError, match="made otherwise"):
        applied(other, [tmp_path / "in"], tmp_path / "out")
    applied(other, [tmp_path / "in"], tmp_path / "out", overwrite=True)


def test_a_picture_alone_makes_room_for_another_try_but_not_others(translator, content_file, style_file, tmp_path):
    out = tmp_path / "out.png"
    applied(translator, [content_file], out)
    applied(untrained(width=8), [content_file], out)  # another try of the same photograph
    with pytest.raises(ImageError, match="not made of style.png"):
        applied(translator, [style_file], out)
    applied(translator, [style_file], out, overwrite=True)
    shutil.copy(content_file, tmp_path / "mine.png")
    with pytest.raises(ImageError, match="not made by scumble"):
        applied(translator, [content_file], tmp_path / "mine.png")
    with pytest.raises(ImageError, match="is also an input"):
        applied(translator, [content_file], content_file, overwrite=True)


def test_what_fails_does_not_keep_the_others_from_theirs(translator, tmp_path):
    (tmp_path / "in").mkdir()
    photograph(40, 32).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").write_bytes(b"\x89PNG no picture")
    photograph(40, 32).save(tmp_path / "in" / "c.png")
    events = []
    with pytest.raises(ScumbleError, match="1 of 3 pictures failed"):
        events.extend(apply_events(translator, [tmp_path / "in"], tmp_path / "out"))
    assert [event.path.name for event in events if isinstance(event, Saved)] == ["a.png", "c.png"]
    assert any(isinstance(event, Warned) and "b.png" in event.message for event in events)


def test_the_turn_of_a_camera_is_honoured(translator, tmp_path):
    upright = photograph(40, 24)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    found = translator(tmp_path / "turned.png")
    assert found.size == (40, 24)
    assert np.array_equal(np.asarray(found), np.asarray(translator(upright)))


def test_opacity_is_kept(translator, tmp_path):
    picture = photograph(40, 32).convert("RGBA")
    alpha = np.full((32, 40), 255, np.uint8)
    alpha[:, :20] = 90
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "in.png")
    found = translator(tmp_path / "in.png")
    assert found.mode == "RGBA"
    assert np.array_equal(np.asarray(found)[..., 3], alpha)
    applied(translator, [tmp_path / "in.png"], tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as jpeg:
        assert jpeg.mode == "RGB"


def test_16_bits_in_and_out(tmp_path):
    translator = untrained(Shapes(GREY, GREY), ranges=((0.0, 65535.0), (0.0, 65535.0)))
    values = (np.asarray(photograph(40, 32).convert("F")) * 200).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "in.png")
    applied(translator, [tmp_path / "in.png"], tmp_path / "out.tif", bits=16)
    given = torch.from_numpy(values.astype(np.float32))[None, None] / 65535 * 2 - 1
    wanted = levels(translator.network(given), 16)[..., 0]
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.dtype == np.uint16
    assert np.abs(found.reshape(32, 40).astype(int) - wanted).max() <= 2
    with pytest.raises(SettingsError, match="cannot hold 16 bits"):
        applied(translator, [tmp_path / "in.png"], tmp_path / "out.jpg", bits=16)


def test_many_bands_in_and_out(tmp_path):
    translator = untrained(Shapes((5, 16, 16), (6, 16, 16)), ranges=((0.0, 1000.0), None))
    values = np.random.default_rng(0).integers(0, 1000, (32, 40, 5), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", values, photometric="minisblack", planarconfig="contig")
    applied(translator, [tmp_path / "in.tif"], tmp_path / "out.tif")
    given = torch.from_numpy(values.astype(np.float32)).permute(2, 0, 1)[None] / 500 - 1
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.shape == (32, 40, 6)
    assert np.abs(found.astype(int) - levels(translator.network(given))).max() <= 1
    with pytest.raises(ImageError, match="cannot hold 6 channels"):
        applied(translator, [tmp_path / "in.tif"], tmp_path / "out.png")
    with pytest.raises(ImageError, match="has 3 channels; wanted 5"):
        translator(photograph())


def test_grey_pictures_are_written_as_colours(tmp_path, content_file):
    translator = untrained(Shapes(COLOUR, GREY))
    applied(translator, [content_file], tmp_path / "out.png")
    pixels = np.asarray(Image.open(tmp_path / "out.png"))
    assert pixels.shape == (40, 48, 3)
    assert (pixels == pixels[..., :1]).all()
    assert translator(content_file).mode == "L"


def test_holes_are_filled_and_the_rest_is_left_alone(tmp_path):
    translator = untrained(preset="context-encoder")
    picture = photograph(40, 32).convert("RGBA")
    alpha = np.full((32, 40), 255, np.uint8)
    alpha[8:20, 10:26] = 0
    picture.putalpha(Image.fromarray(alpha))
    picture.save(tmp_path / "in.png")
    found = np.asarray(translator(tmp_path / "in.png"))
    assert found.shape == (32, 40, 3)
    before = np.asarray(picture)[..., :3]
    assert np.array_equal(found[alpha == 255], before[alpha == 255])
    assert (found[alpha == 0] != before[alpha == 0]).any()
    with pytest.raises(ImageError, match="has no hole"):
        translator(photograph(40, 32))


def test_a_mosaic_is_made_of_the_colours_that_are_hidden(monkeypatch):
    translator = untrained(preset="ccgan")
    picture = photograph(40, 32).convert("RGBA")
    alpha = np.full((32, 40), 255, np.uint8)
    alpha[:16, :16] = 0
    picture.putalpha(Image.fromarray(alpha))
    seen = []
    monkeypatch.setattr(translator.network, "forward", lambda x, mask: seen.append((x, mask)) or x)
    translator(picture)
    pixels, mask = (one[..., :32, :40] for one in seen[0])  # beyond it, the last pixels are repeated
    colours = signed(photograph(40, 32))
    assert torch.equal(mask[0, 0], torch.from_numpy(alpha == 0).float())
    torch.testing.assert_close(pixels[..., 16:], colours[..., 16:])
    torch.testing.assert_close(pixels[0, :, 3, 3], colours[0, :, :8, :8].mean((1, 2)))
    assert len(pixels[0, 0, :16, :16].unique()) == 4


def test_a_seed_and_a_target_are_told(content_file, tmp_path):
    styled = untrained(preset="munit", latent=4)
    assert np.array_equal(np.asarray(styled(content_file, seed=3)), np.asarray(styled(content_file, seed=3)))
    assert not np.array_equal(np.asarray(styled(content_file, seed=3)), np.asarray(styled(content_file, seed=4)))
    applied(styled, [content_file], tmp_path / "seed.png", seed=3)
    assert recipe.read(tmp_path / "seed.png")["settings"]["seed"] == 3
    classed = untrained(Shapes(COLOUR, COLOUR, 2), classes=("day", "night"), preset="stargan")
    assert not np.array_equal(
        np.asarray(classed(content_file, target="day")), np.asarray(classed(content_file, target="night"))
    )
    applied(classed, [content_file], tmp_path / "target.png", target="night")
    assert recipe.read(tmp_path / "target.png")["settings"]["target"] == "night"
    with pytest.raises(SettingsError, match="wanted one of day, night"):
        classed(content_file, target="noon")


def test_results_of_super_resolution_are_larger(content_file, tmp_path):
    translator = untrained(Shapes((3, 4, 4), COLOUR), preset="srgan")
    applied(translator, [content_file], tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as larger:
        assert larger.size == (192, 160)


def test_large_pictures_are_worked_in_tiles_and_it_is_told(monkeypatch, tmp_path):
    translator = untrained(preset="cyclegan", blocks=1)
    photograph(420, 300).save(tmp_path / "in.png")
    whole = np.asarray(translator(tmp_path / "in.png")).astype(int)
    monkeypatch.setattr(tiles.translating, "__defaults__", ((), 1, 1, 10.5e6))
    events = applied(translator, [tmp_path / "in.png"], tmp_path / "out.png")
    assert any(
        isinstance(event, Noted) and "tiles, with the norms' statistics held" in event.message for event in events
    )
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == sorted(done)
    assert len(set(done)) > 3
    assert recipe.read(tmp_path / "out.png")["computed"]["tiles"] >= 4
    assert (
        np.abs(np.asarray(Image.open(tmp_path / "out.png")) - whole).mean() < 25
    )  # a random network makes much of little


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_does_pictures_of_any_size_whole_and_in_tiles(preset, monkeypatch):
    settings = TranslationSettings.model_validate({"preset": preset})
    small = (3, 8, 8) if KINDS[settings.kind].enlarges > 1 else (3, 32, 32)
    shapes = Shapes(small, (3, 32, 32), 2 if settings.kind in ("domains", "adaptation") else 0)
    translator = untrained(shapes, classes=("x", "y"), preset=preset, size="32", blocks=1, latent=4)
    picture, options = photograph(301, 270), {"target": "x"} if translator.classes else {}
    if "mask" in translator.kind.told:
        picture = picture.convert("RGBA")
        picture.putalpha(Image.fromarray(np.where(np.arange(301) < 99, 0, 255).astype(np.uint8)[None].repeat(270, 0)))
    whole = translator(picture, **options)
    assert whole.size == (301 * translator.enlarges, 270 * translator.enlarges)
    monkeypatch.setattr(tiles.translating, "__defaults__", ((), 1, 1, 7e6))
    tiled = translator(picture, **options)
    assert tiled.size == whole.size
    assert np.abs(np.asarray(tiled).astype(int) - np.asarray(whole)).mean() < 30


@pytest.mark.parametrize("size", [(1, 1), (3, 50), (700, 2)])
def test_the_smallest_pictures_are_translated_too(size):
    for preset in ("pix2pix", "cyclegan", "munit"):
        translator = untrained(preset=preset, size="32", blocks=1)
        assert translator(photograph(*size)).size == size


def test_a_run_is_applied_by_its_folder(grey_run, content_file, tmp_path):
    applied(grey_run, [content_file], tmp_path / "out.png", device_name="cpu")
    wanted = translate(Translator.from_pretrained(grey_run, "cpu"), content_file)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out.png")), np.asarray(wanted))


def test_what_cannot_be_is_refused_before_any_work(translator, content_file, tmp_path, monkeypatch):
    monkeypatch.setattr(apply, "_one", lambda *_: pytest.fail("it worked"))
    for inputs, output, options, words in (
        ([content_file], tmp_path / "out.png", {"bits": 12}, "bits: got 12"),
        ([content_file], tmp_path / "out.xyz" / "a.xyz", {"suffix": ".xyz"}, "suffix: got '.xyz'"),
        ([tmp_path / "none.png"], tmp_path / "out.png", {}, "does not exist"),
        ([content_file], tmp_path / "out.gif", {}, "output .*out.gif ends in '.gif'; wanted a folder or one of .png"),
        ([content_file, tmp_path], tmp_path / "out.png", {}, "ends in '.png'; wanted a folder for several pictures"),
        ([content_file], tmp_path / "out", {"target": "cat"}, "target: got 'cat', and pix2pix knows of none"),
    ):
        with pytest.raises(ScumbleError, match=words):
            applied(translator, inputs, output, **options)
    with pytest.raises(RunError, match="none is no trained translator"):
        applied(tmp_path / "none", [content_file], tmp_path / "out")
    with pytest.raises(SettingsError, match="target: got none, wanted one of cat, dog"):
        applied(untrained(Shapes(COLOUR, COLOUR, 2), classes=("cat", "dog"), preset="stargan"), [content_file],
                tmp_path / "out")  # fmt: skip
    assert not list(tmp_path.glob("out*"))


def test_of_a_picture_alone_the_error_tells_what_failed_and_once(tmp_path, content_file):
    filler = untrained(preset="context-encoder", pairs="holes")
    events = []
    with pytest.raises(ImageError) as error:
        events.extend(apply_events(filler, [content_file], tmp_path / "out.png"))
    assert str(error.value).startswith(f"{content_file.name} has no hole; wanted ")
    assert not any(isinstance(event, Warned) for event in events)
