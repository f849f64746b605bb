"""What a fixed network sees in results, for losses."""

import pytest
import torch

from scumble import device, features
from scumble.errors import SettingsError
from scumble.events import returned
from scumble.gan.translation import perceptual
from scumble.gan.translation.settings import TranslationSettings

pytestmark = pytest.mark.usefixtures("one_thread")


def loaded(**given):
    settings = TranslationSettings.model_validate({"size": "32"} | given)
    return returned(perceptual.load(settings, {"perceptual": 1.0}, device.choose("cpu", "float32")))


def test_features_are_those_of_pictures_in_0_to_1_on_a_scale_of_their_own():
    pictures = torch.rand(2, 3, 32, 32)
    seen = loaded()(2 * pictures - 1)["relu5_1"]
    assert torch.allclose(seen, features(pictures, "relu5_1", device="cpu")["relu5_1"] * (0.6 / 57.6), atol=1e-5)


def test_a_gradient_flows_back_to_the_pictures():
    pictures = torch.zeros(1, 3, 32, 32, requires_grad=True)
    loaded()(pictures)["relu5_1"].square().sum().backward()
    assert pictures.grad is not None
    assert pictures.grad.abs().max() > 0


def test_grey_pictures_are_seen_as_coloured_ones():
    grey = torch.rand(1, 1, 32, 32) * 2 - 1
    see = loaded()
    assert torch.allclose(see(grey)["relu5_1"], see(grey.expand(-1, 3, -1, -1))["relu5_1"], atol=1e-6)


def test_without_such_a_term_nothing_is_loaded():
    assert returned(perceptual.load(TranslationSettings(), {"l1": 1.0}, device.choose("cpu"))) is None


def test_what_cannot_be_seen_is_refused():
    with pytest.raises(SettingsError, match="size: got 8, wanted at least 16: pocket sees nothing in smaller cuts"):
        loaded(size="8")
    with pytest.raises(SettingsError, match="got pictures of 4 channels, which pocket cannot see"):
        loaded()(torch.zeros(1, 4, 32, 32))
