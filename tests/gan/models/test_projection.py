"""Projection: a picture that was drawn is found again; and the command."""

import numpy as np
import pytest
from PIL import Image

from gan_material import untrained_gan
from scumble.errors import SettingsError
from scumble.gan.models import latents, projection
from scumble.gan.models.sample import draw_latents
from scumble.image import recipe

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("preset", ["rpgan", "cgan"])
@pytest.mark.parametrize("by", projection.DISTANCES)
def test_a_picture_that_was_drawn_is_found_again(preset, by, tmp_path, monkeypatch):
    monkeypatch.setattr(projection, "SEEDS", 48)
    monkeypatch.setattr(projection, "STEPS", 100)
    gan = untrained_gan(preset)
    planted = latents.on_sphere(draw_latents([1000], 8))
    chosen = "c" if preset == "cgan" else None
    picture = gan.draw_array(planted, chosen)[0]
    found = projection.project(gan, picture, tmp_path / "found.png", by)
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
    monkeypatch.setattr(projection, "STEPS", 3)
    found = projection.project(untrained_gan("rpgan", (1, 16, 16)), content_file, tmp_path / "found.png")
    assert 0 < found.distance <= found.seed_distance
    with Image.open(tmp_path / "found.png") as sheet:
        assert sheet.size == (3 * 64 + 4, 64)


def test_the_features_of_the_search_are_those_of_the_small_network():
    with pytest.raises(SettingsError, match="by: got"):
        projection.project(untrained_gan("rpgan"), Image.new("RGB", (16, 16)), "found.png", "eyes")
