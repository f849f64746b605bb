"""The job: the figures of many pictures beside those of their photographs and paintings."""

import statistics
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch

from scumble import notebook
from scumble.data.sources.opener import open_source
from scumble.data.sources.source import Source
from scumble.device import choose, in_full_float32, memory_errors
from scumble.errors import ImageError
from scumble.events import Event, Progress, Started, returned
from scumble.image import borders
from scumble.image.files import Picture, PictureSource, load
from scumble.image.tensors import to_tensor
from scumble.perceptual import backbones
from scumble.perceptual.catalogue import BackboneName
from scumble.perceptual.vgg import VGG19
from scumble.style.evaluation.evaluator import Evaluator, Figures
from scumble.style.evaluation.retrieval import Gallery
from scumble.style.evaluation.sight import SCENE_LAYER, SMALLEST_SIDE, STYLE_LAYERS
from scumble.style.evaluation.trials import Trial, trials
from scumble.style.preparation.masks import check_shape

JOB = "compare"
RECOGNITION_LAYERS = {"pocket": "relu5_1", "vgg19-caffe": "relu5_4", "vgg19": "relu5_4"}
"""The deepest layer of each network."""

MOST_OBLONG = 32
"""A longer side over a shorter one: what is longer would be looked at as a strip of next to nothing."""


@dataclass(frozen=True)
class Comparison:
    """The figures of every picture: a dictionary for each trial, the photograph and the painting among its rows.

    Attributes:
        network: that looked.
        gallery: how many photographs the right one was to be found among; 0 for none.
        trials: the figures by name.
    """

    network: str
    gallery: int
    trials: list[dict[str, Figures]]

    def __repr__(self) -> str:
        rows = [f"{name}: {_in_words(figures)}" for name, figures in self.means().items()]
        return "\n".join([f"<Comparison by {self.network}, {len(self.trials)} of each:", *rows]) + ">"

    def means(self) -> dict[str, dict[str, float | None]]:
        """Each figure's mean over the trials, by name; the median of ranks; as "recognised", the share of rank 1."""
        return {name: _means([trial[name] for trial in self.trials]) for name in self.trials[0]}


def compare(
    results: Sequence[PictureSource],
    content: PictureSource,
    style: PictureSource,
    *,
    gallery: str | Path | None = None,
    network: BackboneName = "vgg19-caffe",
    device: str = "auto",
) -> Comparison:
    """Evaluate pictures of one photograph in the style of one painting; see `Figures` for what the numbers are.

    Args:
        results: the pictures, of the photograph's shape.
        content: the photograph.
        style: the painting.
        gallery: a folder, a zip or other photographs (see `scumble.data.sources.opener`), to tell whether the
            photograph is recognised among them; some hundreds.
        network: that looks, rather not the one that painted.
        device: that it runs on.

    Raises:
        ImageError: if a picture cannot be read, or has another shape than the photograph.
        WeightsError: if the network's weights cannot be had.

    Example:
        >>> table = scumble.compare(["a.png", "b.png"], "photo.jpg", "painting.jpg").means()  # doctest: +SKIP
        >>> table["a.png"]["edges"]  # doctest: +SKIP
        0.52
    """
    return returned(notebook.shown(compare_events(trials(results, content, style), gallery, network, device)))


@in_full_float32
def compare_events(
    todo: Sequence[Trial],
    gallery: str | Path | None = None,
    network: BackboneName = "vgg19-caffe",
    device: str = "auto",
) -> Generator[Event, None, Comparison]:
    """`compare` for many trials, as a generator of events that returns the comparison."""
    placement = choose(device, "float32")  # figures of shorter numbers do not compare
    layers = (*STYLE_LAYERS, SCENE_LAYER, RECOGNITION_LAYERS[network])
    loaded = yield from backbones.load(network, layers, placement)
    known = None if gallery is None else (yield from _gallery(open_source(gallery), loaded.network, placement.device))
    yield Started(JOB, len(todo), "comparisons")
    found = []
    for number, trial in enumerate(todo, 1):
        with memory_errors("compare smaller pictures"):
            found.append(_evaluated(trial, loaded.network, placement.device, known))
        yield Progress(JOB, number, len(todo))
    return Comparison(network, 0 if known is None else len(known.points), found)


def _gallery(photographs: Source, network: VGG19, where: torch.device) -> Generator[Event, None, Gallery]:
    yield Started("gallery", len(photographs.items), "photographs")
    points = []
    for number, item in enumerate(photographs.items, 1):
        points.append(Gallery.look(network, to_tensor(item.load()).to(where)))
        yield Progress("gallery", number, len(photographs.items))
    return Gallery(torch.stack(points))


def _evaluated(trial: Trial, network: VGG19, where: torch.device, gallery: Gallery | None) -> dict[str, Figures]:
    """The figures of a trial's pictures, after those of the photograph and the painting."""
    photograph, painting = load(trial.content, "content"), borders.crop(load(trial.style, "style"))
    pictures = {name: load(source, name) for name, source in trial.results.items()}
    for picture in (photograph, painting, *pictures.values()):
        _check_sides(picture)
    for picture in pictures.values():
        check_shape(picture, photograph.size, "the photograph")
    evaluator = Evaluator(network, to_tensor(photograph).to(where), to_tensor(painting).to(where), gallery)
    rows = evaluator.bounds(max((picture.size for picture in pictures.values()), key=max))
    return rows | {name: evaluator.figures(to_tensor(picture).to(where)) for name, picture in pictures.items()}


def _check_sides(picture: Picture) -> None:
    width, height = picture.size
    if min(width, height) < SMALLEST_SIDE or max(width, height) > MOST_OBLONG * min(width, height):
        raise ImageError(
            f"{picture.name} is {width}x{height} pixels; wanted at least {SMALLEST_SIDE} on each side, "
            f"and one at most {MOST_OBLONG} times as long as the other"
        )


def _in_words(figures: Mapping[str, float | None]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.2f}" for name, value in figures.items() if value is not None)


def _means(rows: Sequence[Figures]) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for field in fields(Figures):
        values = [getattr(row, field.name) for row in rows]
        middle = statistics.median if field.name == "rank" else statistics.mean
        means[field.name] = None if None in values else middle(values)
    ranks = [row.rank for row in rows]
    means["recognised"] = None if None in ranks else sum(rank == 1 for rank in ranks) / len(ranks)
    return means
