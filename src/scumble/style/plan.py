"""What painting a picture will take, found before the work begins: its tiles, how much memory, how long.

Memory is estimated from above, of all that grows with the picture; docs/log.md holds it against measurements.
"""

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch

from scumble import device
from scumble.cores import times_in_words
from scumble.device import Placement
from scumble.errors import ScumbleError
from scumble.events import Planned
from scumble.perceptual.backbones import Backbone
from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19
from scumble.style.inputs import Inputs
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.objective import Objective
from scumble.style.objective.terms import Terms
from scumble.style.objective.tiles import Tile, tiles
from scumble.style.optimization.lbfgs import BYTES_OF_PAIR, HISTORY_BYTES, HISTORY_PAIRS
from scumble.style.settings import PaintSettings
from scumble.style.stages import Stage

PICTURES = 14
"""Canvases that are there at once, of 12 bytes a pixel: canvas, gradient, move, average, moments, content, results, and
what is left of the stage before while the next is made ready."""

HISTOGRAM_PIXEL_BYTES = 2960
"""What sorting the values of the largest layer into levels takes on top."""

HISTORY_SHARE = 0.25
"""Of the memory that is left, what the memory of L-BFGS may take: below 1, more tiles are better than fewer pairs."""

KERNEL_BYTES = 256 << 20
"""What evaluations bring with them on a CPU whatever the size: kernels compiled for each shape, small blocks, holes."""

FREE_SHARE = 0.8
"""Of the memory that is free, what is taken unless something else is asked for."""

TRANSPORTED_AGAIN = 0.1
"""How much longer evaluations in tiles take where the photograph is looked at again for its transported features."""

GIB = 1 << 30

Networks = Mapping[str, Backbone]

PROBE_SIDES, PROBES = (64, 160), 2
"""Of a trial that takes a second or two where the work takes minutes, and foretells it to some percent."""

PROBED_PIXELS = 20_000_000
"""From so many looks at a pixel by VGG19 on, a minute of work, the time is foretold by a short trial."""

MADE_READY = 3
"""Evaluations that are as long as a stage takes to look at both pictures before its first one (docs/speed.md)."""

USUAL_STEPS = 60
"""After which a stage ends that may end early."""


@dataclass(frozen=True)
class Plan:
    """How a stage of a picture is painted.

    Attributes:
        tile_side: about the side of the tiles' cores, in pixels; None for one tile.
        tiles: how many there are.
        history_bytes: what the optimiser may remember.
        memory_bytes: what the process will take in all.
        roomy: whether that may be twice as much, so that memory need not be asked for again and again.
        overhead: how much more work that is than with one tile: margins, and one more way forward.
    """

    tile_side: int | None
    tiles: int
    history_bytes: int
    memory_bytes: int
    roomy: bool
    overhead: float


def planned(
    settings: PaintSettings, inputs: Inputs, todo: Sequence[Stage], networks: Networks, placement: Placement
) -> list[Plan]:
    """The plan of each stage, within the memory that the job was given or that is free.

    Raises:
        ScumbleError: as `plan` does.
    """
    of_host = placement.device.type != "cuda"
    used = device.used_bytes() if of_host else 0
    allowed = used + FREE_SHARE * device.free_bytes(placement.device)
    if settings.max_memory is not None:
        allowed = settings.max_memory * GIB
    # What an optimiser has learnt is carried to the next stage that has the same one.
    history = min(HISTORY_PAIRS, max((stage.steps for stage in todo if stage.optimizer == "lbfgs"), default=0))
    return [
        plan(
            networks[stage.backbone].network,
            settings.terms(),
            settings.loss,
            stage.size,
            inputs.style_sizes(stage.size),
            history if stage.optimizer == "lbfgs" else 0,
            used + of_host * KERNEL_BYTES,
            round(allowed),
        )
        for stage in todo
    ]


def foretold(
    plans: Sequence[Plan],
    settings: PaintSettings,
    todo: Sequence[Stage],
    networks: Networks,
    placement: Placement,
    asked: bool = False,
) -> Planned:
    """The plans for the one who waits; with the time, if that is long or asked for."""
    size = todo[-1].size
    memory_bytes = max(plan.memory_bytes for plan in plans)
    cut = f" in {plans[-1].tiles} tiles" if plans[-1].tiles > 1 else ""
    message = f"{size[0]}x{size[1]} pixels{cut}: about {memory_bytes / GIB:.1f} GiB of memory"
    told = Planned(message, *size, plans[-1].tiles, memory_bytes)
    if not asked and sum(p.overhead * s.steps * s.cost for p, s in zip(plans, todo, strict=True)) < PROBED_PIXELS:
        return told
    costs = {name: _cost(settings, backbone.network, placement) for name, backbone in networks.items()}
    seconds, core_seconds = (
        sum(costs[stage.backbone][of].of_stage(stage, plan.overhead) for plan, stage in zip(plans, todo, strict=True))
        for of in (0, 1)
    )
    on_cpu = placement.device.type == "cpu"
    if on_cpu:  # however a short look at a busy machine has found it
        seconds = max(seconds, core_seconds / torch.get_num_threads())
    return replace(
        told,
        message=f"{message}, {times_in_words(seconds, core_seconds if on_cpu else None)}",
        seconds=round(seconds, 1),
        core_seconds=round(core_seconds, 1) if on_cpu else None,
    )


class Cost(NamedTuple):
    """Seconds that one evaluation takes whatever the size, as roots of covariances do, and those for each pixel."""

    fixed: float
    of_pixel: float

    def of_stage(self, stage: Stage, overhead: float) -> float:
        """Seconds that a stage takes in all."""
        steps = min(stage.steps, USUAL_STEPS) if stage.tolerance else stage.steps
        return (steps + MADE_READY) * (self.fixed + self.of_pixel * overhead * math.prod(stage.size))


def _cost(settings: PaintSettings, network: VGG19, placement: Placement) -> tuple[Cost, Cost]:
    """What evaluations take by the clock, and of the processor."""
    terms = settings.terms()
    least = []
    for side in PROBE_SIDES:
        picture = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0)).to(placement.device)
        objective = Objective(
            network, picture, [picture], terms.content, terms.style, settings.loss, settings.variation_weight,
            transported_layers=terms.transported, leak_layers=terms.leak,
        )  # fmt: skip
        seconds = []
        for _ in range(PROBES):
            started = time.perf_counter(), time.process_time()
            objective.value_and_gradient(picture)
            seconds.append((time.perf_counter() - started[0], time.process_time() - started[1]))
        least.append(tuple(map(min, zip(*seconds, strict=True))))
    small, large = (side**2 for side in PROBE_SIDES)
    by_clock, of_processor = (
        Cost(max(0.0, of_small - of_pixel * small), of_pixel)
        for of_small, of_large in zip(*least, strict=True)
        for of_pixel in [max(0.0, of_large - of_small) / (large - small)]
    )
    return by_clock, of_processor


def plan(
    network: VGG19,
    terms: Terms,
    loss: str,
    size: tuple[int, int],
    styles: Sequence[tuple[int, int]],
    history: int,
    used: int,
    allowed: int,
) -> Plan:
    """The fewest tiles that leave the process within `allowed` bytes.

    Args:
        network: that will look.
        terms: what is compared: content's features are kept for the whole picture, transported ones for a tile.
        loss: the name of the style loss.
        size: (width, height) of the canvas.
        styles: (width, height) of each painting.
        history: pairs of pictures that the optimiser would like to remember.
        used: bytes that the process has taken already.
        allowed: bytes that it may take in all.

    Raises:
        ScumbleError: if that is too little for the smallest tiles.
    """
    layers = terms.layers()
    pixels = size[0] * size[1]
    standing = used + pixels * (12 * PICTURES + _feature_bytes(network, terms.content))
    standing += 24 * sum(width * height for width, height in styles)
    history_bytes = _history_bytes(BYTES_OF_PAIR * pixels, history, allowed - standing)
    pixel_bytes = network.bytes_per_pixel(layers) + (HISTOGRAM_PIXEL_BYTES if loss == "histogram" else 0)
    pixel_bytes += 3 * _feature_bytes(network, terms.transported)
    copies = _feature_bytes(network, terms.style)  # cut out of their tiles
    memory = 0.0
    for side in _sides(max(max(shape) for shape in (size, *styles)), layers):
        cut = [tiles(height, width, side, layers) for width, height in (size, *styles)]
        largest = max(_area(tile) for pieces in cut for tile in pieces)
        several = len(cut[0]) > 1
        looking = (pixel_bytes + several * copies) * largest
        memory = standing + history_bytes + looking
        if memory <= allowed:
            roomy = memory + looking <= allowed
            glances = tiles(size[1], size[0], side and round(STYLE_LOSSES[loss].glance * side), layers)
            overhead = _overhead(cut[0], glances, pixels, again=bool(terms.transported))
            return Plan(side, len(cut[0]), history_bytes, round(memory + roomy * looking), roomy, overhead)
    raise ScumbleError(
        f"{size[0]}x{size[1]} pixels need {memory / GIB:.1f} GiB even in the smallest tiles; "
        f"{allowed / GIB:.1f} GiB may be taken",
        "use a smaller --size, or raise --max-memory",
    )


def _history_bytes(pair: int, wanted: int, left: float) -> int:
    """What an optimiser may remember that would like so many pairs of pictures: at least one of them."""
    return round(max(pair, min(pair * wanted, HISTORY_BYTES, HISTORY_SHARE * left))) if wanted else 0


def _feature_bytes(network: VGG19, layers: Collection[str]) -> float:
    """What the features of these layers take for each pixel of a picture, in float32."""
    return sum(network.channels(name) * 4 / min_side([name]) ** 2 for name in layers)


def _overhead(cut: Sequence[Tile], glances: Sequence[Tile], pixels: int, again: bool) -> float:
    """How much more work an evaluation in tiles is than at once; with transported features, they are found again."""
    if len(cut) == 1:
        return sum(map(_area, cut)) / pixels
    # The way back, by the picture alone, takes about as long as the way there, which tiles go twice.
    return (sum(map(_area, cut)) + sum(map(_area, glances)) / 2) / pixels * (1 + again * TRANSPORTED_AGAIN)


def _sides(longest: int, layers: Collection[str]) -> list[int | None]:
    """The sides to try, longest first: a longest side in 1, 2, 3, ... pieces, down to about the margin's width."""
    least = 4 * min_side(layers)
    counts = range(2, max(2, longest // least) + 1)
    return [None, *(math.ceil(longest / count) for count in counts)]


def _area(tile: Tile) -> int:
    top, bottom, left, right = tile.seen
    return (bottom - top) * (right - left)
