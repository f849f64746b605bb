"""What a training needs of its art beside the task, as promises: who looks at it, measures it, and saves its model."""

from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from scumble.events import Event, Noted
from scumble.storage.run import Run


class Monitor(Protocol):
    """Looks at a training every so often, and says what goes wrong with it."""

    def is_due(self) -> bool:
        """Whether this step is one to look after."""
        ...

    def figures(self) -> dict[str, float]:
        """What there is to see now, by name."""
        ...

    def new_warnings(self, figures: dict[str, float]) -> list[str]:
        """What shows in these figures for the first time since it last did not."""
        ...


class Evaluator(Protocol):
    """Measures a training every so often, and keeps its best state."""

    def is_due(self, images_seen: int, images_per_step: int, run: Run) -> bool:
        """Whether this state is to be measured, and was not."""
        ...

    def evaluate(self, model: Any, /) -> Generator[Event, None, dict[str, float]]:
        """The figures of this state's model, by name."""
        ...

    def keep(self, model: Any, figures: dict[str, float], run: Run, /) -> Noted:
        """Keep the model if it is the best so far; says what was found."""
        ...


class Model(Protocol):
    """What a training makes."""

    def save_pretrained(self, folder: Path) -> None:
        """Write it as a folder."""
        ...


class Shown(NamedTuple):
    """What a training shows and measures of itself, which the engine cannot know.

    Attributes:
        preview: (H, W, 3) uint8: what it makes now.
        model: the model as it is now, of a run with these facts.
        monitor: made of the lines of figures so far; None for none.
        evaluator: None for none.
    """

    preview: Callable[[], np.ndarray]
    model: Callable[[Any], Model]
    monitor: Callable[[Sequence[dict[str, Any]]], Monitor] | None = None
    evaluator: Evaluator | None = None
