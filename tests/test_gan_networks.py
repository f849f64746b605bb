import numpy as np
import pytest
import torch

from scumble.gan.model import build
from scumble.gan.networks import NETWORKS, dcgan, sndcgan
from scumble.gan.networks.pyramid import stage_channels, stage_sizes
from scumble.gan.settings import GANSettings


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_dcgan_has_the_papers_number_of_parameters():
    assert parameters(dcgan.Generator(100, 64, (3, 64, 64))) == 3_576_704
    assert parameters(dcgan.Discriminator(64, (3, 64, 64))) == 2_765_568


def test_sndcgan_discriminator_has_the_papers_number_of_parameters():
    # Miyato et al. 2018, Table 3: convolutions 3x3 and 4x4 in turn, then a linear layer.
    layers = [(3, 64, 3), (64, 128, 4), (128, 128, 3), (128, 256, 4), (256, 256, 3), (256, 512, 4), (512, 512, 3)]
    expected = sum(before * after * side**2 + after for before, after, side in layers) + 512 * 4 * 4 + 1
    assert parameters(sndcgan.Discriminator(64, (3, 32, 32))) == expected


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(1, 16, 16), (1, 28, 28), (3, 32, 32), (3, 50, 33), (1, 64, 96), (3, 17, 90)])
def test_pictures_of_any_size_come_out_and_go_in(name, shape):
    generator, discriminator = build(GANSettings(network=name, latent=10, width=8), shape)
    pictures = generator(torch.randn(2, 10))
    assert pictures.shape == (2, *shape)
    assert pictures.abs().max() <= 1
    assert discriminator(pictures).shape == (2,)


def test_stages_halve_the_picture_down_to_about_four_pixels():
    assert stage_sizes(64, 64) == [(4, 4), (8, 8), (16, 16), (32, 32), (64, 64)]
    assert stage_sizes(28, 28) == [(4, 4), (7, 7), (14, 14), (28, 28)]
    assert stage_sizes(16, 40) == [(4, 10), (8, 20), (16, 40)]
    for side in range(16, 300):
        assert 3 <= stage_sizes(side, side)[0][0] <= 6


def test_channels_halve_on_the_way_up():
    assert stage_channels(64, 4) == [512, 256, 128, 64]
    assert stage_channels(16, 7) == [128, 64, 32, 16, 8, 4, 4]


def test_dcgan_weights_are_drawn_from_the_papers_distributions():
    generator, discriminator = build(GANSettings(preset="dcgan"), (3, 64, 64))
    for network in (generator, discriminator):
        for name, weight in network.named_parameters():
            wanted = (0.0, 0.02)
            if "norms" in name:
                wanted = (1.0, 0.02) if name.endswith("weight") else (0.0, 0.0)
            spread = 0.02 / weight.numel() ** 0.5
            assert abs(weight.mean().item() - wanted[0]) < 5 * spread + 1e-9, name
            assert abs(weight.std().item() - wanted[1]) < 5 * spread + 1e-9, name


def test_spectral_norm_bounds_every_layer_of_the_discriminator():
    _, discriminator = build(GANSettings(width=8), (1, 16, 16))
    for _ in range(50):
        discriminator(torch.randn(2, 1, 16, 16))
    layers = [module for module in discriminator.modules() if hasattr(module, "parametrizations")]
    assert len(layers) == 6
    for layer in layers:
        singular = np.linalg.svd(layer.weight.detach().flatten(1).numpy(), compute_uv=False)
        assert singular[0] == pytest.approx(1, abs=1e-3)


def test_weights_depend_on_the_seed_alone_and_leave_torchs_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, _ = build(GANSettings(width=4, seed=1), (1, 16, 16))
    assert torch.rand(1) == expected
    again, _ = build(GANSettings(width=4, seed=1), (1, 16, 16))
    other, _ = build(GANSettings(width=4, seed=2), (1, 16, 16))
    assert torch.equal(one.start.weight, again.start.weight)
    assert not torch.equal(one.start.weight, other.start.weight)
