"""An adversarial autoencoder encodes, decodes and finds a picture's latent; others say that they cannot."""

import numpy as np
import pytest
import torch

from gan_material import some_pixels, untrained_gan
from scumble import GAN
from scumble.errors import SettingsError
from scumble.gan.models import projection
from scumble.gan.train import train
from scumble.image import recipe
from scumble.image.tensors import from_signed, to_signed

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def autoencoder() -> GAN:
    return untrained_gan("aae", (1, 16, 16))


def pictures(count: int) -> list[np.ndarray]:
    return list(some_pixels(count, (16, 16)))


def test_codes_are_those_of_the_encoder_and_decode_to_reconstructions(autoencoder):
    codes = autoencoder.encode(pictures(3))
    signed = to_signed(np.stack(pictures(3))[:, None], torch.device("cpu"))
    assert torch.allclose(codes, autoencoder.discriminator.encoder(signed), atol=1e-6)
    back = autoencoder.reconstruct(pictures(3))
    assert np.array_equal(back, from_signed(autoencoder.generator(codes)))
    assert torch.equal(autoencoder.encode(pictures(3)[1:2]), codes[1:2])  # the same alone and among others


def test_its_features_are_those_of_the_encoder(autoencoder):
    found = autoencoder.features(pictures(2), layers=1)
    signed = to_signed(np.stack(pictures(2))[:, None], torch.device("cpu"))
    assert np.allclose(found, autoencoder.discriminator.encoder.features(signed).flatten(1).numpy(), atol=1e-3)


def test_what_has_no_encoder_says_so():
    for preset in ("sndcgan", "began"):
        gan = untrained_gan(preset, (1, 16, 16))
        assert gan.encoder is None
        with pytest.raises(SettingsError, match=f"preset {preset} has no encoder; wanted a GAN of preset aae"):
            gan.encode(pictures(1))


def test_nothing_is_refused(autoencoder):
    with pytest.raises(SettingsError, match="pictures: got none"):
        autoencoder.encode([])


def test_projection_takes_the_encoders_word(autoencoder, tmp_path, monkeypatch):
    monkeypatch.setattr(projection, "SEEDS", 16)
    monkeypatch.setattr(projection, "_descend", None)
    picture = pictures(1)[0]
    found = projection.project(autoencoder, picture, tmp_path / "found.png", "pixels")
    assert torch.equal(found.latent, autoencoder.encode([picture])[0])
    error = (np.float64(autoencoder.reconstruct([picture])[0, ..., 0]) - picture) / 127.5
    assert found.distance == pytest.approx(np.mean(error**2), rel=0.02)
    assert recipe.read(tmp_path / "found.png")["latent"] == pytest.approx(found.latent.tolist())


def test_a_run_its_model_and_its_checkpoint_encode_alike(tmp_path):
    np.savez(tmp_path / "noise.npz", x=some_pixels(40, (16, 16)))
    tiny = {"preset": "aae", "width": 4, "latent": 8, "batch": 8, "images": 80, "grids": 1}
    made = train(tmp_path / "noise.npz", tmp_path / "run", **tiny)
    expected = made.encode(pictures(2))
    for folder in ("model", "checkpoints/000000000080.safetensors"):
        found = GAN.from_pretrained(tmp_path / "run" / folder).encode(pictures(2))
        assert torch.equal(found, expected)
