"""ICC profiles as curves and a matrix, which 16 bits can go through without being cut to 8 first (ICC.1:2022).

LittleCMS, through Pillow, takes 8 bits; what is read here is the common kind alone, and the rest is left to it.
"""

import struct

import numpy as np

from scumble.image.reading.spaces import SRGB_PRIMARIES, Curve, Space, encoded, power, same, to_d50

MAX_TAGS = 1000
SAME = 0.005
"""So near to sRGB's, a matrix and curves are sRGB's."""


def of_profile(profile: bytes) -> Space | None:
    """The space of an ICC profile of three primaries with curves, or of grey; None if it is another one, or sRGB's."""
    try:
        return _of_profile(profile)
    except (struct.error, ValueError, IndexError, np.linalg.LinAlgError):
        return None


def _of_profile(profile: bytes) -> Space | None:
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for number in range(min(count, MAX_TAGS)):
        name, start, length = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        tags[name] = profile[start : start + length]
    if profile[16:20] == b"GRAY" and b"kTRC" in tags:
        return Space((_curve(tags[b"kTRC"]),))
    if profile[16:20] != b"RGB " or profile[20:24] != b"XYZ " or b"A2B0" in tags:
        return None
    names = (b"rXYZ", b"gXYZ", b"bXYZ")
    if not all(name in tags for name in (*names, b"rTRC", b"gTRC", b"bTRC")):
        return None
    primaries = np.array([struct.unpack_from(">3i", tags[name], 8) for name in names]).T / 65536
    matrix = np.linalg.solve(to_d50(SRGB_PRIMARIES), primaries)
    curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    steps = np.linspace(0, 1, 256)
    alike = np.abs(matrix - np.eye(3)).max() < SAME
    if alike and all(np.abs(encoded(curve(steps)) - steps).max() < SAME for curve in curves):
        return None
    return Space(curves, None if alike else matrix)


def _curve(tag: bytes) -> Curve:
    """A curve of a profile (ICC.1:2022, 10.6 and 10.18)."""
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return same
        if count == 1:
            return power(struct.unpack_from(">H", tag, 12)[0] / 256)
        table = np.array(struct.unpack_from(f">{count}H", tag, 12)) / 65535
        places = np.linspace(0, 1, count)
        return lambda values: np.interp(values, places, table)
    if tag[:4] != b"para":
        raise ValueError("no curve")
    (kind,) = struct.unpack_from(">H", tag, 8)
    used = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}[kind] if kind < 5 else 0
    if not used:
        raise ValueError("a curve of another kind")
    g, a, b, c, d, e, f = [v / 65536 for v in struct.unpack_from(f">{used}i", tag, 12)] + [0.0] * (7 - used)
    if kind == 0:
        return power(g)
    if kind in (1, 2):
        c, e, f, d = 0.0, c if kind == 2 else 0.0, c if kind == 2 else 0.0, -b / a
    return lambda values: np.where(values >= d, np.maximum(a * values + b, 0) ** g + e, c * values + f)
