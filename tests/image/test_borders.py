"""Borders that are found: paper, mounts, frames, tilted scans. And what must not be taken for one."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from scumble.data import synthetic
from scumble.image import borders
from scumble.image.files import load

PAPER = (238, 232, 218)


def framed(picture: Image.Image, widths: tuple[int, int, int, int], colour=PAPER, grain: int = 0) -> Image.Image:
    """With a border: left, top, right, bottom."""
    left, top, right, bottom = widths
    canvas = Image.new("RGB", (picture.width + left + right, picture.height + top + bottom), colour)
    canvas.paste(picture, (left, top))
    if grain:
        noise = np.random.default_rng(0).integers(-grain, grain + 1, (canvas.height, canvas.width, 1))
        canvas = Image.fromarray((np.asarray(canvas, int) + noise).clip(0, 255).astype(np.uint8))
    return canvas


@pytest.fixture(scope="module")
def painting() -> Image.Image:
    return synthetic.painting(seed=1).resize((480, 400))


@pytest.mark.parametrize("widths", [(30, 24, 30, 28), (0, 0, 0, 14), (40, 0, 40, 0), (6, 6, 6, 6)])
@pytest.mark.parametrize(("colour", "grain"), [(PAPER, 8), ((12, 10, 10), 0)])
def test_a_border_is_left_out_wherever_it_is(painting, widths, colour, grain):
    found = borders.find(framed(painting, widths, colour, grain))
    left, top, _, _ = widths
    wanted = (left, top, left + painting.width, top + painting.height)
    for edge, other, sign in zip(found, wanted, (1, 1, -1, -1), strict=True):
        assert 0 <= sign * (edge - other) <= 6  # nothing of it stays, and little else goes


def test_a_mount_in_a_frame_goes_with_it(painting):
    both = framed(framed(painting, (20, 20, 20, 20)), (16, 16, 16, 16), (60, 40, 20))
    left, top, right, bottom = borders.find(both)
    assert 36 <= left <= 42
    assert 36 <= top <= 42
    assert both.width - 42 <= right <= both.width - 36
    assert both.height - 42 <= bottom <= both.height - 36


def test_a_scan_may_be_tilted(painting):
    tilted = framed(painting, (24, 24, 24, 24)).rotate(0.6, Image.Resampling.BICUBIC, fillcolor=PAPER)
    left, top, right, bottom = borders.find(tilted)
    assert min(left, top, tilted.width - right, tilted.height - bottom) >= 22


def test_large_pictures_lose_as_much_as_small_ones(painting):
    large = framed(painting, (30, 30, 30, 30)).resize((2160, 1840))
    left, top, right, bottom = borders.find(large)
    assert 118 <= left <= 150
    assert 118 <= top <= 150
    assert 118 <= 2160 - right <= 150
    assert 118 <= 1840 - bottom <= 150


def test_a_plain_sky_is_no_border(painting):
    sky = painting.copy()
    draw = ImageDraw.Draw(sky)
    draw.rectangle((0, 0, 480, 50), fill=(150, 190, 230))
    draw.polygon([(0, 50), (480, 50), (480, 30), (300, 12), (180, 44)], fill=(60, 60, 60))  # hills
    assert borders.find(sky) == (0, 0, 480, 400)
    sea = painting.copy()
    ImageDraw.Draw(sea).rectangle((0, 0, 480, 150), fill=(150, 190, 230))  # a straight horizon, far down
    assert borders.find(sea) == (0, 0, 480, 400)


def test_patterns_and_gradients_have_no_borders():
    rows = np.arange(400)
    stripes = np.where(rows // 20 % 2, 40, 220)
    squares = np.minimum(np.minimum.outer(rows, rows), np.minimum.outer(399 - rows, 399 - rows)) // 25 % 2 * 200
    for pattern in (np.tile(stripes[:, None], 500), np.tile((rows * 0.6)[:, None], 500), squares):
        picture = Image.fromarray(pattern.astype(np.uint8)).convert("RGB")
        assert borders.find(picture) == (0, 0, *picture.size)


@pytest.mark.parametrize("size", [(16, 16), (99, 300), (480, 400)])
def test_pictures_of_nothing_have_no_borders(size):
    assert borders.find(Image.new("RGB", size, PAPER)) == (0, 0, *size)


def test_a_cropped_picture_keeps_its_name_digest_and_opacity(painting):
    picture = framed(painting, (30, 30, 30, 30)).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    whole = load(picture, "style")
    cropped = borders.crop(whole)
    assert (cropped.name, cropped.sha256) == (whole.name, whole.sha256)
    assert cropped.alpha is not None
    assert cropped.alpha.size == cropped.size < whole.size
    assert borders.crop(load(painting, "style")).size == painting.size
