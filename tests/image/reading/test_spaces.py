"""Colours told otherwise than by 8 bits of sRGB come in as they are seen."""

import struct

import numpy as np
import pytest
from PIL import Image

from picture_files import (
    GREY,
    HEIC,
    LINEAR_CURVE,
    PHOTO,
    chunk,
    encoded,
    gamma_curve,
    iccp,
    light,
    light16,
    png,
    profile,
    wide,
    with_coding,
)
from scumble.image.files import load_bytes
from scumble.image.reading import boxes, profiles, spaces

P3_TO_SRGB = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])
"""As CSS Color 4 and colour-science print it, to four digits."""

GAMMA_1 = chunk(b"gAMA", struct.pack(">I", 100_000))
P3_CHROMATICITIES = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)


def read(data: bytes) -> np.ndarray:
    return np.asarray(load_bytes(data, "a").rgb).astype(int)


def srgb(values: np.ndarray) -> np.ndarray:
    """Light as 8-bit sRGB, number by number."""
    clipped = np.clip(values, 0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize(
    "before",
    [
        GAMMA_1,
        chunk(b"cICP", bytes((1, 8, 0, 1))),
        iccp(profile(LINEAR_CURVE)),
        iccp(profile(gamma_curve(1.0))),
        chunk(b"cICP", bytes((1, 8, 0, 1))) + iccp(profile(gamma_curve(3.0))) + chunk(b"sRGB", b"\0"),  # the first wins
        iccp(profile(LINEAR_CURVE)) + chunk(b"gAMA", struct.pack(">I", 30_000)),
    ],
)
@pytest.mark.parametrize("colour", [2, 0])
def test_linear_16_bits_are_seen_as_they_are_meant(before, colour):
    if colour == 0 and b"iCCP" in before:
        pytest.skip("a profile of colours says nothing of grey")
    pixels = PHOTO if colour else GREY
    expected = PHOTO if colour else np.repeat(GREY[..., None], 3, 2)
    assert np.abs(read(png(light16(pixels), colour, 16, before)) - expected).max() <= 1


def test_dark_parts_keep_their_steps():
    ramp = np.repeat(np.linspace(0, 90, 48)[None, :, None], 3, 2).repeat(4, 0).round()
    assert np.array_equal(read(png(light16(ramp), 2, 16, iccp(profile(LINEAR_CURVE)))), ramp.astype(int))


def test_gamma_of_8_bits_counts():
    stored = (light(GREY) * 255).round().astype(np.uint8)
    dark = GREY < 60  # where 8 bits of light are few
    assert np.abs(read(png(stored, 0, 8, GAMMA_1))[..., 0] - GREY)[~dark].max() <= 2


@pytest.mark.parametrize(
    "before",
    [
        chunk(b"gAMA", struct.pack(">I", 45_455)),
        chunk(b"gAMA", struct.pack(">I", 0)),
        chunk(b"cHRM", bytes(32)),
        chunk(b"cHRM", b"\xff" * 32),
        chunk(b"gAMA", b"x"),
        chunk(b"cICP", bytes((1, 13, 0, 1))),
        chunk(b"cICP", bytes((2, 2, 0, 1))),
        chunk(b"sRGB", b"\0") + GAMMA_1,
    ],
)
def test_what_says_srgb_or_nothing_changes_nothing(before):
    assert np.array_equal(read(png(PHOTO, 2, 8, before)), PHOTO)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("before", [chunk(b"cICP", bytes((12, 13, 0, 1))), chunk(b"cHRM", P3_CHROMATICITIES)])
def test_other_primaries_move_the_colours(depth, before):
    expected = srgb(light(PHOTO) @ P3_TO_SRGB.T)
    assert np.abs(read(png(PHOTO if depth == 8 else wide(PHOTO), 2, depth, before)) - expected).max() <= 2


def test_a_16_bit_profile_does_what_littlecms_does_with_8():
    swapped = profile(gamma_curve(1.8), "swapped")
    deep, shallow = (read(png(p, 2, d, iccp(swapped))) for p, d in ((wide(PHOTO), 16), (PHOTO, 8)))
    assert np.abs(deep - shallow).max() <= 2
    assert np.abs(deep - PHOTO).max() > 50


@pytest.mark.parametrize("kind", range(5))
def test_parametric_curves_are_those_of_the_standard(kind):
    numbers = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045, 0.0, 0.0]
    used = {0: [2.2], 1: [2.2, 0.9, 0.1], 2: [2.2, 0.8, 0.1, 0.05], 3: numbers[:5], 4: numbers}[kind]
    tag = b"para" + bytes(4) + struct.pack(">HH", kind, 0)
    tag += b"".join(struct.pack(">i", round(v * 65536)) for v in used)
    space = profiles.of_profile(profile(tag))
    if kind >= 3:
        assert space is None  # it is sRGB's own
        return
    assert space is not None
    for x in (0.0, 0.01, 0.5, 1.0):
        g, a, b, c = (*used, 0.0, 0.0, 0.0)[:4]
        expected = x**g if kind == 0 else (a * x + b) ** g + (c if kind == 2 else 0)
        assert space.curves[0](np.array([x]))[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("cut", [0, 100, 131, 140, 300])
def test_a_profile_that_is_cut_short_is_none(cut):
    assert profiles.of_profile(profile(LINEAR_CURVE)[:cut]) is None


def test_a_damaged_profile_is_told_and_left_out():
    picture = load_bytes(encoded("JPEG", quality=95, icc_profile=b"no profile"), "a.jpg")
    assert "its colour profile cannot be used: its colours are taken as sRGB" in picture.notes


# --- HDR ------------------------------------------------------------------------------------------------------------


def pq(nits: np.ndarray) -> np.ndarray:
    """BT.2100's inverse curve, from cd/m2."""
    y = (nits / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)


def test_pq_that_is_not_brighter_than_paper_is_the_plain_picture():
    stored = (pq(light(PHOTO) * 0.7 * 203) * 65535).round().astype(np.uint16)  # below the knee
    picture = load_bytes(png(stored, 2, 16, chunk(b"cICP", bytes((1, 16, 0, 1)))), "a")
    assert np.abs(np.asarray(picture.rgb) - srgb(light(PHOTO) * 0.7)).max() <= 1
    assert any("high dynamic range" in note for note in picture.notes)


def test_bright_pq_keeps_its_order_and_clips_next_to_nothing():
    nits = np.linspace(0, 2000, 4096).reshape(1, -1, 1).repeat(3, 2).repeat(4, 0)
    seen = read(png((pq(nits) * 65535).round().astype(np.uint16), 2, 16, chunk(b"cICP", bytes((9, 16, 0, 1)))))[0, :, 0]
    assert (np.diff(seen) >= 0).all()
    assert (seen == 255).mean() < 0.1
    assert seen[-1] == 255
    assert abs(int(seen[50]) - srgb(nits[0, 50, 0] / 203)) <= 1


def test_hlg_white_is_white():
    white = np.full((4, 4, 3), round(0.75 * 65535), np.uint16)  # BT.2408: paper-white is 75%
    seen = read(png(white, 2, 16, chunk(b"cICP", bytes((9, 18, 0, 1)))))
    assert np.abs(seen - 255).max() <= 3


def test_the_shoulder_is_smooth_and_ends_at_white():
    values = np.linspace(0, 4, 1000)[None, :, None].repeat(3, 2)
    brought = spaces.shoulder(values, 4.0)[0, :, 0]
    assert brought[-1] == pytest.approx(1)
    slopes = np.diff(brought) / np.diff(values[0, :, 0])
    assert slopes.max() <= 1 + 1e-9
    assert np.abs(np.diff(slopes)).max() < 0.05
    below = values[0, :, 0] <= 0.5
    assert np.array_equal(brought[below], values[0, below, 0])


# --- HEIF and AVIF --------------------------------------------------------------------------------------------------


def test_an_heic_comes_in():
    seen = read(HEIC)
    assert seen.shape == (64, 64, 3)
    assert np.abs(seen[:, :30] - [200, 40, 40]).max() <= 4
    assert np.abs(seen[:, 34:] - [40, 40, 200]).max() <= 4


@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_nclx_moves_the_colours(kind):
    data = HEIC if kind == "HEIC" else encoded("AVIF", quality=95)
    if kind == "AVIF" and b"colrnclx" not in data:
        pytest.skip("this Pillow writes no nclx")
    plain = read(with_coding(data, 1, 13))
    expected = srgb(light(plain) @ P3_TO_SRGB.T)
    assert np.abs(read(with_coding(data, 12, 13)) - expected).max() <= 2
    assert any("high dynamic range" in note for note in load_bytes(with_coding(data, 9, 16), "a").notes)


@pytest.mark.parametrize("cut", range(0, 400, 7))
def test_boxes_cut_anywhere_tell_nothing_wrong(cut):
    assert boxes.coding(HEIC[:cut]) in (None, boxes.Coding(1, 13))
    assert boxes.coding(HEIC) == boxes.Coding(1, 13)


def test_a_profile_wins_over_nclx_but_not_over_brightness():
    data = encoded("AVIF", quality=95, icc_profile=profile(gamma_curve(2.2), "swapped"))
    assert boxes.coding(data) is None or np.abs(read(data) - PHOTO).mean() > 20


def test_readers_are_not_registered_with_pillow():
    load_bytes(HEIC, "a")
    assert "HEIF" not in Image.OPEN
