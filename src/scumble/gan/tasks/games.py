"""What each task of the settings trains: by its name, the class of its game."""

from scumble.gan.tasks.autoencoder import AAE
from scumble.gan.tasks.codes import ClusterGAN, InfoGAN
from scumble.gan.tasks.energy import BEGAN, EBGAN
from scumble.gan.tasks.latent import LatentGAN
from scumble.gan.tasks.pyramid import LAPGAN

GAMES: dict[str, type[LatentGAN]] = {
    "latent": LatentGAN,
    "codes": InfoGAN,
    "clusters": ClusterGAN,
    "energy": EBGAN,
    "equilibrium": BEGAN,
    "pyramid": LAPGAN,
    "autoencoder": AAE,
}
"""By the setting `task`. A game has the outward face of `LatentGAN`: what shows, measures or saves it, knows that."""
