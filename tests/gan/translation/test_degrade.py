import io

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import ndimage

from scumble.gan.translation.degrade import DEGRADATIONS, blurred, compressed, degraded, edges, reduced
from scumble.training.randomness import Share, SharedGenerator


def some(count=4, channels=3, height=32, width=24) -> torch.Tensor:
    coarse = torch.rand(count, channels, 5, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(-1, 1)


def random(share=None) -> torch.Generator:
    generator = SharedGenerator()
    generator.share = share or Share()
    return generator.manual_seed(5)


@pytest.mark.parametrize("name", DEGRADATIONS)
@pytest.mark.parametrize("channels", [1, 3, 5])
def test_what_is_left_is_as_told_and_of_the_range(name, channels):
    degradation = DEGRADATIONS[name]
    left, mask = degraded(name, some(channels=channels), random())
    sides = [side // degradation.reduces for side in (32, 24)]
    assert left.shape == (4, degradation.channels(channels), *sides)
    assert left.abs().max() <= 1 + 1e-5
    assert (mask is not None) == degradation.has_mask
    assert degraded(name, some(channels=channels), random(), keep_size=True)[0].shape[2:] == (32, 24)


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_a_share_of_a_batch_loses_what_it_loses_in_the_whole(name):
    pictures = some()
    whole, mask = degraded(name, pictures, random())
    part, of_part = degraded(name, pictures[2:], random(Share(1, 2)))
    torch.testing.assert_close(part, whole[2:], rtol=0, atol=1e-6)
    if mask is not None:
        assert torch.equal(of_part, mask[2:])


def test_reduced_is_as_pillow_reduces():
    picture = some(1)
    pixels = ((picture[0, 0] + 1) / 2).numpy()
    theirs = np.asarray(Image.fromarray(pixels).resize((6, 8), Image.Resampling.BICUBIC))
    assert np.abs((reduced(picture, 4)[0, 0].numpy() + 1) / 2 - theirs).max() < 0.01


def test_blurred_is_as_scipy_blurs():
    picture = some(1)
    theirs = ndimage.gaussian_filter(picture[0, 1].double().numpy(), 2.0, mode="nearest", truncate=3.0)
    assert np.abs(blurred(picture, 2.0)[0, 1].numpy() - theirs).max() < 1e-5


def test_edges_are_dark_where_a_step_is_and_white_elsewhere():
    picture = torch.full((1, 3, 16, 32), -1.0)
    picture[..., 16:] = 1
    lines = edges(picture)[0, 0]
    assert (lines[:, :8] > 1 - 1e-5).all()
    assert (lines[:, 15:17] == -1).all()


def test_holes_are_grey_and_the_rest_is_left_alone():
    pictures = some() + 0.01
    left, mask = degraded("holes", pictures, random())
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert (left[mask.expand_as(left) == 1] == 0).all()
    assert torch.equal(left[mask.expand_as(left) == 0], pictures[mask.expand_as(left) == 0])
    shares = mask.mean((1, 2, 3))
    assert (shares >= 0.05).all()
    assert (shares <= 0.26).all()


@pytest.mark.parametrize("size", [(32, 32), (28, 21)])
def test_a_mosaic_has_the_holes_of_holes_and_in_them_the_means_of_squares(size):
    pictures = torch.rand(4, 3, *size) * 2 - 1
    left, mask = degraded("mosaic", pictures, random())
    assert torch.equal(mask, degraded("holes", pictures, random())[1])
    hole = mask.expand_as(left) == 1
    assert torch.equal(left[~hole], pictures[~hole])
    for one, picture, is_hole in zip(left, pictures, hole, strict=True):
        for row, column in is_hole[0].nonzero().tolist():
            square = picture[:, row // 8 * 8 :, column // 8 * 8 :][:, :8, :8]
            assert torch.allclose(one[:, row, column], square.mean((1, 2)), atol=1e-6)


def test_noise_has_the_deviation_that_is_told():
    left, _ = degraded("noise", torch.zeros(8, 3, 32, 32), random())
    assert left.std().item() * 127.5 == pytest.approx(25, rel=0.02)


def test_jpeg_is_what_pillow_writes():
    pixels = ((some(1) + 1) * 127.5).round().byte()
    again = ((compressed(pixels.float() / 127.5 - 1) + 1) * 127.5).round().byte()
    file = io.BytesIO()
    Image.fromarray(pixels[0].permute(1, 2, 0).numpy()).save(file, "JPEG", quality=10)
    assert np.array_equal(again[0].permute(1, 2, 0).numpy(), np.asarray(Image.open(file)))


def test_nights_are_dark_and_blue():
    left, _ = degraded("night", torch.full((1, 3, 4, 4), 0.5), random())
    red, green, blue = left[0, :, 0, 0].tolist()
    assert red < green < blue < 0
    assert degraded("night", torch.full((1, 1, 4, 4), -1.0), random())[0].max() == -1
