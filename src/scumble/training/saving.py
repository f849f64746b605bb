"""Where a training takes itself up, and how it leaves itself behind: checkpoints, on a full disk too."""

import errno
from collections.abc import Generator
from typing import Any

from scumble.errors import RunError
from scumble.events import Event, Noted, Warned
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.run import Run
from scumble.training import continuation
from scumble.training.facts import RunFacts
from scumble.training.trainer import Trainer


def begin(
    trainer: Trainer, run: Run, facts: RunFacts, is_new: bool, changes: dict[str, tuple[Any, Any]]
) -> Generator[Event, None, RunFacts]:
    """Take up the newest checkpoint that can be read, or write the first one; returns the run's facts from now on.

    A new run that cannot begin leaves nothing.
    """
    try:
        return (yield from _begin(trainer, run, facts, is_new, changes))
    except BaseException:
        if is_new:
            run.clear()
        raise


def _begin(
    trainer: Trainer, run: Run, facts: RunFacts, is_new: bool, changes: dict[str, tuple[Any, Any]]
) -> Generator[Event, None, RunFacts]:
    restored, complaints = checkpoint.newest(run.checkpoints, trainer.restored)
    if complaints and restored is None:
        raise RunError(f"{run.folder} has no checkpoint that can be used: {complaints[0]}", "use --fresh to start over")
    for complaint in complaints:
        yield Warned(f"{complaint}; the one before it is used")
    if restored is not None:
        yield Noted(f"continuing {run.folder} at {trainer.images_seen:,} images")
    elif not is_new:
        yield Warned(f"{run.folder} has lost its checkpoints: it starts at 0 images")
    facts = continuation.with_change(facts, changes, trainer.images_seen)
    facts.write_to(run.folder)  # first: without it, nothing else would be known as ours
    run.forget_metrics_after(trainer.images_seen)
    if restored is None:
        yield from save(trainer, run)
    share_state(trainer)
    return facts


def save(trainer: Trainer, run: Run) -> list[Event]:
    """Write a checkpoint; on a full disk, older ones make room for it, which is returned as a warning."""
    state = trainer.state()
    try:
        checkpoint.write(run.checkpoints, trainer.images_seen, state)
    except RunError as error:
        is_full = isinstance(error.__cause__, OSError) and error.__cause__.errno in (errno.ENOSPC, errno.EDQUOT)
        removed = checkpoint.make_room(run.checkpoints, trainer.checked) if is_full else 0
        if not removed:
            raise
        checkpoint.write(run.checkpoints, trainer.images_seen, state)
        older = "an older checkpoint was" if removed == 1 else f"{removed} older checkpoints were"
        return [Warned(f"{error}: {older} removed, and there it is")]
    return []


def share_state(trainer: Trainer) -> None:
    """Bring the other processes to where the first one is."""

    def state() -> Checkpoint:
        saved = trainer.state()
        return saved._replace(tensors={name: tensor.cpu() for name, tensor in saved.tensors.items()})

    trainer.processes.restore(state)
