"""What the tests of GANs share: tiny models, data and feature networks."""

from pathlib import Path

import numpy as np
import torch

from scumble import GAN, Classifier, GANSettings
from scumble.gan.evaluation.feature_cache import PictureSet
from scumble.gan.facts import ClassifierFacts, GANFacts, ProbeFacts
from scumble.gan.networks.build import build
from scumble.gan.networks.features import features
from scumble.gan.probe.features import fresh_discriminator, with_statistics_of
from scumble.gan.probe.linear import Linear, Scaling
from scumble.gan.settings import FeatureSettings
from scumble.image.tensors import to_signed
from scumble.perceptual import embedding
from scumble.perceptual.embedding import Embedding
from scumble.training.facts import DataFacts


def untrained_gan(preset: str, shape=(3, 16, 20)) -> GAN:
    """A GAN whose pictures differ from seed to seed, without looking like anything."""
    settings = GANSettings(preset=preset, width=4, latent=8, categories=3, continuous=1)
    generator, discriminator = build(settings, shape, 3)
    with torch.no_grad():
        is_bold = settings.network in ("normfree", "resnet", "sagan", "began")  # as they are drawn
        for parameter in () if is_bold else generator.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    networks = [network.eval().requires_grad_(False) for network in (generator, discriminator)]
    return GAN(*networks, facts_of_noise(settings, shape))


def facts_of_noise(settings: GANSettings, shape: tuple[int, int, int] = (1, 16, 16)) -> GANFacts:
    """Those of a model that has seen nothing yet, for 40 pictures of three classes."""
    data = DataFacts(name="noise", count=40, shape=shape, classes=("a", "b", "c"), digest="")
    plain = settings.model_dump(mode="json")
    return GANFacts(settings=plain, data=data, flip=False, versions={}, threads=1, images_seen=0)


def normal(*shape, seed=0) -> np.ndarray:
    """Standard normal numbers."""
    return np.random.default_rng(seed).normal(size=shape)


def mixed(count, width, seed, scale=1.0, shift=0.0):
    """Correlated features with a scale of their own each."""
    mixture = normal(width, width, seed=99) * np.linspace(0.2, 1, width)
    return normal(count, width, seed=seed) @ mixture * scale + shift


class Projection:
    """A feature network with few features, that counts the pictures it has seen."""

    def __init__(self, width: int):
        self.matrix = torch.randn(3 * 256, width, generator=torch.Generator().manual_seed(0)) / 16
        self.seen = 0

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        self.seen += len(pictures)
        return pictures[:, :, :16, :16].flatten(1) @ self.matrix

    def embedding(self, name: str = "projection", classes: int = 5) -> Embedding:
        def probabilities(features: np.ndarray) -> np.ndarray:
            return torch.from_numpy(features[:, :classes]).double().softmax(1).numpy()

        width = self.matrix.shape[1]
        return Embedding(name, "0" * 64, "pool_3", width, None, self, probabilities, torch.device("cpu"))


def looked_at_by(network: Projection, monkeypatch) -> Projection:
    """Any feature network that is asked for is this one."""

    def load(name, placement):
        yield from ()
        return network.embedding(name)

    monkeypatch.setattr(embedding, "load", load)
    return network


def numbered(count, name="numbers") -> PictureSet:
    """Pictures that can be told from each other."""

    def take(numbers):
        return np.stack([np.random.default_rng(n).integers(0, 256, (1, 16, 16), dtype=np.uint8) for n in numbers])

    return PictureSet(name, "digest of " + name, count, (1, 16, 16), take)


def arrays(path, count=64, seed=0, side=16, **more) -> Path:
    """An .npz of noise."""
    pictures = np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)
    np.savez(path, x=pictures, **more)
    return path


HALVES = ("left", "right", "top")


TINY_TRAINING = {"images": 24, "width": 4, "latent": 8, "batch": 12, "grids": 1}


def halves_of_noise(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16, 16) noise with a bright half, and the name of the half."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = random.integers(0, 120, (count, 16, 16), dtype=np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        (picture[:, :8], picture[:, 8:], picture[:8])[label][:] += 100
    return pixels, np.array(HALVES)[labels]


CLASSES = ("a cat", "dog", "a hen, or none")


def some_pixels(count, shape, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def untrained_classifier(network, norm, shape=(1, 16, 16), **given) -> Classifier:
    """A classifier that is sure of nothing, and tells pictures apart."""
    settings, of_features = GANSettings(network=network, norm=norm, width=4, latent=8), FeatureSettings(**given)
    pixels = some_pixels(32, shape)
    discriminator = with_statistics_of(fresh_discriminator(settings, shape).requires_grad_(False), pixels)
    found = features(discriminator, to_signed(pixels, next(discriminator.parameters()).device), of_features).numpy()
    weights = normal(len(CLASSES), found.shape[1], seed=1)
    probe = ProbeFacts(
        classes=CLASSES, features=of_features.model_dump(), kind="svm", c=1.0, temperature=0.5,
        labelled=9, tested=30, accuracy=0.5, made_of="",
    )  # fmt: skip
    facts = ClassifierFacts(**dict(facts_of_noise(settings, shape)), classifier=probe)
    linear = Linear(weights, np.array([0.1, 0, -0.1]), 0.5, 1.0)
    return Classifier(discriminator, Scaling.of(found), linear, facts)
