"""Ways between latents and sums of them, against closed forms; the nearest latent; the sheets and films of them."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from scumble import GAN, GANSettings
from scumble.cli import app
from scumble.errors import SettingsError
from scumble.gan import latents, project, sheets
from scumble.gan.model import build
from scumble.gan.sample import draw_latents
from scumble.image import recipe

pytestmark = pytest.mark.usefixtures("one_thread")


def untrained(preset: str, shape=(3, 16, 20)) -> GAN:
    """Whose pictures differ from seed to seed: for what is tested here, they need not look like anything."""
    settings = GANSettings(preset=preset, width=4, latent=8)
    generator, discriminator = build(settings, shape, 3)
    with torch.no_grad():
        for parameter in generator.parameters() if preset != "rpgan" else ():  # whose pictures nothing holds in [-1, 1]
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    data = {"name": "noise", "shape": list(shape), "count": 40, "classes": ["a", "b", "c"], "digest": ""}
    facts = {"settings": settings.model_dump(mode="json"), "data": data, "images_seen": 0}
    facts |= {"flip": False, "versions": {}, "threads": 1}
    networks = [network.eval().requires_grad_(False) for network in (generator, discriminator)]
    return GAN(*networks, facts)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


def test_the_arc_turns_by_equal_angles_and_keeps_the_length():
    a, b = torch.tensor([2.0, 0.0, 0.0]), torch.tensor([2 * math.cos(2.0), 2 * math.sin(2.0), 0.0])
    points = latents.slerp(a, b, torch.linspace(0, 1, 9))
    for number, point in enumerate(points):
        turned = 2.0 * number / 8
        expected = [2 * math.cos(turned), 2 * math.sin(turned), 0]
        assert point.tolist() == pytest.approx(expected, abs=1e-5)


def test_where_there_is_no_one_arc_the_way_is_straight():
    a = torch.tensor([1.0, 2.0])
    for b in (3 * a, -a):
        points = latents.slerp(a, b, torch.tensor([0.0, 0.25, 1.0]))
        torch.testing.assert_close(points, torch.stack([a, 0.75 * a + 0.25 * b, b]))


def test_a_walk_passes_through_all_and_comes_back_if_closed():
    ends = draw_latents(range(3), 16)
    way = latents.walk(ends, 5)
    assert way.shape == (11, 16)
    torch.testing.assert_close(way[::5], ends)
    round_trip = latents.walk(ends, 5, closed=True)
    assert round_trip.shape == (15, 16)
    torch.testing.assert_close(round_trip[:10], way[:10])
    torch.testing.assert_close(round_trip[10:], latents.slerp(ends[2], ends[0], torch.arange(5) / 5))


def test_arithmetic_is_that_of_averages_brought_to_the_sphere():
    a, b, c = (draw_latents(seeds, 9).double() for seeds in (range(3), range(3, 5), [7]))
    found = latents.arithmetic(a, b, c).numpy()
    means = [x.numpy().mean(0) for x in (a, b, c)]
    for latent, expected in zip(found, [*means, means[0] - means[1] + means[2]], strict=True):
        np.testing.assert_allclose(latent, expected * 3 / np.linalg.norm(expected), rtol=1e-9)
    torch.testing.assert_close(latents.arithmetic(a, a, c)[3], latents.arithmetic(a, a, c)[2])


@pytest.mark.parametrize("preset", ["rpgan", "cgan"])
def test_a_strip_holds_the_pictures_on_the_way(preset, tmp_path):
    gan = untrained(preset)
    chosen = "b" if preset == "cgan" else None
    sheets.write_walk(gan, [3, 5, 8], tmp_path / "strip.png", between=4, of_class=chosen)
    with Image.open(tmp_path / "strip.png") as picture:
        strip = np.asarray(picture)
    assert strip.shape == (3 * 48 + 4, 4 * 60 + 6, 3)  # 20 x 16 pixels, three times as large; the last one by itself
    for row, seed in enumerate([3, 5, 8]):
        [expected] = gan.draw_array(draw_latents([seed], 8), chosen)
        assert np.array_equal(strip[row * 50 : row * 50 + 48 : 3, :60:3], expected)
    assert recipe.read(tmp_path / "strip.png")["seeds"] == [3, 5, 8]


@pytest.mark.parametrize(("closed", "frames"), [(False, 9), (True, 12)])
def test_a_film_has_a_frame_for_each_step(closed, frames, tmp_path):
    sheets.write_walk(untrained("rpgan"), [0, 1, 2], tmp_path / "walk.gif", 1.0, 4, closed)
    with Image.open(tmp_path / "walk.gif") as film:
        assert getattr(film, "n_frames", 1) == frames
        durations = []
        for number in range(frames):
            film.seek(number)
            durations.append(film.info["duration"])
    assert (durations[-1] - durations[0] >= 1500) is not closed  # who goes round does not stop


def test_the_sheet_of_arithmetic_shows_seeds_above_their_averages(tmp_path):
    gan = untrained("rpgan")
    sheets.write_arithmetic(gan, [0, 1, 2], [3], [4, 5], tmp_path / "sum.png")
    with Image.open(tmp_path / "sum.png") as picture:
        cells = np.asarray(picture)
    assert cells.shape == (4 * 48 + 6, 4 * 60 + 6, 3)
    sets = [draw_latents(seeds, 8) for seeds in ([0, 1, 2], [3], [4, 5])]
    averages = gan.draw_array(latents.arithmetic(*sets))
    for column in range(4):
        bottom = cells[150::3, column * 62 : column * 62 + 60 : 3]
        assert np.array_equal(bottom, averages[column])
    assert np.array_equal(cells[100:148:3, :60:3], gan.draw_array(sets[0])[2])
    assert (cells[50:98, 62:122] == 255).all()  # B has one seed only


@pytest.mark.parametrize("preset", ["rpgan", "cgan"])
@pytest.mark.parametrize("by", project.DISTANCES)
def test_a_picture_that_was_drawn_is_found_again(preset, by, tmp_path, monkeypatch):
    monkeypatch.setattr(project, "SEEDS", 48)
    monkeypatch.setattr(project, "STEPS", 100)
    gan = untrained(preset)
    planted = latents.on_sphere(draw_latents([1000], 8))
    chosen = "c" if preset == "cgan" else None
    picture = gan.draw_array(planted, chosen)[0]
    found = project.project(gan, picture, tmp_path / "found.png", by)
    assert found.distance < 0.1 * found.seed_distance
    assert found.of_class == chosen or preset == "cgan"
    assert found.latent.norm().item() == pytest.approx(8**0.5, rel=1e-5)
    again = gan.draw_array(found.latent[None], found.of_class)[0].astype(float)
    [of_seed] = gan.sample_array([found.seed]).astype(float)
    assert np.abs(again - picture).mean() < 0.5 * np.abs(of_seed - picture).mean()
    kept = recipe.read(tmp_path / "found.png")
    assert kept["latent"] == pytest.approx(found.latent.tolist())
    assert kept["nearest_seed"] == found.seed < 48


def test_photographs_are_cut_and_turned_grey_as_the_model_needs_them(content_file, tmp_path, monkeypatch):
    monkeypatch.setattr(project, "STEPS", 3)
    found = project.project(untrained("rpgan", (1, 16, 16)), content_file, tmp_path / "found.png")
    assert 0 < found.distance <= found.seed_distance
    with Image.open(tmp_path / "found.png") as sheet:
        assert sheet.size == (3 * 64 + 4, 64)


def test_the_commands_as_they_are_typed(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "STEPS", 4)
    untrained("cgan").save_pretrained(tmp_path / "model")
    Image.new("RGB", (30, 20), "teal").save("teal.png")
    assert run("gan", "interpolate", "model", "--seeds", "0,3", "--between", "3", "--closed", "-o", "a.webp") == 0
    assert run("gan", "arithmetic", "model", "0-2", "3-5", "6", "--class", "b", "-o", "b.png") == 0
    assert run("gan", "project", "model", "teal.png", "--by", "pixels", "-q", "-o", "c.png") == 0
    assert capsys.readouterr().out.split() == ["a.webp", "b.png", "c.png"]
    for words, code, complaint in (
        (["interpolate", "model", "--seeds", "4"], 2, "seeds: got 1, wanted two or more"),
        (["interpolate", "model", "-o", "walk.avi"], 2, "walk.avi ends in '.avi'"),
        (["interpolate", "model", "--between", "0"], 2, "between: got 0, wanted 1 to 1,000"),
        (["arithmetic", "model", "0", "x", "1"], 2, "seeds: got 'x'"),
        (["arithmetic", "model", "0", "1", "2", "--class", "z"], 2, "class: got 'z', wanted one of a, b, c"),
        (["project", "model", "nothing.png"], 1, "nothing.png"),
        (["project", "model", "teal.png", "-o", "teal.png"], 1, "teal.png"),
        (["project", "model", "teal.png", "--class", "z"], 2, "class: got 'z', wanted one of a, b, c"),
    ):
        assert run("gan", *words) == code, words
        assert complaint in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.webp", "b.png", "c.png", "model", "teal.png"]


def test_the_features_of_the_search_are_those_of_the_small_network():
    with pytest.raises(SettingsError, match="by: got"):
        project.project(untrained("rpgan"), Image.new("RGB", (16, 16)), "found.png", "eyes")
