"""Settings of the jobs whose functions take plain values: as classes, from which forms are made."""

from typing import Literal

from pydantic import Field

from scumble.settings import Settings

Network = Literal["pocket", "vgg19-caffe", "inception"]


class NoSettings(Settings):
    """Of jobs that have nothing to choose."""


class EvaluateOptions(Settings):
    """What a GAN is measured with."""

    network: Network = Field(default="pocket", description="the feature network that compares pictures")
    pictures: int | None = Field(
        default=None, ge=2, le=10**7, description="pictures of each kind (default: 10,000, or half of the real ones)"
    )
    split: Literal["train", "test"] = Field(default="train", description="part of the data to compare with")


class NearestOptions(Settings):
    """How the real pictures nearest to samples are found."""

    network: Network = Field(default="pocket", description="the feature network that compares pictures")


class ProjectOptions(Settings):
    """How a picture's latent is found."""

    by: Literal["pocket", "pixels"] = Field(default="pocket", description="what tells how near two pictures are")


class ApplyOptions(Settings):
    """How pictures are translated."""

    direction: Literal["forward", "backward"] = Field(default="forward", description="the way to translate")
    seed: int = Field(default=0, ge=0, lt=2**31, description="random seed, of translators that draw anything")
