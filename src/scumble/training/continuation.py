"""What a run is, as its settings.json tells: whether a training continues it, and what may differ."""

import hashlib
import json
from collections.abc import Iterator

from scumble.errors import RunError
from scumble.events import Event, Noted
from scumble.storage.run import Run
from scumble.training.facts import RunFacts
from scumble.training.settings import FREE_TO_CHANGE, TrainingSettings

HINT = "use another --run, or --fresh to start over"


def identity(settings: TrainingSettings, digest: str, flip: bool) -> str:
    """What a checkpoint is known by: the same for trainings that differ in nothing but what is free to change."""
    fixed = settings.model_dump(mode="json", exclude=set(FREE_TO_CHANGE))
    return hashlib.sha256(json.dumps([fixed, digest, flip], sort_keys=True).encode()).hexdigest()


def differences(run: Run, before: RunFacts, now: RunFacts) -> Iterator[Event]:
    """Refuse to continue another training; say where the same bits cannot be expected.

    Raises:
        RunError: if it is another one.
    """
    old, new = before.settings, now.settings
    changed = [name for name in new if new[name] != old.get(name, new[name]) and name not in FREE_TO_CHANGE]
    if changed:
        name = "preset" if "preset" in changed else changed[0]  # it has changed the others
        raise RunError(f"{run.folder} is a run with {name} {old[name]}; got {name} {new[name]}", HINT)
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
