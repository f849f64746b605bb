"""The command that compares painted pictures."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scumble import jobs
from scumble.cli import report
from scumble.cli.flags import Device, JsonLine, Overwrite
from scumble.errors import SettingsError
from scumble.perceptual.catalogue import BackboneName

if TYPE_CHECKING:
    from scumble.style.evaluation.compare import Comparison

COLUMNS = ("features", "sliced", "patches", "colours", "edges", "structure", "leak", "rank", "recognised")


def compare(
    *results: Path,
    content: Path,
    style: Path,
    gallery: str | None = None,
    network: BackboneName = "vgg19-caffe",
    page: Path | None = None,
    question: str | None = None,
    seed: int = 0,
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: JsonLine = False,
) -> None:
    """Compare painted pictures: how near to the painting, how much of the photograph.

    features, sliced, patches, colours: distance to the painting; the photograph has 1. edges: correlation with the
    photograph's. structure: how far from the photograph's. leak: things of the painting in the picture. rank: the
    photograph's among those of the gallery, by likeness to the picture.

    Args:
        results: the pictures; or folders as `scumble batch` fills them, to be compared over all their pictures.
        content: the photograph, or the folder of photographs.
        style: the painting, or the folder of paintings.
        gallery: folder or zip of other photographs, some hundreds, to recognise the right one among.
        network: the feature network; not the one that painted, if it can be helped.
        page: HTML file to write, which asks people which picture they like better, without names.
        question: what it asks.
        seed: of its order.
    """
    if not results:
        raise SettingsError("results: got none, wanted pictures, or folders of them")
    from scumble.style.evaluation import blind_page
    from scumble.style.evaluation.trials import trials

    found = trials(results, content, style)
    if page is not None:
        blind_page.check(page, found, gallery, overwrite)
    comparison = report.run(jobs.start("compare", found, gallery, network, device), quiet=json)
    if page is not None:
        blind_page.write(page, found, question or blind_page.QUESTION, seed)
        if not json:
            report.say(str(page))
    (_as_json if json else _as_table)(comparison)


def _as_json(comparison: "Comparison") -> None:
    trials = [{name: dataclasses.asdict(row) for name, row in trial.items()} for trial in comparison.trials]
    facts = {"network": comparison.network, "gallery": comparison.gallery}
    report.data(facts | {"means": comparison.means(), "trials": trials})


def _as_table(comparison: "Comparison") -> None:
    shown = [column for column in COLUMNS if comparison.gallery or column not in ("rank", "recognised")]
    rows = [[name, *(_cell(column, row[column]) for column in shown)] for name, row in comparison.means().items()]
    report.table(["picture", *shown], rows)


def _cell(column: str, value: Any) -> str:
    if column == "recognised":
        return f"{value:.0%}"
    return f"{value:g}" if column == "rank" else f"{value:.3f}"
