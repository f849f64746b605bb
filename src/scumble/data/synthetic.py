"""Pictures drawn by code, for demos and tests: a painting that nobody owns, and plain shapes to learn from.

The painting is a night over hills, laid down the way a painter would: a picture in mind says which colour belongs
where, a flow field says which way the brush goes there, and several thousand strokes, broad ones first, follow both.
Every stroke is a bundle of bristles of slightly different shades, which is what gives paint its grain.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

NIGHT = ((16, 22, 64), (24, 42, 112), (38, 76, 158), (66, 124, 190), (128, 178, 206), (206, 218, 196))
LIGHT = ((252, 236, 160), (248, 206, 84), (240, 164, 48), (222, 120, 44))
LAND = ((12, 32, 44), (22, 58, 58), (44, 92, 66), (98, 126, 62), (176, 156, 66))

BRUSHES = (0.045, 0.024, 0.013, 0.008)
"""Widths of the brushes over the picture's shorter side, broad first."""
SUPERSAMPLING = 2

SHAPES = ("disc", "square", "triangle")
SHAPE_SUPERSAMPLING = 4
SHAPE_CONTRAST = 120
"""How far the colours of a shape and its ground are apart at least, over their three channels of 0..255 together."""


@dataclass(frozen=True)
class _Scene:
    """The picture in the painter's mind: a colour and a direction of the brush for every place."""

    colours: np.ndarray  # (H, W, 3), 0..255
    angles: np.ndarray  # (H, W), radians
    detail: np.ndarray  # (H, W) in [0, 1]: where small brushes go


def painting(width: int = 768, height: int = 576, seed: int = 0) -> Image.Image:
    """Paint a starry night over hills, in brush strokes along a flow field.

    Args:
        width: of the picture, in pixels.
        height: likewise.
        seed: another seed is another night.

    Returns:
        An RGB picture; the same bytes for the same arguments.
    """
    random = np.random.default_rng(seed)
    w, h = width * SUPERSAMPLING, height * SUPERSAMPLING
    scene = _scene(w, h, random)
    ground = Image.fromarray(_blurred(scene.colours * 0.6).astype(np.uint8))
    draw = ImageDraw.Draw(ground)
    for number, brush in enumerate(BRUSHES):
        _cover(draw, scene, brush * min(w, h), number / (len(BRUSHES) - 1), random)
    return ground.resize((width, height), Image.Resampling.LANCZOS)


def _scene(w: int, h: int, random: np.random.Generator) -> _Scene:
    y, x = np.mgrid[0:h, 0:w] / min(w, h)
    right, horizon = w / min(w, h), 0.62 * h / min(w, h)

    # The flow circles around each star and drifts with smooth noise between them: psi is its stream function.
    stars = [(right * (0.18 + 0.62 * k / 4) + random.normal(0, 0.05), random.uniform(0.08, 0.34)) for k in range(5)]
    stars.append((right * 0.84, 0.2))
    radii = [*random.uniform(0.035, 0.06, 5), 0.1]
    psi = 0.32 * _noise(w, h, 3, random) + 0.07 * _noise(w, h, 9, random) + 0.9 * y
    glow = np.zeros((h, w))
    for (sx, sy), radius in zip(stars, radii, strict=True):
        distance = np.hypot(x - sx, y - sy)
        psi += 2.2 * radius * np.exp(-((distance / (3.2 * radius)) ** 2)) * np.cos(distance / radius * 1.4)
        glow = np.maximum(glow, np.exp(-((distance / (1.9 * radius)) ** 2)))
    down, along = np.gradient(psi)
    angles = np.arctan2(-along, down)

    # The sky runs through the night's colours along the flow; light pools around the stars.
    tone = 0.34 + 0.34 * _noise(w, h, 4, random) + 0.16 * np.sin(26 * psi) + 0.28 * (y / horizon - 0.4)
    colours = _palette(NIGHT, tone)
    light = _palette(LIGHT, 1.05 - glow + 0.1 * np.sin(40 * psi))
    colours = _mixed(colours, light, np.clip(2.2 * glow - 0.7, 0, 1))

    # Two ridges of hills; the brush follows their slope.
    detail = np.clip(glow * 1.4, 0, 1)
    for ridge, (base, amplitude) in enumerate(((0.0, 0.1), (0.13, 0.07))):
        line = horizon + base + amplitude * _noise(w, h, 2 + ridge, random)[h // 2]
        inside = y > line
        depth = (y - line) / 0.3
        land = _palette(LAND, 0.05 + 0.3 * ridge + 0.55 * depth + 0.28 * _noise(w, h, 7, random))
        colours = np.where(inside[..., None], land, colours)
        slope = np.arctan(np.gradient(line) * min(w, h))
        angles = np.where(inside, slope[None] + 0.35 * _noise(w, h, 5, random), angles)
        detail = np.maximum(detail, np.exp(-(((y - line) / 0.02) ** 2)))
    return _Scene(colours, angles, detail)


def _cover(
    draw: ImageDraw.ImageDraw, scene: _Scene, brush: float, fineness: float, random: np.random.Generator
) -> None:
    """Cover the picture with strokes of one brush; the finer it is, the more it keeps to where there is detail."""
    h, w = scene.angles.shape
    spacing = brush * 0.72
    rows, columns = int(h / spacing) + 2, int(w / (2.2 * spacing)) + 2
    places = np.array([(c * 2.2 * spacing, r * spacing) for r in range(rows) for c in range(columns)])
    places += random.normal(0, 0.6 * brush, places.shape)
    random.shuffle(places)
    for px, py in places:
        ix, iy = int(np.clip(px, 0, w - 1)), int(np.clip(py, 0, h - 1))
        if random.random() < fineness * (0.88 - scene.detail[iy, ix]):
            continue
        path = _trace(scene.angles, px, py, brush * random.uniform(4, 7.5), random)
        colour = scene.colours[iy, ix] * random.normal(1, 0.07) + random.normal(0, 7, 3)
        _stroke(draw, path, brush * random.uniform(0.75, 1.1), colour, random)


def _trace(angles: np.ndarray, x: float, y: float, length: float, random: np.random.Generator) -> np.ndarray:
    """The way of a brush that starts half a stroke upstream of (x, y) and follows the flow: (points, 2)."""
    h, w = angles.shape
    points, steps = [], 9
    heading, sway = angles[int(np.clip(y, 0, h - 1)), int(np.clip(x, 0, w - 1))], random.normal(0, 0.1)
    x, y = x - np.cos(heading) * length / 2, y - np.sin(heading) * length / 2
    for _ in range(steps):
        points.append((x, y))
        angle = angles[int(np.clip(y, 0, h - 1)), int(np.clip(x, 0, w - 1))] + sway
        if np.cos(angle - heading) < 0:  # the flow turned around: a brush does not
            break
        heading = angle
        x, y = x + np.cos(angle) * length / steps, y + np.sin(angle) * length / steps
    return np.array(points)


def _stroke(
    draw: ImageDraw.ImageDraw, path: np.ndarray, width: float, colour: np.ndarray, random: np.random.Generator
) -> None:
    if len(path) < 4:
        return
    ahead = np.gradient(path, axis=0)
    across = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / (np.hypot(*ahead.T)[:, None] + 1e-9)
    bristles = max(3, int(width / (2.2 * SUPERSAMPLING)))
    # Paint gathers at one side of the stroke, and shines there.
    shine = np.linspace(-1, 1, bristles) * random.choice((-1, 1))
    for offset, side in zip(np.linspace(-0.5, 0.5, bristles), shine, strict=True):
        shade = colour * (1 + 0.1 * side + random.normal(0, 0.07))
        shifted = path + across * (offset * width)
        ends = slice(int(random.random() < 0.3), len(path) - int(random.random() < 0.5))
        points = [(float(px), float(py)) for px, py in shifted[ends]]
        fill = tuple(int(value) for value in np.clip(shade, 0, 255))
        draw.line(points, fill=fill, width=max(2, round(1.7 * width / bristles)), joint="curve")


def _noise(w: int, h: int, cells: int, random: np.random.Generator) -> np.ndarray:
    """Smooth noise in [-1, 1] with about `cells` bumps along the longer side."""
    grid = random.uniform(-1, 1, (max(2, round(cells * h / max(w, h))) + 2, cells + 2)).astype(np.float32)
    field = np.asarray(Image.fromarray(grid).resize((w, h), Image.Resampling.BICUBIC))
    return np.clip(field * 1.3, -1, 1)


def _palette(colours: tuple[tuple[int, int, int], ...], tone: np.ndarray) -> np.ndarray:
    """(H, W) tones in [0, 1] as (H, W, 3) colours, running smoothly through a palette."""
    stops = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(tone, stops, channel) for channel in np.array(colours, float).T], -1)


def _mixed(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    return a + (b - a) * share[..., None]


def _blurred(pixels: np.ndarray) -> np.ndarray:
    h, w = pixels.shape[:2]
    small = Image.fromarray(pixels.astype(np.uint8)).resize((max(1, w // 40), max(1, h // 40)))
    return np.asarray(small.resize((w, h), Image.Resampling.BICUBIC))


# --- Shapes ---------------------------------------------------------------------------------------------------------


def shape(number: int, side: int = 64, seed: int = 0) -> Image.Image:
    """Draw a disc, a square or a triangle of random colour, size, place and turn on a plain ground, with soft edges.

    Args:
        number: which picture; its kind is `SHAPES[number % 3]`.
        side: of the picture, in pixels.
        seed: another seed is another series.

    Returns:
        An RGB picture; the same bytes for the same arguments, whatever was drawn before.
    """
    random = np.random.default_rng([seed, number])
    ground, colour = _two_colours(random)
    canvas = side * SHAPE_SUPERSAMPLING
    image = Image.new("RGB", (canvas, canvas), ground)
    radius = canvas * random.uniform(0.15, 0.35)  # of the circle around the shape, which lies wholly inside
    x, y = random.uniform(radius, canvas - radius, 2)
    turn = random.uniform(0, 360)
    draw, kind = ImageDraw.Draw(image), SHAPES[number % len(SHAPES)]
    if kind == "disc":
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    else:
        draw.regular_polygon((x, y, radius), 4 if kind == "square" else 3, rotation=turn, fill=colour)
    return image.resize((side, side), Image.Resampling.BOX)


def _two_colours(random: np.random.Generator) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """Two random colours that can be told apart."""
    while True:
        one, other = random.integers(0, 256, (2, 3)).tolist()
        if sum(abs(a - b) for a, b in zip(one, other, strict=True)) >= SHAPE_CONTRAST:
            return tuple(one), tuple(other)
