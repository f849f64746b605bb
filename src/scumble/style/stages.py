"""What is done one after the other: at which size, through which network's eyes, how, and for how long.

The scales of a picture are stages. With `--sketch`, the small network works its way up through all of them first, in a
tenth of the time: it agrees with VGG19 on where to go, if not on where to stop, and what is left for VGG19 is the last
scale. After all that, `--finish` looks through VGG19 once more. With `--enlarge`, all of this happens at a size
at which forms have been found; a larger picture is that one, enlarged, and gone over by the small network.
"""

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass

from scumble.device import Placement
from scumble.events import Event, Noted
from scumble.perceptual import backbones
from scumble.perceptual.backbones import Backbone
from scumble.perceptual.pocket import FEATURES
from scumble.style.settings import PaintSettings

SKETCHES, FINISHES = "pocket", "vgg19-caffe"

RELATIVE_TIME = {"pocket": 1 / 7}
"""Of an evaluation, VGG19's being 1: what a progress bar reckons with."""

PAINTED_SIDE = 1500
"""Pixels of the longer side at which a picture is painted that is to be enlarged."""

ENLARGING = {"steps": 15, "optimizer": "adam", "averaging": 0.5}
"""How it is gone over at its full size: longer moves would grey what was found before (docs/log.md)."""

TRIAL_SIDE = 256
"""A smaller picture is held to its photograph as a stage on the way to this size is: it is a trial, and what would
drown in it does not drown in what it is a trial of (docs/log.md)."""

COST_OF_WAITING = 4000
"""Threads wait for one another about as long as VGG19 looks at so many pixels, and longer on a busy machine: what the
others take over must be more, or two are no faster than one (docs/log.md)."""


@dataclass(frozen=True)
class Stage:
    """Some evaluations at one size with one network; the size is (width, height).

    `ahead` is how many times as wide the picture is that is worked towards, which what only enlarges it has no part in.
    """

    size: tuple[int, int]
    backbone: str
    steps: int
    optimizer: str
    lr: float = 1.0
    momentum: float = 0.8
    averaging: float = 0.0
    tolerance: float = 0.0
    ahead: float = 1.0

    @property
    def cost(self) -> float:
        """Of one evaluation, in any unit."""
        return self.size[0] * self.size[1] * RELATIVE_TIME.get(self.backbone, 1.0)

    def threads(self, there: int) -> int:
        """How many of the threads that are there are worth waiting for: all, or one."""
        return there if self.cost * (1 - 1 / there) > COST_OF_WAITING else 1


def stages(settings: PaintSettings, ladder: Sequence[tuple[int, int]]) -> list[Stage]:
    """The stages of a picture that is worked at these sizes."""

    enlarges = settings.enlarge and len(ladder) > 1 and max(ladder[-1]) > PAINTED_SIDE
    painted = ladder[:-1] if enlarges else ladder
    aim = max(TRIAL_SIDE, *painted[-1])

    def scales(sizes: Sequence[tuple[int, int]], backbone: str, steps: int, coarse: int) -> list[Stage]:
        how = settings.optimizer, settings.lr, settings.momentum, settings.averaging, settings.tolerance
        return [
            Stage(size, backbone, steps if size == painted[-1] else coarse, *how, aim / max(size)) for size in sizes
        ]

    if not settings.paints():  # one look, for the figures
        return [Stage(ladder[-1], settings.backbone, 1, settings.optimizer, settings.lr)]
    if sketch := _sketch(settings):
        found = scales(painted, SKETCHES, sketch, sketch)
        found += scales(painted[-1:], settings.backbone, settings.steps, settings.steps)
    else:
        coarse = min(settings.steps, settings.coarse_steps or settings.steps)
        found = scales(painted, settings.backbone, settings.steps, coarse)
    if settings.finish:
        found.append(Stage(painted[-1], FINISHES, settings.finish, "lbfgs", ahead=aim / max(painted[-1])))
    if enlarges:
        found.append(Stage(ladder[-1], _enlarger(settings), **ENLARGING))
    return found


def load(settings: PaintSettings, placement: Placement) -> Generator[Event, None, dict[str, Backbone]]:
    """The networks of all stages, by name; tells of downloads, and of a sketch that cannot be made.

    Raises:
        SettingsError: if a network has not all of the layers.
        WeightsError: if its weights cannot be had.
    """
    if settings.sketch and (missing := _missing(settings)):
        yield Noted(f"no sketch: {SKETCHES} has no {', '.join(missing)}")
    networks = {}
    for name in _names(settings):
        own = settings.weights if name == settings.backbone else None
        networks[name] = yield from backbones.load(
            name, settings.layers(), placement, settings.pooling, settings.padding, own
        )
    return networks


def _names(settings: PaintSettings) -> Collection[str]:
    names = [settings.backbone]
    names += [SKETCHES] * bool(_sketch(settings)) + [FINISHES] * bool(settings.finish)
    names += [_enlarger(settings)] * settings.enlarge
    return dict.fromkeys(names)


def _sketch(settings: PaintSettings) -> int:
    """Evaluations by the small network at each scale: none where it works anyway, or has not all of the layers."""
    return 0 if settings.backbone == SKETCHES or _missing(settings) else settings.sketch


def _enlarger(settings: PaintSettings) -> str:
    return settings.backbone if _missing(settings) else SKETCHES


def _missing(settings: PaintSettings) -> list[str]:
    return [layer for layer in settings.layers() if layer not in FEATURES]
