"""A report as a picture: the page's parts on a sheet of A4, for slides and print."""

import textwrap
import warnings

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from scumble.gan.evaluation.result import TITLES
from scumble.gan.plots import draw_curves
from scumble.gan.report.contents import Contents, Neighbours, facts_of_data, facts_of_training
from scumble.gan.report.page import TONES
from scumble.image.tensors import grid

SIZE, DPI = (8.27, 11.69), 150
"""A4 in inches, and dots an inch."""
LEFT, RIGHT = 0.07, 0.93
"""Margins, as shares of the width."""
QUIET, COLOURS = "0.4", {"good": "#2b7a4b", "mixed": "#a86500", "bad": "#b3372f"}
"""The colours of verdicts are those of the page on white."""
CURVES = ("losses", "monitor")
FACTS = 9
"""Lines of facts that there is room for."""


def poster(contents: Contents) -> np.ndarray:
    """(H, W, 3) uint8 pixels."""
    figure = Figure(figsize=SIZE, dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    _text(figure, LEFT, 0.955, f"A GAN trained on {contents.facts.data.name}"[:70], fontsize=17, weight="bold")
    _text(figure, LEFT, 0.938, f"{contents.name}: {contents.state}"[:110], fontsize=9.5, color=QUIET)
    _verdict(figure, contents)
    if contents.samples is not None:
        _picture(figure, grid(contents.samples, 8), (LEFT, 0.56, 0.41, 0.29), "samples: seeds 0 to 63, not selected")
    _figures(figure, contents)
    if contents.neighbours is not None and contents.samples is not None:
        _nearest(figure, contents.neighbours, contents.samples)
    if len(contents.rows) > 1:
        _curves(figure, contents)
    for left, rows in ((LEFT, facts_of_data(contents.facts)), (0.52, facts_of_training(contents.facts))):
        lines = [f"{name}: {value}" for name, value in rows]
        told = "\n".join(textwrap.shorten(line, 68, placeholder=" ...") for line in lines[:FACTS])
        _text(figure, left, 0.155, told, fontsize=7.5, linespacing=1.45, va="top")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)  # of a stranger's alphabet
        canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def _text(figure: Figure, x: float, y: float, words: str, **style: object) -> None:
    """Words as they are: a dollar in a name begins no formula."""
    figure.text(x, y, words, parse_math=False, **style)  # pyright: ignore[reportArgumentType]


def _verdict(figure: Figure, contents: Contents) -> None:
    verdict = contents.verdict
    told, colour = ("; ".join(contents.missing), QUIET)
    if verdict is not None:
        told, colour = verdict.text + ".", COLOURS[TONES.get(verdict.kind, "bad")]
    lines = textwrap.wrap(told, 94)[:4]
    _text(figure, LEFT, 0.922, "\n".join(lines), fontsize=10.5, color=colour, linespacing=1.35, va="top")


def _picture(figure: Figure, pixels: np.ndarray, place: tuple[float, float, float, float], title: str) -> None:
    axes = figure.add_axes(place, anchor="NW")
    axes.imshow(pixels, interpolation="nearest")
    axes.set_axis_off()
    axes.set_title(title, fontsize=8, color=QUIET, loc="left")


def _figures(figure: Figure, contents: Contents) -> None:
    """A table in the right half: the figures, and those of other real pictures."""
    found, logged, rows = contents.evaluation, contents.logged or {}, [("", "samples", "")]
    if found is not None:
        rows = [("", "samples", "other real pictures" * bool(found.others))]
        for one in found.figures:
            other = found.other(one.name)
            rows.append((one.title, f"{one.value:.2g}", "" if other is None else f"{other.value:.2g}"))
        told = textwrap.fill(found.conditions(), 72)
        _text(figure, 0.52, 0.655, told, fontsize=6.5, color=QUIET, linespacing=1.4, va="top")
    else:
        names = ("frechet_distance", "precision", "recall", "coverage")
        rows += [(TITLES.get(name, name), f"{logged[name]:.2g}", "") for name in names if name in logged]
    for number, row in enumerate(rows if len(rows) > 1 else ()):
        for x, cell, side in zip((0.52, 0.75, RIGHT), row, ("left", "right", "right"), strict=True):
            _text(figure, x, 0.845 - 0.021 * number, cell, fontsize=8.5, ha=side, color="black" if number else QUIET)


def _nearest(figure: Figure, neighbours: Neighbours, samples: np.ndarray) -> None:
    count = len(neighbours.found.samples)
    rows = [samples[:count], neighbours.by_features, neighbours.by_pixels]
    _picture(figure, grid(np.concatenate(rows), count), (LEFT, 0.375, 0.55, 0.15), "is anything copied?")
    key = "Above: samples; in the middle: the nearest real pictures by features; below: by pixels."
    told = neighbours.found.conclusion() + "."
    both = "\n\n".join(textwrap.fill(text, 38) for text in (key, told[:1].upper() + told[1:]))
    _text(figure, 0.66, 0.52, both, fontsize=8.5, linespacing=1.5, va="top")


def _curves(figure: Figure, contents: Contents) -> None:
    drawn = draw_curves(contents.rows, CURVES)
    canvas = FigureCanvasAgg(drawn)
    drawn.set_size_inches(SIZE[0] * (RIGHT - LEFT) * 1.3, 2.35)
    drawn.set_dpi(2 * DPI)
    canvas.draw()
    axes = figure.add_axes((LEFT, 0.17, RIGHT - LEFT, 0.17), anchor="NW")
    axes.imshow(np.asarray(canvas.buffer_rgba()), interpolation="antialiased")
    axes.set_axis_off()
