"""The settings of a GAN's training: these fields are the command's flags, the run's settings.json and the reference."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from scumble.errors import SettingsError
from scumble.gan.timeline import TIMELINE
from scumble.settings import Settings

MIN_SIDE, MAX_SIDE = 16, 4096

# What an evaluation can be asked for.
MeasureName = Literal["frechet", "kernel", "neighbours", "inception"]
Split = Literal["train", "test"]
COUPLING_LOSSES = ("relativistic-average", "softmax", "feature-matching")
"""Those that compare each picture with the whole batch; a test holds them to `Loss.couples`."""


def _number_of_channels(channels: Any) -> Any:
    # A command line hands over text, and a Literal would compare that with the numbers as it is.
    return int(channels) if str(channels).isdecimal() else channels


class GANSettings(Settings):
    """How a pair of networks is trained."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {name: entry.values for name, entry in TIMELINE.items()}

    preset: Literal[
        "gan", "cgan", "dcgan", "lsgan", "acgan", "sgan", "wgan", "bgan", "softmax-gan", "wgan-gp", "dragan", "sndcgan",
        "sngan", "projection", "wgan-div", "r1gan", "rgan", "ragan", "rpgan",
    ] = Field(
        default="sndcgan",
        description="named values for everything below that is not set: `scumble gan presets` lists them",
    )  # fmt: skip
    images: int = Field(default=500_000, gt=0, le=10**12, description="how many pictures to train on, repeats included")
    size: str = Field(
        default="auto",
        pattern=r"^(auto|\d{1,5}|\d{1,5}x\d{1,5})$",
        description="of the pictures: auto (their own, 64 pixels at most), a side such as 64, or WIDTHxHEIGHT",
    )
    channels: Annotated[Literal["auto", 1, 3], BeforeValidator(_number_of_channels)] = Field(
        default="auto", description="1 for grey, 3 for colour; auto looks at the pictures"
    )
    network: Literal["mlp", "dcgan", "sndcgan", "resnet", "normfree"] = Field(
        default="sndcgan", description="the pair of networks"
    )
    norm: Literal["batch", "spectral", "none"] = Field(
        default="spectral", description="what keeps the discriminator's signals, or its weights, in range"
    )
    loss: Literal[
        "bce", "hinge", "least-squares", "wasserstein", "boundary-seeking", "relativistic", "relativistic-average",
        "softmax", "feature-matching",
    ] = Field(default="hinge", description="what the two networks minimise")  # fmt: skip
    penalty: Literal["none", "gp", "div", "dragan", "r1", "r1r2"] = Field(
        default="none", description="on the slopes of the discriminator, added to its loss"
    )
    penalty_weight: float | None = Field(
        default=None, gt=0, le=1e6, description="of the penalty (default: that of its paper)"
    )
    clip: float = Field(default=0.0, ge=0, le=100, description="bound of the discriminator's weights; 0 for none")
    condition: Literal["none", "plane", "projection", "auxiliary", "few-labels"] = Field(
        default="none", description="what the discriminator has to do with the pictures' classes"
    )
    labelled: int = Field(
        default=10, ge=1, le=10**9, description="of each class, pictures whose label the condition few-labels looks at"
    )
    critic_steps: int = Field(
        default=1, ge=1, le=100, description="steps of the discriminator for each of the generator"
    )
    optimizer: Literal["adam", "rmsprop"] = Field(default="adam", description="of both networks")
    latent: int = Field(default=128, gt=0, le=4096, description="numbers that a picture is made from")
    width: int = Field(
        default=32, ge=4, le=1024, description="channels of the networks; twice as many take four times the work"
    )
    batch: int = Field(default=32, ge=2, le=65536, description="pictures in a step")
    accumulate: int = Field(
        default=1,
        ge=1,
        le=65536,
        description="equal parts that a batch is taken in, one after the other: as many times less memory",
    )
    lr: float = Field(default=2e-4, gt=0, le=1, description="learning rate of both networks")
    beta1: float = Field(default=0.0, ge=0, lt=1, description="of Adam: how long gradients are averaged")
    beta2: float = Field(
        default=0.9, ge=0, lt=1, description="of Adam, and of RMSprop: how long their squares are averaged"
    )
    decay: Literal["linear", "none"] = Field(default="linear", description="of the learning rate, to 0 at the end")
    ema: int = Field(
        default=10_000, ge=0, le=10**9, description="half-life of the generator's moving average, in images; 0 for none"
    )
    flip: Literal["auto", "yes", "no"] = Field(
        default="auto", description="mirror pictures at random; auto tests whether mirrored ones look alike"
    )
    augment: bool = Field(
        default=False, description="shift and cut out at random before the discriminator looks: for few pictures"
    )
    augment_colour: bool = Field(
        default=False, description="vary brightness, saturation and contrast there: for very few pictures"
    )
    grids: int = Field(default=40, ge=1, le=100_000, description="grids of samples drawn over the whole training")
    evaluate_every: int = Field(
        default=0, ge=0, le=10**12, description="images between evaluations, whose best generator is kept; 0 for none"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="of everything that is random")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
    devices: int = Field(
        default=1, ge=1, le=1024, description="of one machine to train on: GPUs, or processes on the CPU"
    )
    nodes: int = Field(
        default=1, ge=1, le=65536, description="machines that are given the same command, each with as many devices"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(default="auto", description="of the networks' products")

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

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what cannot be, with the reason."""
        if self.norm == "batch" and self.penalty != "none":
            why = "the slope at one picture has no meaning where batch norm lets pictures see one another"
            raise SettingsError(f"penalty: got {self.penalty} with norm batch; {why}: use --norm none or spectral")
        if self.norm == "batch" and self.network == "normfree":
            raise SettingsError("norm: got batch with network normfree, which is made to do without")
        if self.loss == "feature-matching" and self.draws_classes:
            why = "which matches averages over all classes"
            raise SettingsError(f"loss: got feature-matching, {why}, with condition {self.condition}: wanted another")
        if self.penalty_weight is not None and self.penalty == "none":
            raise SettingsError("penalty-weight: got one, and no penalty: name one with --penalty")
        if self.accumulate > 1 and self.loss in COUPLING_LOSSES:
            why = "which compares each picture with the whole batch: with parts of it, it is another loss"
            raise SettingsError(f"accumulate: got {self.accumulate} with loss {self.loss}, {why}")
        if self.batch % (processes := self.devices * self.nodes):
            raise SettingsError(f"batch: got {self.batch} for {processes} processes, wanted equally many for each")
        share = self.batch // processes
        if self.accumulate > 1 and (share % self.accumulate or share < 2 * self.accumulate):
            of = f"batch {self.batch}" + f" for {processes} processes" * (processes > 1)
            wanted = "parts of equally many pictures, two or more"
            raise SettingsError(f"accumulate: got {self.accumulate} with {of}, wanted {wanted}")
        return self

    @property
    def draws_classes(self) -> bool:
        """Whether the generator is told which class to draw."""
        return self.condition not in ("none", "few-labels")

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """(width, height) that was asked for; None for auto."""
        sides = [] if self.size == "auto" else [int(side) for side in self.size.split("x")]
        return (sides[0], sides[-1]) if sides else None


class FeatureSettings(Settings):
    """Which of a discriminator's activations become features, and how."""

    pool: Literal["max", "average"] = Field(default="max", description="how a layer's activations are pooled")
    side: int = Field(default=4, ge=1, le=64, description="pixels on each side of what a layer is pooled to, at most")
    layers: int = Field(default=0, ge=0, le=1000, description="take the last so many layers; 0 for all of them")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")


class ClassifySettings(FeatureSettings):
    """How a discriminator's features are judged by what a linear classifier makes of them with few labels."""

    classifier: Literal["svm", "logistic"] = Field(
        default="svm", description="linear: a support vector machine with squared hinge loss, or logistic regression"
    )
    labels: str = Field(
        default="1,4,10,25,100",
        pattern=r"^(\d{1,9}|all)(,(\d{1,9}|all))*$",
        description="how many of each class are known, several after one another, such as 10,100,all",
    )
    draws: int = Field(default=10, ge=2, le=1000, description="times that each number of labels is drawn anew")
    supervised_steps: int = Field(
        default=300,
        ge=1,
        le=10**6,
        description="steps of the supervised network, of up to 64 pictures; more where it takes more to see all of "
        "them five times",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="of what is drawn")

    @field_validator("labels", mode="before")
    @classmethod
    def _labels_as_text(cls, labels: Any) -> Any:
        return str(labels) if isinstance(labels, int) else labels

    @field_validator("labels")
    @classmethod
    def _one_at_least(cls, labels: str) -> str:
        if any(word.isdecimal() and int(word) == 0 for word in labels.split(",")):
            raise ValueError("1 or more of each class")
        return labels

    @property
    def numbers_of_labels(self) -> list[int | None]:
        """Of each class, ascending; None for all."""
        numbers = {None if word == "all" else int(word) for word in self.labels.split(",")}
        return sorted(numbers, key=lambda number: (number is None, number))
