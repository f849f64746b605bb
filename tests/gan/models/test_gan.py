"""A trained GAN: the same pictures wherever it is loaded from, and folders that explain themselves."""

import json

import numpy as np
import pytest
import torch

from scumble import GAN, GANSettings
from scumble.errors import RunError, ScumbleError, SettingsError
from scumble.gan.networks.build import build

pytestmark = pytest.mark.usefixtures("one_thread")


def test_picture_seven_is_the_same_alone_and_among_others(noise_gan):
    alone = noise_gan.sample_array([7])[0]
    among = noise_gan.sample_array(range(64))[7]
    assert np.array_equal(alone, among)
    assert not np.array_equal(among, noise_gan.sample_array([8])[0])


def test_sampling_changes_neither_statistics_nor_torchs_numbers(noise_gan):
    before = {name: tensor.clone() for name, tensor in noise_gan.generator.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    noise_gan.sample(range(3))
    assert torch.rand(1) == expected
    assert all(torch.equal(before[name], tensor) for name, tensor in noise_gan.generator.state_dict().items())


def test_a_model_folder_gives_the_same_pictures_as_its_run(noise_run, noise_gan, tmp_path):
    model = GAN.from_pretrained(noise_run / "model")
    assert np.array_equal(noise_gan.sample_array(range(5)), model.sample_array(range(5)))
    model.save_pretrained(tmp_path / "copy")
    again = GAN.from_pretrained(tmp_path / "copy")
    assert np.array_equal(noise_gan.sample_array(range(5)), again.sample_array(range(5)))
    for name, tensor in noise_gan.discriminator.state_dict().items():
        assert torch.equal(tensor, again.discriminator.state_dict()[name])


def test_a_model_explains_itself(noise_run):
    assert {p.name for p in (noise_run / "model").iterdir()} == {
        "README.md",
        "model.safetensors",
        "samples.png",
        "settings.json",
    }
    card = (noise_run / "model/README.md").read_text()
    for words in ("noise.npz", "40 pictures", "400 images", "20 x 16 pixels", "| width | 4 |", "`dcgan`"):
        assert words in card
    assert "{" not in card
    facts = json.loads((noise_run / "model/settings.json").read_text())
    assert (facts["format_version"], facts["kind"], facts["images_seen"]) == (2, "gan", 400)


def test_samples_are_pictures_of_the_right_kind(noise_gan):
    [picture] = noise_gan.sample([0])
    assert (picture.mode, picture.size) == ("RGB", (20, 16))


def test_wrong_seeds_and_truncations_are_refused(noise_gan):
    for truncation in (0, -1.0, float("nan")):
        with pytest.raises(SettingsError, match="truncation: got"):
            noise_gan.sample([0], truncation)
    with pytest.raises(SettingsError, match="seeds: got -1"):
        noise_gan.sample([3, -1])
    for wrong in ([1.5], ["3"], [None]):
        with pytest.raises(SettingsError, match="wanted whole numbers"):
            noise_gan.sample(wrong)
    assert noise_gan.sample(np.arange(2))[1].tobytes() == noise_gan.sample([1])[0].tobytes()
    with pytest.raises(SettingsError, match="seeds: got none"):
        noise_gan.sample([])


def test_folders_that_hold_no_gan_are_refused(tmp_path, noise_run):
    for folder in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(RunError, match="is no"):
            GAN.from_pretrained(folder)
    model = tmp_path / "model"
    GAN.from_pretrained(noise_run).save_pretrained(model)
    weights, settings = (model / "model.safetensors").read_bytes(), (model / "settings.json").read_text()
    (model / "model.safetensors").write_bytes(weights[:1000])
    with pytest.raises(RunError, match="cannot be read"):
        GAN.from_pretrained(model)
    (model / "model.safetensors").write_bytes(weights)
    (model / "settings.json").write_text(settings.replace('"width": 4', '"width": 8'))
    with pytest.raises(RunError, match="does not hold what its settings say"):
        GAN.from_pretrained(model)
    (model / "settings.json").write_text(settings.replace('"format_version": 2', '"format_version": 3'))
    with pytest.raises(RunError, match="format 3"):
        GAN.from_pretrained(model)
    (model / "settings.json").write_text(settings.replace('"width": 4', '"width": 4, "colour": 1'))
    with pytest.raises(ScumbleError, match="colour"):
        GAN.from_pretrained(model)


def test_frozen_statistics_are_those_of_the_training():
    generator, _ = build(GANSettings(preset="dcgan", width=4, latent=8), (1, 16, 16))
    latents = torch.randn(64, 8)
    for _ in range(200):
        seen = generator(latents)
    frozen = generator.eval()(latents)
    assert torch.allclose(frozen, seen, atol=0.05)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shape", [3, 4096, 4096]), ("shape", [3, 2, 2]), ("shape", [0, 16, 20]), ("shape", [3, -16, 20]),
        ("shape", [3, 10**30, 16]), ("shape", [2**16, 2**16, 2**16]), ("width", 1024), ("latent", 4096),
        ("network", "mlp"), ("norm", "spectral"), ("preset", "\ud800"), ("width", 10**30), ("condition", "projection"),
    ],
)  # fmt: skip
def test_a_strangers_settings_are_one_line(tmp_path, noise_run, name, value):
    model = tmp_path / "model"
    GAN.from_pretrained(noise_run).save_pretrained(model)
    facts = json.loads((model / "settings.json").read_text())
    facts["data" if name == "shape" else "settings"][name] = value
    (model / "settings.json").write_text(json.dumps(facts))
    with pytest.raises(RunError) as raised:
        GAN.from_pretrained(model)
    assert "\n" not in str(raised.value)
