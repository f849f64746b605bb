"""Unfinished pictures: the whole state of a job, beside its output, from which it goes on to the last bit.

The file holds what the job was asked for, too: a state is of use only for the same pictures, settings and versions.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scumble import paths
from scumble.errors import ImageError, RunError
from scumble.events import Noted
from scumble.image import recipe
from scumble.settings import complaint
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.folder import as_safetensors, writing
from scumble.style.provenance import group_of, what_counts

SUFFIX = ".unfinished"
ELSEWHERE = "remove it, write elsewhere, or --overwrite"
SECONDS = 60.0
"""Between two times of writing the state; longer where writing takes more than a twentieth of it."""

Count = Annotated[int, Field(ge=0, le=10**12)]


class Stand(BaseModel):
    """What `Painter.state` and `Descent.state` tell beside the tensors: a file may hold anything else."""

    model_config = ConfigDict(frozen=True, strict=True)

    stage: Count
    before: Count
    tile_sides: list[Annotated[int, Field(gt=0, le=2**20)] | None]
    history_bytes: Count
    evaluation: Annotated[Count, Field(gt=0)]
    finished: bool
    good: tuple[float, dict[str, float]]
    best: tuple[float, dict[str, float]]
    average: Annotated[float, Field(ge=0, le=1)]
    lowest: Annotated[list[float], Field(min_length=1)]
    length: Annotated[float, Field(gt=0, le=1)]
    retreats: Count
    optimizer: dict[str, Count | list[Count]]


class Unfinished:
    """The state's file of the job that writes `output`, and that was `asked` for these things."""

    def __init__(self, output: Path, asked: dict[str, Any]):
        self.output = output
        self.path = output.with_name(paths.fitting(output.name, SUFFIX))
        self.asked = json.loads(json.dumps(asked))
        self.next_time = time.monotonic() + SECONDS

    def exists(self) -> bool:
        """Whether there is a state."""
        try:
            return self.path.is_file()
        except OSError:  # a folder that may not be entered, a name that is too long for this file system
            return False

    def due(self) -> bool:
        """Whether it is time to write again."""
        return time.monotonic() >= self.next_time

    def write(self, state: Checkpoint) -> None:
        """Write a state; what was there before stays until it is whole.

        Raises:
            RunError: if it cannot be written.
        """
        started = time.monotonic()
        facts = checkpoint.metadata(state.facts | {"asked": self.asked})
        paths.restore_folder(self.path)
        try:
            with writing(self.path):
                paths.write_atomically(self.path, as_safetensors(state.tensors, facts))
        finally:
            now = time.monotonic()
            self.next_time = now + max(SECONDS, 20 * (now - started))

    def read(self) -> Checkpoint:
        """Read the state of a job that was asked for the same.

        Raises:
            RunError: if it is damaged, or of another job.
        """
        state = checkpoint.read(self.path)
        different = difference(state.facts.get("asked"), self.asked)
        if different:
            raise RunError(f"{self.path} is of another job: {different}", "repeat its command, or leave --resume out")
        try:
            Stand.model_validate_json(json.dumps(state.facts))
        except ValidationError as error:
            names, words = complaint(Stand, error.errors()[0])
            raise self._damaged(f"{'.'.join(names)}: {words}") from None
        for name, tensor in state.tensors.items():
            if not (tensor.is_floating_point() and tensor.isfinite().all()):
                raise self._damaged(f"{name} holds what are no finite numbers")
        return state

    def _damaged(self, why: str) -> RunError:
        return RunError(f"{self.path} is damaged: {why}", "leave --resume out")

    def remove(self) -> None:
        """The picture is finished.

        Raises:
            RunError: if the file cannot be removed.
        """
        with writing(self.path):
            self.path.unlink(missing_ok=True)


def is_finished(output: Path, asked: dict[str, Any], overwrite: bool = False) -> bool:
    """Whether a picture is there already, made of these pictures and with these settings.

    Args:
        output: the picture.
        asked: what its recipe says of the job, its settings and its inputs.
        overwrite: whether it may be written over where it was made otherwise.

    Raises:
        ImageError: if what is there was made otherwise, and may not be written over.
    """
    stopped = Unfinished(output, {}).exists()
    if not output.exists() or not output.stat().st_size:
        return False
    found = recipe.found_in(output)
    if found is None:
        if overwrite:
            return False
        raise ImageError(f"{output} is there already, and not made by scumble", ELSEWHERE)
    was, now = what_counts(found), what_counts(asked)
    if stopped and "steps" in was["settings"]:  # a picture that was stopped is one of fewer steps
        was["settings"]["steps"] = now["settings"]["steps"]
    different = difference(was, now)
    if different and not overwrite:
        others = _others(was, now)
        alike = difference(was | {"inputs": {}}, now | {"inputs": {}}) is None
        made = (
            f"of another {asked['inputs'][others[0]]['name']}" if alike and others else f"made otherwise: {different}"
        )
        raise ImageError(f"{output} is there already, {made}", ELSEWHERE)
    return not (different or stopped or group_of(found, "result").get("stopped"))


def written_over(output: Path | None, asked: dict[str, Any], overwrite: bool) -> Iterator[Noted]:
    """A picture of ours makes room for another try of the same photograph and paintings, but not in silence.

    Raises:
        ImageError: if it is of others, and may not be written over.
    """
    made_before = None if output is None else recipe.found_in(output)
    if not made_before:
        return
    was, now = what_counts(made_before), what_counts(asked)
    others = [role for role in _others(was, now) if role.split()[0] in ("content", "style")]
    if others and not overwrite:
        raise ImageError(f"{output} is there already, and not made of {asked['inputs'][others[0]]['name']}", ELSEWHERE)
    if different := difference(was, now):
        yield Noted(f"{output} is there already and is written over: {different}")


def _others(was: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What the pictures are for that are not the same, of what counts in two recipes."""
    return [role for role, digest in now["inputs"].items() if was["inputs"].get(role) != digest]


def difference(was: Any, now: Any, name: str = "") -> str | None:
    """The first thing of two recipes, or parts of them, that is not the same, in words."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in was | now:
            if found := difference(was.get(key), now.get(key), f"{name} {key}".strip()):
                return found
        return None
    if was == now:
        return None
    return f"its {name.replace('_', '-') or 'job'} was {_short(was)}, this one's is {_short(now)}"


def _short(value: Any) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= 24 else f"{text[:21]}..."
