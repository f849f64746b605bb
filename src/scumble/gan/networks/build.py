"""Pairs of networks by name, and a pair built with fresh weights.

A pair is a module with two classes, `Generator(latent, width, shape)` and `Discriminator(width, shape, norm)`, that
draw their own weights from torch's global random numbers. To add one: one file, and one line here.
"""

from collections.abc import Callable, Mapping, Sequence
from types import ModuleType

import torch
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks import dcgan, mlp, normfree, resnet, sndcgan
from scumble.gan.networks.conditioning import CONDITIONAL, EMBEDDED, EXTRA_CHANNELS, ConditionalGenerator
from scumble.gan.settings import GANSettings

NETWORKS: dict[str, ModuleType] = {
    "mlp": mlp,
    "dcgan": dcgan,
    "sndcgan": sndcgan,
    "resnet": resnet,
    "normfree": normfree,
}

MISFITS = (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, SettingsError)
"""What goes wrong where a model's settings are not those of its weights."""


def build(settings: GANSettings, shape: tuple[int, int, int], classes: int = 0) -> tuple[nn.Module, nn.Module]:
    """A generator and a discriminator for pictures of `shape` = (C, H, W), with fresh weights drawn from the seed.

    Args:
        settings: of the training.
        shape: of a picture.
        classes: how many there are; used only by settings with a condition.
    """
    pair, condition = NETWORKS[settings.network], settings.condition
    with torch.random.fork_rng(devices=[]):  # layers draw from the CPU's global numbers: others find them as they were
        torch.default_generator.manual_seed(settings.seed)
        embedded = EMBEDDED if settings.draws_classes else 0
        generator = pair.Generator(settings.latent + embedded, settings.width, shape)
        channels = shape[0] + EXTRA_CHANNELS.get(condition, 0)
        discriminator = pair.Discriminator(settings.width, (channels, *shape[1:]), settings.norm)
        if embedded:
            generator = ConditionalGenerator(generator, classes)
        if condition != "none":
            discriminator = CONDITIONAL[condition](discriminator, classes, shape)
        return generator, discriminator


def filled(make: Callable[[], Sequence[nn.Module]], given: Sequence[Mapping[str, torch.Tensor]]) -> Sequence[nn.Module]:
    """Networks with the weights of a file, which anybody may have made.

    They are made without memory at first: where settings ask for larger ones than the file holds, nothing is allocated.

    Args:
        make: returns the networks.
        given: the tensors of each, by name.

    Raises:
        ValueError: if a tensor is missing, of another shape or kind, or is none of the network's.
    """
    with torch.device("meta"):
        wanted = [network.state_dict() for network in make()]
    for known, tensors in zip(wanted, given, strict=True):
        if strange := known.keys() ^ tensors.keys():
            name = min(strange)
            raise ValueError(f"its weights {'lack' if name in known else 'have a strange'} {name}")
        for name, tensor in tensors.items():
            if (tensor.shape, tensor.is_floating_point()) != (known[name].shape, known[name].is_floating_point()):
                got, asked = (f"{list(one.shape)} {one.dtype}" for one in (tensor, known[name]))
                raise ValueError(f"its {name} is {got}, wanted {asked}")
    networks = make()
    for network, tensors in zip(networks, given, strict=True):
        network.load_state_dict(tensors)
    return networks


def to_device(network: nn.Module, device: torch.device) -> None:
    """Move a network to a device, its kernels laid out with the channels last, as convolutions read them fastest."""
    network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (not in its signatures)
