"""What a GAN's folders tell of themselves: those of a run, a model and a classifier.

A file that was edited by hand, or is another program's, is refused here, in one line, and nowhere else.
"""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from scumble.data.form import Form
from scumble.gan.settings import GANSettings
from scumble.training.continuation import identity
from scumble.training.facts import RunFacts


class Evaluated(BaseModel):
    """How a model was measured that was kept for being the best, and its figures by name."""

    model_config = ConfigDict(frozen=True)

    measured: dict[str, Any]
    figures: dict[str, float]


class Start(BaseModel):
    """The model whose weights a run began with.

    Attributes:
        name: of its folder or file.
        images_seen: by it.
        digest: hexadecimal SHA-256 of its weights.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    name: str
    images_seen: int | None = None
    digest: str


class GANFacts(RunFacts):
    """Those of a run, and of its model.

    Attributes:
        flip: whether pictures were mirrored at random.
        start: what it began with; None for weights drawn from its seed.
        images_seen: by a model's networks.
        evaluation: of a model that was kept for being the best.
    """

    kind: ClassVar[str] = "gan"

    flip: bool
    start: Start | None = None
    images_seen: int | None = None
    evaluation: Evaluated | None = None

    @property
    def form(self) -> Form:
        """What pictures became before it learnt from them, the range of values as it was found."""
        form = GANSettings(**self.settings).form
        return form._replace(value_range=self.data.value_range or form.value_range)

    @property
    def form_of_data(self) -> Form:
        """The same, with the size and the channels that the pictures had."""
        channels, height, width = self.data.shape
        return self.form._replace(size=(width, height), channels=channels)

    @property
    def known_by(self) -> str:
        """The identity of the run's checkpoints."""
        start = None if self.start is None else self.start.digest
        return self.identity or identity(self.settings, self.data.digest, self.flip, start)


class ProbeFacts(BaseModel):
    """How a classifier came to be.

    Attributes:
        classes: their names.
        features: settings of the features.
        kind: of the linear classifier.
        c: inverse strength of its regularisation.
        temperature: that its scores are divided by.
        labelled: pictures with labels that it learnt from.
        tested: pictures that it was tested with.
        folds: of the cross-validation by which others were tested, with fewer of its labels; 0 where it was itself.
        accuracy: on these.
        made_of: a digest of what it was made of.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[str, ...]
    features: dict[str, Any]
    kind: str
    c: Annotated[float, Field(gt=0, le=1e9)]
    temperature: Annotated[float, Field(ge=1e-3, le=1e3)]
    labelled: int
    tested: int
    folds: int = 0
    accuracy: float
    made_of: str


class ClassifierFacts(GANFacts):
    """Those of a classifier: its GAN's, and its own."""

    kind: ClassVar[str] = "classifier"

    classifier: ProbeFacts
