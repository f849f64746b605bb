"""What each task of the settings trains: by its name, the class of its game."""

from scumble.gan.tasks.latent import LatentGAN

GAMES: dict[str, type[LatentGAN]] = {"latent": LatentGAN}
"""By the setting `task`. Each has the outward face of `LatentGAN`: what shows, measures or saves it knows no other."""
