"""The context encoder, the encoder of codes, and networks that are told a code."""

import pytest
import torch

from scumble.gan.translation.networks.codes import CodeEncoder, WithCode
from scumble.gan.translation.networks.encoder_decoder import EncoderDecoder, halvings_for

pytestmark = pytest.mark.usefixtures("one_thread")


def test_at_the_paper_s_size_it_has_the_paper_s_layers():
    """Figure 9a of Pathak et al. 2016: 64, 64, 128, 256, 512 channels, 4,000 numbers, and the same way back."""
    with torch.device("meta"):
        network = EncoderDecoder(3, 3, 64, 5, "batch", "transposed")
    pairs = [(3, 64), (64, 64), (64, 128), (128, 256), (256, 512), (512, 4000)]
    kernels = sum(2 * 16 * a * b for a, b in pairs)
    # Norms on all but the first and the last layer; biases on these two.
    norms = 2 * (64 + 128 + 256 + 512) + 2 * 4000 + 2 * (512 + 256 + 128 + 64 + 64)
    assert sum(p.numel() for p in network.parameters()) == kernels + norms + 64 + 3 == 71_190_275


@pytest.mark.parametrize("size", [(16, 16), (28, 28), (16, 40), (9, 12)])
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_pictures_of_any_size_keep_it(size, norm):
    network = EncoderDecoder(2, 1, 4, halvings_for((16, 16)), norm, "resize")
    found = network(torch.rand(2, 2, *size))
    assert found.shape == (2, 1, *size)
    assert found.abs().max() <= 1


def test_a_code_is_told_to_the_network():
    seen = []
    network = WithCode(torch.nn.Identity())
    network.network.register_forward_hook(lambda module, given, result: seen.append(given[0]))
    network(torch.zeros(2, 1, 4, 4), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert seen[0].shape == (2, 3, 4, 4)
    assert seen[0][1, 2].unique().tolist() == [4.0]


def test_an_encoder_tells_apart_what_differs_in_contrast_only():
    torch.manual_seed(0)
    network = CodeEncoder(1, 3, 8, 3)
    picture = torch.rand(1, 1, 16, 16)
    found = network(torch.cat([picture, 0.5 * picture]))
    assert found.shape == (2, 6)
    assert (found[0] - found[1]).abs().max() > 1e-3
