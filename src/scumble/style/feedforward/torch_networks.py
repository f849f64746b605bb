"""The painter's two networks by PyTorch, with the same weights: for where onnxruntime is not."""

from collections.abc import Mapping

import numpy as np
import torch
import torch.nn.functional as F

from scumble.perceptual.layers import after_pooling, down_to
from scumble.style.feedforward import weights
from scumble.style.feedforward.moments import Affine
from scumble.style.feedforward.network import Decoder
from scumble.style.feedforward.networks import Decode, Features
from scumble.style.feedforward.shapes import CODE, LAYERS, STATISTICS


class TorchNetworks:
    """See `scumble.style.feedforward.networks.Networks`."""

    runtime = "torch"

    @torch.inference_mode()
    def trunk(self, picture: np.ndarray, layers: tuple[str, ...] = tuple(STATISTICS)) -> Features:
        """See `Networks`."""
        numbers = {name: torch.from_numpy(value) for name, value in weights.trunk().items()}
        x, found = torch.from_numpy(picture), {}
        for name in down_to(layers):
            if after_pooling(name):
                x = F.max_pool2d(x, 2)
            x = F.conv2d(x, numbers[f"{name}.weight"], numbers[f"{name}.bias"], padding=int(name != "relu1_1")).relu_()
            if name in layers:
                found[name] = x.numpy()
        return found

    def decoder(self, code: np.ndarray, strength: float) -> Decode:
        """See `Networks`."""
        # The painting is in the weights: the network that is trained, told of nothing more, has nothing to change.
        network = Decoder().requires_grad_(False)
        own = network.state_dict()
        for name, value in weights.decoder(code, strength).items():
            layer, part = name.split(".")
            own[name if name in own else f"layers.{layer}.convolution.{part}"].copy_(torch.from_numpy(value))

        @torch.inference_mode()
        def decode(
            features: Features, maps: Mapping[str, Affine], base: np.ndarray, noise: Mapping[int, np.ndarray]
        ) -> np.ndarray:
            moved = {}
            for name in LAYERS:
                matrix, offset = (torch.from_numpy(part.astype(np.float32)) for part in maps[name])
                moved[name] = F.conv2d(torch.from_numpy(features[name]), matrix[:, :, None, None], offset)
            drawn = {places: torch.from_numpy(values) for places, values in noise.items()}
            return network(moved, torch.from_numpy(base), torch.zeros(1, CODE), drawn).numpy()

        return decode
