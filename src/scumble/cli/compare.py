"""The command that judges painted pictures."""

import dataclasses
from pathlib import Path
from typing import Any

from scumble.cli import report
from scumble.cli.flags import Switch
from scumble.style.settings import BackboneName

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
    device: str = "auto",
    json: Switch = False,
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
        network: that looks; not the one that painted, if it can be helped.
        page: HTML file to write, which asks people which picture they like better, without names.
        question: what it asks.
        seed: of its order.
        device: auto, cpu, cuda, cuda:N or mps.
        json: print one line of JSON.
    """
    from scumble.errors import SettingsError
    from scumble.style.evaluation import blind_page
    from scumble.style.evaluation.compare import compare_events
    from scumble.style.evaluation.trials import trials

    if not results:
        raise SettingsError("results: got none, wanted pictures, or folders of them")
    found = trials(results, content, style)
    if page is not None:
        blind_page.check(page, found, gallery)
    judged = report.run(compare_events(found, gallery, network, device), quiet=json)
    if page is not None:
        blind_page.write(page, found, question or blind_page.QUESTION, seed)
        if not json:
            report.say(str(page))
    if json:
        report.data(
            {
                "network": judged.network,
                "gallery": judged.gallery,
                "means": judged.means(),
                "trials": [{name: dataclasses.asdict(row) for name, row in trial.items()} for trial in judged.trials],
            }
        )
        return
    shown = [column for column in COLUMNS if judged.gallery or column not in ("rank", "recognised")]
    rows = [[name, *(_cell(column, row[column]) for column in shown)] for name, row in judged.means().items()]
    report.table(["picture", *shown], rows)


def _cell(column: str, value: Any) -> str:
    if column == "recognised":
        return f"{value:.0%}"
    return f"{value:g}" if column == "rank" else f"{value:.3f}"
