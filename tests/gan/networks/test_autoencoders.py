"""Discriminators that reconstruct, encoders, pyramids and self-attention: the papers' sizes, and what they compute."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from scumble.gan.networks import mlp, sagan, sndcgan
from scumble.gan.networks.autoencoders import began, ebgan
from scumble.gan.networks.games import laplacian
from scumble.gan.networks.games.autoencoder import CodeDiscriminator, Encoder
from scumble.gan.networks.pyramid import stage_channels

pytestmark = pytest.mark.usefixtures("one_thread")


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def some(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_ebgan_has_the_autoencoder_of_its_papers_appendix():
    # For 64 pixels: (64)4c2s-(128)4c2s-(256)4c2s, and (128)4c2s-(64)4c2s-(3)4c2s back; batch norm within.
    channels = [3, 64, 128, 256, 128, 64, 3]
    expected = sum(16 * a * b for a, b in itertools.pairwise(channels))
    assert parameters(ebgan.Discriminator(64, (3, 64, 64))) == expected + 2 * (128 + 256 + 128 + 64)


def test_began_has_the_networks_of_its_papers_first_figure():
    """Two convolutions a stage, channels that grow linearly, a code of 64 numbers; at 64 pixels, four stages."""

    def convolution(before, after):
        return 9 * before * after + after

    n = code = 64
    decoder = (code + 1) * 8 * 8 * n + 4 * 2 * convolution(n, n) + convolution(n, 3)
    encoder = convolution(3, n) + sum(2 * convolution(s * n, s * n) for s in (1, 2, 3, 4))
    encoder += sum(convolution(s * n, (s + 1) * n) for s in (1, 2, 3)) + (8 * 8 * 4 * n + 1) * code
    assert parameters(began.Generator(code, n, (3, 64, 64))) == decoder
    assert parameters(began.Discriminator(n, (3, 64, 64))) == encoder + decoder


@pytest.mark.parametrize("network", [ebgan, began])
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 19, 34)])
def test_a_logit_is_minus_the_error_of_the_reconstruction(network, shape):
    discriminator = network.Discriminator(8, shape).eval()
    pictures = some(3, *shape)
    back = discriminator.decoder(discriminator.features(pictures))
    assert back.shape == pictures.shape
    expected = -discriminator.error(pictures, back)
    assert torch.allclose(discriminator(pictures), expected)
    assert (expected < 0).all()


def test_an_encoder_ends_in_as_many_numbers_as_a_latent_has():
    for trunk in (mlp.Discriminator(4, (1, 16, 16)), sndcgan.Discriminator(4, (1, 16, 16))):
        encoder = Encoder(trunk, 5, (1, 16, 16))
        adversary = CodeDiscriminator(encoder, 5, 4)
        pictures = some(3, 1, 16, 16)
        assert encoder(pictures).shape == (3, 5)
        assert adversary(pictures).shape == (3,)
        adversary.eval()
        assert torch.equal(adversary.features(pictures), encoder.trunk.features(pictures))


# --- Laplacian pyramids -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(16, 16), (28, 28), (33, 50), (90, 17)])
def test_a_pyramid_has_the_sizes_of_the_levels(size):
    sizes = laplacian.level_sizes(*size)
    pictures = laplacian.pyramid(some(2, 1, *size), len(sizes))
    assert [tuple(each.shape[2:]) for each in pictures] == sizes
    assert sizes[-1] == size
    assert 6 <= min(sizes[0]) <= 12


def test_halving_averages_the_pixels_that_are_there():
    picture = some(1, 1, 5, 3)
    found = laplacian.halved(picture)
    assert found.shape == (1, 1, 3, 2)
    assert found[0, 0, 0, 0].item() == pytest.approx(picture[0, 0, :2, :2].mean().item())
    assert found[0, 0, 2, 1].item() == pytest.approx(picture[0, 0, 4, 2].item())


def test_a_drawn_picture_is_the_sum_of_what_the_levels_add():
    generator = laplacian.Generator(7, 4, (1, 28, 28)).eval()
    latents = torch.randn(2, 7)
    first, second, third = latents.split([3, 2, 2], 1)
    small = generator.levels[0](first)
    low = F.interpolate(small, (14, 14), mode="bilinear")
    middle = low + generator.levels[1].layers(torch.cat([low, generator.levels[1].noise(second)], 1))
    assert torch.allclose(generator(latents), generator.levels[2](third, middle))


def test_what_a_pyramid_discriminator_says_is_the_mean_over_the_levels():
    discriminator = laplacian.Discriminator(4, (1, 28, 28)).eval()
    pictures = some(2, 1, 28, 28)
    logits = [level(of) for level, of in zip(discriminator.levels, laplacian.pyramid(pictures, 3), strict=True)]
    assert torch.allclose(discriminator(pictures), sum(logits) / 3)


# --- Self-attention ---------------------------------------------------------------------------------------------------


def attended(layer: sagan.SelfAttention, x: torch.Tensor) -> torch.Tensor:
    """Zhang et al. 2019, eqs. 1 to 3, position by position."""
    count, _, height, width = x.shape
    flat, out = x.flatten(2).double(), torch.empty_like(x).flatten(2).double()
    f, g, h, v = (
        (c.weight.double().flatten(1), c.bias.double())
        for c in (layer.looked_at, layer.looking, layer.carried, layer.back)
    )
    for n in range(count):
        for j in range(height * width):
            scores = torch.stack(
                [(f[0] @ flat[n, :, i] + f[1]) @ (g[0] @ flat[n, :, j] + g[1]) for i in range(height * width)]
            )
            beta = scores.exp() / scores.exp().sum()
            o = sum(beta[i] * (h[0] @ flat[n, :, i] + h[1]) for i in range(height * width))
            out[n, :, j] = layer.gamma.double() * (v[0] @ o + v[1]) + flat[n, :, j]
    return out.unflatten(2, (height, width))


def test_self_attention_is_that_of_the_paper():
    layer = sagan.SelfAttention(16)
    x = some(2, 16, 3, 2)
    assert torch.equal(layer(x), x)  # gamma begins at 0
    with torch.no_grad():
        layer.gamma.fill_(0.7)
    assert torch.allclose(layer(x).double(), attended(layer, x), atol=1e-5)


@pytest.mark.parametrize(("side", "stage"), [(16, 8), (28, 14), (32, 16), (64, 32), (128, 32)])
def test_self_attention_is_at_the_largest_stage_of_at_most_32_pixels(side, stage):
    shape = (3, side, side)
    generator, discriminator = sagan.Generator(8, 4, shape), sagan.Discriminator(4, shape, "none")
    seen = []
    for network in (generator, discriminator):
        (attention,) = (module for module in network.modules() if isinstance(module, sagan.SelfAttention))
        attention.register_forward_hook(lambda _, inputs, __: seen.append(tuple(inputs[0].shape[1:])))
    discriminator(generator(torch.randn(2, 8)))
    channels = stage_channels(4, len(generator.sizes))[[h for h, _ in generator.sizes].index(stage)]
    assert seen == [(channels, stage, stage)] * 2


def test_self_attention_has_a_second_gradient():
    layer = sagan.SelfAttention(8).double()
    with torch.no_grad():
        layer.gamma.fill_(1)
    x = some(1, 8, 2, 2).double().requires_grad_()
    assert torch.autograd.gradgradcheck(layer, x)
