"""Classes: a generator that is given one to draw, and discriminators that are given, or asked for, the one they see.

Any pair of networks can be made conditional. The generator's latent gets an embedding of the class appended; the
discriminator takes the class into account in one of several ways, by name in `CONDITIONAL`. Where only a few pictures
have a label, the generator is given no class, and the discriminator learns what it can from these few.

Where a picture may have several labels, they come as a row of zeros and ones, and their embeddings are summed.
"""

import torch
from torch import nn

from scumble.errors import SettingsError
from scumble.gan.networks.discriminator import Discriminator

EMBEDDED = 32
"""The dimension of a class's embedding beside a latent."""


def embedded(embedding: nn.Embedding, labels: torch.Tensor) -> torch.Tensor:
    """(N, D): the embeddings of (N,) classes; of (N, K) labels, 0 or 1, the sums over those that are 1.

    This is the product of eq. 4 of Miyato and Koyama 2018 for a vector with several ones. Their derivation holds for it
    where labels are independent given the picture: the logarithm of their probability is then a sum over the labels. A
    mean would take a label for less, the more others there are.
    """
    if labels.dim() == 1:
        return embedding(labels)
    with torch.autocast(labels.device.type, enabled=False):  # which leaves the embedding of a class alone, too
        return labels.to(embedding.weight) @ embedding.weight


class ConditionalGenerator(nn.Module):
    """(N, Z) latents and (N,) classes, or (N, K) labels -> (N, C, H, W) pictures.

    Args:
        generator: takes latents of dimension Z + `EMBEDDED`.
        classes: how many there are.
    """

    def __init__(self, generator: nn.Module, classes: int):
        super().__init__()
        self.generator = generator
        self.embedding = nn.Embedding(classes, EMBEDDED)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return self.generator(torch.cat([latents, embedded(self.embedding, labels)], 1))


class ConditionalDiscriminator(nn.Module):
    """A discriminator, and what a subclass adds for classes.

    Args:
        discriminator: takes pictures with `EXTRA_CHANNELS` more channels.
        classes: how many there are.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, discriminator: Discriminator, classes: int, shape: tuple[int, int, int]):
        super().__init__()
        self.judge = discriminator  # the name is part of saved weights' keys
        self.couples_pictures = discriminator.couples_pictures


class PlaneDiscriminator(ConditionalDiscriminator):
    """The class as one more channel of the picture (Mirza and Osindero 2014; a learnt plane rather than a vector)."""

    needs_class = "plane"

    def __init__(self, discriminator: Discriminator, classes: int, shape: tuple[int, int, int]):
        super().__init__(discriminator, classes, shape)
        self.size = shape[1:]
        self.embedding = nn.Embedding(classes, self.size[0] * self.size[1])

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N,) logits."""
        plane = embedded(self.embedding, labels).unflatten(1, (1, *self.size))
        return self.judge(torch.cat([pictures, plane.to(pictures)], 1))


class ProjectionDiscriminator(ConditionalDiscriminator):
    """The class as a direction among the features, added to the logit (Miyato and Koyama 2018, eq. 4)."""

    def __init__(self, discriminator: Discriminator, classes: int, shape: tuple[int, int, int]):
        super().__init__(discriminator, classes, shape)
        self.embedding = nn.Embedding(classes, discriminator.channels)

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N,) logits."""
        features = self.judge.features(pictures)
        return self.judge.end(features) + (embedded(self.embedding, labels) * features.sum((2, 3))).sum(1)


class AuxiliaryDiscriminator(ConditionalDiscriminator):
    """The class is not given but asked for (Odena et al. 2017): one more logit for each."""

    asks_of_drawn = True
    """Whether generated pictures have classes, too."""

    def __init__(self, discriminator: Discriminator, classes: int, shape: tuple[int, int, int]):
        super().__init__(discriminator, classes, shape)
        self.classes = nn.Linear(discriminator.channels, classes)

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N, 1 + classes): the logit of being real, and those of the classes."""
        features = self.judge.features(pictures)
        return torch.cat([self.judge.end(features)[:, None], self.classes(features.mean((2, 3)))], 1)


class FewLabelsDiscriminator(AuxiliaryDiscriminator):
    """K classes of real pictures, and one more for generated ones (Salimans et al. 2016, section 5).

    The softmax over K + 1 classes does not change when all logits are shifted: that of generated pictures is fixed at
    0, and the probability of a real picture is the sum over the others. Those share what the network's own logit says.
    Features are summed over all positions, as in `ProjectionDiscriminator`: from their means, few labels are learnt far
    too slowly.
    """

    asks_of_drawn = False

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N, 1 + classes): as above."""
        features = self.judge.features(pictures)
        classes = self.judge.end(features)[:, None] + self.classes(features.sum((2, 3)))
        return torch.cat([classes.logsumexp(1, keepdim=True), classes], 1)


CONDITIONAL: dict[str, type[ConditionalDiscriminator]] = {
    "plane": PlaneDiscriminator,
    "projection": ProjectionDiscriminator,
    "auxiliary": AuxiliaryDiscriminator,
    "few-labels": FewLabelsDiscriminator,
}
"""Conditional discriminators by the setting `condition`."""

EXTRA_CHANNELS = {"plane": 1}
"""By condition: how many channels more than a picture has the discriminator within takes."""


def unconditional(discriminator: nn.Module) -> Discriminator:
    """The discriminator without what it has for classes, or beside its `judge`.

    Raises:
        SettingsError: if it needs the class of each picture.
    """
    if condition := getattr(discriminator, "needs_class", ""):
        why = "its discriminator needs the class of each picture"
        raise SettingsError(f"the run's condition is {condition}: {why}; wanted another condition")
    inner = getattr(discriminator, "judge", discriminator)
    assert isinstance(inner, Discriminator)
    return inner
