"""What a run is, as its settings.json tells: whether a training continues it, and what may differ."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from scumble.errors import RunError
from scumble.events import Event, Noted
from scumble.storage.run import Run
from scumble.training.facts import Change, RunFacts
from scumble.training.settings import NOT_OF_THE_STEPS, OF_DATA, TrainingSettings

HINT = "use another --run, or --fresh to start over"


def identity(settings: Mapping[str, Any], digest: str, flip: bool, start: str | None = None) -> str:
    """What a run's checkpoints are known by: of what it began with, so that what changes later changes nothing here.

    Args:
        settings: that the run begins with, as plain data.
        digest: of the pictures.
        flip: whether they are mirrored.
        start: digest of the weights that it begins with, where these are not drawn from its seed.
    """
    fixed = {name: value for name, value in settings.items() if name not in NOT_OF_THE_STEPS | OF_DATA}
    known = [fixed, digest, flip] + ([] if start is None else [start])
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def changed(before: RunFacts, settings: TrainingSettings) -> dict[str, tuple[Any, Any]]:
    """Settings that are not those of the run so far, each with its old and its new value."""
    new = settings.model_dump(mode="json")
    defaults = {name: field.default for name, field in type(settings).model_fields.items()}
    old = defaults | before.settings  # a run of an earlier version lacks settings that there were not
    return {name: (old[name], new[name]) for name in new if old[name] != new[name]}


def check_settings(run: Run, before: RunFacts, settings: TrainingSettings) -> None:
    """Refuse to continue a training with settings that make it another one.

    Raises:
        RunError: if one of them does.
    """
    others = {
        name: values
        for name, values in changed(before, settings).items()
        if name not in NOT_OF_THE_STEPS | settings.MAY_CHANGE
    }
    if others:
        name = "preset" if "preset" in others else next(iter(others))  # it has changed the others
        old, new = others[name]
        raise RunError(f"{run.folder} is a run with {name} {old}; got {name} {new}", HINT)


def differences(run: Run, before: RunFacts, now: RunFacts) -> Iterator[Event]:
    """Refuse to continue a training on other pictures; say where the same bits cannot be expected.

    Raises:
        RunError: if the pictures are others.
    """
    old, new = before.settings, now.settings
    if (before.data.digest, before.data.shape) != (now.data.digest, now.data.shape):
        raise RunError(
            f"{run.folder} is a run on {before.data.name} ({before.data.count} pictures); "
            f"got {now.data.name} ({now.data.count} pictures), which is not the same",
            HINT,
        )
    if new["images"] != old.get("images", new["images"]) and new["decay"] != "none":
        yield Noted("the learning rate decays to another end than it began with: it jumps, and goes on from there")
    processes_before = old.get("devices", 1) * old.get("nodes", 1)
    began_with = before.versions, before.threads, processes_before
    if began_with != (now.versions, now.threads, new["devices"] * new["nodes"]):
        yield Noted("versions, threads or processes are not those it began with: it goes on, but not to the same bits")


def with_change(facts: RunFacts, changes: dict[str, tuple[Any, Any]], images: int) -> RunFacts:
    """A run's facts, and that these settings change where so many images were seen."""
    if not changes:
        return facts
    change = Change(images=images, settings=changes)
    return facts.model_copy(update={"changes": (*facts.changes, change)})


def told(changes: dict[str, tuple[Any, Any]], images: int) -> str:
    """That these settings change, in words."""
    each = ", ".join(f"{name} is {new} and no longer {old}" for name, (old, new) in changes.items())
    return f"from {images:,} images on, {each}"
