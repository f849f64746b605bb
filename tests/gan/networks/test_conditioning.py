"""Conditional pairs: what they do with classes, and the keys of their saved weights."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scumble.gan.combinations import PLAIN_NETWORKS
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.networks.build import build
from scumble.gan.networks.conditioning import CONDITIONAL, embedded
from scumble.gan.settings import GANSettings
from scumble.training.task import Moment


@pytest.mark.parametrize("condition", ["plane", "projection", "auxiliary"])
@pytest.mark.parametrize("network", PLAIN_NETWORKS)
def test_any_pair_can_be_conditional(network, condition):
    settings = GANSettings(network=network, condition=condition, latent=6, width=4)
    generator, discriminator = build(settings, (3, 16, 20), classes=5)
    latents, labels = torch.randn(4, 6), torch.tensor([0, 4, 2, 2])
    pictures = generator(latents, labels)
    assert pictures.shape == (4, 3, 16, 20)
    assert not torch.equal(pictures, generator(latents, labels.flip(0)))
    seen = discriminator(pictures.detach(), labels)
    assert seen.shape == ((4, 6) if condition == "auxiliary" else (4,))
    with torch.no_grad():
        for module in discriminator.modules():
            if isinstance(module, torch.nn.Embedding):
                module.weight.normal_(generator=torch.Generator().manual_seed(0))
    discriminator.eval()
    seen, other = discriminator(pictures, labels), discriminator(pictures, (labels + 1) % 5)
    assert torch.equal(seen, other) is (condition == "auxiliary")


def classified(this, labels: torch.Tensor):
    """Real pictures, what the discriminator loses and sees on them and on fakes, and the classes' part in the loss."""
    real, fake = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    batch = {"real": real, "fake": fake, "labels": labels, "random": torch.Generator()}
    found = this.discriminator_loss(batch, Moment(0, (0, 0)))
    seen = [this.discriminator(pictures, labels).detach() for pictures in (real, fake)]
    without = LOSSES[this.settings.loss].discriminator(*(both[:, 0] for both in seen))
    return real, found, seen, (found.loss - without).item()


def test_classes_are_asked_for_by_one_softmax(game):
    """A softmax before the cross-entropy, which has one of its own, has been seen elsewhere."""
    this = game(labels=np.arange(32) % 3, network="mlp", condition="auxiliary")
    this.discriminator.eval()
    labels = torch.tensor([0, 2])
    real, found, seen, of_classes = classified(this, labels)
    expected = 0.0
    for logits in (both[:, 1:].double().numpy() for both in seen):
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        expected -= np.log(shares[[0, 1], labels]).mean()
    assert of_classes == pytest.approx(expected, rel=1e-5)
    torch.testing.assert_close(found.figures["d_real"], this.logits(real, labels).sigmoid().mean())
    torch.testing.assert_close(this.logits(real, labels), seen[0][:, 0])


@pytest.mark.parametrize("condition", CONDITIONAL)
def test_saved_weights_keep_their_keys(condition):
    """Models saved by earlier versions call the discriminator within `judge`."""
    settings = GANSettings(condition=condition, network="mlp", width=4)
    _, discriminator = build(settings, (1, 16, 16), classes=3)
    own = {"plane": {"embedding.weight"}, "projection": {"embedding.weight"}}.get(
        condition, {"classes.weight", "classes.bias"}
    )
    assert {key for key in discriminator.state_dict() if not key.startswith("judge.")} == own
    assert "judge.end.bias" in discriminator.state_dict()


def test_the_embedding_of_several_labels_is_the_sum_of_theirs():
    embedding = torch.nn.Embedding(4, 6)
    classes = torch.tensor([3, 0, 3])
    assert torch.equal(embedded(embedding, classes), embedding(classes))
    one_hot = F.one_hot(classes, 4).float()
    torch.testing.assert_close(embedded(embedding, one_hot), embedding(classes))
    several = torch.tensor([[1.0, 0, 1, 1], [0, 0, 0, 0]])
    expected = torch.stack([embedding.weight[[0, 2, 3]].sum(0), torch.zeros(6)])
    torch.testing.assert_close(embedded(embedding, several), expected)


@pytest.mark.parametrize("condition", ["plane", "projection", "auxiliary"])
def test_one_label_each_is_the_same_given_as_a_row_or_as_a_class(condition):
    settings = GANSettings(network="mlp", norm="none", condition=condition, latent=6, width=4)
    generator, discriminator = build(settings, (1, 16, 16), classes=5)
    latents, classes = torch.randn(4, 6), torch.tensor([0, 4, 2, 2])
    rows = F.one_hot(classes, 5).float()
    torch.testing.assert_close(generator(latents, rows), generator(latents, classes))
    pictures = torch.rand(4, 1, 16, 16)
    torch.testing.assert_close(discriminator(pictures, rows), discriminator(pictures, classes))


def test_several_labels_are_asked_for_by_a_sum_of_binary_cross_entropies(game):
    rows = np.random.default_rng(0).integers(0, 2, (32, 3)).astype(np.uint8)
    this = game(labels=rows, network="mlp", norm="none", condition="auxiliary")
    labels = torch.tensor([[1.0, 0, 1], [0, 0, 0]])
    _, _, seen, of_classes = classified(this, labels)
    expected = 0.0
    for logits in (both[:, 1:].double().numpy() for both in seen):
        shares = 1 / (1 + np.exp(-logits))
        expected -= np.log(np.where(labels.numpy() > 0, shares, 1 - shares)).sum(1).mean()
    assert of_classes == pytest.approx(expected, rel=1e-5)
