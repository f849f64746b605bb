"""Plots: a run's figures over the images seen, and the table of a few-label probe."""

import io
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from scumble import paths
from scumble.errors import RunError, SettingsError
from scumble.gan.evaluation.result import comparable
from scumble.gan.sample_sheets import open_run
from scumble.image import files
from scumble.storage.folder import writing

CURVE_SUFFIXES = (".png", ".svg", ".pdf")
MARK = "curves drawn by scumble"
"""What every file of them holds as its title: it may then be written over."""
DRAWN = 1e300
"""Larger figures have gone astray, and the marks of an axis would go beyond all numbers."""
MAX_NAMED_CLASSES = 20
"""A confusion matrix of more is too small for names and numbers."""
CURVES = {
    "losses": {"loss_d": "discriminator", "loss_g": "generator"},
    "probability that a picture is real": {"d_real": "D(x), real", "d_fake": "D(G(z)), generated"},
    "information of a code's category, in nats": {"information": "at least"},
    "gradient norms": {"gradient_d": "discriminator", "gradient_g": "generator"},
    "speed": {"images_per_second": "images per second"},
}
WATCHED = {
    "monitor": {
        "diversity": "diversity of samples (real: 1)",
        "overfitting": "discriminator overfitting",
    },
    "discriminator's lead, in standard deviations": {"lead": "logits of real over generated pictures"},
}
EVALUATIONS = {
    "Fréchet distance, by pocket, in variances of the real": {"frechet_distance": "averaged generator"},
    "shares, by pocket": {
        "precision": "precision",
        "recall": "recall",
        "coverage": "coverage",
        "near_copies": "near copies",
    },
}


def write_curves(run: Path, output: Path, overwrite: bool = False) -> Path:
    """Draw the figures of a run over the images seen.

    Raises:
        ImageError: without `overwrite`, if a file is there that scumble has not made.
        RunError: if there is no such run, or it has no figures yet.
        SettingsError: if the output's ending is unknown.
    """
    _check_suffix(output, CURVE_SUFFIXES)
    if not overwrite:
        files.check_free(output, MARK)
    folder = open_run(run)
    rows = folder.metrics()
    if len(rows) < 2:
        raise RunError(f"{run} has {len(rows)} lines of figures; wanted two or more", "let it train a little longer")
    encoded = io.BytesIO()
    draw_curves(rows).savefig(encoded, format=output.suffix[1:].lower(), dpi=120, metadata={"Title": MARK})
    _write(output, encoded)
    return output


def draw_curves(rows: Sequence[dict[str, Any]], chosen: Collection[str] | None = None) -> Figure:
    """The figures of a run over the images seen, in two columns.

    Args:
        rows: the lines of its log, two or more.
        chosen: titles of `CURVES`, `WATCHED` and `EVALUATIONS`; None for all. What the run has no figures for is left
            out.
    """
    rows = [comparable(row) for row in rows]
    shown = {
        title: curves
        for title, curves in (CURVES | WATCHED | EVALUATIONS).items()
        if (chosen is None or title in chosen) and any(name in row for row in rows for name in curves)
    }
    height = max(1, math.ceil(len(shown) / 2))
    figure = Figure(figsize=(10, 3.5 * height), layout="constrained")
    for axes, (title, curves) in zip(figure.subplots(height, 2, squeeze=False).flat, shown.items(), strict=False):
        for name, label in curves.items():
            known = [row for row in rows if abs(row.get(name, math.inf)) < DRAWN]
            images, values = [row["images"] for row in known], [row[name] for row in known]
            axes.plot(images, values, label=label, linewidth=1, marker="o" if len(values) == 1 else None)
        axes.set_title(title)
        axes.set_xlabel("images seen")
        axes.grid(alpha=0.3)
        axes.legend()
    for axes in figure.axes[len(shown) :]:
        axes.remove()
    return figure


def write_classification(table: dict[str, Any], output: Path) -> Image.Image:
    """Draw what `scumble gan classify` found: error rates over labels, with 95% intervals, and the confusion matrix.

    Args:
        table: as in table.json.
        output: the .png.

    Returns:
        The plot.

    Raises:
        RunError: if it cannot be written.
    """
    figure = Figure(figsize=(12, 5.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    _plot_errors(left, table)
    _plot_confusion(right, table)
    encoded = io.BytesIO()
    figure.savefig(encoded, format="png", dpi=120)
    _write(output, encoded)
    return Image.open(encoded).convert("RGB")


def _plot_errors(axes: Axes, table: dict[str, Any]) -> None:
    for subject in dict.fromkeys(row["subject"] for row in table["rows"]):
        rows = [row for row in table["rows"] if row["subject"] == subject]
        labels = [
            len(table["classes"]) * row["labels"] if row["labels"] != "all" else table["labels_of_all"] for row in rows
        ]
        middle = [100 * (1 - row["accuracy"]) for row in rows]
        ends = [row["interval"] or (row["accuracy"], row["accuracy"]) for row in rows]
        below = [100 * max(0, high - row["accuracy"]) for (_, high), row in zip(ends, rows, strict=True)]
        above = [100 * max(0, row["accuracy"] - low) for (low, _), row in zip(ends, rows, strict=True)]
        axes.errorbar(labels, middle, (below, above), label=subject, marker="o", markersize=3, capsize=3, linewidth=1)
    # Where nothing is ever wrong, there is no logarithm.
    yscale = "log" if any(row["accuracy"] < 1 for row in table["rows"]) else "linear"
    axes.set(xscale="log", yscale=yscale, xlabel="labels", ylabel="error rate in %", title="few-label linear probe")
    for which in ("major", "minor"):  # 40 and 60, not powers of ten
        getattr(axes.yaxis, f"set_{which}_formatter")("{x:g}")
    axes.grid(alpha=0.3, which="both")
    axes.legend()


def _plot_confusion(axes: Axes, table: dict[str, Any]) -> None:
    counts, classes = np.array(table["confusion"]), table["classes"]
    axes.imshow(np.sqrt(counts), cmap="Blues")  # roots: rare mistakes are what one looks for
    if len(classes) <= MAX_NAMED_CLASSES:
        axes.set_xticks(range(len(classes)), classes, rotation=90 if max(map(len, classes)) > 2 else 0)
        axes.set_yticks(range(len(classes)), classes)
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if 2 * np.sqrt(count) > np.sqrt(counts.max()) else "black"
            axes.text(column, row, f"{count:.0f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set(xlabel="predicted class", ylabel="class", title="the discriminator's features, with the most labels")


def _check_suffix(output: Path, wanted: tuple[str, ...]) -> None:
    if output.suffix.lower() not in wanted:
        raise SettingsError(
            f"output {output} ends in {output.suffix or 'nothing'!r}; wanted one of {', '.join(wanted)}"
        )


def _write(output: Path, encoded: io.BytesIO) -> None:
    with writing(output):
        paths.write_atomically(output, encoded.getbuffer())
