"""Conditional pairs: what they do with classes, and the keys of their saved weights."""

import numpy as np
import pytest
import torch

from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.networks.build import NETWORKS, build
from scumble.gan.networks.conditioning import CONDITIONAL
from scumble.gan.settings import GANSettings
from scumble.training.task import Moment


@pytest.mark.parametrize("condition", ["plane", "projection", "auxiliary"])
@pytest.mark.parametrize("network", NETWORKS)
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


def test_classes_are_asked_for_by_one_softmax(game):
    """A softmax before the cross-entropy, which has one of its own, has been seen elsewhere."""
    this = game(labels=np.arange(32) % 3, network="mlp", condition="auxiliary")
    this.discriminator.eval()
    labels = torch.tensor([0, 2])
    real, fake = torch.rand(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    batch = {"real": real, "fake": fake, "labels": labels, "random": torch.Generator()}
    found = this.discriminator_loss(batch, Moment(0, (0, 0)))
    expected, on_both = 0.0, []
    for pictures in (real, fake):
        seen = this.discriminator(pictures, labels).detach()
        on_both.append(seen[:, 0])
        logits = seen[:, 1:].double().numpy()
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        expected -= np.log(shares[[0, 1], labels]).mean()
    without = LOSSES[this.settings.loss].discriminator(*on_both)
    assert (found.loss - without).item() == pytest.approx(expected, rel=1e-5)
    assert torch.equal(found.figures["d_real"], this.logits(real, labels).sigmoid().mean())
    assert torch.equal(this.logits(real, labels), on_both[0])


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
