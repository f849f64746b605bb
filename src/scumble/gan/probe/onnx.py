"""A classifier as an ONNX file: from plain pixels to probabilities; see `scumble.gan.models.onnx`.

Everything is inside: pixels to numbers in [-1, 1], the discriminator, pooling, the features' scaling, the linear
classifier and its temperature. Features are rounded to float16 as those are that it learnt from.
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrize

from scumble.gan.models.onnx import Inputs, Program
from scumble.gan.networks.features import features
from scumble.gan.probe.classifier import Classifier
from scumble.gan.probe.features import fresh_discriminator
from scumble.gan.settings import FeatureSettings, GANSettings
from scumble.image.tensors import signed


class _Whole(nn.Module):
    """(N, H, W, C) uint8 pixels -> (N, K) probabilities."""

    mean: torch.Tensor
    scale: torch.Tensor
    weights: torch.Tensor
    biases: torch.Tensor

    def __init__(self, classifier: Classifier):
        super().__init__()
        facts = classifier.facts
        self.settings = FeatureSettings(**facts.classifier.features)
        self.discriminator = fresh_discriminator(GANSettings(**facts.settings), facts.data.shape)
        self.discriminator.load_state_dict(classifier.discriminator.state_dict())
        self.discriminator.eval().requires_grad_(False)
        for module in self.discriminator.modules():  # of a spectral norm, which changes in training only, the result
            if parametrize.is_parametrized(module, "weight"):
                parametrize.remove_parametrizations(module, "weight")
        linear, scaling = classifier.linear, classifier.scaling
        parts = {"mean": scaling.mean, "scale": scaling.scale, "weights": linear.weights, "biases": linear.biases}
        for name, array in parts.items():
            self.register_buffer(name, torch.from_numpy(np.asarray(array, np.float32)))
        self.temperature = linear.temperature

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Probabilities."""
        found = features(self.discriminator, signed(pixels.permute(0, 3, 1, 2)), self.settings).half().float()
        scores = (found - self.mean) / self.scale @ self.weights.T + self.biases
        return (scores / self.temperature).softmax(1)


def of_classifier(classifier: Classifier) -> Program:
    """From `pixels` (N, H, W, C), uint8, to `probabilities` (N, K)."""
    channels, height, width = classifier.shape
    data = classifier.facts.data

    def inputs(count: int) -> Inputs:
        random = np.random.default_rng(count)
        return {"pixels": torch.from_numpy(random.integers(0, 256, (count, height, width, channels), dtype=np.uint8))}

    def ours(given: Inputs) -> np.ndarray:
        return classifier.probabilities_of_pixels(given["pixels"].permute(0, 3, 1, 2).numpy())

    pixels = f"(N, {height}, {width}, {channels}) uint8, 0 (black) to 255 (white)"
    if data.value_range is not None:
        low, high = data.value_range
        pixels += f"; in the data that it was trained on, {low:g} became 0 and {high:g} became 255"
    facts: dict[str, Any] = {
        "takes": {"pixels": pixels},
        "gives": {"probabilities": f"(N, {len(classifier.classes)}) float32, one for each of the classes, with sum 1"},
        "classes": list(classifier.classes),
        "settings": classifier.facts.settings,
        "classifier": classifier.facts.classifier.model_dump(mode="json", exclude={"classes", "made_of"}),
    }
    return Program(_Whole(classifier).eval(), inputs, "probabilities", ours, facts, "probabilities")
