"""The picture of recipes/timeline.py: the years from top to bottom, the methods of each, a sample under each name."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from scumble import GAN, Translator
from scumble.errors import RunError
from scumble.gan.translation.degrade import degraded
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.models.sheet import sheet
from scumble.image.tensors import to_signed
from scumble.training.task import Batch

SIDE, GAP, NAME, YEAR = 128, 12, 20, 70
"""Pixels: of a sample, around it, of its name's height, and of the place for the years."""
COLUMNS = 8
CUTS, CUT_HEIGHT = 3, 1.5
"""Of a photograph, how many squares are shown, and how many of them are as high as it is."""
PAPER, INK, LINE, EMPTY = (255, 255, 255), (40, 40, 40), (90, 110, 190), (238, 238, 238)


def sample_of(run: Path, photograph: Path | None = None) -> Image.Image:
    """What a run's model makes, as a square picture: some samples of a GAN; of a translator, rows of a sheet.

    Args:
        run: a finished one.
        photograph: that a translator is shown by, whose own pictures may not be passed on; None for its last grid.
    """
    try:
        TranslationFacts.read_from(run)
    except RunError:
        return _square(np.asarray(GAN.from_pretrained(run, "cpu").grid(range(9), columns=3)))
    translator = Translator.from_pretrained(run, "cpu")
    if photograph is None:
        return _square(np.asarray(Image.open(sorted((run / "grids").iterdir())[-1]).convert("RGB")))
    return _square(sheet(translator, cuts(translator, photograph), translator.settings.pairs != "none"))


def cuts(translator: Translator, photograph: Path) -> Batch:
    """Cuts of a photograph in the form that a translator has learnt from, in a batch."""
    settings, (side, _) = translator.settings, translator.settings.cut
    with Image.open(photograph) as picture:
        height = int(CUT_HEIGHT * side)
        size = (round(picture.width * height / picture.height), height)
        pixels = np.asarray(picture.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    lefts = np.linspace(0, size[0] - side, CUTS).astype(int)
    cut = np.stack([pixels[height - side :, left : left + side] for left in lefts]).transpose(0, 3, 1, 2)
    whole = to_signed(cut, torch.device("cpu"))
    if settings.pairs == "none":
        return {"a": whole}
    random = torch.Generator().manual_seed(0)
    lost, mask = degraded(settings.pairs, whole, random, translator.kind.enlarges == 1)
    a, b = (lost, whole) if settings.direction == "forward" else (whole, lost)
    return {"a": a, "b": b} | ({} if mask is None else {"mask": mask})


def _square(pixels: np.ndarray) -> Image.Image:
    """The upper left part of a sheet, as a square."""
    side = min(pixels.shape[:2])
    return Image.fromarray(pixels[:side, :side]).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def drawn(methods: dict[str, tuple[int, Path | None]], before: Image.Image | None = None) -> Image.Image:
    """The timeline.

    Args:
        methods: by name, in the order of their years: the year, and the file of a sample, None where there is none.
        before: an earlier timeline of the same methods, whose samples stay where there is none; places are empty
            without it.
    """
    rows: list[tuple[int, list[str]]] = []
    for name, (year, _) in methods.items():
        if not rows or rows[-1][0] != year or len(rows[-1][1]) == COLUMNS:
            rows.append((year, []))
        rows[-1][1].append(name)
    cell = (SIDE + GAP, SIDE + NAME + GAP)
    picture = Image.new("RGB", (YEAR + COLUMNS * cell[0] + GAP, len(rows) * cell[1] + GAP), PAPER)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    large = ImageFont.load_default(20)
    draw.line((YEAR - GAP, GAP, YEAR - GAP, picture.height - GAP), LINE, 3)
    seen = set()
    for number, (year, names) in enumerate(rows):
        top = number * cell[1] + GAP
        if year not in seen:
            draw.text((4, top), str(year), INK, large)
            draw.ellipse((YEAR - GAP - 6, top + 5, YEAR - GAP + 6, top + 17), LINE)
            seen.add(year)
        for place, name in enumerate(names):
            left, sample = YEAR + place * cell[0] + GAP // 2, methods[name][1]
            draw.text((left, top), name, INK, font)
            place_of = (left, top + NAME, left + SIDE, top + NAME + SIDE)
            if sample is not None:
                picture.paste(Image.open(sample).convert("RGB"), place_of)
            elif before is not None and before.size == picture.size:
                picture.paste(before.crop(place_of), place_of)
            else:
                picture.paste(EMPTY, place_of)
    return picture
