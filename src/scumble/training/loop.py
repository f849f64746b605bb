"""The training loop, whose axis is the number of images seen: a generator of events that resumes to the bit.

A checkpoint is the trainer's state. On the CPU, a training that was killed and continued ends with the same bits as one
that never stopped. On several processes the first one goes through the loop, and the others make its steps.
"""

import math
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scumble.errors import DivergedError, RunError, ScumbleError
from scumble.events import Event, Noted, Preview, Progress, Saved, Started, Warned
from scumble.image import files
from scumble.storage import checkpoint
from scumble.storage.folder import make
from scumble.storage.run import Run
from scumble.training import continuation
from scumble.training.facts import RunFacts
from scumble.training.log import Log
from scumble.training.saving import begin, save, share_state
from scumble.training.settings import TrainingSettings
from scumble.training.shown import Monitor, Shown
from scumble.training.trainer import Trainer

JOB = "train"
LOG_STEPS = 20
"""A line of figures is an average over so many steps. Reading them makes a GPU wait, so it is not done more often."""
CHECKPOINT_SECONDS = 60.0
PROGRESS_SECONDS = 0.2
MAX_ROLLBACKS = 3


def training(
    trainer: Trainer, run: Run, settings: TrainingSettings, shown: Shown, before: RunFacts | None, facts: RunFacts
) -> Generator[Event, None, tuple[Path, np.ndarray, dict[str, float]]]:
    """Train to the end, from the newest checkpoint or from the start.

    Args:
        trainer: as it was made.
        run: its folder, held by us.
        settings: of the training.
        shown: what it shows of itself.
        before: what the run's settings.json tells; None where there is none yet.
        facts: what it is to tell from now on.

    Returns:
        The last preview's file and pixels, and the last figures.

    Raises:
        RunError: if the run has no checkpoint that can be used, or its folder cannot be written.
        DivergedError: if the figures left the finite numbers more often than going back could mend.
        LostError: if one of several processes was killed.
    """
    changes = {} if before is None else continuation.changed(before, settings)
    facts = yield from begin(trainer, run, facts, before is None, changes)
    loop = _Loop(trainer, run, settings, shown, facts)
    yield from loop.noted(changes, settings.MAY_CHANGE)
    yield Started(JOB, settings.images, "images")
    yield loop.progress()
    try:
        yield from loop.steps()
    except (GeneratorExit, KeyboardInterrupt):
        # Signals wait for the end of a step, so this is never half a step; but it may be one that has gone wrong.
        with checkpoint.uninterrupted():  # by an impatient second Ctrl-C
            if trainer.is_finite():
                save(trainer, run)
        raise
    except Exception:
        if before is None and trainer.step == 0:
            run.clear()  # it never began, and other settings may be tried
        raise
    finally:
        loop.log.close()
    yield from loop.ended()
    yield Saved(run.model)
    if shown.evaluator is not None and run.best.exists():
        yield Saved(run.best)
    last, pixels = loop.preview()
    yield Saved(last)
    return last, pixels, loop.log.latest


class _Loop:
    """Step after step, and beside it figures, checkpoints and previews, whose failures are reported but end nothing."""

    def __init__(self, trainer: Trainer, run: Run, settings: TrainingSettings, shown: Shown, facts: RunFacts):
        self.trainer, self.run, self.settings, self.shown, self.facts = trainer, run, settings, shown, facts
        self.log = Log(run, trainer)
        self.complaints: set[str] = set()
        self.monitor = self._new_monitor()

    def _new_monitor(self) -> Monitor | None:
        return None if self.shown.monitor is None else self.shown.monitor(self.run.metrics())

    @property
    def has_ended(self) -> bool:
        """Whether all images were seen."""
        return self.trainer.images_seen >= self.settings.images

    def steps(self) -> Iterator[Event]:
        """All that are left."""
        # Where an earlier training was stopped before it:
        yield from self._evaluated()
        if not self._grid().exists():
            yield from self._previewed()
        saved = reported = time.perf_counter()
        self.log.restart()
        while not self.has_ended:
            with checkpoint.uninterrupted():
                with self.trainer.processes.step():
                    self.trainer.train_step()
                if self.trainer.step % LOG_STEPS == 0 or self.has_ended:
                    self.log.write()
                looked = time.perf_counter()
                # Before a stop can come between: a look that is due after a step is made once.
                warnings = self._watched()
            now = time.perf_counter()
            self.log.rest(now - looked)
            if self.log.diverged:
                yield from self._rolled_back()
                continue
            yield from map(Warned, warnings)
            yield from self._evaluated()  # before a checkpoint says that it was done
            wants_saving = now - saved > CHECKPOINT_SECONDS and self.trainer.is_finite()
            saved = now if wants_saving else saved
            yield from self._written(wants_saving)
            if now - reported > PROGRESS_SECONDS or self.has_ended:
                reported = now
                yield self.progress()
            self.log.rest(time.perf_counter() - now)

    def _written(self, wants_saving: bool) -> Iterator[Event]:
        """A checkpoint and a preview, where they are due."""
        if self.log.trouble is not None:
            yield from self._complained(self.log.trouble)
            self.log.trouble = None
        try:
            if wants_saving:
                yield from save(self.trainer, self.run)
        except ScumbleError as error:
            yield from self._complained(error)
        yield from self._previewed()

    def _previewed(self) -> Iterator[Event]:
        """A preview, where one is due."""
        try:
            if self._preview_is_due() and not self.has_ended:
                path, pixels = self.preview()
                yield Preview(self.trainer.images_seen, Image.fromarray(pixels), path)
        except ScumbleError as error:
            yield from self._complained(error)

    def _evaluated(self) -> Iterator[Event]:
        """Measure this state, if it is time to, and write it down."""
        evaluator, trainer = self.shown.evaluator, self.trainer
        if evaluator is None or not evaluator.is_due(trainer.images_seen, trainer.task.size, self.run):
            return
        if not trainer.is_finite():
            return
        model = self.shown.model(self.facts)
        evaluation = evaluator.evaluate(model)
        try:
            while True:
                next(evaluation)  # its own progress would take the place of the training's
                if not self.has_ended:  # the end is reported once
                    yield self.progress()
        except StopIteration as end:
            figures = end.value
        except ScumbleError as error:
            yield from self._complained(error)
            return
        try:
            yield evaluator.keep(model, figures, self.run)
            self.log.add(figures)  # last: what is written down is not done again
        except ScumbleError as error:
            yield from self._complained(error)

    def _watched(self) -> list[str]:
        """Look at the training, if it is time to, and write down what there is to see; returns what goes wrong."""
        if self.monitor is None or not self.monitor.is_due() or self.log.diverged:
            return []
        figures = self.monitor.figures()
        if not all(map(math.isfinite, figures.values())):
            return []  # the next line of figures will find that it has diverged
        warnings = self.monitor.new_warnings(figures)
        try:
            self.log.add(figures, warnings)
        except RunError as error:
            self.log.trouble = error
        return warnings

    def _complained(self, error: ScumbleError) -> Iterator[Event]:
        """Say once what the file system refused."""
        if str(error) not in self.complaints:
            self.complaints.add(str(error))
            yield Warned(f"{error}; the training goes on")

    def _rolled_back(self) -> Iterator[Event]:
        """Go back to the last checkpoint, and on from there with other pictures and latents."""
        trainer, run = self.trainer, self.run
        at, rollbacks = trainer.images_seen, trainer.rollbacks + 1
        diverged = DivergedError(
            f"the losses left the finite numbers at {at:,} images, after going back {trainer.rollbacks} times",
            "start over with --fresh and a smaller --lr",
        )
        if rollbacks > MAX_ROLLBACKS:
            raise diverged
        with checkpoint.uninterrupted():
            if checkpoint.newest(run.checkpoints, trainer.restored)[0] is None:
                raise diverged
            trainer.rollbacks = rollbacks
            # Without this, a training that is stopped now would diverge again in the same way.
            warnings = save(trainer, run)
            share_state(trainer)
            self.log.forget_after(trainer.images_seen)
            self.log.restart()
            self.monitor = self._new_monitor()
        yield from warnings
        yield Warned(f"the losses left the finite numbers at {at:,} images: back to {trainer.images_seen:,}")

    def noted(self, changes: dict[str, tuple[Any, Any]], of_steps: frozenset[str]) -> Iterator[Event]:
        """Write down beside the figures, and tell, which settings are others from here on."""
        changes = {name: values for name, values in changes.items() if name in of_steps}
        if changes:
            self.log.note({"changed": changes})
            yield Noted(continuation.told(changes, self.trainer.images_seen))

    def ended(self) -> Iterator[Event]:
        """Save what has come of it. Where there is no room for a checkpoint, there may be some for the model."""
        try:
            yield from save(self.trainer, self.run)
        finally:
            self.shown.model(self.facts).save_pretrained(self.run.model)

    def progress(self) -> Progress:
        """How far it is."""
        total = self.settings.images
        return Progress(JOB, min(self.trainer.images_seen, total), total, None, self.log.latest)

    def _preview_is_due(self) -> bool:
        every, seen = max(1, self.settings.images // self.settings.grids), self.trainer.images_seen
        return seen > 0 and seen // every != (seen - self.trainer.task.size) // every

    def _grid(self) -> Path:
        return self.run.grids / f"{self.trainer.images_seen:012}.png"

    def preview(self) -> tuple[Path, np.ndarray]:
        """What it makes now: a file, and its pixels."""
        path, pixels = self._grid(), self.shown.preview()
        make(path.parent)
        files.save(pixels, path)
        return path, pixels
