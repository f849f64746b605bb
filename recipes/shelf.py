"""The shelf of the web page: six small paintings, drawn by this program, so that nobody else's have to be passed on.

    python recipes/shelf.py [FOLDER]

Writes a JPEG for each into FOLDER (default: where the package keeps them). The same program draws the same pictures.

A painting is a few thousand strokes along a field of directions. Each is a bundle of bristles, whose colours differ a
little and leave ridges; light from the upper left then falls over the ridges, as it does over thick paint.
"""

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE, FINAL_SIDE = 960, 480
"""Pixels that are drawn, and those of the file: lines without steps."""

MAX_BYTES = 60_000

FOLDER = Path(__file__).parents[1] / "src" / "scumble" / "web" / "shelf_pictures"

Array = np.ndarray
Field = Callable[[Array, Array], Array]
"""What there is at places x, y in [0, 1]: a direction (N,) in radians, or a colour (N, 3) in [0, 1]."""


class Canvas:
    """Paint, and how thick it lies. Positions are in [0, 1] of the width, downwards from the upper left."""

    def __init__(self, width: int, height: int, ground: tuple[int, int, int], seed: int):
        self.picture = Image.new("RGB", (width, height), ground)
        self.thickness = Image.new("L", (width, height), 128)
        self.random = np.random.default_rng(seed)
        self.aspect = height / width
        self._paint, self._ridges = ImageDraw.Draw(self.picture), ImageDraw.Draw(self.thickness)

    def places(self, count: int, top: float = 0.0, bottom: float = 1.0) -> tuple[Array, Array]:
        """Random places between two heights, which are in [0, 1] of the height; those below come later."""
        x, y = self.random.uniform(-0.03, 1.03, count), self.random.uniform(top, bottom, count)
        return x, y * self.aspect

    def strokes(
        self, x: Array, y: Array, colours: Array, direction: Field, length: float, width: float, spread: float = 0.06
    ) -> None:
        """Strokes that begin at places and follow a field of directions.

        Args:
            x: where they begin, (N,).
            y: likewise.
            colours: of each, (N, 3) in [0, 1].
            direction: that they follow.
            length: of each on average, in [0, 1] of the width.
            width: likewise.
            spread: standard deviation of a bristle's brightness.
        """
        size, random = self.picture.width, self.random
        lengths = length * random.uniform(0.6, 1.4, len(x))
        ways = [np.stack([x, y], 1)]
        for _ in range(8):
            here = ways[-1]
            angle = direction(here[:, 0], here[:, 1])
            ways.append(here + np.stack([np.cos(angle), np.sin(angle)], 1) * lengths[:, None] / 8)
        paths = np.stack(ways, 1)  # (N, 9, 2)
        bristles = max(3, round(width * size / 2.4))
        for path, colour in zip(paths, colours, strict=True):
            across = path[-1] - path[0]
            normal = np.array([-across[1], across[0]]) / (np.linalg.norm(across) + 1e-9)
            for offset in random.permutation(np.linspace(-0.5, 0.5, bristles)):
                shade = np.clip(colour + random.normal(0, spread) + random.normal(0, 0.012, 3), 0, 1)
                start, end = random.integers(0, 2), random.integers(7, 10)  # bristles lift off one by one
                points = [tuple(point) for point in (path[start:end] + normal * offset * width) * size]
                self._paint.line(points, tuple(int(255 * value) for value in shade), 3, "curve")
                self._ridges.line(points, int(random.uniform(70, 190)), 3, "curve")

    def line(self, path: Array, breadth: Array | float, colour: Array) -> None:
        """One line of paint along a path (N, 2), as broad at each of its points as told, in [0, 1] of the width."""
        ahead = np.gradient(path, axis=0)
        normal = np.stack([-ahead[:, 1], ahead[:, 0]], 1) / (np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9)
        half = normal * np.reshape(breadth, (-1, 1)) / 2
        points = [tuple(point) for point in np.concatenate([path + half, (path - half)[::-1]]) * self.picture.width]
        self._paint.polygon(points, tuple(int(255 * value) for value in np.clip(colour, 0, 1)))

    def polygon(self, points: Array, colour: Array, thickness: int) -> None:
        """An even piece with corners (N, 2), which stands out as far as told, in [0, 255]."""
        corners = [tuple(point) for point in points * self.picture.width]
        self._paint.polygon(corners, tuple(int(255 * value) for value in colour))
        self._ridges.polygon(corners, thickness)

    def points(self, x: Array, y: Array, radii: Array, colours: Array) -> None:
        """Round points of paint."""
        for *place, radius, colour in zip(x, y, radii, colours, strict=True):
            box = [self.picture.width * (value + way * radius) for way in (-1, 1) for value in place]
            self._paint.ellipse(box, tuple(int(255 * value) for value in colour))
            self._ridges.ellipse(box, int(self.random.uniform(110, 200)))

    def seal(self, x: int, y: int) -> None:
        """A red seal, its upper left corner at a pixel."""
        self._paint.rounded_rectangle((x, y, x + 54, y + 54), 6, (176, 42, 32))
        for line in ((10, 12, 44, 12), (27, 12, 27, 42), (10, 42, 44, 42), (12, 27, 20, 27), (35, 27, 43, 27)):
            self._paint.line([x + line[0], y + line[1], x + line[2], y + line[3]], (240, 225, 208), 4)

    def lit(self, depth: float) -> Image.Image:
        """The painting with light on its ridges, at its final size."""
        thick = np.asarray(self.thickness.filter(ImageFilter.GaussianBlur(1.2)), np.float32) / 255
        down, right = np.gradient(thick)
        light = 1 + depth * (right + down)
        lit = np.asarray(self.picture, np.float32) * np.clip(light, 0.6, 1.45)[..., None]
        whole = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
        size = (FINAL_SIDE * whole.width // SIDE, FINAL_SIDE * whole.height // SIDE)
        return whole.resize(size, Image.Resampling.LANCZOS)


def palette(*colours: str) -> Array:
    """Colours as people write them, (N, 3) in [0, 1]."""
    return np.array([[int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)] for colour in colours])


def along(colours: Array, share: Array) -> Array:
    """The colours at a share in [0, 1] of the way through a palette, (N, 3)."""
    places = np.linspace(0, 1, len(colours))
    return np.stack([np.interp(np.clip(share, 0, 1), places, channel) for channel in colours.T], -1)


def bumps(random: np.random.Generator, size: tuple[int, int], cells: int) -> Array:
    """Smooth noise (H, W) with mean 0 and about so many bumps across."""
    width, height = size
    small = random.normal(size=(max(2, cells * height // width), cells)).astype(np.float32)
    return np.asarray(Image.fromarray(small).resize(size, Image.Resampling.BICUBIC))


def waves() -> Image.Image:
    """A sea in long strokes, its crests white, under a pale sky."""
    canvas = Canvas(960, 720, (30, 52, 92), 1)
    sea, sky = (
        palette("0b2447", "14478c", "2b7bb9", "63b6c4", "cfe9e2", "fbf8ee"),
        palette("f3dfb8", "e9c79a", "c8cfc4"),
    )

    def swell(x: Array, y: Array) -> Array:
        return (y - 0.2) ** 0.8 * 9 + 0.9 * np.sin(7 * x + 9 * y) + 0.45 * np.sin(15 * x - 6 * y + 1)

    def direction(x: Array, y: Array) -> Array:
        y, step = np.maximum(y, 0.21), 1e-3
        right = swell(x + step, y) - swell(x - step, y)
        down = swell(x, y + step) - swell(x, np.maximum(y - step, 0.2)) + 1e-6
        return np.arctan2(-right, down)

    x, y = canvas.places(700, 0, 0.3)
    light = along(sky, 1 - y / 0.22 + canvas.random.normal(0, 0.15, len(x)))
    canvas.strokes(x, y, light, lambda x, y: 0.12 * np.sin(9 * x + 20 * y), 0.16, 0.022, 0.03)
    for count, length, width in ((1500, 0.16, 0.022), (2600, 0.1, 0.012), (2200, 0.06, 0.007)):
        x, y = canvas.places(count, 0.29, 1.03)
        share = (swell(x, np.maximum(y, 0.2)) % 1) ** 1.7 + canvas.random.normal(0, 0.09, count)
        canvas.strokes(x, y, along(sea, share), direction, length, width, 0.035)
    return canvas.lit(1.1)


def fields() -> Image.Image:
    """Rows of corn that run to the horizon, in short thick strokes, with cypresses and poppies."""
    canvas = Canvas(960, 720, (196, 160, 70), 2)
    sky, corn = (
        palette("3f7fae", "7fb6c4", "d8e3c8", "f2dfa6"),
        palette("8a5a14", "c98a1b", "e9b93a", "f7dd7a", "9aa53a"),
    )
    horizon, random = 0.33, canvas.random

    def turning(x: Array, y: Array) -> Array:
        return 0.5 * np.sin(6 * x + 3) + 0.9 * np.cos(14 * y + 5 * x)

    def rows(x: Array, y: Array) -> Array:
        return np.arctan2(horizon - 0.06 - y, 0.62 - x) + 0.25 * np.sin(30 * x)

    for count, width in ((900, 0.03), (1100, 0.018)):
        x, y = canvas.places(count, 0, 0.47)
        light = along(sky, y / horizon + 0.3 * np.sin(8 * x + 10 * y) + random.normal(0, 0.12, count))
        canvas.strokes(x, y, light, turning, 0.085, width, 0.04)
    x, y = canvas.places(260, 0.42, 0.49)
    canvas.strokes(
        x, y, along(palette("2d4a3a", "5c7a4a", "7d93a0"), random.random(260)), lambda x, _: 0 * x, 0.07, 0.015
    )
    for count, length, width in ((1500, 0.07, 0.026), (2600, 0.05, 0.014)):
        x, y = canvas.places(count, 0.46, 1.03)
        angle = rows(x, y)
        share = 0.5 + 0.42 * np.sin(26 * angle) + random.normal(0, 0.16, count)
        order = np.argsort(y)
        canvas.strokes(x[order], y[order], along(corn, share)[order], rows, length, width, 0.05)
    for middle, foot, tall in ((0.17, 0.47, 0.42), (0.25, 0.45, 0.3), (0.9, 0.44, 0.26)):
        y = foot - tall * random.beta(1.2, 1.1, 330)
        x = middle + random.normal(0, 1, 330) * 0.024 * np.clip((y - foot + tall) / tall * 1.6, 0.1, 1)
        colours = along(palette("0f2a1e", "1f4a2c", "44702f"), random.random(330))
        canvas.strokes(x, y, colours, lambda x, y: -1.57 + 0.5 * np.sin(40 * y + 20 * x), 0.06, 0.011, 0.04)
    x, y = canvas.places(260, 0.6, 1)
    canvas.strokes(x, y, along(palette("a81f16", "d8402a", "ef7a4a"), random.random(260)), rows, 0.016, 0.014, 0.06)
    return canvas.lit(1.5)


def night() -> Image.Image:
    """Lights in a turning sky, over dark hills."""
    canvas = Canvas(960, 720, (16, 24, 66), 3)
    random = canvas.random
    lights = np.array(
        [[0.16, 0.14, 0.07], [0.41, 0.27, 0.11], [0.68, 0.12, 0.06], [0.86, 0.26, 0.09], [0.6, 0.42, 0.04]]
    )
    sky = palette("0a1038", "17247a", "2c4cae", "5f8fd0", "a9cbe0")
    glow = palette("fff6c8", "ffd95e", "f0a52a", "7d9a6a", "2c4cae")

    def direction(x: Array, y: Array) -> Array:
        right, down = np.ones_like(x) * 0.5, 0.25 * np.sin(9 * x)
        for turn, (a, b, reach) in enumerate(lights):
            far = (x - a) ** 2 + (y - b) ** 2
            pull = 6 * np.exp(-far / (2 * (1.5 * reach) ** 2)) * (1 if turn % 2 else -1)
            right, down = right - pull * (y - b) / reach, down + pull * (x - a) / reach
        return np.arctan2(down, right)

    def nearest(x: Array, y: Array) -> Array:
        return np.min([np.hypot(x - a, y - b) / reach for a, b, reach in lights], 0)

    for count, length, width in ((1500, 0.11, 0.024), (2700, 0.08, 0.013), (1800, 0.05, 0.008)):
        x, y = canvas.places(count, 0, 0.85)
        far = nearest(x, y)
        dark = along(sky, 0.42 + 0.3 * np.sin(16 * far) * np.exp(-far / 3) + random.normal(0, 0.17, count))
        bright = along(glow, far / 1.05 + random.normal(0, 0.07, count))
        canvas.strokes(x, y, np.where(far[:, None] < 1, bright, dark), direction, length, width, 0.04)
    hills = [
        (0.52, 0.05, 5, "1b2f5c", "2e5a7a"),
        (0.6, 0.05, 8, "14243f", "27503f"),
        (0.68, 0.03, 11, "0c1626", "1c3a34"),
    ]
    for height, swing, often, dark, light in hills:
        x = random.uniform(-0.05, 1.02, 1300)
        edge = height + swing * np.sin(often * x + often)
        y = edge + random.exponential(0.06, 1300)
        colours = along(palette(dark, light), np.exp(-(y - edge) / 0.03) + random.normal(0, 0.15, 1300))
        canvas.strokes(x, y, colours, lambda x, y, s=swing, o=often: np.arctan(s * o * np.cos(o * x + o)), 0.07, 0.012)
    x, y = random.uniform(0.25, 0.8, 46), random.uniform(0.6, 0.7, 46)
    canvas.strokes(x, y, along(palette("ffcf4d", "f08a24"), random.random(46)), lambda x, _: 0 * x + 1.57, 0.016, 0.01)
    return canvas.lit(1.4)


def mosaic() -> Image.Image:
    """Small stones in rings around a sun and in rows of waves below it."""
    canvas = Canvas(960, 960, (58, 50, 46), 4)
    random = canvas.random
    bands = [
        palette("e8b63c", "f2d27a", "d9942a"), palette("f3e6c8", "e6d3a8"), palette("b5482e", "c9603f", "9c3a26"),
        palette("f0e0bc", "dcc79a"), palette("1f6f78", "2f8f8f", "174f5e"), palette("e9d9b6", "d8c296"),
        palette("7a2f2a", "a3503a"), palette("2a5f8a", "3d7fa6", "1d4468"), palette("efe2c4", "d9c8a0"),
    ]  # fmt: skip
    stone, middle = 0.0215, (0.5, 0.42)
    for ring in range(1, 44):
        radius = ring * stone
        count = max(5, round(2 * np.pi * radius / stone))
        for part in range(count):
            angle = 2 * np.pi * (part + 0.5 * (ring % 2)) / count + random.normal(0, 0.06) / ring
            x, y = middle[0] + radius * np.cos(angle), middle[1] + radius * np.sin(angle)
            band = int(ring / 4 + 0.55 * np.sin(12 * angle) * (ring > 7)) % len(bands)
            turn = angle
            if y > 0.8 + 0.03 * np.sin(14 * x):
                continue
            _stone(canvas, (x, y), turn, stone, bands[band])
    for row in range(15):
        for column in range(-1, 49):
            x = (column + 0.5 * (row % 2)) * stone
            y = 0.795 + row * stone + 0.03 * np.sin(14 * x)
            turn = np.arctan(0.42 * np.cos(14 * x))
            colours = (bands[7], bands[4], bands[1])[(row // 2) % 3]
            _stone(canvas, (x, y + stone / 2), turn, stone, colours)
    return canvas.lit(1.6)


def _stone(canvas: Canvas, place: tuple[float, float], turn: float, side: float, colours: Array) -> None:
    """One tile: four corners, none quite where it should be, of a colour of its own."""
    random, half = canvas.random, side * 0.43
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half + random.normal(0, half * 0.13, (4, 2))
    turned = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + place
    colour = colours[random.integers(len(colours))] + random.normal(0, 0.05) + random.normal(0, 0.02, 3)
    canvas.polygon(turned, np.clip(colour, 0, 1), int(random.uniform(150, 215)))


def ink() -> Image.Image:
    """Mountains in washes of black ink, one behind the other, reeds before them, and a red seal."""
    canvas = Canvas(720, 960, (240, 233, 217), 5)
    random, size = canvas.random, canvas.picture.size
    width, height = size
    fibres = (
        0.02 * bumps(random, size, 90) + 0.018 * bumps(random, size, 9) + 0.012 * random.normal(size=(height, width))
    )
    tone = np.ones((height, width), np.float32) + fibres
    down = np.arange(height)[:, None]
    wet = bumps(random, size, 14)
    for layer, level in enumerate((0.24, 0.36, 0.5, 0.64)):
        swings = ((4, 0.075), (11, 0.026), (40, 0.006))
        peaks = np.sum([bumps(random, (width, 2), cells)[0] * swing for cells, swing in swings], 0)
        edge = (level + peaks) * height
        depth = (down - edge[None]) / height  # below the ridge
        strength = 0.16 + 0.17 * layer
        wash = strength * (
            np.exp(-np.maximum(depth, 0) / (0.06 + 0.03 * layer)) + 0.25 * np.exp(-np.maximum(depth, 0) / 0.008)
        )
        soft = 1 / (1 + np.exp(-depth * height / (2.5 + np.abs(wet) * 2)))
        tone *= 1 - np.clip(wash * soft * (1 + 0.28 * wet), 0, 0.93)
    paper = np.array([243, 236, 221], np.float32)
    black = np.array([26, 28, 34], np.float32)
    share = np.clip(tone, 0, 1.05)[..., None]
    canvas.picture.paste(Image.fromarray(np.clip(black + (paper - black) * share, 0, 255).astype(np.uint8)))
    for _ in range(9):
        _reed(canvas, canvas.random.uniform(0.05, 0.46), canvas.random.normal(0.16, 0.16))
    canvas.seal(596, 820)
    return canvas.lit(0.35)


def _reed(canvas: Canvas, foot: float, lean: float) -> None:
    """A stem from the lower edge upwards, in one stroke for each joint, and leaves that hang from it in threes."""
    random, tone = canvas.random, canvas.random.uniform(0.08, 0.62)
    inks = palette("111217", "8d8e8f")
    bottom, tall = 1.36, random.uniform(0.3, 0.6)

    def stem(share: Array) -> Array:
        return np.stack([foot + lean * tall * share**1.4, bottom - tall * share], -1)

    for joint in np.arange(0, 1, 0.2):
        line = stem(joint + np.linspace(0.008, 0.19, 6)) + random.normal(0, 0.0006, (6, 2))
        shade = along(inks, np.array([tone + random.normal(0, 0.05)]))[0]
        canvas.line(line, 0.006 * (1.1 - 0.5 * joint), shade)
        if joint < 0.35:
            continue
        for hang in random.uniform(0.5, 1.5, 3) * random.choice([-1, 1]) + np.pi / 2 - 0.2:
            way = np.linspace(0, 1, 12)
            bend = hang + (np.pi / 2 - hang) * 0.5 * way
            along_leaf = np.cumsum(np.stack([np.cos(bend), np.sin(bend)], -1), 0) * random.uniform(0.07, 0.13) / 12
            breadth = 0.014 * np.sin(np.pi * way**0.7) * (1 - 0.3 * way) + 0.0008
            shade = along(inks, np.array([tone + random.normal(0.02, 0.1)]))[0]
            canvas.line(stem(np.array(joint)) + along_leaf, breadth, shade)


def garden() -> Image.Image:
    """A pond, a path and trees, in points of pure colour."""
    canvas = Canvas(960, 720, (232, 222, 196), 6)
    random, count = canvas.random, 26_000
    x, y = random.uniform(0, 1, count), random.uniform(0, 0.75, count)
    water, tree = palette("2f66b8", "4f8fd0", "8fc0de", "7a5fb0", "e9d9ea"), palette("5a3a2a", "7a4a6a", "3a2f4a")
    flowers = palette("d8305a", "f2709a", "f5d03f", "3f8a45", "fbf3e8", "7a4fb0", "5fae3c")
    path = np.abs(x - 0.78 - 0.5 * (y - 0.4) ** 2 - 0.05 * np.sin(9 * y)) < 0.02 + 0.14 * np.maximum(y - 0.27, 0)
    regions = [
        (y < 0.26, palette("8fc4e8", "b7d9ee", "f5e9c8", "f2c6d0", "6fa4dc")),
        (y >= 0.26, palette("6fae3c", "9cc53f", "d8d84a", "3f8a45", "efe07a")),
        ((y > 0.27) & (np.hypot((x - 0.34) / 1.9, y - 0.48) < 0.15), water),
        (path, palette("f2d9a8", "f5c48a", "e8a9a0", "fbeed0")),
        (_round(x - 0.13, y - 0.2, 0.18, 0.19), palette("1d5a3a", "2f7a3c", "6aa03a", "274a7a", "b8a83a")),
        (_round(x - 0.6, y - 0.17, 0.14, 0.12), palette("d8502a", "ef8a2a", "f5bf3f", "9a3040", "7a8a3a")),
        (_round(x - 0.95, y - 0.16, 0.11, 0.2), palette("2a6a4a", "1f4f5a", "5f9a4a", "8a4f8a")),
        ((np.abs(x - 0.13) < 0.013) & (y > 0.3) & (y < 0.42), tree),
        ((np.abs(x - 0.6) < 0.01) & (y > 0.25) & (y < 0.38), tree),
        ((y > 0.6 + 0.03 * np.sin(11 * x)) & (x < 0.74), flowers),
    ]
    colours = np.zeros((count, 3))
    for inside, pure in regions:
        shade = random.integers(len(pure), size=count)
        colours = np.where(inside[:, None], pure[shade], colours)
    colours = np.clip(colours + random.normal(0, 0.03, (count, 3)), 0, 1)
    sizes = random.uniform(0.0038, 0.0068, count) * (0.75 + 0.7 * y)
    canvas.points(x, y, sizes, colours)
    return canvas.lit(0.9)


def _round(x: Array, y: Array, wide: float, high: float) -> Array:
    return np.hypot(x / wide, y / high) < 1


PAINTINGS = {"waves": waves, "fields": fields, "night": night, "mosaic": mosaic, "ink": ink, "garden": garden}


def encoded(picture: Image.Image) -> bytes:
    """As a JPEG of at most `MAX_BYTES`."""
    data, quality = b"", 92
    while not data or len(data) > MAX_BYTES:
        quality -= 4
        picture.save(file := io.BytesIO(), "JPEG", quality=quality, optimize=True)
        data = file.getvalue()
    return data


def main() -> None:
    """Draw them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PAINTINGS.items():
        (folder / f"{name}.jpg").write_bytes(data := encoded(draw()))
        print(f"{name}.jpg: {len(data) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
