"""Pairs of networks: shapes, parameters, initialisation and normalisation."""

from typing import get_args

import numpy as np
import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.networks import dcgan, sndcgan
from scumble.gan.networks.build import NETWORKS, build
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
    assert pictures.abs().max() <= (4 if name in ("normfree", "began", "laplacian") else 1)
    assert discriminator(pictures).shape == (2,)
    assert discriminator.features(pictures).shape[:2] == (2, discriminator.channels)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("norm", get_args(GANSettings.model_fields["norm"].annotation))
def test_pictures_see_one_another_exactly_where_it_is_said(name, norm):
    if (name, norm) == ("normfree", "batch"):
        with pytest.raises(SettingsError, match="built to work without"):
            GANSettings(network=name, norm=norm)
        return
    _, discriminator = build(GANSettings(network=name, norm=norm, width=4), (1, 16, 16))
    one, other = (torch.rand(4, 1, 16, 16, generator=torch.Generator().manual_seed(n)) for n in (0, 1))
    for module in discriminator.modules():
        module.train(isinstance(module, torch.nn.BatchNorm2d))  # in training, spectral norms move with every pass
    together, alone = discriminator(torch.cat([one, other]))[:4], discriminator(one)
    assert torch.allclose(together, alone, atol=1e-5) is not discriminator.couples_pictures
    assert discriminator.couples_pictures is (norm == "batch")
    spectral = any("parametrizations" in key for key in discriminator.state_dict())
    assert spectral is (norm == "spectral")


def test_batch_norm_has_the_usual_epsilon():
    """0.8, meant for the momentum, has been seen elsewhere in its place."""
    for name in NETWORKS:
        for network in build(GANSettings(network=name, norm="spectral", width=4), (1, 16, 16)):
            norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
            assert all((module.eps, module.momentum) == (1e-5, 0.1) for module in norms)


def test_networks_without_norm_begin_as_chains_of_resamplings():
    generator, _ = build(GANSettings(preset="rpgan", latent=16, width=8), (3, 32, 32))
    latents = torch.randn(64, 16, generator=torch.Generator().manual_seed(0))
    features = generator.start(latents)
    for block in generator.blocks[:1]:
        assert torch.equal(block(features), features)


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
    for _ in range(200):
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
