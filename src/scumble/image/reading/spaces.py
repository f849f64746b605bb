"""Colour spaces that are told otherwise than in 8 bits with an ICC profile, and the way from each to sRGB.

A space is a curve from stored values to light and a matrix from that light to sRGB's primaries. Light is a number of
which 1 is white paper; what is brighter is brought in by a tone curve. Everything is computed in float32, in strips,
so that dark parts keep their steps and a large picture takes little memory.

Sources: ITU-T H.273 (the numbers of primaries and curves), BT.2100 (PQ, HLG), BT.2408 (white at 203 cd/m2), PNG third
edition (which of its chunks wins).
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scumble.image.reading import png
from scumble.image.reading.boxes import Coding

Curve = Callable[[np.ndarray], np.ndarray]

STRIP_VALUES = 1 << 22
"""Numbers that are worked at together."""

WHITE_NITS = 203.0
"""What paper-white is in pictures whose brightness is absolute (BT.2408)."""

BRIGHTEST_SHARE = 0.001
"""So much of a picture may be brighter than what is brought down to white: reflections, and the sun."""

SAME_GAMMA = 0.03
"""So near to 1/2.2, a PNG's gamma means sRGB, as the programs mean that write it."""

D50 = np.array([0.9642, 1.0, 0.8249])
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

Primaries = tuple[float, float, float, float, float, float, float, float]
"""x and y of white, red, green and blue, as cHRM has them."""

D65 = (0.3127, 0.329)
SRGB_PRIMARIES: Primaries = (*D65, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
PRIMARIES: dict[int, Primaries] = {
    1: SRGB_PRIMARIES,
    4: (0.31, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08),
    5: (*D65, 0.64, 0.33, 0.29, 0.6, 0.15, 0.06),
    6: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    7: (*D65, 0.63, 0.34, 0.31, 0.595, 0.155, 0.07),
    8: (0.31, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049),
    9: (*D65, 0.708, 0.292, 0.17, 0.797, 0.131, 0.046),
    10: (1 / 3, 1 / 3, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0),
    11: (0.314, 0.351, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    12: (*D65, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06),
    22: (*D65, 0.63, 0.34, 0.295, 0.605, 0.155, 0.077),
}


@dataclass(frozen=True)
class Space:
    """How stored values from 0 to 1 become light in sRGB's primaries.

    Attributes:
        curves: from values to light, one for each channel, or one for all.
        matrix: (3, 3), from light in the space's primaries to light in sRGB's; None where they are the same.
        bright: whether light may be above 1.
        gamma: what all channels of light are multiplied by is luminance to this power (HLG's own); 0 for nothing.
        scale: what light is multiplied by in the end.
    """

    curves: tuple[Curve, ...]
    matrix: np.ndarray | None = None
    bright: bool = False
    gamma: float = 0.0
    scale: float = 1.0


def to_srgb(values: np.ndarray, space: Space) -> np.ndarray:
    """Stored values as 8-bit sRGB.

    Args:
        values: (H, W, 1) or (H, W, 3) floats, or uint8 or uint16 over their whole range.
        space: whose values they are.

    Returns:
        (H, W, 3) uint8.
    """
    height, width, _ = values.shape
    rows = max(1, STRIP_VALUES // (3 * width))
    peak = _peak(values, space) if space.bright else 1.0
    result = np.empty((height, width, 3), np.uint8)
    for top in range(0, height, rows):
        light = _light(values[top : top + rows], space)
        if peak > 1:
            light = shoulder(light, peak)
        result[top : top + rows] = np.rint(encoded(light) * 255)
    return result


def shoulder(light: np.ndarray, peak: float) -> np.ndarray:
    """Light in which `peak` is white: the same below a knee, with a smooth curve above it, colours kept.

    The knee is as far below white, as a factor, as half of the way to the peak. Above it is Reinhard's extended
    operator (2002, equation 4), whose slope there is 1.
    """
    knee = peak**-0.5
    brightest = light.max(2, keepdims=True)
    reach = (peak - knee) / (1 - knee)
    above = np.clip((brightest - knee) / (1 - knee), 0, reach)
    brought = knee + (1 - knee) * above * (1 + above / reach**2) / (1 + above)
    return np.where(brightest > knee, light * (brought / np.maximum(brightest, knee)), light)


def encoded(light: np.ndarray) -> np.ndarray:
    """Light as sRGB values from 0 to 1 (IEC 61966-2-1)."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def decoded(values: np.ndarray) -> np.ndarray:
    """SRGB values from 0 to 1 as light."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def linear(bright: bool = False) -> Space:
    """Light in sRGB's primaries, as it is."""
    return Space((same,), bright=bright)


LINEAR_CURVE_NUMBER, PQ, HLG = 8, 16, 18


def of_coding(coding: Coding) -> Space | None:
    """The space of numbers of H.273; None for sRGB, what is near to it, and what is not told.

    The curve of video (1, 6, 14, 15) counts as sRGB's: pictures with it were made on screens, and are shown so.
    """
    matrix = to_srgb_primaries(PRIMARIES.get(coding.primaries, SRGB_PRIMARIES))
    if coding.transfer == PQ:
        return Space((_pq,), matrix, bright=True)
    if coding.transfer == HLG:
        # BT.2100, table 5: on a screen of 1000 cd/m2.
        return Space((_hlg,), matrix, bright=True, gamma=0.2, scale=1000 / WHITE_NITS)
    curve = {4: power(2.2), 5: power(2.8), LINEAR_CURVE_NUMBER: same}.get(coding.transfer)
    if curve is None and matrix is None:
        return None
    return Space((curve or decoded,), matrix)


PLAIN = Space((decoded,))
"""sRGB itself."""


def is_bright_space(space: Space | None) -> bool:
    """Whether a space's light may be above white."""
    return space is not None and space.bright


def is_bright(coding: Coding | None) -> bool:
    """Whether the numbers stand for a picture of high dynamic range."""
    return coding is not None and coding.transfer in (PQ, HLG)


def of_png(told: dict[bytes, bytes]) -> tuple[Space | None, bytes | None]:
    """The space that a PNG's chunks tell, or an ICC profile; neither of them for sRGB.

    The third edition's order: cICP, iCCP, sRGB, then gAMA and cHRM.
    """
    cicp = told.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2] == 0:
        return of_coding(Coding(cicp[0], cicp[1])), None
    if b"iCCP" in told:
        return None, png.profile(told[b"iCCP"])
    if b"sRGB" in told:
        return None, None
    gamma = int.from_bytes(told.get(b"gAMA", b"")[:4], "big") / 100_000
    plain = not gamma or abs(gamma * 2.2 - 1) <= SAME_GAMMA
    matrix = None
    chromaticities = told.get(b"cHRM", b"")
    if len(chromaticities) == 32:
        given = [value / 100_000 for value in struct.unpack(">8I", chromaticities)]
        matrix = to_srgb_primaries((*given,))  # pyright: ignore[reportArgumentType]
    if plain and matrix is None:
        return None, None
    return Space((decoded if plain else power(1 / gamma),), matrix), None


# --- Light ----------------------------------------------------------------------------------------------------------


def _light(values: np.ndarray, space: Space) -> np.ndarray:
    """Light in sRGB's primaries, (H, W, 3) float32; 1 is white."""
    if values.dtype.kind == "u":
        values = values / np.float32(np.iinfo(values.dtype).max)
    if values.shape[2] == 1:
        light = np.repeat(space.curves[0](values), 3, 2)
    elif len(space.curves) == 1:
        light = space.curves[0](values)
    else:
        light = np.stack([curve(values[..., c]) for c, curve in enumerate(space.curves)], 2)
    if space.gamma:
        luminance = light @ np.array([0.2627, 0.678, 0.0593], np.float32)
        light = light * np.maximum(luminance, 0)[..., None] ** space.gamma
    if space.matrix is not None and values.shape[2] == 3:
        light = light @ space.matrix.T
    return (light * space.scale).astype(np.float32)


def _peak(values: np.ndarray, space: Space) -> float:
    """The light that becomes white: of the brightest there is, all but a `BRIGHTEST_SHARE`."""
    step = max(1, round((values.shape[0] * values.shape[1] / STRIP_VALUES) ** 0.5))
    sample = values[::step, ::step]
    brightest = _light(sample, space).max(2)
    return max(1.0, float(np.quantile(brightest, 1 - BRIGHTEST_SHARE)))


def same(values: np.ndarray) -> np.ndarray:
    """The curve of values that are light already."""
    return values


def power(exponent: float) -> Curve:
    """Light as a power of values."""
    return lambda values: np.maximum(values, 0) ** exponent


def _pq(values: np.ndarray) -> np.ndarray:
    """BT.2100, table 4; 1 is `WHITE_NITS`."""
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    root = np.clip(values, 0, 1).astype(np.float64) ** (1 / m2)
    return (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1) * (10_000 / WHITE_NITS)


def _hlg(values: np.ndarray) -> np.ndarray:
    """BT.2100, table 5: light of the scene, from 0 to 1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(values <= 0.5, values**2 / 3, (np.exp((values - c) / a) + b) / 12)


def to_srgb_primaries(primaries: Primaries) -> np.ndarray | None:
    """From light in these primaries to light in sRGB's; None where they are the same, or no primaries at all."""
    if np.abs(np.subtract(primaries, SRGB_PRIMARIES)).max() < 0.002:
        return None
    try:
        matrix = np.linalg.solve(to_d50(SRGB_PRIMARIES), to_d50(primaries))
    except (np.linalg.LinAlgError, ZeroDivisionError):
        return None
    return matrix if np.isfinite(matrix).all() and np.abs(matrix).max() < 100 else None


def to_d50(primaries: Primaries) -> np.ndarray:
    """(3, 3), from light in these primaries to XYZ under D50, by Bradford's adaptation."""
    white, *colours = [
        np.array([x / y, 1, (1 - x - y) / y]) if y else np.array([x, y, 1 - x - y])
        for x, y in zip(primaries[::2], primaries[1::2], strict=True)
    ]
    columns = np.stack(colours, 1)
    to_xyz = columns * np.linalg.solve(columns, white)
    cones = BRADFORD @ D50 / (BRADFORD @ white)
    return np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ to_xyz
