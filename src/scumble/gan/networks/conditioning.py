"""Classes: a generator that is told which one to draw, and discriminators that are told, or asked, which one they see.

Any pair of networks can be made conditional: the generator's latent is made longer by a vector for the class, and the
discriminator takes the class into account in one of several ways, by name in `JUDGES`. Where only a few pictures have
a label, the generator is told nothing, and the discriminator learns what it can from these few.
"""

import torch
from torch import nn

from scumble.gan.networks.pyramid import Judge

EMBEDDED = 32
"""Numbers that stand for a class beside a latent."""

UNLABELLED = -100
"""The class of a picture whose class is not known; torch's cross-entropy passes over it."""


class ConditionalGenerator(nn.Module):
    """(N, Z) latents and (N,) classes -> (N, C, H, W) pictures.

    Args:
        generator: takes latents of Z + `EMBEDDED` numbers.
        classes: how many there are.
    """

    def __init__(self, generator: nn.Module, classes: int):
        super().__init__()
        self.generator = generator
        self.embedding = nn.Embedding(classes, EMBEDDED)

    def forward(self, latents: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Pictures."""
        return self.generator(torch.cat([latents, self.embedding(labels)], 1))


class PlaneJudge(nn.Module):
    """The class as one more colour of the picture (Mirza and Osindero 2014; a picture of it rather than a vector).

    Args:
        judge: takes pictures with one colour more.
        classes: how many there are.
        shape: (C, H, W) of a picture.
    """

    def __init__(self, judge: Judge, classes: int, shape: tuple[int, int, int]):
        super().__init__()
        self.judge, self.couples_pictures = judge, judge.couples_pictures
        self.size = shape[1:]
        self.embedding = nn.Embedding(classes, self.size[0] * self.size[1])

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N,) logits."""
        plane = self.embedding(labels).unflatten(1, (1, *self.size))
        return self.judge(torch.cat([pictures, plane.to(pictures)], 1))


class ProjectionJudge(nn.Module):
    """The class as a direction among the features, added to the logit (Miyato and Koyama 2018, eq. 4)."""

    def __init__(self, judge: Judge, classes: int, shape: tuple[int, int, int]):
        super().__init__()
        self.judge, self.couples_pictures = judge, judge.couples_pictures
        self.embedding = nn.Embedding(classes, judge.channels)

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N,) logits."""
        features = self.judge.features(pictures)
        return self.judge.end(features) + (self.embedding(labels) * features.sum((2, 3))).sum(1)


class AuxiliaryJudge(nn.Module):
    """The class is not told but asked for (Odena et al. 2017): a logit more for each."""

    asks_of_drawn = True
    """Whether drawn pictures are of classes, too."""

    def __init__(self, judge: Judge, classes: int, shape: tuple[int, int, int]):
        super().__init__()
        self.judge, self.couples_pictures = judge, judge.couples_pictures
        self.classes = nn.Linear(judge.channels, classes)

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N, 1 + classes): the logit of being real, and those of the classes."""
        features = self.judge.features(pictures)
        return torch.cat([self.judge.end(features)[:, None], self.classes(features.mean((2, 3)))], 1)


class FewLabelsJudge(AuxiliaryJudge):
    """K classes of real pictures, and one more for what is drawn (Salimans et al. 2016, section 5).

    The softmax over K + 1 classes does not change when all logits are moved: that of drawn pictures is held at 0, and
    the odds of a real picture are the sum over the others. Those share what the network says for itself. Features are
    summed up over all places, as for `ProjectionJudge`: by their means, few labels are learnt far too slowly.
    """

    asks_of_drawn = False

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """(N, 1 + classes): as above."""
        features = self.judge.features(pictures)
        classes = self.judge.end(features)[:, None] + self.classes(features.sum((2, 3)))
        return torch.cat([classes.logsumexp(1, keepdim=True), classes], 1)


JUDGES = {
    "plane": PlaneJudge,
    "projection": ProjectionJudge,
    "auxiliary": AuxiliaryJudge,
    "few-labels": FewLabelsJudge,
}
"""Each is made of a judge, the number of classes and the shape of a picture."""

MORE_COLOURS = {"plane": 1}
"""How many colours more than the picture's own the judge within takes."""


def judge_of(discriminator: nn.Module) -> Judge:
    """The discriminator without what it has for classes."""
    judge = discriminator if isinstance(discriminator, Judge) else discriminator.judge
    assert isinstance(judge, Judge)
    return judge
