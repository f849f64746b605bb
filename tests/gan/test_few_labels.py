"""The semi-supervised GAN: K + 1 classes, of which few labels are known."""

import numpy as np
import pytest
import torch
from scipy.special import log_softmax

from gan_material import HALVES, halves_of_noise
from scumble.data.dataset import Dataset
from scumble.data.labels import UNLABELLED, hold_out
from scumble.errors import SettingsError
from scumble.gan.losses.adversarial import LOSSES
from scumble.gan.networks.build import build
from scumble.gan.networks.conditioning import FewLabelsDiscriminator
from scumble.gan.settings import GANSettings
from scumble.image.tensors import to_signed
from scumble.training.task import Moment

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


def halves(count: int = 60) -> tuple[Dataset, np.ndarray]:
    """Pictures with a bright half, and the half's number."""
    x, y = halves_of_noise(count, 0)
    numbers = np.array([HALVES.index(name) for name in y])
    return Dataset("halves", x[:, None], numbers, HALVES, ""), numbers


def test_only_known_labels_of_real_pictures_count(game):
    this = game(halves()[0], preset="sgan", labelled=2, loss="bce")
    judge = this.discriminator.eval()
    real, fake = torch.randn(4, 1, 16, 16), torch.randn(4, 1, 16, 16)
    labels = torch.tensor([2, UNLABELLED, 0, UNLABELLED])
    batch, moment = {"real": real, "fake": fake, "labels": labels, "random": torch.Generator()}, Moment(0, (0, 0))
    on_real, on_fake = (judge(pictures, labels).detach() for pictures in (real, fake))
    logits = on_real[:, 1:].double().numpy()
    wanted = -(log_softmax(logits[0])[2] + log_softmax(logits[2])[0]) / 2
    without = LOSSES["bce"].discriminator(on_real[:, 0], on_fake[:, 0])
    assert (this.discriminator_loss(batch, moment).loss - without).item() == pytest.approx(wanted, rel=1e-5)
    of_generator = LOSSES["bce"].generator(on_real[:, 0], on_fake[:, 0])
    assert torch.equal(this.generator_loss(batch, moment).loss, of_generator)


def test_half_of_each_batch_is_known_and_nothing_held_out_is(game):
    store, numbers = halves()
    this = game(store, preset="sgan", labelled=2)
    known = np.flatnonzero(this.labels != UNLABELLED)
    assert np.bincount(numbers[known]).tolist() == [2, 2, 2]
    assert not set(known) & set(hold_out(numbers, HALVES)[1])
    batch = this.batch(Moment(0, (0, 0)))
    real, labels = batch["real"], batch["labels"]
    assert real.shape == (8, 1, 16, 16)
    assert (labels[::2] != UNLABELLED).all()
    pixels = to_signed(store.pixels[known], torch.device("cpu"))
    for picture, label in zip(real[::2], labels[::2], strict=True):
        (position,) = np.flatnonzero([torch.equal(picture, one) for one in pixels])
        assert numbers[known[position]] == label


def test_few_labels_teach_the_discriminator(game):
    """Halves of two labels a class: after some steps its own answers are right."""
    this = game(halves()[0], preset="sgan", labelled=2, batch=12, lr=2e-3)
    trainer = this.trainer()
    for _ in range(60):
        trainer.train_step()
    with torch.no_grad():
        seen = this.discriminator.eval()(to_signed(halves_of_noise(30, 1)[0][:, None], torch.device("cpu")), None)
    assert (seen[:, 1:].argmax(1).numpy() == np.arange(30) % 3).mean() > 0.9


def test_every_process_gets_a_label_of_each_batch():
    with pytest.raises(SettingsError, match="batch: got 2 for 2 processes; wanted two for each"):
        GANSettings(preset="sgan", batch=2, devices=2)
