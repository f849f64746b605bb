"""Unfinished pictures: the whole state of a job, beside its output, from which it goes on to the last bit.

The file holds what the job was asked for, too: a state is of use only for the same pictures, settings and versions.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scumble import paths
from scumble.errors import RunError
from scumble.settings import complaint
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.folder import as_safetensors, writing
from scumble.style.files import there
from scumble.style.files.there import difference

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
        self.path = there.unfinished(output)
        self.asked = json.loads(json.dumps(asked))
        self.next_time = time.monotonic() + SECONDS

    def exists(self) -> bool:
        """Whether there is a state."""
        return there.is_unfinished(self.output)

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
