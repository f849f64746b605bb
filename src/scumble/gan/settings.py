"""Settings of GAN training and of the linear probe: the commands' flags, a run's settings.json and the reference."""

import math
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from scumble.data.form import MAX_CHANNELS, Fit, Form
from scumble.errors import SettingsError
from scumble.gan import combinations
from scumble.gan.presets import PRESETS
from scumble.settings import Settings
from scumble.training.settings import TrainingSettings

MIN_SIDE, MAX_SIDE = 16, 4096

# The choices of an evaluation.
MeasureName = Literal["frechet", "kernel", "neighbours", "inception"]
Split = Literal["train", "test"]
COUPLING_LOSSES = ("relativistic-average", "softmax", "feature-matching")
"""Losses that compare each picture with the whole batch; a test holds them to `Loss.couples`."""


def _number_of_channels(channels: Any) -> Any:
    number = int(channels) if str(channels).isdecimal() else channels  # a command line hands over text
    if number != "auto" and not (isinstance(number, int) and 1 <= number <= MAX_CHANNELS):
        raise ValueError(f"auto, or 1 to {MAX_CHANNELS}")
    return number


class GANSettings(TrainingSettings):
    """How a generator and a discriminator are trained."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {name: preset.values for name, preset in PRESETS.items()}
    MAY_CHANGE: ClassVar[frozenset[str]] = TrainingSettings.MAY_CHANGE | {
        "lr_generator",
        "lr_discriminator",
        "augment",
        "augment_colour",
    }

    preset: Literal[*PRESETS] = Field(  # pyright: ignore[reportInvalidTypeForm] (the names are those of the table)
        default="sndcgan",
        description="published method that sets the defaults below; `scumble gan presets` lists them",
    )
    size: str = Field(
        default="auto",
        pattern=r"^(auto|\d{1,5}|\d{1,5}x\d{1,5})$",
        examples=["auto", "64", "128x64"],
        description="size of the pictures: auto (their own, at most 64 pixels), a side such as 64, or WIDTHxHEIGHT",
    )
    channels: Annotated[int | Literal["auto"], BeforeValidator(_number_of_channels)] = Field(
        default="auto",
        description="1 for grey, 3 for colour, 2 or 4 for these with opacity, or as many bands as files have; "
        "auto: what they have, on white where transparent",
    )
    fit: Fit = Field(
        default="crop",
        description="pictures of another shape: crop (their middle), pad (all of it within margins) or stretch",
    )
    value_range: str = Field(
        default="auto",
        description="values that become black and white, such as 0,4095; auto: those of the files' type or, "
        "if that would be nearly black, those found in the data",
    )
    network: Literal[
        "mlp", "dcgan", "sndcgan", "resnet", "sagan", "normfree", "ebgan", "began", "laplacian"
    ] = Field(default="sndcgan", description="architecture of generator and discriminator")  # fmt: skip
    task: Literal["latent", "codes", "clusters", "energy", "equilibrium", "pyramid", "autoencoder"] = Field(
        default="latent",
        description="what is trained; latent: a generator of latents against a discriminator; codes: and that the "
        "latter's features tell a code in the latent; clusters: and an encoder that finds the latent; energy, "
        "equilibrium: against an autoencoder; pyramid: one of each for every size; autoencoder: of codes like latents",
    )
    norm: Literal["batch", "spectral", "none"] = Field(default="spectral", description="discriminator normalisation")
    loss: Literal[
        "bce", "hinge", "least-squares", "wasserstein", "margin", "boundary-seeking", "relativistic",
        "relativistic-average", "softmax", "feature-matching",
    ] = Field(default="hinge", description="adversarial loss")  # fmt: skip
    penalty: Literal["none", "gp", "div", "dragan", "r1", "r1r2"] = Field(
        default="none", description="gradient penalty added to the discriminator's loss"
    )
    penalty_weight: float | None = Field(
        default=None, gt=0, le=1e6, description="weight of the penalty (default: its paper's)"
    )
    clip: float = Field(
        default=0.0,
        ge=0,
        le=100,
        description="bound that the discriminator's weights are clipped to; 0: no clipping",
    )
    condition: Literal["none", "plane", "projection", "auxiliary", "few-labels", "coupled"] = Field(
        default="none",
        description="how class labels are used; few-labels: by the discriminator only; coupled: as domains that one "
        "latent has a picture in each of",
    )
    labelled: int = Field(
        default=10,
        ge=1,
        le=10**9,
        description="labelled pictures per class, for --condition few-labels; where some pictures have no label, all",
    )
    critic_steps: int = Field(default=1, ge=1, le=100, description="discriminator steps per generator step")
    lr_generator: float | None = Field(
        default=None, gt=0, le=1, description="learning rate of the generator (default: that of both)"
    )
    lr_discriminator: float | None = Field(
        default=None, gt=0, le=1, description="learning rate of the discriminator (default: that of both)"
    )
    optimizer: Literal["adam", "rmsprop"] = Field(default="adam", description="optimizer of both networks")
    latent: int = Field(default=128, gt=0, le=4096, description="latent dimension")
    categories: int = Field(
        default=10, ge=2, le=1000, description="values of the code's category, for the tasks codes and clusters"
    )
    continuous: int = Field(
        default=2, ge=0, le=100, description="numbers in [-1, 1] in the code, for the tasks codes and clusters"
    )
    width: int = Field(
        default=32, ge=4, le=1024, description="base number of channels; twice as many take four times the compute"
    )
    flip: Literal["auto", "yes", "no"] = Field(
        default="auto", description="mirror pictures at random; auto: if mirrored ones look like the originals"
    )
    augment: bool = Field(
        default=False, description="DiffAugment translation and cutout on what the discriminator sees: for few pictures"
    )
    augment_colour: bool = Field(
        default=False, description="DiffAugment colour on what the discriminator sees: for very few pictures"
    )

    @field_validator("size", mode="before")
    @classmethod
    def _as_text(cls, size: Any) -> Any:
        return str(size) if isinstance(size, int) else size

    @field_validator("size")
    @classmethod
    def _in_range(cls, size: str) -> str:
        if size != "auto" and not all(MIN_SIDE <= int(side) <= MAX_SIDE for side in size.split("x")):
            raise ValueError(f"sides of {MIN_SIDE} to {MAX_SIDE} pixels")
        return size

    @field_validator("value_range")
    @classmethod
    def _low_and_high(cls, value_range: str) -> str:
        if value_range != "auto" and _as_range(value_range) is None:
            raise ValueError("auto, or the lower and the higher value with a comma between, such as 0,4095")
        return value_range

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what cannot be, with the reason."""
        combinations.check({name: getattr(self, name) for name in type(self).model_fields})
        if self.norm == "batch" and self.penalty != "none":
            why = "batch norm couples pictures, so that the gradient at one of them has no meaning"
            raise SettingsError(f"penalty: got {self.penalty} with norm batch; {why}: use --norm none or spectral")
        if self.norm == "batch" and self.network == "normfree":
            raise SettingsError("norm: got batch with network normfree, which is built to work without")
        if self.loss == "feature-matching" and self.draws_classes:
            why = "which matches averages over all classes"
            raise SettingsError(f"loss: got feature-matching, {why}, with condition {self.condition}: wanted another")
        if self.has_codes:
            self._check_codes()
        if self.penalty_weight is not None and self.penalty == "none":
            raise SettingsError("penalty-weight: got one, and no penalty: choose one with --penalty")
        if self.accumulate > 1 and self.loss in COUPLING_LOSSES:
            why = "which compares each picture with the whole batch: with parts of it, it is another loss"
            raise SettingsError(f"accumulate: got {self.accumulate} with loss {self.loss}, {why}")
        if self.condition == "few-labels" and self.share < 2:
            why = f"got {self.batch} for {self.devices * self.nodes} processes; wanted two for each"
            raise SettingsError(f"batch: {why}: of two pictures one has a label")
        return self

    def _check_codes(self) -> None:
        if self.latent <= (code := self.categories + self.continuous):
            of = f"{self.categories} for the category and {self.continuous} more"
            raise SettingsError(f"latent: got {self.latent}, wanted more than the {code} numbers of its code: {of}")
        if self.condition != "none":
            why = "which finds classes of its own"
            raise SettingsError(f"condition: got {self.condition} with task {self.task}, {why}: wanted none")

    @property
    def has_codes(self) -> bool:
        """Whether the first numbers of a latent are a code."""
        return self.task in ("codes", "clusters")

    @property
    def draws_classes(self) -> bool:
        """Whether the generator is given the class to draw."""
        return self.condition not in ("none", "few-labels")

    @property
    def form(self) -> Form:
        """What pictures become before they are learnt from."""
        channels = None if self.channels == "auto" else self.channels
        return Form(self.picture_size, channels, self.fit, _as_range(self.value_range))

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """(width, height) that was asked for; None for auto."""
        sides = [] if self.size == "auto" else [int(side) for side in self.size.split("x")]
        return (sides[0], sides[-1]) if sides else None


def _as_range(text: str) -> tuple[float, float] | None:
    """The ends of a range such as "0,4095"; None if it is none."""
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        return None
    return (low, high) if math.isfinite(low) and math.isfinite(high) and low < high else None


class FeatureSettings(Settings):
    """Which of a discriminator's activations become features, and how."""

    pool: Literal["max", "average"] = Field(default="max", description="how a layer's activations are pooled")
    side: int = Field(default=4, ge=1, le=64, description="side that each layer is pooled to, at most")
    layers: int = Field(default=0, ge=0, le=1000, description="number of last layers to use; 0: all")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")


NUMBERS = r"(\d{1,9}|all)(,(\d{1,9}|all))*"
"""Of labels per class, on a command line."""


class ClassifySettings(FeatureSettings):
    """The few-label linear probe of a discriminator's features."""

    classifier: Literal["svm", "logistic"] = Field(
        default="svm", description="linear classifier: SVM with squared hinge loss, or logistic regression"
    )
    labelled: str = Field(
        default="auto",
        pattern=rf"^(auto|{NUMBERS})$",
        examples=["10", "10,100,all"],
        description="labels per class, one or several numbers, such as 10,100,all; auto: 1,4,10,25,100, or those that "
        "there are and, where some pictures have no label, all",
    )
    draws: int = Field(default=10, ge=2, le=1000, description="random draws of labels for each number of them")
    supervised_steps: int = Field(
        default=300,
        ge=1,
        le=10**6,
        description="steps of the supervised baseline, at batch size 64; more where five epochs take more",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="random seed of the draws")

    @field_validator("labelled", mode="before")
    @classmethod
    def _as_text(cls, labelled: Any) -> Any:
        return str(labelled) if isinstance(labelled, int) else labelled

    @field_validator("labelled")
    @classmethod
    def _one_at_least(cls, labelled: str) -> str:
        if any(word.isdecimal() and int(word) == 0 for word in labelled.split(",")):
            raise ValueError("1 or more per class")
        return labelled

    @property
    def numbers_of_labels(self) -> list[int | None] | None:
        """Per class, ascending, None for all; or None for auto."""
        if self.labelled == "auto":
            return None
        numbers = {None if word == "all" else int(word) for word in self.labelled.split(",")}
        return sorted(numbers, key=lambda number: (number is None, number))
