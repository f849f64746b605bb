"""Networks of the kinds that learn without pairs: as many weights as the papers', any size, and values by hand."""

import pytest
import torch
import torch.nn.functional as F

from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.networks import labelled, munit, plain, resnet
from scumble.gan.translation.networks.build import build
from scumble.gan.translation.networks.patch import PatchDiscriminator
from scumble.gan.translation.settings import TranslationSettings

pytestmark = pytest.mark.usefixtures("one_thread")


def counts(side: int, classes: int = 0, **given) -> dict[str, int]:
    settings = TranslationSettings.model_validate({"size": str(side), "width": 64, "upsampling": "transposed"} | given)
    with torch.device("meta"):
        networks = build(settings, Shapes((3, side, side), (3, side, side), classes))
    return {name: sum(p.numel() for p in network.parameters()) for name, network in networks.items()}


def test_weights_are_as_many_as_the_papers():
    # The authors' program of CycleGAN prints 11.378 M for 9 blocks, 7.838 M for 6 and 2.765 M for a discriminator. Its
    # convolutions have biases that the instance norm behind them takes away; ours have none there.
    biases = 64 + 128 + 256 + 128 + 64
    nine = counts(256, preset="cyclegan", blocks=9)
    assert nine["generator_ab"] == nine["generator_ba"] == 11_378_179 - biases - 9 * 2 * 256
    assert nine["discriminator_a"] == 2_764_737 - (128 + 256 + 512)
    assert (
        counts(128, preset="cyclegan")["generator_ab"] == 7_837_699 - (64 + 128 + 256 + 6 * 2 * 256 + 128 + 64) - 64 * 0
    )
    # CUT has that generator, and heads of 256 numbers on 3, 128, 256, 256 and 256 channels.
    cut = counts(256, preset="cut", blocks=9)
    assert cut["heads"] == sum(c * 256 + 256 + 256 * 256 + 256 for c in (3, 128, 256, 256, 256))
    # DiscoGAN: kernels of 4 x 4 without biases, 3-64-128-256-512 and back, batch norm but at both ends.
    pairs = 2 * 16 * (3 * 64 + 64 * 128 + 128 * 256 + 256 * 512)
    assert counts(64, preset="discogan")["generator_ab"] == pairs + 2 * (128 + 256 + 512 + 256 + 128 + 64)
    # StarGAN: the authors' program prints 8,430,528 with 5 labels; of its critic, by Table 5.
    star = counts(128, 5, preset="stargan")
    assert star["generator"] == 8_430_528
    strided = sum(16 * a * b + b for a, b in [(3, 64), (64, 128), (128, 256), (256, 512), (512, 1024), (1024, 2048)])
    assert star["discriminator"] == strided + 9 * 2048 + 4 * 2048 * 5


def test_weights_of_munit_are_as_many_as_its_appendix_has():
    halves = munit.Halves({"a": 3}, 64, 4, 8, 256, "resize")
    found = {
        name: sum(p.numel() for p in getattr(halves, name).parameters()) for name in ("content", "style", "decoder")
    }
    down = 49 * 3 * 64 + 16 * (64 * 128 + 128 * 256)
    assert found["content"] == down + 8 * 9 * 256 * 256
    biases = 64 + 128 + 3 * 256
    assert found["style"] == down + 2 * 16 * 256 * 256 + biases + 256 * 8 + 8
    styles = 8 * 256 + 256 + 256 * 256 + 256 + (256 + 1) * 4 * 4 * 256
    up = 25 * (256 * 128 + 128 * 64) + 2 * (128 + 64) + 49 * 64 * 3 + 3
    assert found["decoder"] == styles + 8 * 9 * 256 * 256 + up
    discriminator = munit.MultiScaleDiscriminator(3, 64, 256)
    one = sum(16 * a * b + b for a, b in [(3, 64), (64, 128), (128, 256), (256, 512)]) + 513
    assert sum(p.numel() for p in discriminator.parameters()) == 3 * one == 8_271_171


def test_a_reflected_border_is_torch_s():
    for channels in (4, 160):  # products one by one, and carried to points
        layer = resnet.ReflectedConvolution(channels, channels)
        x = torch.randn(2, channels, 16, 18)
        wanted = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)
        assert torch.allclose(layer(x), wanted, atol=1e-5)


@pytest.mark.parametrize("upsampling", ["transposed", "resize", "shuffle"])
@pytest.mark.parametrize("norm", ["instance", "batch", "none"])
def test_generators_take_any_size(upsampling, norm):
    generators = [resnet.Generator(1, 3, 4, 1, norm, upsampling), plain.Generator(1, 3, 4, 3, norm, upsampling)]
    for generator in generators:
        for size in ((32, 32), (33, 18)):
            assert generator(torch.zeros(2, 1, *size)).shape == (2, 3, *size)
    told = labelled.Generator(1, 2, 4, 1, upsampling)
    assert told(torch.zeros(2, 1, 17, 30), torch.eye(2)).shape == (2, 1, 17, 30)


def test_an_adaptive_norm_gives_features_the_mean_and_deviation_that_the_style_asks_for():
    block = munit.StyledBlock(4)
    for convolution in block.convolutions:
        torch.nn.init.dirac_(convolution.weight)
    x = torch.rand(1, 4, 8, 8)
    style = torch.cat(
        [torch.zeros(1, 4), torch.full((1, 4), 10.0), torch.full((1, 4), 2.0), torch.full((1, 4), 5.0)], 1
    )
    added = block(x, style) - x  # shifted by 10, so that the ReLU takes nothing away
    assert torch.allclose(added.mean((2, 3)), torch.full((1, 4), 5.0), atol=1e-4)
    assert torch.allclose(added.std((2, 3), unbiased=False), torch.full((1, 4), 3.0), atol=1e-2)


@pytest.mark.parametrize(("side", "scales", "layers"), [(256, 3, 4), (64, 3, 4), (32, 2, 4), (16, 1, 4), (8, 1, 3)])
def test_small_pictures_have_as_many_scales_and_layers_as_there_is_room_for(side, scales, layers):
    discriminator = munit.MultiScaleDiscriminator(1, 4, side)
    assert len(discriminator.scales) == scales
    assert len(discriminator.scales[0]) == 2 * layers + 1
    seen = discriminator.pyramid(torch.zeros(1, 1, side, side))
    assert [picture.shape[2] for picture in seen] == [side >> scale for scale in range(scales)]
    assert all(scale(picture).numel() for scale, picture in zip(discriminator.scales, seen, strict=True))
    assert munit.StyleEncoder(1, 4, 3, side)(torch.zeros(1, 1, side, side)).shape == (1, 3)


def test_layers_that_domains_share_are_the_same():
    shared = resnet.SharedLatent({"a": 1, "b": 1}, 4, 2, "instance", "resize")
    x = torch.rand(1, 1, 16, 16)
    shared.encoded(x, "a").sum().backward()
    assert shared.last_of_encoders.layers[0].weight.grad is not None
    assert all(p.grad is None for p in shared.encoders["b"].parameters())
    assert all(p.grad is None for p in shared.first_of_decoders.parameters())


def test_a_critic_that_tells_classes_gives_one_logit_and_those():
    assert labelled.Discriminator(3, 5, 4, (128, 128))(torch.zeros(2, 3, 128, 128)).shape == (2, 6)
    assert labelled.Discriminator(1, 2, 4, (20, 32))(torch.zeros(2, 1, 20, 32)).shape == (2, 3)


@pytest.mark.parametrize("width", [16, 64])
def test_discriminators_without_norms_see_something_from_the_beginning(width):
    torch.manual_seed(0)
    pictures = F.interpolate(torch.rand(8, 3, 8, 8) * 2 - 1, size=(64, 64))
    judge = munit.MultiScaleDiscriminator(3, width, 64)
    seen = [scale(picture) for scale, picture in zip(judge.scales, judge.pyramid(pictures), strict=True)]
    seen.append(PatchDiscriminator(3, width, 3, "none")(pictures))
    assert all(logits.std() > 0.05 for logits in seen)
