"""What a GAN does besides drawing: grids, its discriminator's features, and figures."""

import numpy as np
import pytest
from PIL import Image

from gan_material import Projection, looked_at_by, some_pixels, untrained_gan
from scumble import GAN, evaluate
from scumble.errors import ImageError, SettingsError
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.networks.features import features
from scumble.gan.probe.features import write_events
from scumble.gan.settings import FeatureSettings
from scumble.image.tensors import grid, to_signed

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_grid_holds_the_samples_row_after_row(noise_gan):
    sheet = noise_gan.grid(range(6), columns=2)
    assert (sheet.mode, sheet.size) == ("RGB", (2 * 60 + 2, 3 * 48 + 4))  # 20 x 16 pixels, three times as large
    assert np.array_equal(np.asarray(sheet), grid(noise_gan.sample_array(range(6)), 2))
    assert noise_gan.grid(range(5)).size == noise_gan.grid(range(6), columns=3).size
    assert noise_gan.grid([1], columns=9).size == (60, 48)
    assert untrained_gan("projection").grid(range(2), of_class="b").mode == "RGB"
    for wrong in ({"columns": 0}, {"seeds": []}, {"of_class": "cats"}):
        with pytest.raises(SettingsError):
            noise_gan.grid(**{"seeds": range(2)} | wrong)


@pytest.mark.parametrize("preset", ["sndcgan", "projection", "sgan"])
def test_features_are_the_discriminators_activations(preset):
    gan = untrained_gan(preset)
    pixels = some_pixels(3, (3, 16, 20))
    pictures = [pixels[0].transpose(1, 2, 0), *(Image.fromarray(one.transpose(1, 2, 0)) for one in pixels[1:])]
    found = gan.features(pictures, pool="average", layers=1)
    wanted = features(
        unconditional(gan.discriminator), to_signed(pixels, gan.device), FeatureSettings(pool="average", layers=1)
    )
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, wanted.numpy(), rtol=2e-3, atol=1e-5)
    assert found.shape[1] < gan.features(pictures).shape[1]
    np.testing.assert_allclose(gan.features(pictures[1:2], pool="average", layers=1), found[1:2], rtol=2e-3, atol=1e-5)


def test_features_are_those_that_the_command_writes(noise_run, tmp_path):
    """Of pictures as they are in the data; the run's batch norm is the only difference there is."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 16, 20, 3), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", x=pixels)
    list(write_events(noise_run, tmp_path / "noise.npz", tmp_path / "features.npy"))
    written = np.load(tmp_path / "features.npy")
    found = GAN.from_pretrained(noise_run).features(pixels)
    assert found.shape == written.shape
    first = 16 * 16  # of the layer before any batch norm
    np.testing.assert_allclose(found[:, :first], written[:, :first], rtol=2e-3, atol=1e-4)


def test_features_of_nothing_and_of_what_needs_a_class_are_refused(noise_gan, tmp_path):
    with pytest.raises(SettingsError, match="got none"):
        noise_gan.features([])
    with pytest.raises(SettingsError, match="wanted a list"):
        noise_gan.features("picture.png")
    with pytest.raises(SettingsError, match="side"):
        noise_gan.features([np.zeros((16, 20, 3), np.uint8)], side=0)
    with pytest.raises(ImageError, match="does not exist"):
        noise_gan.features([tmp_path / "none.png"])
    with pytest.raises(SettingsError, match="needs the class of each picture"):
        untrained_gan("cgan").features([np.zeros((16, 20, 3), np.uint8)])


def test_a_gan_is_evaluated_as_its_folder_is(noise_run, monkeypatch, tmp_path):
    looked_at_by(Projection(6), monkeypatch)
    np.savez(tmp_path / "noise.npz", x=np.random.default_rng(1).integers(0, 256, (60, 16, 20, 3), dtype=np.uint8))
    gan = GAN.from_pretrained(noise_run)
    found = gan.evaluate(tmp_path / "noise.npz", pictures=30, measures=["kernel"])
    wanted = evaluate(noise_run, tmp_path / "noise.npz", pictures=30, measures=["kernel"])
    assert found.figures == wanted.figures
    assert found.subject == "a GAN of noise.npz at 400 images"
    gan.facts = gan.facts.model_copy(update={"images_seen": None})  # made by hand
    assert gan.evaluate(tmp_path / "noise.npz", pictures=30, measures=["kernel"]).figures == wanted.figures
