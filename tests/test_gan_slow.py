"""A whole training on real pictures, judged by a classifier that never saw a generated one. Minutes."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from scumble import GAN, GANSettings
from scumble.gan.train import train_events

SAMPLES = 2000


def train_classifier(pictures: np.ndarray, labels: np.ndarray) -> nn.Module:
    """A small convolutional network: (N, 1, 28, 28) in [0, 1] -> (N, 10) logits; one pass over the pictures."""
    torch.manual_seed(0)
    network = nn.Sequential(
        *(nn.Conv2d(1, 16, 5, stride=2, padding=2), nn.ReLU(), nn.Conv2d(16, 32, 5, stride=2, padding=2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    optimizer = torch.optim.Adam(network.parameters(), 2e-3)
    for chosen in torch.randperm(len(pictures)).split(64):
        loss = F.cross_entropy(network(as_input(pictures[chosen])), torch.from_numpy(labels[chosen]).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def as_input(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pictures.reshape(-1, 1, 28, 28)).float() / 255


@torch.no_grad()
def judge(classifier: nn.Module, pictures: np.ndarray) -> tuple[float, float, np.ndarray]:
    """The entropy over the classes of all pictures, in nats, the mean top probability, and how many of each class."""
    probabilities = classifier(as_input(pictures)).softmax(1).numpy()
    shares = probabilities.mean(0)
    counts = np.bincount(probabilities.argmax(1), minlength=10)
    return float(-(shares * np.log(shares)).sum()), float(probabilities.max(1).mean()), counts


def mnist(material: Path) -> tuple[np.ndarray, ...]:
    with np.load(material / "data" / "mnist.npz") as arrays:
        return tuple(arrays[name] for name in ("x_train", "y_train", "x_test", "y_test"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_ten_digits_are_learnt_from_mnist(material, tmp_path):
    pictures, labels, test_pictures, test_labels = mnist(material)
    classifier = train_classifier(pictures, labels)
    with torch.no_grad():
        right = classifier(as_input(test_pictures)).argmax(1).numpy() == test_labels
    assert right.mean() > 0.97
    list(train_events(material / "data" / "mnist.npz", tmp_path / "run", GANSettings(images=100_000, lr=4e-4)))
    entropy, top, counts = judge(classifier, GAN.from_pretrained(tmp_path / "run").sample_array(range(SAMPLES)))
    print(f"entropy {entropy:.3f} nats, mean top probability {top:.3f}, of each digit {counts.tolist()}")
    assert entropy > 2.2
    assert top > 0.9
