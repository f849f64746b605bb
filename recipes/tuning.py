"""The pictures of docs/tuning.md, strips that show what each setting does, and those of docs/pocket.md and instant.md.

    python recipes/tuning.py docs/pictures [STRIP...]

Photographs ship with scikit-learn, paintings are drawn by scumble. Pictures that are there already are not made again:
delete those to be renewed. Some minutes on two cores, most of them for the strip of presets.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from scumble import stylize, texture
from scumble.data.synthetic import painting
from scumble.web.shelf import FOLDER

SIZE = 320
TEMPLE, FLOWER = (Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg"))
NIGHT = painting(seed=1)
DUSK = Image.fromarray(np.array(painting(seed=4).rotate(90, expand=True))[:, :, ::-1].copy())


def variants(
    name: str, *values: Any, photo: Image.Image = TEMPLE, style: Image.Image = NIGHT, **fixed: Any
) -> list[Callable[[], Image.Image]]:
    """A painting for each value of one setting."""
    return [lambda value=value: stylize(photo, style, **{"size": SIZE} | fixed | {name: value}) for value in values]


def presets(preset: str) -> Callable[[], Image.Image]:
    """A preset as it is."""
    return lambda: stylize(TEMPLE, NIGHT, preset=preset, size=256)


def through(photo: Image.Image, style: Image.Image) -> list[Callable[[], Image.Image]]:
    """The same settings through the small network, through it and then VGG19, and through VGG19 alone."""
    networks: list[dict[str, Any]] = [{}, {"finish": 20}, {"backbone": "vgg19-caffe"}]
    return [lambda chosen=chosen: stylize(photo, style, size=SIZE, **chosen) for chosen in networks]


def in_one_pass(path: Path) -> list[Callable[[], Image.Image]]:
    """A painting, and both photographs in its style."""
    painted = [lambda photo=photo: stylize(photo, path, preset="instant") for photo in (TEMPLE, FLOWER)]
    return [lambda: Image.open(path), *painted]


def halves() -> list[Image.Image]:
    """Two masks with a soft edge between them: the sky, and what is below."""
    width, height = TEMPLE.size
    below = np.clip((np.arange(height) / height - 0.32) / 0.06, 0, 1)
    return [Image.fromarray(np.tile(m[:, None] * 255, width).astype(np.uint8)) for m in (1 - below, below)]


FROM_THE_PHOTOGRAPH = {"init": "matched"}
"""Where what one pass has painted would hide the difference."""

KEEPS = (0.1, 0.3, 1.0, 3.0, 10.0)
ROWS = {"keep": 1 + len(KEEPS), "instant": 6}
"""Pictures in a row, where not all are in one."""

STRIPS: dict[str, list[Callable[[], Image.Image]]] = {
    "presets": [lambda: TEMPLE, lambda: NIGHT, presets("quick"), presets("fine"), presets("gatys")],
    "pocket": through(TEMPLE, NIGHT) + through(FLOWER, DUSK),
    "instant": [picture for path in sorted(FOLDER.glob("*.jpg")) for picture in in_one_pass(path)],
    "keep": [
        picture
        for photo, style in ((TEMPLE, NIGHT), (FLOWER, DUSK), (TEMPLE, DUSK), (FLOWER, NIGHT))
        for picture in (lambda style=style: style, *variants("keep", *KEEPS, photo=photo, style=style))
    ],
    "balance": variants("balance", "plain", "subject", **FROM_THE_PHOTOGRAPH),
    "palette": [lambda: FLOWER, lambda: NIGHT, *variants("palette", "fitted", "whole", photo=FLOWER)],
    "strength": variants("strength", 0.0, 0.25, 0.5, 0.75, 1.0),
    "style-weight": variants("style_weight", 0.25, 2.5, 25.0),
    "style-scale": variants("style_scale", 0.5, 1.0, 2.0),
    "loss": variants("loss", "gram", "covariance", "mean-std", "wasserstein", "histogram", **FROM_THE_PHOTOGRAPH),
    "scales": variants("scales", 1, "auto", **FROM_THE_PHOTOGRAPH),
    "colour": variants("colour", "style", "match", "content", photo=FLOWER),
    "several": [
        lambda: DUSK,
        lambda: stylize(TEMPLE, [NIGHT, DUSK], size=SIZE),
        lambda: stylize(TEMPLE, [NIGHT, DUSK], masks=halves(), size=SIZE),
        lambda: texture(NIGHT, size=SIZE, aspect=1.5),
    ],
}


def main() -> None:
    """Make what is not there yet."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or STRIPS:
        path = folder / f"{name}.jpg"
        if not path.exists():
            made = [make() for make in STRIPS[name]]
            each = ROWS.get(name, len(made))
            above_each_other([side_by_side(made[i : i + each]) for i in range(0, len(made), each)]).save(
                path, quality=88
            )
            print(path, flush=True)


def side_by_side(pictures: list[Image.Image], height: int = 170, gap: int = 4) -> Image.Image:
    """Pictures of one height in a row."""
    scaled = [p.resize((round(p.width * height / p.height), height), Image.Resampling.LANCZOS) for p in pictures]
    strip = Image.new("RGB", (sum(p.width + gap for p in scaled) - gap, height), "white")
    left = 0
    for picture in scaled:
        strip.paste(picture, (left, 0))
        left += picture.width + gap
    return strip


def above_each_other(strips: list[Image.Image], gap: int = 4) -> Image.Image:
    """Strips, one a row."""
    sheet = Image.new("RGB", (max(s.width for s in strips), sum(s.height + gap for s in strips) - gap), "white")
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + gap
    return sheet


if __name__ == "__main__":
    main()
