"""The networks of translation: parameters as in the papers, and pictures of any size."""

import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.translation.networks.layers import fitted, norm_of, upsampling_of
from scumble.gan.translation.networks.patch import PatchDiscriminator, check_patches
from scumble.gan.translation.networks.unet import UNet, depth_for


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_the_u_net_has_the_papers_number_of_parameters():
    # 54.414 M, as the authors' program prints it for 256 pixels: eight kernels of 4 x 4 down, eight up.
    down = [(3, 64), (64, 128), (128, 256), (256, 512), *[(512, 512)] * 4]
    up = [(512, 512), *[(1024, 512)] * 3, (1024, 256), (512, 128), (256, 64), (128, 3)]
    kernels = sum(16 * before * after for before, after in down + up)
    norms = 2 * (128 + 256 + 4 * 512 - 512 + 512 + 512 * 4 + 256 + 128 + 64)
    biases = 64 + 512 + 3
    network = UNet(3, 3, 64, 8, "batch", "transposed")
    assert parameters(network) == pytest.approx(54.414e6, abs=1e3)
    assert parameters(network) == pytest.approx(kernels + norms + biases, abs=2000)


def test_the_discriminator_of_70_pixels_has_the_papers_number_of_parameters():
    kernels = 16 * (6 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert parameters(PatchDiscriminator(6, 64, 3, "batch")) == kernels + 64 + 1 + 2 * (128 + 256 + 512) == 2_768_705


@pytest.mark.parametrize(("layers", "pixels"), [(1, 16), (2, 34), (3, 70)])
def test_a_logit_sees_so_many_pixels(layers, pixels):
    network = PatchDiscriminator(1, 4, layers, "none")
    for module in network.modules():  # whose gradient then shows all that it sees
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.ones_(module.weight)
    picture = torch.rand(1, 1, 128, 128, requires_grad=True)
    logits = network(picture)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    seen = picture.grad[0, 0] != 0
    assert (seen.any(0).sum(), seen.any(1).sum()) == (pixels, pixels)


@pytest.mark.parametrize("size", [(28, 28), (17, 40), (64, 64), (5, 9)])
@pytest.mark.parametrize("upsampling", ["transposed", "resize", "shuffle"])
def test_the_u_net_takes_any_side(size, upsampling):
    network = UNet(2, 3, 4, depth_for((16, 16)), "instance", upsampling)
    result = network(torch.rand(2, 2, *size))
    assert result.shape == (2, 3, *size)
    assert result.abs().max() <= 1


@pytest.mark.parametrize(("before", "after"), [(3, 3), (1, 3), (4, 3)])
def test_a_u_net_that_restores_begins_with_what_it_is_given(before, after):
    network = UNet(before, after, 4, 4, "batch", "resize", adds=before)
    given = torch.rand(2, before, 17, 16)
    wanted = given if before == after else given.mean(1, keepdim=True).expand(-1, after, -1, -1)
    assert torch.equal(network(given), wanted)
    network(given).square().mean().backward()
    assert network.ups[-1].weight.grad.any()


def test_a_u_net_of_pictures_with_a_single_pixel_at_its_bottom_can_be_trained():
    for norm in ("batch", "instance", "none"):
        UNet(1, 1, 4, depth_for((16, 16)), norm, "resize")(torch.rand(2, 1, 16, 16)).mean().backward()


def test_every_weight_of_a_u_net_takes_part():
    network = UNet(1, 1, 4, 4, "batch", "resize")
    network(torch.rand(2, 1, 16, 16)).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in network.parameters())


def test_what_follows_a_norm_has_no_bias_before_it():
    biased = [name for name, _ in UNet(1, 1, 4, 4, "batch", "resize").named_parameters() if name.endswith("bias")]
    assert [name for name in biased if "norms" not in name] == ["downs.0.bias", "downs.3.bias", "ups.3.bias"]


@pytest.mark.parametrize("name", ["transposed", "resize", "shuffle"])
def test_upsampling_doubles(name):
    assert upsampling_of(name, 3, 5, bias=True)(torch.rand(2, 3, 4, 6)).shape == (2, 5, 8, 12)


def test_norms_by_name():
    x = torch.rand(2, 3, 4, 4)
    assert torch.equal(norm_of("none", 3)(x), x)
    expected = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), keepdim=True, unbiased=False) + 1e-5).sqrt()
    assert torch.allclose(norm_of("instance", 3)(x), expected, atol=1e-6)


def test_pictures_are_padded_and_cut():
    seen = []

    def doubling(pictures: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(pictures.shape[2:]))
        return pictures.repeat_interleave(2, 2).repeat_interleave(2, 3)

    picture = torch.arange(15.0).view(1, 1, 3, 5)
    assert fitted(doubling, picture, 4, enlarges=2).shape == (1, 1, 6, 10)
    assert torch.equal(fitted(lambda x: x, picture, 4), picture)
    assert seen == [(4, 8)]


@pytest.mark.parametrize(("size", "layers"), [((24, 24), 3), ((23, 40), 2), ((16, 16), 2), ((6, 6), 1)])
def test_as_many_strided_layers_as_there_are_pixels_for(size, layers):
    check_patches(size, layers)
    PatchDiscriminator(1, 4, layers, "none")(torch.rand(1, 1, *size))
    with pytest.raises(SettingsError, match=f"patch-layers: got {layers + 1} .* at most {layers}"):
        check_patches(size, layers + 1)
