"""Pairs of networks, generator and discriminator, for pictures of any size from 16 pixels up.

A pair is a module with two classes, `Generator(latent, width, shape)` and `Discriminator(width, shape, norm)`, that
draw their own weights from torch's global random numbers. To add one: one file, and one line here.

All but the first pair are pyramids. A picture is halved until its shorter side is about 4 pixels; the widest stage,
8 x `width` channels, is at the bottom, and each doubling of the picture halves the channels. Every stage then costs the
same, and a picture of 128 pixels takes not sixteen times the work of one of 32, but twice.
"""

from types import ModuleType

from scumble.gan.networks import dcgan, mlp, normfree, resnet, sndcgan

NETWORKS: dict[str, ModuleType] = {
    "mlp": mlp,
    "dcgan": dcgan,
    "sndcgan": sndcgan,
    "resnet": resnet,
    "normfree": normfree,
}
