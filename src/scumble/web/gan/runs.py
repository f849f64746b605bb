"""What a run's or a model's folder tells, without torch: its facts, figures, warnings and grids."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scumble.web.gan import places
from scumble.web.gan.places import read_json
from scumble.web.jobs.folder import ID, JobFolder
from scumble.web.settings import WebSettings

MAX_POINTS = 300
"""Of a curve; more cannot be seen."""
NO_FIGURES = frozenset({"images", "warnings", "changed"})


def models(settings: WebSettings) -> list[dict[str, Any]]:
    """All GANs that can be looked at, the newest first: trainings of this page, and folders in the allowed ones."""
    jobs = (settings.home / "jobs").glob("*/result/run")
    there = [(f"job:{path.parents[1].name}", path) for path in jobs if ID.fullmatch(path.parents[1].name)]
    found = [
        facts(name, folder, settings) for name, folder in [*there, *places.folders_below(settings)] if is_gan(folder)
    ]
    return sorted(found, key=lambda model: model["changed"], reverse=True)


def is_gan(folder: Path) -> bool:
    """Whether this is the folder of a GAN's run or model."""
    return read_json(folder / "settings.json").get("kind") == "gan"


def facts(name: str, folder: Path, settings: WebSettings) -> dict[str, Any]:
    """What is shown of a GAN.

    Args:
        name: its id.
        folder: its own.
        settings: of the page.
    """
    told = read_json(folder / "settings.json")
    trained, data = told.get("settings", {}), told.get("data", {})
    draws = trained.get("condition", "none") not in ("none", "few-labels")
    codes = trained.get("task") in ("codes", "clusters")
    channels, height, width = data.get("shape", (3, 64, 64))
    seen = told.get("images_seen")
    if seen is None:
        seen = next((row["images"] for row in reversed(_rows(folder)) if "images" in row), 0)
    job = name.removeprefix("job:") if name.startswith("job:") else None
    return {
        "id": name,
        "name": JobFolder(settings.home / "jobs" / job).facts["title"] if job else folder.name,
        "job": job,
        "preset": trained.get("preset", ""),
        "data": data.get("name", ""),
        "pictures": data.get("count", 0),
        "width": width,
        "height": height,
        "channels": channels,
        "classes": data.get("classes", []) if draws else [],
        "several_labels": data.get("label_sets") is not None,
        "categories": trained.get("categories", 0) if codes else 0,
        "numbers": trained.get("continuous", 0) if codes else 0,
        "images_seen": seen,
        "images": trained.get("images", 0),
        "can_draw": (folder / "model.safetensors").exists() or any((folder / "checkpoints").glob("*.safetensors")),
        "has_picture": picture(folder) is not None,
        "changed": (folder / "settings.json").stat().st_mtime,
    }


def picture(folder: Path) -> Path | None:
    """A picture to know it by: the newest grid of a run, or a model's own."""
    newest = max(_grids(folder), default=None)
    own = folder / "samples.png"
    return newest or (own if own.is_file() else None)


def grid(folder: Path, images: int) -> Path | None:
    """The grid that was saved after so many images."""
    return next((path for path in _grids(folder) if int(path.stem) == images), None)


def progress(folder: Path) -> dict[str, Any]:
    """How a training went so far: curves, what the monitor warned of, and which grids there are.

    Returns:
        "curves": for each figure, pairs of images seen and its value, thinned; "warnings": pairs of images seen and
        words; "grids": numbers of images seen.
    """
    rows = _rows(folder)
    curves: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        for name, value in row.items():
            if name not in NO_FIGURES and isinstance(value, int | float) and math.isfinite(value):
                curves.setdefault(name, []).append((row["images"], value))
    return {
        "curves": {name: _thinned(points) for name, points in curves.items()},
        "warnings": [(row["images"], str(text)) for row in rows for text in row.get("warnings", ())],
        "grids": sorted(int(path.stem) for path in _grids(folder)),
    }


def _thinned(points: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """Means of equally many neighbours."""
    each = -(-len(points) // MAX_POINTS)
    parts = [points[start : start + each] for start in range(0, len(points), each)]
    return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]


def _grids(folder: Path) -> Iterator[Path]:
    return (path for path in (folder / "grids").glob("*.png") if path.stem.isdecimal())


def _rows(folder: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl; one that is being written, or is none, is left out."""
    try:
        lines = (folder / "metrics.jsonl").read_bytes().splitlines()
    except OSError:
        return []
    rows = []
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and isinstance(row.get("images"), int):
            rows.append(row)
    return rows
