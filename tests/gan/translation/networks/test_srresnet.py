"""SRResNet, its discriminator and RRDB: the papers' sizes, what they begin with, and any factor."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from scumble.gan.translation.networks.rrdb import RRDB
from scumble.gan.translation.networks.srresnet import Discriminator, SRResNet

pytestmark = pytest.mark.usefixtures("one_thread")


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_srresnet_has_the_paper_s_layers():
    """1.5 million, as Lim et al. 2017 (EDSR, table 1) count them; here by hand from figure 4, norms and PReLUs too."""
    with torch.device("meta"):
        network = SRResNet(3, 3, 4, 64, 16, "batch", "shuffle")
    start, end = 81 * 3 * 64 + 64 + 1, 81 * 64 * 3 + 3
    block = 2 * 9 * 64 * 64 + 2 * 2 * 64 + 1
    enlarging = 2 * (9 * 64 * 256 + 256 + 1)
    assert parameters(network) == start + 16 * block + 9 * 64 * 64 + 2 * 64 + enlarging + end == 1_547_350


def test_rrdb_has_the_authors_parameters():
    """16.7 million: 23 blocks of three dense blocks of five convolutions (Wang et al. 2018, figure 4)."""
    with torch.device("meta"):
        network = RRDB(3, 3, 4, 64, 23)
    dense = sum(9 * (64 + 32 * n) * 32 + 32 for n in range(4)) + 9 * 192 * 64 + 64
    around = (9 * 3 * 64 + 64) + 4 * (9 * 64 * 64 + 64) + (9 * 64 * 3 + 3)
    assert parameters(network) == 23 * 3 * dense + around == 16_697_987


def test_the_discriminator_has_the_paper_s_layers():
    """Figure 4 of Ledig et al. at cuts of 96 pixels: eight convolutions, 6 x 6 x 512 numbers, two dense layers."""
    with torch.device("meta"):
        network = Discriminator(64, (3, 96, 96), "batch")
    widths = [64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = 9 * 3 * 64 + 64 + sum(9 * a * b + 2 * b for a, b in itertools.pairwise(widths))
    assert parameters(network) == convolutions + 36 * 512 * 1024 + 1024 + 1024 + 1 == 23_563_649


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("make", [SRResNet, RRDB])
def test_it_begins_with_the_bicubic_enlargement(make, factor):
    more = ("instance", "shuffle") if make is SRResNet else ()
    network = make(3, 3, factor, 8, 1, *more)
    pictures = torch.rand(2, 3, 7, 9)
    wanted = F.interpolate(pictures, scale_factor=factor, mode="bicubic")
    assert torch.equal(network(pictures), wanted)
    assert network(pictures).shape == (2, 3, 7 * factor, 9 * factor)


def test_colours_are_added_to_what_is_grey_and_taken_from_what_is_not():
    assert RRDB(1, 3, 2, 4, 1)(torch.rand(1, 1, 4, 4)).shape == (1, 3, 8, 8)
    assert SRResNet(3, 1, 2, 4, 1, "none", "resize")(torch.rand(1, 3, 4, 4)).shape == (1, 1, 8, 8)


def test_without_a_factor_it_has_no_skip():
    pictures = torch.rand(1, 2, 8, 8)
    network = SRResNet(2, 1, 1, 4, 1, "instance", "resize")
    assert network(pictures).shape == (1, 1, 8, 8)
    assert not torch.allclose(network(pictures), pictures.mean(1, keepdim=True))


@pytest.mark.parametrize("size", [(16, 16), (17, 30)])
def test_the_discriminator_says_one_number_a_picture(size):
    network = Discriminator(4, (3, *size), "instance")
    assert network(torch.rand(3, 3, *size)).shape == (3,)
    assert len(list(network.activations(torch.rand(3, 3, *size)))) == 9
