"""A report as a page: HTML in one file, with everything in it; it can be sent to anybody and asks no host for anything.

Every text goes through `html.escape`, and a policy in the page's head forbids the browser whatever slipped through:
scripts, and files from elsewhere.
"""

import base64
import io
import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from scumble.gan.evaluation.result import TITLES, Evaluation
from scumble.gan.evaluation.verdict import Kind
from scumble.gan.plots import EVALUATIONS, draw_curves
from scumble.gan.report.contents import Contents, Neighbours, facts_of_data, facts_of_training, warnings_of
from scumble.gan.settings import GANSettings
from scumble.image.tensors import grid

TEMPLATE = Path(__file__).with_name("page.html")
MARK = 'content="a report by scumble"'
"""What every page of ours holds: it may then be written over."""
INK = "#010203"
"""Of the curves, as they are drawn; the page's own colour takes its place, in the dark another one."""
CURVES = ("losses", "monitor", *EVALUATIONS)
SHEET, NEAR = 1280, 256
"""Pixels of the samples' sheet and of each picture beside its nearest, at most: twice as many as they are shown with. A
sheet of large pictures would be a page that nobody can send."""
TONES: dict[Kind, str] = {"good": "good", "narrow": "mixed", "rough": "mixed", "halfway": "mixed"}
"""How a verdict's border is coloured; the others are bad."""

MEANINGS = {
    "frechet_distance": "of the features' means and covariances; 0 is equal, 1 is one picture again and again",
    "kernel_distance": "of the features' distributions; 0 is equal",
    "precision": "share of samples that are like some real picture",
    "recall": "share of real pictures that are like some sample",
    "density": "like precision; where real pictures are many, it counts more",
    "coverage": "share of real pictures with a sample nearby",
    "near_copies": "share of samples nearer to a real picture than 99% of real ones are to another",
}


def page(contents: Contents) -> str:
    """The page as HTML."""
    data, verdict = contents.facts.data, contents.verdict
    parts = {
        "title": escape(f"A GAN trained on {data.name}"),
        "subtitle": escape(f"{contents.name}: {contents.state}"),
        "verdict": "" if verdict is None else _verdict(verdict.kind, verdict.text),
        "missing": _missing(contents.missing),
        "figures": _figures(contents),
        "samples": _samples(contents),
        "nearest": "" if contents.neighbours is None else _nearest(contents.neighbours, contents.samples),
        "curves": _curves(contents),
        "data": _section("What it was trained on", _rows(facts_of_data(contents.facts))),
        "training": _section("How it was trained", _rows(facts_of_training(contents.facts))),
    }
    # In one pass: what stands in a part is never taken for the name of another.
    return re.sub(r"\{\{(\w+)\}\}", lambda name: parts[name[1]], TEMPLATE.read_text(encoding="utf-8"))


def _verdict(kind: Kind, text: str) -> str:
    return f'<p class="verdict {TONES.get(kind, "bad")}">{escape(text)}.</p>'


def _missing(reasons: list[str]) -> str:
    items = "".join(f"<li>{escape(reason)}</li>" for reason in reasons)
    return f'<ul class="missing">{items}</ul>' if items else ""


def _section(title: str, inner: str) -> str:
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}\n</section>"


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows) + "</dl>"


def _figures(contents: Contents) -> str:
    if (found := contents.evaluation) is not None:
        return _section("How good it is", _table(found) + f'<p class="quiet">{escape(found.conditions())}.</p>')
    if contents.logged is None:
        return ""
    logged = contents.logged
    shown = [(TITLES.get(name, name), _value(name, logged[name])) for name in MEANINGS if name in logged]
    told = f"Measured in the training, at {logged['images']:,} images, by pocket."
    return _section("How good it was", _rows(shown) + f'<p class="quiet">{told}</p>')


def _table(found: Evaluation) -> str:
    lines = [
        '<table><tr><th></th><th class="number">samples</th><th class="number">95% interval</th>'
        '<th class="number">other real pictures</th></tr>'
    ]
    for one in found.figures:
        meaning, other = MEANINGS.get(one.name, ""), found.other(one.name)
        value, low, high = (_value(one.name, number) for number in (one.value, one.low, one.high))
        cells = [value, f"{low} to {high}", "" if other is None else _value(other.name, other.value)]
        numbers = "".join(f'<td class="number">{cell}</td>' for cell in cells)
        lines.append(f"<tr><td>{escape(one.title)}<small>{meaning}</small></td>{numbers}</tr>")
    return "\n".join([*lines, "</table>"])


def _value(name: str, value: float) -> str:
    """Shares with two digits: a third one is beyond what their intervals tell."""
    return f"{value:.3g}" if name.endswith("distance") else f"{value:.2f}"


def _samples(contents: Contents) -> str:
    if (samples := contents.samples) is None:
        return ""
    classes = " Classes take turns." if GANSettings(**contents.facts.settings).draws_classes else ""
    caption = f"Seeds 0 to {len(samples) - 1}, neither selected nor truncated.{classes}"
    sheet = f'<img class="sheet" alt="{len(samples)} samples" src="{_data_url(grid(samples, 8), SHEET)}">'
    return _section("What it draws", f"<figure>{sheet}<figcaption>{caption}</figcaption></figure>")


def _nearest(neighbours: Neighbours, samples: np.ndarray | None) -> str:
    assert samples is not None
    found = neighbours.found
    rows = [("sample", [_image(picture, "sample") for picture in samples[: len(found.samples)]])]
    for title, pictures, way in (
        ("nearest by features", neighbours.by_features, "by_features"),
        ("nearest by pixels", neighbours.by_pixels, "by_pixels"),
    ):
        shares = [getattr(sample, way).share for sample in found.samples]
        rows.append((title, [_image(picture, title) for picture in pictures]))
        rows.append(("real pictures with another as near", [f"{share:.0%}" for share in shares]))
    lines = [f"<tr><th>{title}</th>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>" for title, cells in rows]
    told = f"{found.conclusion()}; compared with all {found.count:,}"
    caption = f"<figcaption>{escape(told[:1].upper() + told[1:])}.</figcaption>"
    return _section("Is anything copied?", f'<div class="near"><table>{"".join(lines)}</table></div>{caption}')


def _image(picture: np.ndarray, title: str) -> str:
    return f'<img alt="{title}" src="{_data_url(grid(picture[None], 1), NEAR)}">'


def _curves(contents: Contents) -> str:
    warned = "".join(f"<li>{escape(text)}</li>" for text in warnings_of(contents.rows))
    warned = f'<p class="quiet">Warned of in the training:</p><ul class="missing">{warned}</ul>' if warned else ""
    if len(contents.rows) < 2:
        return _section("How it learnt", '<p class="quiet">There are no figures of the training yet.</p>')
    return _section("How it learnt", f"<figure>{svg_of_curves(contents)}</figure>{warned}")


def svg_of_curves(contents: Contents) -> str:
    """The run's figures over the images seen, as an SVG that takes the colours and letters of the page around it."""
    inked = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "grid.color")
    clear = dict.fromkeys(("figure.facecolor", "axes.facecolor", "legend.facecolor"), "none")
    style = {"svg.fonttype": "none", "svg.hashsalt": "scumble", "legend.edgecolor": "none"}
    encoded = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(dict.fromkeys(inked, INK) | clear | style):  # pyright: ignore[reportArgumentType]
        draw_curves(contents.rows, CURVES).savefig(encoded, format="svg", metadata=nothing)
    drawn = encoded.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(INK, "currentColor")
    return re.sub(r"'DejaVu Sans'[^;\"]*", "system-ui, sans-serif", drawn)


def _data_url(pixels: np.ndarray, most: int) -> str:
    """(H, W, 3) pixels as a PNG, no side of which is longer than `most`."""
    image, file = Image.fromarray(pixels), io.BytesIO()
    image.thumbnail((most, most), Image.Resampling.LANCZOS)
    image.save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
