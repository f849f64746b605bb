"""What the default preset learns of MNIST in a quarter of an hour, judged by a classifier that never saw a sample.

    python benchmarks/digits.py mnist.npz RUN [any flag of `scumble gan train`]

Prints the entropy over the classes of 2,000 samples, in nats (2.303 if all ten are drawn equally often), the mean
probability of the likeliest class, how many there are of each, and the same for the real test digits. `mnist.npz` holds
the arrays x_train, y_train, x_test and y_test. A run that exists is continued, or only judged if it is finished.
"""

import subprocess
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from scumble import GAN

SAMPLES = 2000
FLAGS = ["--width", "16", "--batch", "64", "--lr", "1e-3", "--images", "140000"]


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
def judge(classifier: nn.Module, pictures: np.ndarray) -> str:
    probabilities = classifier(as_input(pictures)).softmax(1).numpy()
    shares = probabilities.mean(0)
    counts = np.bincount(probabilities.argmax(1), minlength=10)
    entropy, top = -(shares * np.log(shares)).sum(), probabilities.max(1).mean()
    return f"entropy {entropy:.3f} nats, mean top probability {top:.3f}, of each digit {counts.tolist()}"


def main():
    data, run, *flags = sys.argv[1:]
    started = time.perf_counter()
    command = [sys.executable, "-m", "scumble.cli.app", "gan", "train", data, "--run", run, *(flags or FLAGS)]
    subprocess.run(command, check=True)
    print(f"trained in {(time.perf_counter() - started) / 60:.1f} minutes")
    with np.load(data) as arrays:
        classifier = train_classifier(arrays["x_train"], arrays["y_train"])
        with torch.no_grad():
            right = classifier(as_input(arrays["x_test"])).argmax(1).numpy() == arrays["y_test"]
        print(
            f"the classifier is right on {right.mean():.1%} of the test digits: {judge(classifier, arrays['x_test'])}"
        )
    print(f"samples: {judge(classifier, GAN.from_pretrained(run).sample_array(range(SAMPLES)))}")


if __name__ == "__main__":
    main()
