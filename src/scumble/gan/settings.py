"""The settings of a GAN's training: these fields are the command's flags, the run's settings.json and the reference."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, field_validator

from scumble.settings import Settings

MIN_SIDE, MAX_SIDE = 16, 4096


def _number_of_channels(channels: Any) -> Any:
    # A command line hands over text, and a Literal would compare that with the numbers as it is.
    return int(channels) if str(channels).isdecimal() else channels


class GANSettings(Settings):
    """How a pair of networks is trained."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        # Radford, Metz and Chintala 2015, section 4; the batch of 64 is that of the authors' program.
        "dcgan": {
            "network": "dcgan",
            "loss": "bce",
            "latent": 100,
            "width": 64,
            "batch": 64,
            "beta1": 0.5,
            "beta2": 0.999,
            "decay": "none",
        },
        # Miyato et al. 2018, at half their width, with one step of the discriminator for each of the generator and a
        # decaying learning rate, as the best reimplementations have it. The values are the fields' own.
        "sndcgan": {},
    }

    preset: Literal["sndcgan", "dcgan"] = Field(
        default="sndcgan", description="named values for everything below that is not set"
    )
    images: int = Field(default=500_000, gt=0, le=10**12, description="how many pictures to train on, repeats included")
    size: str = Field(
        default="auto",
        pattern=r"^(auto|\d{1,5}|\d{1,5}x\d{1,5})$",
        description="of the pictures: auto (their own, 64 pixels at most), a side such as 64, or WIDTHxHEIGHT",
    )
    channels: Annotated[Literal["auto", 1, 3], BeforeValidator(_number_of_channels)] = Field(
        default="auto", description="1 for grey, 3 for colour; auto looks at the pictures"
    )
    network: Literal["sndcgan", "dcgan"] = Field(default="sndcgan", description="the pair of networks")
    loss: Literal["hinge", "bce"] = Field(default="hinge", description="what the two networks minimise")
    latent: int = Field(default=128, gt=0, le=4096, description="numbers that a picture is made from")
    width: int = Field(
        default=32, ge=4, le=1024, description="channels of the networks; twice as many take four times the work"
    )
    batch: int = Field(default=32, ge=2, le=65536, description="pictures in a step")
    lr: float = Field(default=2e-4, gt=0, le=1, description="learning rate of both Adams")
    beta1: float = Field(default=0.0, ge=0, lt=1, description="of both Adams: how long gradients are averaged")
    beta2: float = Field(default=0.9, ge=0, lt=1, description="of both Adams: how long their squares are averaged")
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
    grids: int = Field(default=40, ge=1, le=100_000, description="grids of samples drawn over the whole training")
    seed: int = Field(default=0, ge=0, lt=2**63, description="of everything that is random")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
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

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """(width, height) that was asked for; None for auto."""
        sides = [] if self.size == "auto" else [int(side) for side in self.size.split("x")]
        return (sides[0], sides[-1]) if sides else None
