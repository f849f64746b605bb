"""The public losses: the engine's own functions, by naive sums and by the engine's own terms."""

import doctest

import pytest
import torch
import torch.nn.functional as F

import scumble
from conftest import CAFFE
from scumble import losses
from scumble.errors import SettingsError
from scumble.gan.losses import adversarial, penalties
from scumble.perceptual.vgg import VGG19
from scumble.style.losses import content, pixels, statistics
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.objective import Objective


def features(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_the_examples_are_right():
    for module in (losses, adversarial, pixels, statistics):
        assert doctest.testmod(module).failed == 0


def test_gram_is_the_average_of_products():
    seen = features(2, 3, 4, 5)
    expected = torch.zeros(2, 3, 3, dtype=torch.float64)
    for n in range(2):
        for y in range(4):
            for x in range(5):
                here = seen[n, :, y, x].double()
                expected[n] += torch.outer(here, here) / 20
    torch.testing.assert_close(scumble.gram(seen).double(), expected)
    assert scumble.gram is losses.gram


@pytest.mark.parametrize("loss", STYLE_LOSSES)
def test_style_and_content_are_the_terms_of_painting(tensors, loss):
    network = VGG19(tensors, CAFFE, ("relu2_1",))
    photo, painting, canvas = (torch.rand(1, 3, *size) for size in ((24, 20), (18, 30), (24, 20)))
    objective = Objective(network, photo, [painting], {"relu2_1": 1.0}, {"relu2_1": 1.0}, loss)
    terms = objective.value_and_gradient(canvas).terms
    seen, of_photo, of_painting = (network(one, ["relu2_1"])["relu2_1"] for one in (canvas, photo, painting))
    assert losses.content(seen, of_photo).item() == pytest.approx(terms["content relu2_1"], rel=1e-5)
    assert losses.style(seen, of_painting, loss).item() == pytest.approx(terms["style relu2_1"], rel=1e-4)


def test_style_is_what_the_books_have():
    one, other = features(1, 3, 6, 5), features(1, 3, 4, 4, seed=1)
    assert torch.equal(losses.style(one, other), losses.mean_squared_error(losses.gram(one), losses.gram(other)))
    torch.testing.assert_close(losses.style(one, other), F.mse_loss(losses.gram(one), losses.gram(other)))
    both = losses.style(torch.cat([one, one]), torch.cat([other, 2 * other]))
    torch.testing.assert_close(both, (losses.style(one, other) + losses.style(one, 2 * other)) / 2)


def test_a_gradient_flows_into_the_features():
    one = features(1, 3, 6, 5).double().requires_grad_()
    other = features(1, 3, 4, 4, seed=1).double()
    assert torch.autograd.gradcheck(lambda f: losses.style(f, other) + losses.gram(f).sum(), one)


def test_losses_of_logits_are_those_of_probabilities():
    real, fake = features(9), features(9, seed=1)
    ones, zeros = torch.ones(9), torch.zeros(9)
    expected = F.binary_cross_entropy(real.sigmoid(), ones) + F.binary_cross_entropy(fake.sigmoid(), zeros)
    torch.testing.assert_close(losses.bce_discriminator(real, fake), expected)
    torch.testing.assert_close(losses.bce_generator(real, fake), F.binary_cross_entropy(fake.sigmoid(), ones))


def test_what_is_public_is_the_engines_own():
    homes = (adversarial, penalties, content, pixels)
    own = {"gram", "content", "style"}
    for name in losses.__all__:
        assert name in own or any(getattr(home, name, None) is getattr(losses, name) for home in homes)
        assert getattr(losses, name).__doc__


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: losses.gram(torch.zeros(3, 4, 4)), r"features: got shape \(3, 4, 4\), wanted \(N, C, H, W\)"),
        (lambda: losses.content(features(1, 2, 3, 4), features(1, 2, 4, 3)), r"target: got shape \(1, 2, 4, 3\)"),
        (lambda: losses.style(features(1, 2, 3, 4), features(2, 2, 3, 4)), "got features of 2 pictures, wanted 1"),
        (lambda: losses.style(features(1, 2, 3, 4), features(1, 2, 3, 4), "l2"), "loss: got 'l2', wanted one of gram"),
    ],
)
def test_other_shapes_are_refused(call, message):
    with pytest.raises(SettingsError, match=message):
        call()
