"""Works a canvas up from stage to stage, and keeps all that the rest of the work depends on."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import torch

from scumble.device import Placement, is_about_memory
from scumble.errors import RunError, first_line
from scumble.events import Detailed, Event, Noted, Progress, Warned
from scumble.image.tensors import resize
from scumble.perceptual.backbones import Backbone
from scumble.storage.checkpoint import Checkpoint
from scumble.style import stages
from scumble.style.inputs import Inputs
from scumble.style.objective.objective import Objective
from scumble.style.optimization.adam import Adam
from scumble.style.optimization.descent import Descent, Step
from scumble.style.optimization.lbfgs import BYTES_OF_PAIR, HISTORY_BYTES, LBFGS
from scumble.style.optimization.optimizer import Optimizer
from scumble.style.plan import Plan
from scumble.style.provenance import JOBS
from scumble.style.settings import PaintSettings, StyleSettings
from scumble.style.stages import Stage
from scumble.threads import by_few_threads, few_threads

OPTIMIZERS: dict[str, Callable[[Stage, int], Optimizer]] = {
    "lbfgs": lambda stage, history_bytes: LBFGS(stage.lr, history_bytes=history_bytes),
    "adam": lambda stage, _: Adam(stage.lr, stage.momentum),
}

EXPLOSION = 10.0
"""A loss this many times the best one is told of; smaller rises are the everyday work of a line search."""


class Painter:
    """Works the canvas up from stage to stage. `done` of `total` counts evaluations, in those of the last stage."""

    def __init__(
        self,
        settings: PaintSettings,
        inputs: Inputs,
        todo: list[Stage],
        networks: dict[str, Backbone],
        placement: Placement,
        plans: Sequence[Plan],
    ):
        self.settings = settings
        self.inputs = inputs
        self.stages = todo
        self.networks = networks
        self.device = placement.device
        self.job = JOBS[type(settings)]
        self.roomy = all(planned.roomy for planned in plans)
        self.tile_sides = [planned.tile_side for planned in plans]
        self.history_bytes = max(planned.history_bytes for planned in plans)
        self.done = 0
        self.evaluations = 0  # made so far, at all sizes and by all networks
        self.before = 0  # made in earlier stages, of which some may have ended early
        self.total = self._worth(len(todo))
        self.stage = 0
        self.descent: Descent | None = None  # of the latest step
        self.step: Step | None = None
        self.resumed: Checkpoint | None = None

    def state(self) -> Checkpoint | None:
        """All that the rest of the work depends on; None where nothing was done yet."""
        if self.descent is None:
            return None
        tensors, facts = self.descent.state()
        # Where memory failed on the way, tiles are smaller than they were planned.
        self.tile_sides[self.stage] = self.descent.objective.view.tile_side
        memory = {"tile_sides": self.tile_sides, "history_bytes": self.history_bytes}
        return Checkpoint(tensors, facts | memory | {"stage": self.stage, "before": self.before})

    def resume(self, state: Checkpoint) -> None:
        """Let `paint` begin there.

        Raises:
            RunError: if it is of another job.
        """
        self.resumed = state
        self.stage = state.facts["stage"]
        with _of_this_job():
            size, steps = self.stages[self.stage].size, self.stages[self.stage].steps
            if len(state.facts["tile_sides"]) != len(self.stages) or state.facts["evaluation"] > steps:
                raise ValueError("it is of another number of stages or steps")
            if state.facts["history_bytes"] > max(HISTORY_BYTES, BYTES_OF_PAIR * size[0] * size[1]):
                raise ValueError(f"its optimizer would take {state.facts['history_bytes']} bytes")
            wanted = (1, 3, size[1], size[0])
            for name in ("canvas", "gradient", "move", *state.tensors):
                shape = state.tensors[name].shape if name in state.tensors else None
                if shape != wanted and not name.startswith("optimizer."):
                    raise ValueError(f"its {name} is of shape {shape and list(shape)}, wanted {list(wanted)}")
        # As it was planned then: other tiles would round otherwise.
        self.tile_sides, self.history_bytes = state.facts["tile_sides"], state.facts["history_bytes"]
        self.before = state.facts["before"]
        self._count(state.facts["evaluation"])

    def paint(self) -> Iterator[Event]:
        """Every step of every stage, each told as Progress, and what else there is to tell.

        Raises:
            RunError: before any step, if the state to resume is of another job.
        """
        optimizer: Optimizer | None = None
        kind = None
        canvas = None if self.resumed is None else self.resumed.tensors["canvas"].to(self.device)
        for number, stage in list(enumerate(self.stages))[self.stage :]:
            size = stage.size
            if optimizer is None or kind != (stage.optimizer, stage.lr, stage.momentum):
                # What another one has learnt is given up: a state holds one.
                kind = stage.optimizer, stage.lr, stage.momentum
                optimizer = OPTIMIZERS[stage.optimizer](stage, self.history_bytes)
            if len(self.stages) > 1:
                through = f" with {stage.backbone}" if len(self.networks) > 1 else ""
                yield Detailed(f"{self.job}: {size[0]}x{size[1]} pixels{through}, {number + 1} of {len(self.stages)}")
            content, styles = self.inputs.pixels(size, self.device)
            if canvas is None:
                canvas = self.inputs.start(content, styles, self.device)
            elif self.resumed is None:
                canvas = resize(canvas, size)
                optimizer = optimizer.carried(size)
            with few_threads(stage.threads(torch.get_num_threads())):
                objective = self._objective(number, canvas if content is None else content, styles)
            del content, styles  # of large pictures, half a gigabyte that the next stage would pay for
            if number == len(self.stages) - 1:
                yield from _narrow(objective)
            descent = Descent(objective, canvas, optimizer, stage.steps, stage.averaging, stage.tolerance)
            if self.resumed is not None:
                with _of_this_job():
                    self.step = descent.restore(self.resumed)
                self.descent, self.resumed = descent, None
            yield from self._descend(number, descent)
            canvas = descent.picture

    def _descend(self, number: int, descent: Descent) -> Iterator[Event]:
        """The steps of one stage."""
        warned, before = False, self.before if self.stage == number else self.evaluations
        threads = self.stages[number].threads(torch.get_num_threads())
        for step in by_few_threads(iter(descent), threads):
            self.stage, self.before, self.descent, self.step = number, before, descent, step
            self._count(step.evaluation)
            if step.retreated and not warned and not step.found.loss < EXPLOSION * step.best.loss:
                warned = True
                yield Warned(f"the loss rose to {step.found.loss:.4g}: back to the last good picture, smaller steps")
            yield Progress(self.job, self.done, self.total, step.found.loss, step.found.terms)

    def _objective(self, number: int, content: torch.Tensor, styles: list[torch.Tensor]) -> Objective:
        settings, stage = self.settings, self.stages[number]
        strength = settings.strength if isinstance(settings, StyleSettings) else 1.0
        # A finish looks for what all that came before it was looking for (docs/log.md).
        looks = stage.backbone if stage.backbone == stages.SKETCHES else settings.backbone
        terms = settings.terms(looks, stage.ahead)
        return Objective(
            self.networks[stage.backbone].network,
            content,
            styles,
            terms.content,
            terms.style,
            settings.loss,
            strength * settings.variation_weight,  # grain comes with the painting
            strength,
            self.inputs.regions,
            self.tile_sides[number],
            settings.range_weight,
            terms.transported,
            terms.leak,
            terms.focused,
            self.inputs.visible,
            self.inputs.matched(content, styles) if terms.layout else None,
            terms.layout,
            terms.fitted,
        )

    def _count(self, further: int) -> None:
        self.evaluations = self.before + further
        self.done = self._worth(self.stage, further)

    def _worth(self, stages: int, further: int = 0) -> int:
        """So many whole stages and some steps of the next, in evaluations of the last stage."""
        steps = [*(stage.steps for stage in self.stages[:stages]), further]
        cost = sum(stage.cost * count for stage, count in zip(self.stages, steps, strict=False))
        return round(cost / self.stages[-1].cost)


@contextlib.contextmanager
def _of_this_job() -> Iterator[None]:
    """Whatever does not fit where a state is taken up is a RunError: the file is damaged, or somebody has edited it."""
    try:
        yield
    except (LookupError, TypeError, ValueError, RuntimeError) as error:
        if is_about_memory(error):
            raise
        raise RunError(f"the unfinished picture is damaged: {first_line(error)}", "leave --resume out") from error


def _narrow(objective: Objective) -> Iterator[Noted]:
    for region in objective.targets.regions:
        if region.narrow:
            layers = ", ".join(region.narrow)
            yield Noted(f"{region.name} is narrow: for {layers}, what is around it counts a little, too")
