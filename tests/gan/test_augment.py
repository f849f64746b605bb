import numpy as np
import pytest
import torch

from scumble.gan import augment


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_about_half_of_the_pictures_are_mirrored_and_the_others_left():
    pictures = torch.rand(200, 1, 4, 6)
    mirrored = augment.flip(pictures, generator())
    same = (mirrored == pictures).flatten(1).all(1)
    turned = (mirrored == pictures.flip(3)).flatten(1).all(1)
    assert (same ^ turned).all()
    assert 70 < turned.sum() < 130


def test_every_picture_is_shifted_whole_and_has_one_hole():
    height, width = 16, 24
    pictures = torch.rand(50, 2, height, width) + 1  # nowhere 0
    changed = augment.shift_and_cut(pictures, generator()).numpy()
    shifts = set()
    for before, after in zip(pictures.numpy(), changed, strict=True):
        padded = np.pad(before, ((0, 0), (2, 2), (3, 3)))
        candidates = [
            (dy, dx)
            for dy in range(5)
            for dx in range(7)
            if ((after == 0) | (after == padded[:, dy : dy + height, dx : dx + width])).all()
        ]
        assert candidates
        shifts.add(candidates[0])
        dy, dx = candidates[0]
        cut = (after[0] == 0) & (padded[0, dy : dy + height, dx : dx + width] != 0)
        rows, columns = np.where(cut.any(1))[0], np.where(cut.any(0))[0]
        if cut.any():  # a rectangle, at most half of a side high and wide
            assert cut.sum() == (rows.max() - rows.min() + 1) * (columns.max() - columns.min() + 1)
            assert len(rows) <= height / 2
            assert len(columns) <= width / 2
    assert len(shifts) > 15


def test_gradients_pass_through_shifts_and_holes():
    pictures = torch.rand(3, 1, 16, 16, requires_grad=True)
    augment.shift_and_cut(pictures, generator()).sum().backward()
    assert pictures.grad is not None
    assert set(pictures.grad.unique().tolist()) == {0.0, 1.0}


def test_colours_vary_as_a_loop_over_pictures_and_pixels_says():
    pictures = torch.rand(6, 3, 4, 5, dtype=torch.float64) * 2 - 1
    changed = augment.vary_colours(pictures, generator(3)).numpy()
    random = generator(3)
    draws = [torch.rand(6, 1, 1, 1, generator=random).double().flatten().tolist() for _ in range(3)]
    for picture, after, brightness, saturation, contrast in zip(pictures.numpy(), changed, *draws, strict=True):
        expected = picture + brightness - 0.5
        for row in range(4):
            for column in range(5):
                grey = expected[:, row, column].mean()
                expected[:, row, column] = grey + 2 * saturation * (expected[:, row, column] - grey)
        mean = expected.mean()
        np.testing.assert_allclose(after, mean + (contrast + 0.5) * (expected - mean), atol=1e-12)


def test_what_the_colours_of_a_grey_picture_keep():
    """Its greyness, the order of its pixels, and, in even greys, no more than another level of it."""
    pictures = torch.rand(20, 1, 6, 6).expand(20, 3, 6, 6)
    changed = augment.vary_colours(pictures, generator())
    torch.testing.assert_close(changed, changed[:, :1].expand_as(changed))
    assert torch.equal(changed[:, 0].flatten(1).argsort(1), pictures[:, 0].flatten(1).argsort(1))
    even = augment.vary_colours(torch.zeros(1000, 1, 2, 2), generator())
    assert even.flatten(1).std(1).max() < 1e-6
    assert even.min() == pytest.approx(-0.5, abs=0.01)
    assert even.max() == pytest.approx(0.5, abs=0.01)


def test_gradients_pass_through_the_colours():
    pictures = torch.rand(2, 3, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: augment.vary_colours(p, generator()), pictures)


def test_the_same_generator_state_gives_the_same_change():
    pictures = torch.rand(4, 3, 16, 16)
    one, again = (augment.shift_and_cut(pictures, generator(7)) for _ in range(2))
    assert torch.equal(one, again)
    assert not torch.equal(one, augment.shift_and_cut(pictures, generator(8)))
