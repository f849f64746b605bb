"""What lies beside the pixels of a data set, in its .json."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, FiniteFloat

FORMAT_VERSION = 3


class About(BaseModel):
    """The fields of `scumble.data.dataset.Dataset`, as they are written, and the remarks on how it was made.

    Attributes:
        source: its name.
        count: of the pictures.
        labels: see `scumble.data.labels.as_plain`.
        told: the remarks, each with what kind of event it is.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    format_version: Literal[3]
    source: str
    count: int
    classes: tuple[str, ...]
    labels: tuple[int, ...] | tuple[tuple[int, ...], ...] | None
    why_no_classes: str
    value_range: tuple[FiniteFloat, FiniteFloat] | None
    digest: str
    told: tuple[tuple[Literal["Noted", "Warned"], str], ...]
