"""Pairs of networks by name, and a pair built with fresh weights.

A pair is a module with two classes, `Generator(latent, width, shape)` and `Discriminator(width, shape, norm)`, that
draw their own weights from torch's global random numbers. To add one: one file, and one line in `NETWORKS`.

What a task plays with is made of a pair: for most, it is the pair itself; what others put around it, or in its place,
stands in `networks.games`, with one line in `MAKERS`.
"""

from collections.abc import Callable, Sequence
from types import ModuleType

import torch
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks import dcgan, mlp, normfree, resnet, sagan, sndcgan
from scumble.gan.networks.autoencoders import began, ebgan
from scumble.gan.networks.conditioning import CONDITIONAL, EMBEDDED, EXTRA_CHANNELS, ConditionalGenerator
from scumble.gan.networks.games import autoencoder, laplacian
from scumble.gan.networks.games.codes import with_encoder, with_guess
from scumble.gan.networks.games.coupled import coupled
from scumble.gan.settings import GANSettings

NETWORKS: dict[str, ModuleType] = {
    "mlp": mlp,
    "dcgan": dcgan,
    "sndcgan": sndcgan,
    "resnet": resnet,
    "sagan": sagan,
    "normfree": normfree,
    "ebgan": ebgan,
    "began": began,
    "laplacian": laplacian,
}


def adversaries(
    pair: ModuleType, settings: GANSettings, shape: tuple[int, int, int], classes: int
) -> tuple[nn.Module, nn.Module]:
    """A pair, and around it what the settings' condition on classes takes."""
    if settings.condition == "coupled":
        return coupled(pair, settings, shape, classes)
    embedded = EMBEDDED if settings.draws_classes else 0
    generator = pair.Generator(settings.latent + embedded, settings.width, shape)
    channels = shape[0] + EXTRA_CHANNELS.get(settings.condition, 0)
    discriminator = pair.Discriminator(settings.width, (channels, *shape[1:]), settings.norm)
    if embedded:
        generator = ConditionalGenerator(generator, classes)
    if settings.condition != "none":
        discriminator = CONDITIONAL[settings.condition](discriminator, classes, shape)
    return generator, discriminator


Maker = Callable[[ModuleType, GANSettings, tuple[int, int, int], int], tuple[nn.Module, nn.Module]]
"""Makes a generator and a discriminator of a pair, the settings, the shape of a picture and the number of classes.

All that a game has to learn and to save is one of the two or a part of one: what the discriminator has beside its
`judge`, for example.
"""

MAKERS: dict[str, Maker] = {
    "latent": adversaries,
    "codes": with_guess,
    "clusters": with_encoder,
    "energy": adversaries,
    "equilibrium": adversaries,
    "pyramid": adversaries,
    "autoencoder": autoencoder.make,
}
"""By the setting `task`."""

MISFITS = (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError, SettingsError)
"""What goes wrong where a model's settings are not those of its weights."""


def filled(make: Callable[[], Sequence[nn.Module]], given: Sequence[dict[str, torch.Tensor]]) -> Sequence[nn.Module]:
    """Networks with the weights of a file, which anybody may have made.

    They are made without memory at first: where settings ask for larger ones than the file holds, nothing is allocated.

    Args:
        make: returns the networks.
        given: the tensors of each, by the names of its state.

    Raises:
        ValueError: as `load` does, and if a tensor is of another kind of number.
    """
    with torch.device("meta"):
        without_memory = make()
    for network, tensors in zip(without_memory, given, strict=True):
        load(network, {name: tensor.to("meta") for name, tensor in tensors.items()})
        for name, wanted in network.state_dict().items():
            if tensors[name].is_floating_point() != wanted.is_floating_point():
                raise ValueError(f"{name} is of type {tensors[name].dtype}, wanted {wanted.dtype}")
    networks = make()
    for network, tensors in zip(networks, given, strict=True):
        load(network, tensors)
    return networks


def build(settings: GANSettings, shape: tuple[int, int, int], classes: int = 0) -> tuple[nn.Module, nn.Module]:
    """A generator and a discriminator for pictures of `shape` = (C, H, W), with fresh weights drawn from the seed.

    Args:
        settings: of the training.
        shape: of a picture.
        classes: how many there are; used only by settings with a condition.
    """
    with torch.random.fork_rng(devices=[]):  # layers draw from the CPU's global numbers: others find them as they were
        torch.default_generator.manual_seed(settings.seed)
        return MAKERS[settings.task](NETWORKS[settings.network], settings, shape, classes)


def load(network: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Give a network other weights.

    Args:
        network: as `build` makes it.
        tensors: by the names of its state.

    Raises:
        ValueError: if one is missing, too many, or of another shape; it says which, in one line.
    """
    wanted = network.state_dict()
    for name in sorted(wanted.keys() ^ tensors.keys()):
        raise ValueError(f"{name} is {'missing' if name in wanted else 'not of this network'}")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            got, shape = ("x".join(map(str, one.shape)) or "one number" for one in (tensor, wanted[name]))
            raise ValueError(f"{name} is {got}, wanted {shape}")
    network.load_state_dict(tensors)


def to_device(network: nn.Module, device: torch.device) -> None:
    """Move a network to a device, its kernels laid out with the channels last, as convolutions read them fastest."""
    network.to(device).to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] (not in its signatures)
