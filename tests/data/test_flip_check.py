"""Mirroring: letters are told from things that have no left and right."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from scumble.data.flip_check import looks_alike_mirrored, strangeness
from scumble.data.sources.opener import open_source
from scumble.data.synthetic import SHAPES, shape


def letters(text: str, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Letters at jittered places with noise: (count, 1, 24, 24) and the number of each one's letter."""
    random = np.random.default_rng(0)
    pictures, labels = [], []
    for number in range(count):
        image = Image.new("L", (24, 24), 0)
        x, y = random.integers(4, 8, 2)
        ImageDraw.Draw(image).text((x, y), text[number % len(text)], fill=255, font_size=14)
        noisy = np.asarray(image, float) + random.normal(0, 10, (24, 24))
        pictures.append(noisy.clip(0, 255).astype(np.uint8)[None])
        labels.append(number % len(text))
    return np.stack(pictures), np.array(labels)


def shapes(count: int) -> tuple[np.ndarray, np.ndarray]:
    pictures = [np.asarray(shape(number, 32)).transpose(2, 0, 1) for number in range(count)]
    return np.stack(pictures), np.arange(count) % len(SHAPES)


def naive_strangeness(pixels, labels):
    """By loops, for pictures of at most 32 pixels."""
    grey = pixels.astype(float).mean(1)
    stranger = []
    for i, picture in enumerate(grey):
        others = [other for j, other in enumerate(grey) if j != i and labels[j] == labels[i]]
        as_it_is = min(((picture - other) ** 2).sum() for other in others)
        mirrored = min(((picture[:, ::-1] - other) ** 2).sum() for other in others)
        stranger.append(mirrored > as_it_is)
    return np.mean(stranger)


@pytest.mark.parametrize("pictures", [letters("RF2", 30), shapes(30)])
def test_strangeness_equals_loops(pictures):
    assert strangeness(*pictures) == pytest.approx(naive_strangeness(*pictures), abs=1e-9)


def test_letters_are_not_mirrored_and_shapes_are():
    assert not looks_alike_mirrored(*letters("RF2G7", 200))
    assert looks_alike_mirrored(*shapes(200))


def test_a_mirrored_b_is_a_d_but_not_a_b():
    pixels, labels = letters("bb", 200)
    pixels[labels == 1] = pixels[labels == 1, :, :, ::-1]  # a d
    assert not looks_alike_mirrored(pixels, labels)
    assert looks_alike_mirrored(pixels, None)


def test_pictures_that_are_all_alike_or_symmetric_may_be_mirrored():
    assert looks_alike_mirrored(np.full((20, 3, 16, 16), 7, np.uint8), None)
    half = np.random.default_rng(0).integers(0, 256, (20, 3, 16, 8), dtype=np.uint8)
    assert looks_alike_mirrored(np.concatenate([half, half[..., ::-1]], 3), None)


def test_classes_of_one_picture_say_nothing():
    pixels, _ = letters("RF2", 10)
    assert strangeness(pixels, np.arange(10)) == 0


@pytest.mark.parametrize(
    ("name", "alike"), [("digits", False), ("mnist.npz", False), ("cifar10.zip", True), ("faces64.zip", True)]
)
def test_the_rule_holds_for_real_pictures(name, alike, request):
    given = name
    if name != "digits":
        given = request.getfixturevalue("material") / "data" / name
        if not given.exists():
            pytest.skip(f"needs test material: {given}")
    source = open_source(given)
    items = source.items[:: max(1, len(source.items) // 2000)]
    pixels = np.stack([np.asarray(item.load().rgb).transpose(2, 0, 1) for item in items])
    labels = np.array([hash(item.label) for item in items])
    for known in (labels, None):
        assert looks_alike_mirrored(pixels, known) is alike
