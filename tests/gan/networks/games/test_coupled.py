"""CoGAN: what its domains share and what they do not, and that pairs come of it."""

import json

import numpy as np
import pytest
import torch

from gan_material import untrained_gan
from scumble import GAN
from scumble.cli import app
from scumble.data.dataset import Dataset
from scumble.errors import SettingsError
from scumble.gan.combinations import PLAIN_NETWORKS
from scumble.gan.networks.build import build
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.networks.games.coupled import Own
from scumble.gan.sample_sheets import write_samples
from scumble.gan.settings import GANSettings
from scumble.image import files
from scumble.image.tensors import grid

pytestmark = pytest.mark.usefixtures("one_thread")


def test_each_row_goes_through_the_layers_of_its_own_domain():
    own = Own(2, 4, 3)
    x, labels = torch.randn(6, 2, 8, 8), torch.tensor([2, 0, 1, 1, 2, 0])
    found = own(x, labels)
    for row, label in enumerate(labels):
        first, last = (torch.nn.Conv2d(*sizes, 3, padding=1).requires_grad_(False) for sizes in ((2, 4), (4, 2)))
        first.weight.copy_(own.first.weight[4 * label : 4 * label + 4])
        first.bias.copy_(own.first.bias[4 * label : 4 * label + 4])
        last.weight.copy_(own.last.weight[2 * label : 2 * label + 2])
        last.bias.copy_(own.last.bias[2 * label : 2 * label + 2])
        hidden = torch.nn.functional.leaky_relu(first(x[row : row + 1]), 0.2)
        assert torch.allclose(found[row], last(hidden)[0], atol=1e-5)


@pytest.mark.parametrize("network", PLAIN_NETWORKS)
def test_a_domain_moves_what_is_shared_and_its_own_layers_only(network):
    settings = GANSettings(preset="cogan", network=network, norm="none", width=4, latent=8)
    generator, discriminator = build(settings, (1, 16, 20), 2)
    labels = torch.tensor([1, 1])
    pictures = generator(torch.randn(2, 8), labels)
    assert pictures.shape == (2, 1, 16, 20)
    discriminator(pictures, labels).sum().backward()
    for own in (generator.own, discriminator.own):
        first, second = own.first.weight.grad.chunk(2)
        assert not first.any()
        assert second.any()
    assert all(one.grad is not None for one in generator.shared.parameters())


def test_pairs_go_together_though_none_was_ever_seen(game):
    """Bright and dark discs of three sizes, and their inverse: the same latent draws the same size in both."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16] - 7.5
    sizes, labels = random.integers(0, 3, 96), np.arange(96) % 2
    discs = np.where((y**2 + x**2)[None] < np.array([4.0, 20.0, 60.0])[sizes, None, None], 220, 30)
    pixels = np.where(labels[:, None, None] == 1, 255 - discs, discs)[:, None].astype(np.uint8)
    this = game(Dataset("discs", pixels, labels, ("a", "b"), ""), preset="cogan", batch=24, lr=1e-3, ema=100)
    trainer = this.trainer()
    for _ in range(120):
        trainer.train_step()
    generator, latents = trainer.averages["generator"], torch.randn(64, 8, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        one, other = (generator(latents, torch.full((64,), label)).mean((1, 2, 3)) for label in (0, 1))
    assert np.corrcoef(one, -other)[0, 1] > 0.8


def test_several_labels_a_picture_are_no_domains(game):
    labels = np.random.default_rng(0).integers(0, 2, (32, 3), dtype=np.uint8)
    with pytest.raises(SettingsError, match="condition: got coupled, whose domains exclude one another"):
        game(labels=labels, preset="cogan")


def test_its_discriminator_gives_no_features_of_pictures_alone(game):
    this = game(labels=np.arange(32) % 2, preset="cogan")
    with pytest.raises(SettingsError, match="the run's condition is coupled: its discriminator needs the class"):
        unconditional(this.discriminator)


def test_samples_of_domains_are_pairs_side_by_side_and_files_of_equal_names(tmp_path):
    gan = untrained_gan("cogan", (1, 16, 16))
    (sheet,) = write_samples(gan, [0, 1, 2, 3, 4], tmp_path / "pairs.png")
    seen = files.load(sheet).rgb
    assert (round(seen.height / 66), round(seen.width / 66)) == (2, 9)  # three domains, three seeds a row
    assert np.array_equal(np.asarray(seen), np.asarray(gan_sheet(gan, range(5))))
    written = sorted(path.relative_to(tmp_path).as_posix() for path in write_samples(gan, [0, 7], tmp_path / "each"))
    assert written == [f"each/{name}/seed00000{seed}.png" for name in "abc" for seed in (0, 7)]


def gan_sheet(gan: GAN, seeds: range) -> np.ndarray:
    pairs = [gan.sample_array([seed], of_class=name)[0] for seed in seeds for name in "abc"]
    return grid(np.stack(pairs), 9)


def test_a_run_on_domains_made_by_code_is_resumed_sampled_and_measured(tmp_path, capsys):
    tiny = ["--preset", "cogan", "--width", "4", "--latent", "8", "--batch", "8", "--grids", "1"]
    run = tmp_path / "run"
    for words in (
        ["train", "inverse:digits", "--run", run, *tiny, "--images", "40"],
        ["train", "inverse:digits", "--run", run, *tiny, "--images", "80"],
        ["sample", run, "--seeds", "0-3", "-o", tmp_path / "pairs.png"],
        ["evaluate", run, "inverse:digits", "--pictures", "40", "--measures", "kernel", "--json"],
    ):
        with pytest.raises(SystemExit) as exit_:
            app.main(["gan", *map(str, words)])
        assert not exit_.value.code
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert [one["name"] for one in found["readings"]] == ["pair_agreement"]
    assert GAN.from_pretrained(run, "cpu").classes == ("inverse", "original")
