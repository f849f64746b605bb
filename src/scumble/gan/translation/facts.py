"""What the folders of a translation, of a run and of its model, tell of themselves."""

from typing import ClassVar

from scumble.gan.facts import Evaluated
from scumble.gan.translation.kind import Shapes
from scumble.training.continuation import identity
from scumble.training.facts import RunFacts, Side

ValueRange = tuple[float, float] | None


class TranslationFacts(RunFacts):
    """Those of a run, and of its model.

    `data.shape` is that of the cuts to end with.

    Attributes:
        shape_a: of the cuts to start from, (C, H, W).
        value_ranges: of both sides' files: the values that became black and white; None where they were bytes.
        images_seen: by a model's networks.
        evaluation: of a model that was kept for being the best.
    """

    kind: ClassVar[str] = "translation"

    shape_a: tuple[Side, Side, Side]
    value_ranges: tuple[ValueRange, ValueRange] = (None, None)
    images_seen: int | None = None
    evaluation: Evaluated | None = None

    @property
    def shapes(self) -> Shapes:
        """Of what its networks are trained on."""
        return Shapes(self.shape_a, self.data.shape, len(self.data.classes))

    @property
    def known_by(self) -> str:
        """The identity of the run's checkpoints."""
        return self.identity or identity(self.settings, self.data.digest, False)
