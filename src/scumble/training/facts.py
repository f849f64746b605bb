"""What a run's folder, and a model's, tells of itself in settings.json: frozen records, checked where they are read."""

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scumble.errors import RunError
from scumble.settings import complaint
from scumble.storage.folder import FACTS, read_facts, write_facts
from scumble.storage.run import Run

Side = Annotated[int, Field(gt=0, le=2**16)]


class DataFacts(BaseModel):
    """What was trained on.

    Attributes:
        name: what it was called.
        count: how many pictures.
        shape: (C, H, W).
        classes: their names; none where pictures have no labels.
        label_sets: of some pictures, where they may have several labels: 0 or 1 for each of the classes.
        digest: of all pixels and labels.
        value_range: the values that became black and white; None where they were bytes.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    name: str
    count: int
    shape: tuple[Side, Side, Side]
    classes: tuple[str, ...]
    label_sets: tuple[str, ...] | None = None
    digest: str
    value_range: tuple[float, float] | None = None

    @property
    def kind(self) -> str:
        """What its pictures are, in words, such as "grey pictures of 28 x 28 pixels"."""
        channels, height, width = self.shape
        colours = {1: "grey", 3: "colour"}.get(channels, f"{channels}-channel")
        return f"{colours} pictures of {width} x {height} pixels"


class Change(BaseModel):
    """What a run went on with after so many images.

    Attributes:
        images: seen by then.
        settings: by name, the value before and the one from then on.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    images: int
    settings: dict[str, tuple[Any, Any]]


class RunFacts(BaseModel):
    """What every art's runs have.

    Attributes:
        settings: of the training, as plain data: those of now.
        data: what was trained on.
        versions: of what computed it.
        threads: of each process.
        changes: of the settings, since the training began.
        identity: that its checkpoints are known by; None in runs from before it was written down.
    """

    model_config = ConfigDict(frozen=True, strict=True)
    kind: ClassVar[str]
    """Of the folder: which art it is of, and what it holds."""

    settings: dict[str, Any]
    data: DataFacts
    versions: dict[str, str]
    threads: int
    changes: tuple[Change, ...] = ()
    identity: str | None = None

    @property
    def known_by(self) -> str:
        """The identity of the run's checkpoints."""
        raise NotImplementedError

    @classmethod
    def read_from(cls, folder: Path) -> Self:
        """The record that a folder's settings.json holds.

        Raises:
            RunError: if it cannot be read, is of another version or kind, or lacks something; in one line.
        """
        plain = read_facts(folder, cls.kind)
        try:
            return cls.model_validate_json(json.dumps(plain))  # from JSON, pydantic takes lists for tuples
        except ValidationError as error:
            names, words = complaint(cls, error.errors()[0])
            raise RunError(f"{folder / FACTS} is not as scumble wrote it: {'.'.join(names)}: {words}") from None

    @classmethod
    def of_run(cls, run: Run) -> Self | None:
        """The record of a run; None where there is none yet. Raises as `read_from`, or if it is something else."""
        return cls.read_from(run.folder) if run.exists() else None

    def write_to(self, folder: Path) -> None:
        """Write settings.json.

        Raises:
            RunError: if it cannot be written; what was there stays.
        """
        write_facts(folder, self.kind, self.model_dump(mode="json", exclude_none=True))
