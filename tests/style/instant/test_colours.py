"""The colour modes in NumPy say what those in PyTorch say."""

import numpy as np
import pytest
import torch

from conftest import photograph
from scumble.style.instant import colours
from scumble.style.preparation import colour


def pair() -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.asarray(photograph(40, 32, seed=seed), np.float32) / 255 for seed in (0, 1))  # pyright: ignore


def tensor(picture: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(picture.transpose(2, 0, 1)[None].copy())


def array(picture: torch.Tensor) -> np.ndarray:
    return picture[0].permute(1, 2, 0).numpy()


@pytest.mark.parametrize("is_cut_out", [False, True])
def test_matched_and_grey_are_those_of_many_steps(is_cut_out):
    picture, model = pair()
    visible = np.tile(np.linspace(0, 1, 40, dtype=np.float32), (32, 1)) if is_cut_out else None
    seen = None if visible is None else torch.from_numpy(visible)[None, None]
    matched = array(colour.match_colours(tensor(picture), tensor(model), seen))
    assert np.abs(colours.matched(picture, model, visible) - matched).max() < 0.01  # of other ridges
    grey = array(colour.grey_like(tensor(picture), tensor(model), seen))
    assert np.abs(colours.grey_like(picture, model, visible) - grey).max() < 1e-3


@pytest.mark.parametrize("bits", [8, 16])
def test_a_finished_picture_has_the_photographs_chroma(bits):
    canvas, photo = pair()
    wanted = array(colour.with_chroma(tensor(canvas), tensor(photo)))
    found = colours.finished(canvas, np.rint(photo * 255).astype(np.uint8), "content", False, bits)
    assert found.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert np.abs(found / (2**bits - 1) - wanted).max() < 1 / 255
    grey = colours.finished(canvas, np.rint(photo * 255).astype(np.uint8), "style", True, bits)
    assert np.ptp(grey, axis=2).max() == 0
