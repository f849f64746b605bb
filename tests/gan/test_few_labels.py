"""The semi-supervised GAN: K + 1 classes, of which few labels are known."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax
from scumble.gan.critic import Critic
from scumble.gan.trainer import Trainer

from gan_material import HALVES, halves_of_noise
from scumble import device
from scumble.data.dataset import Dataset
from scumble.data.labels import hold_out
from scumble.gan.networks.build import build
from scumble.gan.networks.conditioning import UNLABELLED, FewLabelsDiscriminator
from scumble.gan.settings import GANSettings
from scumble.image.tensors import to_signed

pytestmark = pytest.mark.usefixtures("one_thread")


def test_real_or_drawn_is_a_softmax_over_one_class_more():
    """The logarithms of D(x) and 1 - D(x) are those of K + 1 logits, the last of which is 0."""
    settings = GANSettings(preset="sgan", width=4, latent=8)
    _, judge = build(settings, (1, 16, 16), 3)
    assert isinstance(judge, FewLabelsDiscriminator)
    seen = judge(torch.randn(5, 1, 16, 16), torch.zeros(5, dtype=torch.long)).detach().double().numpy()
    whole = log_softmax(np.concatenate([seen[:, 1:], np.zeros((5, 1))], 1), axis=1)
    np.testing.assert_allclose(-np.logaddexp(0, seen[:, 0]), whole[:, -1], rtol=1e-5)
    real = np.log(np.exp(whole[:, :-1]).sum(1))
    np.testing.assert_allclose(-np.logaddexp(0, -seen[:, 0]), real, rtol=1e-5)


def test_only_known_labels_of_real_pictures_count():
    settings = GANSettings(preset="sgan", width=4, latent=8)
    _, judge = build(settings, (1, 16, 16), 3)
    critic = Critic(judge.eval())
    real, fake = torch.randn(4, 1, 16, 16), torch.randn(4, 1, 16, 16)
    labels = torch.tensor([2, UNLABELLED, 0, UNLABELLED])
    extra = critic(real, fake, labels, torch.Generator()).extra
    logits = judge(real, labels)[:, 1:].detach().double().numpy()
    wanted = -(log_softmax(logits[0])[2] + log_softmax(logits[2])[0]) / 2
    assert extra.item() == pytest.approx(wanted, rel=1e-5)
    assert critic.look(None, fake, labels).extra.item() == 0


def test_half_of_each_batch_is_known_and_nothing_held_out_is():
    x, y = halves_of_noise(60, 0)
    numbers = np.array([HALVES.index(name) for name in y])
    store = Dataset("halves", x[:, None], numbers, HALVES, "")
    settings = GANSettings(preset="sgan", labelled=2, width=4, latent=8, batch=8)
    trainer = Trainer(settings, store, False, device.choose("cpu"))
    known = np.flatnonzero(trainer.labels != UNLABELLED)
    assert np.bincount(numbers[known]).tolist() == [2, 2, 2]
    assert not set(known) & set(hold_out(numbers, HALVES)[1])
    real, labels = trainer.next_batch(trainer._random())
    assert real.shape == (8, 1, 16, 16)
    assert (labels[::2] != UNLABELLED).all()
    pixels = to_signed(x[known][:, None], torch.device("cpu"))
    for picture, label in zip(real[::2], labels[::2], strict=True):
        (place,) = np.flatnonzero([torch.equal(picture, one) for one in pixels])
        assert numbers[known[place]] == label


def test_few_labels_teach_the_discriminator():
    """Halves of two labels a class: after some steps its own answers are right."""
    x, y = halves_of_noise(60, 0)
    numbers = np.array([HALVES.index(name) for name in y])
    settings = GANSettings(preset="sgan", labelled=2, width=4, latent=8, batch=12, lr=2e-3)
    trainer = Trainer(settings, Dataset("halves", x[:, None], numbers, HALVES, ""), False, device.choose("cpu"))
    for _ in range(60):
        trainer.train_step()
    with torch.no_grad():
        seen = trainer.plain_discriminator.eval()(
            to_signed(halves_of_noise(30, 1)[0][:, None], torch.device("cpu")), None
        )
    assert (seen[:, 1:].argmax(1).numpy() == np.arange(30) % 3).mean() > 0.9
