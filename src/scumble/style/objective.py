"""What is minimised: the optimiser sees a function of the picture, never a network.

Targets are computed once, by the same network in the same number format that will look at the canvas, so that a picture
compared with itself has a loss of exactly zero.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch

from scumble.perceptual.vgg import VGG19
from scumble.style.losses import gram, mean_squared_error


class Evaluation(NamedTuple):
    """The loss of a canvas, its gradient, and the weighted terms that the loss is the sum of."""

    loss: float
    gradient: torch.Tensor
    terms: dict[str, float]


class Objective:
    """L(x) = sum of weighted content terms + sum of weighted style terms (Gatys et al. 2015, eq. 7).

    Args:
        network: does the looking; built for all layers below.
        content: (1, 3, H, W) in [0, 1], of the canvas' size.
        style: (1, 3, H', W') in [0, 1], of any size.
        content_layers: layers whose features are compared place by place, with their weights.
        style_layers: layers whose Gram matrices are compared, with their weights.
    """

    def __init__(
        self,
        network: VGG19,
        content: torch.Tensor,
        style: torch.Tensor,
        content_layers: Mapping[str, float],
        style_layers: Mapping[str, float],
    ):
        self.network = network
        self.content_layers = dict(content_layers)
        self.style_layers = dict(style_layers)
        with torch.no_grad():
            self.content_targets = self._features(content, self.content_layers)
            self.style_targets = {name: gram(f) for name, f in self._features(style, self.style_layers).items()}

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        """One evaluation: a pass through the network and back.

        Args:
            canvas: (1, 3, H, W), RGB; values outside [0, 1] are taken as they are.

        Returns:
            The loss, its gradient by the canvas (same shape, contiguous), and the terms by name.
        """
        canvas = canvas.detach().requires_grad_()
        features = self._features(canvas, self.content_layers | self.style_layers)
        terms = {}
        for name, weight in self.content_layers.items():
            terms[f"content {name}"] = weight * mean_squared_error(features[name], self.content_targets[name])
        for name, weight in self.style_layers.items():
            terms[f"style {name}"] = weight * mean_squared_error(gram(features[name]), self.style_targets[name])
        loss = torch.stack(list(terms.values())).sum()
        (gradient,) = torch.autograd.grad(loss, canvas)
        values = torch.stack([loss.detach(), *(term.detach() for term in terms.values())]).tolist()
        return Evaluation(values[0], gradient.contiguous(), dict(zip(terms, values[1:], strict=True)))

    def _features(self, picture: torch.Tensor, layers: Mapping[str, float]) -> dict[str, torch.Tensor]:
        """Features in float32 at least, whatever format the convolutions use: it is what the losses are summed in."""
        if not layers:
            return {}
        features = self.network(picture, tuple(layers))
        return {name: f if f.dtype == torch.float64 else f.float() for name, f in features.items()}
