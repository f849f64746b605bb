"""Networks from a stranger's file: what does not fit is refused before it takes memory."""

import pytest
import torch

from scumble.gan.networks.build import build, filled
from scumble.gan.settings import GANSettings

SHAPE = (3, 16, 20)


def tensors(**settings):
    networks = build(GANSettings(width=4, latent=8, **settings), SHAPE, 3)
    return [{name: tensor + 1 for name, tensor in network.state_dict().items()} for network in networks]


@pytest.mark.parametrize("preset", ["gan", "dcgan", "sndcgan", "sngan", "rpgan", "cgan", "acgan", "sgan", "projection"])
def test_networks_get_the_weights_that_are_given(preset):
    given = tensors(preset=preset)
    networks = filled(lambda: build(GANSettings(preset=preset, width=4, latent=8), SHAPE, 3), given)
    for network, wanted in zip(networks, given, strict=True):
        found = network.state_dict()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_networks_larger_than_their_weights_are_never_allocated():
    settings = GANSettings(preset="gan", width=1024, latent=4096)
    with pytest.raises(ValueError, match=r"is [\dx]+, wanted [\dx]+"):
        filled(lambda: build(settings, (3, 65536, 65536)), tensors(preset="gan"))  # 400 TB


@pytest.mark.parametrize("spoilt", ["missing", "strange", "shape", "kind"])
def test_what_does_not_fit_is_named(spoilt):
    given = tensors(preset="gan")
    name = "hidden.0.weight"
    if spoilt == "missing":
        del given[0][name]
    elif spoilt == "strange":
        given[0]["hidden.9.weight"] = given[0][name]
    else:
        given[0][name] = given[0][name].T.contiguous() if spoilt == "shape" else given[0][name].int()
    with pytest.raises(ValueError, match="hidden.9.weight" if spoilt == "strange" else name):
        filled(lambda: build(GANSettings(preset="gan", width=4, latent=8), SHAPE, 3), given)
