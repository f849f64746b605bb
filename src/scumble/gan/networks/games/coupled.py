"""CoGAN (Liu and Tuzel 2016): one generator and one discriminator for each domain, which share most of their layers.

The generators share the layers next to the latent, the discriminators those next to the logit: what a picture is of is
made and judged in common, and only how it looks in a domain is not. So one latent becomes a picture in each domain, and
the two go together, though no pair was ever seen. The domains are the pictures' classes, two or more.

What is different from the paper: what is shared is a whole pair of networks, whichever it is, that draws and judges
sketches of as many channels as a picture has; a domain's own layers are two convolutions of 3 x 3 between sketch and
picture. With more channels to share, each domain took some of its own, and pairs had nothing in common (docs/log.md).
And each picture of a step has a latent of its own, not one for each pair: the losses are sums over the domains.
"""

from types import ModuleType

import torch
import torch.nn.functional as F
from torch import nn

from scumble.gan.networks.discriminator import Discriminator, bounded
from scumble.gan.settings import GANSettings

SLOPE = 0.2


class Own(nn.Module):
    """(N, C, H, W) and (N,) classes -> (N, C, H, W), by the layers of each row's own domain.

    Args:
        channels: C.
        width: of the layer between.
        classes: K, of domains.
        norm: of the layers, as of a discriminator's.
    """

    def __init__(self, channels: int, width: int, classes: int, norm: str = "none"):
        super().__init__()
        self.classes = classes
        # Those of all domains as one: of a group each, from its channels to its channels.
        self.first = bounded(nn.Conv2d(channels, classes * width, 3, padding=1), norm)
        self.last = bounded(nn.Conv2d(classes * width, classes * channels, 3, padding=1, groups=classes), norm)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """What becomes of each in its domain."""
        found = self.last(F.leaky_relu(self.first(x), SLOPE)).unflatten(1, (self.classes, -1))  # (N, K, C, H, W)
        return found.gather(1, labels[:, None, None, None, None].expand(-1, 1, *found.shape[2:])).squeeze(1)


class CoupledGenerator(nn.Module):
    """(N, Z) latents and (N,) classes -> (N, C, H, W) pictures in [-1, 1].

    Args:
        shared: (N, Z) latents -> (N, C, H, W) sketches.
        own: layers of the domains.
    """

    def __init__(self, shared: nn.Module, own: Own):
        super().__init__()
        self.shared, self.own = shared, own

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return torch.tanh(self.own(self.shared(latents), labels))


class CoupledDiscriminator(nn.Module):
    """(N, C, H, W) pictures and (N,) classes -> (N,) logits.

    Args:
        judge: (N, C, H, W) sketches -> (N,) logits.
        own: layers of the domains.
    """

    needs_class = "coupled"

    def __init__(self, judge: Discriminator, own: Own):
        super().__init__()
        self.judge, self.own, self.couples_pictures = judge, own, judge.couples_pictures

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Logits."""
        return self.judge(self.own(pictures, labels))


def coupled(
    pair: ModuleType, settings: GANSettings, shape: tuple[int, int, int], classes: int
) -> tuple[nn.Module, nn.Module]:
    """Both networks, each of all domains."""
    width, channels = settings.width, shape[0]
    shared, judge = pair.Generator(settings.latent, width, shape), pair.Discriminator(width, shape, settings.norm)
    generator = CoupledGenerator(shared, Own(channels, width, classes))
    return generator, CoupledDiscriminator(judge, Own(channels, width, classes, settings.norm))
