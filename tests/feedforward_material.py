"""What tests of the feed-forward painter share."""

import numpy as np
import torch

from scumble.style.feedforward.network import Decoder


def picture(seed: int, height: int, width: int) -> np.ndarray:
    """Of (H, W, 3) in [0, 1], smooth with some grain, as pictures are."""
    random = np.random.default_rng(seed)
    rows, columns = np.linspace(0, 3, height)[:, None, None], np.linspace(0, 3, width)[None, :, None]
    waves = 0.5 + 0.4 * np.sin(rows * random.uniform(1, 3, 3) + columns * random.uniform(1, 3, 3))
    return (waves + 0.1 * random.standard_normal((height, width, 3))).clip(0, 1).astype(np.float32)


def unlearnt_decoder() -> Decoder:
    """A decoder that has not learnt anything, and changes a picture all the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        decoder = Decoder()
        for name, tensor in decoder.state_dict().items():
            if "modulation.2" in name or "to_pixels" in name:
                tensor.normal_(0, 0.003)
        decoder.get_buffer("code_deviation").fill_(3)
    return decoder


def numbers_of(decoder: Decoder) -> dict[str, np.ndarray]:
    """As `weights` reads them."""
    return {name: tensor.numpy().copy() for name, tensor in decoder.state_dict().items()}
