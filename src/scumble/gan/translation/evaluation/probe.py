"""Whether a result is of the class that was asked for, by someone who had no part in the training.

A linear map of `pocket`'s features is fitted to the labels of the training pictures, by least squares with a ridge.
What it is worth itself is told beside it: how often it is right about pictures that are what they are.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch

from scumble.gan.translation.data import Pictures
from scumble.gan.translation.evaluation.baselines import in_parts

RIDGE = 0.01
"""Of the number of pictures: features have a variance of 1."""
MOST = 2000


class Probe(NamedTuple):
    """A linear map of features.

    mean, deviation: (D,) of the features.
    weights: (1 + D, K).
    is_several: whether a picture may have several labels.
    """

    mean: np.ndarray
    deviation: np.ndarray
    weights: np.ndarray
    is_several: bool

    @classmethod
    def fitted(cls, pictures: Pictures, look: Callable[[torch.Tensor], np.ndarray]) -> "Probe":
        """To the training pictures of a translation between classes."""
        parts = [(look(batch["a"]), batch["labels"]) for batch in in_parts(pictures, "learning", MOST)]
        features = np.concatenate([found for found, _ in parts]).astype(np.float64)
        labels = multi_hot(torch.cat([labels for _, labels in parts]), len(pictures.classes))
        mean, deviation = features.mean(0), features.std(0) + 1e-6
        x = np.hstack([np.ones((len(features), 1)), (features - mean) / deviation])
        ridge = RIDGE * len(x) * np.eye(x.shape[1])
        ridge[0, 0] = 0
        weights = np.linalg.solve(x.T @ x + ridge, x.T @ (2 * labels.double().numpy() - 1))
        return cls(mean, deviation, weights, parts[0][1].dim() == 2)

    def is_right(self, features: np.ndarray, targets: torch.Tensor) -> np.ndarray:
        """(N,): 1 where (N, D) features are of the class of (N, K) targets; of several labels, the share of them."""
        wanted = targets.numpy() > 0.5
        said = self.weights[0] + ((features - self.mean) / self.deviation) @ self.weights[1:]
        if self.is_several:
            return ((said > 0) == wanted).mean(1)
        return (said.argmax(1) == wanted.argmax(1)).astype(np.float64)


def multi_hot(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """(N, K) float32, of (N,) classes or of labels that are so already."""
    return labels if labels.dim() == 2 else torch.nn.functional.one_hot(labels, classes).float()


def other_targets(labels: torch.Tensor, classes: int) -> torch.Tensor:
    """(N, K): for each picture a class that it has not; of several labels, its own with one of them turned round.

    Example:
        >>> other_targets(torch.tensor([0, 0, 1]), 3).argmax(1).tolist()
        [1, 2, 2]
    """
    turns = torch.arange(len(labels))
    if labels.dim() == 1:
        return multi_hot((labels + 1 + turns % max(1, classes - 1)) % classes, classes)
    turned = labels.clone()
    turned[turns, turns % classes] = 1 - turned[turns, turns % classes]
    return turned
