"""How near painted pictures are to their painting, and what of their photograph is left, in figures to be compared.

Some figures tell of style and others of the subject, because each alone is easily won by a bad picture: the painting
itself has the best style there is, the photograph the best edges. So both are always rows of the table. A network is a
poor judge of what it painted itself, or what a network painted that learnt from it: choose another one, and mind the
figures that need none.
"""

import statistics
from collections.abc import Generator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F

from scumble.data.sources import SUFFIXES, Source, open_source
from scumble.device import choose, in_full_float32, memory_errors
from scumble.errors import ImageError, SettingsError
from scumble.events import Event, Progress, Started, returned
from scumble.image import borders
from scumble.image.files import Picture, PictureSource, load
from scumble.image.tensors import cover, fit_longer_side, fit_shorter_side, resize, to_tensor
from scumble.perceptual import backbones
from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19
from scumble.style.batch import pictures_in
from scumble.style.colour import luminance
from scumble.style.losses import STYLE_LOSSES, directions, moments, nearness
from scumble.style.masks import check_shape
from scumble.style.settings import BackboneName

JOB = "compare"
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
STRUCTURE_LAYER, SCENE_LAYER = "relu4_1", "relu5_1"
RECOGNITION_LAYERS = {"pocket": "relu5_1", "vgg19-caffe": "relu5_4", "vgg19": "relu5_4"}
"""The deepest layer of each network."""

LARGEST_SIDE = 1024
"""Larger pictures are judged at this size: eyes are no nearer to them either."""

RECOGNISED_AT = 256
"""The longer side at which pictures are recognised."""

SMALLEST_SIDE = min_side([SCENE_LAYER])
"""Of anything that is looked at."""

MOST_OBLONG = 32
"""A longer side over a shorter one: what is longer would be looked at as a strip of next to nothing."""

SMALLEST_GALLERY = 10
"""Other photographs: among fewer, being found says nothing."""

ALIKE = 1e-4
"""Distances below which a photograph and a painting are the same but for rounding."""

MOST_PLACES, MOST_POINTS = 4096, 1 << 15
"""Of more, each second, third, ... is taken."""

PATCH, PATCHES = 7, 20_000


@dataclass(frozen=True)
class Figures:
    """What there is to say about a picture; the photograph's and the painting's own values beside each.

    Attributes:
        features: Gaussian Wasserstein-2 distance of features to the painting's, mean over relu1_1 to relu4_1; the
            photograph has 1, the painting 0, as in the three that follow.
        sliced: the same distance, sliced: of whole distributions, not of means and covariances alone.
        patches: sliced distance of patches of 7 x 7 pixels without their means, at two sizes; no network.
        colours: sliced distance of the colours; no network.
        edges: correlation of the strength of edges with the photograph's; photograph 1; no network.
        coarse_edges: the same at half the size.
        structure: how much else the places of a picture are alike than in the photograph (Kolkin et al. 2019, eq. 7);
            photograph 0.
        leak: how much of the way from the photograph to the painting the places have gone that are most like places of
            the painting, at relu5_1, which sees objects; photograph 0, painting 1.
        strokes_leak: the same at relu4_1, which also sees strokes.
        rank: the photograph's among those of a gallery, sorted by likeness to the picture; 1 if it is recognised at
            first sight; None without a gallery.
        distinct: by how many standard deviations of the gallery's likenesses the photograph's is above their mean.
    """

    features: float
    sliced: float
    patches: float
    colours: float
    edges: float
    coarse_edges: float
    structure: float
    leak: float
    strokes_leak: float
    rank: int | None = None
    distinct: float | None = None


class Judge:
    """Judges pictures of one photograph in the style of one painting.

    Args:
        network: sees the layers above.
        content: the photograph, (1, 3, H, W) in [0, 1].
        style: the painting, likewise.
        gallery: other photographs to recognise the right one among.
    """

    def __init__(self, network: VGG19, content: torch.Tensor, style: torch.Tensor, gallery: "Gallery | None" = None):
        self.network = network
        self.content = content
        self.style = style
        self.gallery = gallery
        self.sights: dict[tuple[int, int], tuple[_Sight, _Sight, dict[str, list[float]]]] = {}

    @torch.no_grad()
    def figures(self, picture: torch.Tensor) -> Figures:
        """The figures of a picture (1, 3, H, W), of the photograph's shape and any size."""
        size = _shrunk(picture, LARGEST_SIDE)
        if size not in self.sights:
            photograph = _Sight(self.network, resize(self.content, size))
            painting = _Sight(self.network, resize(self.style, _beside(self.style, size)))
            whole = _distances(photograph, painting)
            if min(min(values) for values in whole.values()) < ALIKE:
                raise ImageError("the photograph and the painting are alike: nothing lies between them to be measured")
            self.sights[size] = photograph, painting, whole
        photograph, painting, whole = self.sights[size]
        seen = _Sight(self.network, resize(picture, size))
        recognised = (
            (None, None) if self.gallery is None else self.gallery.recognise(self.network, picture, self.content)
        )
        return Figures(
            **_relative(_distances(seen, painting), whole),
            edges=edge_correlation(seen.picture, photograph.picture),
            coarse_edges=edge_correlation(*(F.avg_pool2d(s.picture, 2) for s in (seen, photograph))),
            structure=self_similarity_distance(seen.features[STRUCTURE_LAYER], photograph.features[STRUCTURE_LAYER]),
            leak=leakage(*(s.features[SCENE_LAYER] for s in (seen, photograph, painting))),
            strokes_leak=leakage(*(s.features[STRUCTURE_LAYER] for s in (seen, photograph, painting))),
            rank=recognised[0],
            distinct=recognised[1],
        )

    def bounds(self, size: tuple[int, int]) -> dict[str, Figures]:
        """The figures of the photograph and of the painting themselves, at (width, height)."""
        return {
            "the photograph": self.figures(resize(self.content, size)),
            "the painting": self.figures(cover(self.style, size)),
        }


class Gallery:
    """Photographs as whole-picture features, to tell how well a picture can be told from all of them.

    Args:
        points: (N, D), a row a photograph.
    """

    def __init__(self, points: torch.Tensor):
        self.points = points
        self.mean = points.mean(0)

    @staticmethod
    @torch.no_grad()
    def look(network: VGG19, picture: torch.Tensor) -> torch.Tensor:
        """(D): the deepest layer's features, averaged over all places."""
        small = resize(picture, _shrunk(picture, RECOGNISED_AT))
        layer = network.names[-1]
        return network(small, (layer,))[layer].float().mean((0, 2, 3))

    def recognise(self, network: VGG19, picture: torch.Tensor, content: torch.Tensor) -> tuple[int, float]:
        """The rank of the photograph by likeness to the picture, and how far above all others it is.

        Likeness is the cosine of whole-picture features less the gallery's mean.
        """
        seen, right = (self.look(network, p) - self.mean for p in (picture, content))
        others = F.cosine_similarity(self.points - self.mean, seen[None])
        likeness = F.cosine_similarity(right, seen, dim=0)
        # The photograph itself may be part of the gallery.
        itself = F.cosine_similarity(self.points - self.mean, right[None]) > 0.999
        others = others[~itself]
        if len(others) < SMALLEST_GALLERY:
            raise ImageError(
                f"the gallery has {len(others)} other photographs; "
                f"wanted at least {SMALLEST_GALLERY}, better some hundreds"
            )
        spread = others.std(correction=0).clamp_min(1e-9)
        return 1 + int((others > likeness).sum()), ((likeness - others.mean()) / spread).item()


# --- The job --------------------------------------------------------------------------------------------------------


class Trial(NamedTuple):
    """A photograph, a painting, and pictures of the one in the style of the other, by the names of who painted them."""

    name: str
    content: PictureSource
    style: PictureSource
    results: dict[str, PictureSource]


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
    """Judge pictures of one photograph in the style of one painting; see `Figures` for what the numbers are.

    Args:
        results: the pictures, of the photograph's shape.
        content: the photograph.
        style: the painting.
        gallery: a folder, a zip or another source of photographs (see `scumble.data.sources`), to tell whether the
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
    return returned(compare_events(trials(results, content, style), gallery, network, device))


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
            found.append(_judged(trial, loaded.network, placement.device, known))
        yield Progress(JOB, number, len(todo))
    return Comparison(network, 0 if known is None else len(known.points), found)


def _gallery(photographs: Source, network: VGG19, place: torch.device) -> Generator[Event, None, Gallery]:
    yield Started("gallery", len(photographs.items), "photographs")
    points = []
    for number, item in enumerate(photographs.items, 1):
        points.append(Gallery.look(network, to_tensor(item.load()).to(place)))
        yield Progress("gallery", number, len(photographs.items))
    return Gallery(torch.stack(points))


def _judged(trial: Trial, network: VGG19, place: torch.device, gallery: Gallery | None) -> dict[str, Figures]:
    """The figures of a trial's pictures, after those of the photograph and the painting."""
    photograph, painting = load(trial.content, "content"), borders.crop(load(trial.style, "style"))
    pictures = {name: load(source, name) for name, source in trial.results.items()}
    for picture in (photograph, painting, *pictures.values()):
        _check_sides(picture)
    for picture in pictures.values():
        check_shape(picture, photograph.size, "the photograph")
    judge = Judge(network, to_tensor(photograph).to(place), to_tensor(painting).to(place), gallery)
    rows = judge.bounds(max((picture.size for picture in pictures.values()), key=max))
    return rows | {name: judge.figures(to_tensor(picture).to(place)) for name, picture in pictures.items()}


def trials(results: Sequence[PictureSource], content: PictureSource, style: PictureSource) -> list[Trial]:
    """What is to be compared: one trial of pictures; or one for each picture that all of some folders have.

    Folders are as `scumble batch` fills them, with pictures named CONTENT-STYLE of a folder of photographs and one of
    paintings, or of single ones.

    Raises:
        ImageError: if a folder has no such pictures.
        SettingsError: if folders and pictures are given together, or one of them twice.
    """
    paths = [Path(result).resolve() for result in results if isinstance(result, str | Path)]
    if len(set(paths)) < len(paths):
        raise SettingsError("results: got the same one twice, wanted different ones")
    folders = [path for path in results if isinstance(path, str | Path) and Path(path).is_dir()]
    if not folders:
        return [Trial("", content, style, {_name(r, n): r for n, r in enumerate(results, 1)})]
    if len(folders) < len(results):
        raise SettingsError("results: got folders and what is none, wanted either folders or pictures")
    contents, styles = (pictures_in([Path(str(given))]) for given in (content, style))
    found = []
    for one in contents:
        for other in styles:
            name = f"{one.stem}-{other.stem}"
            painted = {str(folder): _picture_named(Path(folder), name) for folder in folders}
            if all(painted.values()):
                found.append(Trial(name, one, other, {who: path for who, path in painted.items() if path}))
    if not found:
        raise ImageError(
            f"{', '.join(map(str, folders))}: no picture is in all of them",
            "name them CONTENT-STYLE.png, as scumble batch does",
        )
    return found


def _picture_named(folder: Path, stem: str) -> Path | None:
    there = sorted(path for path in folder.iterdir() if path.stem == stem and path.suffix.lower() in SUFFIXES)
    return there[0] if there else None


def _name(result: PictureSource, number: int) -> str:
    return str(result) if isinstance(result, str | Path) else f"picture {number}"


def _check_sides(picture: Picture) -> None:
    width, height = picture.size
    if min(width, height) < SMALLEST_SIDE or max(width, height) > MOST_OBLONG * min(width, height):
        raise ImageError(
            f"{picture.name} is {width}x{height} pixels; wanted at least {SMALLEST_SIDE} on each side, "
            f"and one at most {MOST_OBLONG} times as long as the other"
        )


def _means(rows: Sequence[Figures]) -> dict[str, float | None]:
    means: dict[str, float | None] = {}
    for field in fields(Figures):
        values = [getattr(row, field.name) for row in rows]
        middle = statistics.median if field.name == "rank" else statistics.mean
        means[field.name] = None if None in values else middle(values)
    ranks = [row.rank for row in rows]
    means["recognised"] = None if None in ranks else sum(rank == 1 for rank in ranks) / len(ranks)
    return means


# --- Figures: pure functions ----------------------------------------------------------------------------------------


def sliced_wasserstein(a: torch.Tensor, b: torch.Tensor, count: int = 64, quantiles: int = 512) -> float:
    """Sliced Wasserstein-2 distance of two clouds of points (Bonneel et al. 2015), along random directions.

    Args:
        a: (P, C).
        b: (Q, C).
        count: of directions.
        quantiles: at which the projections are compared.

    Example:
        One cloud moved by 3 in one dimension:

        >>> sliced_wasserstein(torch.zeros(4, 1), torch.full((6, 1), 3.0))
        3.0
    """
    ways = F.normalize(torch.randn(count, a.shape[1], generator=torch.Generator().manual_seed(0)), dim=1).to(a)
    at = (torch.arange(quantiles).to(a) + 0.5) / quantiles
    sides = []
    for points in (a, b):
        points = points[:: 1 + len(points) // MOST_POINTS]
        ordered = (ways @ points.mT).sort(1).values  # (count, P)
        position = (at * len(points) - 0.5).clamp(0, len(points) - 1)
        below = position.floor().long()
        above = (below + 1).clamp_max(len(points) - 1)
        sides.append(torch.lerp(ordered[:, below], ordered[:, above], position - below))
    return (sides[0] - sides[1]).square().mean().sqrt().item()


def edge_correlation(picture: torch.Tensor, other: torch.Tensor) -> float:
    """The correlation (Pearson) of the strength of edges, by Sobel's operator on the brightness.

    Args:
        picture: (1, 3, H, W).
        other: likewise.

    Returns:
        1 if edges are in the same places with the same relative strength, 0 if they have nothing to do with one another
        or there are none.
    """
    strengths = torch.stack([_edge_strength(p).flatten() for p in (picture, other)]).cpu().double()
    return torch.corrcoef(strengths)[0, 1].nan_to_num(0).item()


def self_similarity_distance(features: torch.Tensor, other: torch.Tensor) -> float:
    """How much else the places are alike in one picture than in another (Kolkin et al. 2019, eq. 7).

    The mean absolute difference of the matrices of cosine distances between all places, columns divided by their sums,
    times the number of places.

    Args:
        features: (P, C).
        other: likewise, of the same places.
    """
    step = 1 + len(features) // MOST_PLACES
    matrices = []
    for places in (features[::step], other[::step]):
        unit = directions(places, places.new_zeros(places.shape[1]))
        distances = 1 - unit @ unit.mT
        matrices.append(distances / distances.sum(0).clamp_min(1e-9))
    return ((matrices[0] - matrices[1]).abs().mean() * len(matrices[0])).item()


def leakage(features: torch.Tensor, photograph: torch.Tensor, painting: torch.Tensor) -> float:
    """How much of the painting's things are in a picture: 0 as much as in the photograph, 1 as in the painting.

    By the mean over places of the likeness to the most similar place of the painting, each picture's features centred
    on their own mean.

    Args:
        features: (P, C).
        photograph: (P, C).
        painting: (Q, C).
    """
    places = directions(painting, painting.mean(0))[:: 1 + len(painting) // MOST_PLACES]
    near, before = (nearness(f, places, f.mean(0)).mean().item() for f in (features, photograph))
    return (near - before) / max(1 - before, 1e-9)


def patches(picture: torch.Tensor) -> torch.Tensor:
    """(20000, 147) patches of 7 x 7 pixels at random places of a picture (1, 3, H, W), less their means.

    The same places for all pictures of a size.
    """
    generator = torch.Generator().manual_seed(0)
    height, width = (length - PATCH + 1 for length in picture.shape[2:])
    rows = torch.randint(height, (PATCHES,), generator=generator)
    columns = torch.randint(width, (PATCHES,), generator=generator)
    windows = picture[0].unfold(1, PATCH, 1).unfold(2, PATCH, 1)  # (3, height, width, 7, 7)
    found = windows[:, rows.to(picture.device), columns.to(picture.device)].movedim(1, 0)
    return (found - found.mean((2, 3), keepdim=True)).flatten(1)


def _edge_strength(picture: torch.Tensor) -> torch.Tensor:
    across = torch.tensor([[-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0], [-1.0, 0.0, 1.0]]).to(picture)
    kernels = torch.stack([across, across.mT])[:, None]
    return F.conv2d(luminance(picture), kernels).square().sum(1).sqrt()


# --- What a judge sees of a picture ---------------------------------------------------------------------------------


class _Sight:
    """A picture, its features by place, and their moments."""

    def __init__(self, network: VGG19, picture: torch.Tensor):
        self.picture = picture
        self.colours = picture[0].flatten(1).mT  # (P, 3)
        layers = dict.fromkeys((*STYLE_LAYERS, STRUCTURE_LAYER, SCENE_LAYER))
        self.features = {name: f[0].flatten(1).mT.float() for name, f in network(picture, list(layers)).items()}
        self.moments = {name: moments(self.features[name]) for name in STYLE_LAYERS}


def _distances(seen: _Sight, painting: _Sight) -> dict[str, list[float]]:
    """To the painting, by figure: of each layer, of patches at two sizes, of the colours."""
    gaussian = STYLE_LOSSES["wasserstein"]
    both = seen.picture, painting.picture
    halved = [F.avg_pool2d(picture, 2) for picture in both]
    return {
        "features": [
            gaussian.distance(seen.moments[name], gaussian.complete(painting.moments[name])).clamp_min(0).sqrt().item()
            for name in STYLE_LAYERS
        ],
        "sliced": [sliced_wasserstein(seen.features[name], painting.features[name]) for name in STYLE_LAYERS],
        "patches": [sliced_wasserstein(patches(one), patches(other)) for one, other in (both, halved)],
        "colours": [sliced_wasserstein(seen.colours, painting.colours)],
    }


def _relative(distances: dict[str, list[float]], whole: dict[str, list[float]]) -> dict[str, float]:
    """Each over the photograph's, averaged."""
    return {
        name: statistics.mean(
            found / max(of_photograph, 1e-12) for found, of_photograph in zip(values, whole[name], strict=True)
        )
        for name, values in distances.items()
    }


def _beside(style: torch.Tensor, size: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of a painting whose shorter side is that of a picture of `size`."""
    return fit_shorter_side((style.shape[3], style.shape[2]), min(size))


def _shrunk(picture: torch.Tensor, longest: int) -> tuple[int, int]:
    """(width, height) of a picture whose longer side is that long at most, and whose shorter one can still be seen."""
    size = (picture.shape[3], picture.shape[2])
    width, height = size if max(size) <= longest else fit_longer_side(size, longest)
    return max(width, SMALLEST_SIDE), max(height, SMALLEST_SIDE)
