"""The settings that every training has; those of its art are added to them."""

from typing import Literal

from pydantic import Field

from scumble.settings import Settings

FREE_TO_CHANGE = frozenset({"images", "evaluate_every", "grids", "device", "devices", "nodes", "precision"})
"""Settings that a run may be continued with another value of; all others make it another run."""


class TrainingSettings(Settings):
    """How long something is trained, by which steps, where, and what is kept of it."""

    images: int = Field(default=500_000, gt=0, le=10**12, description="images to train on, repeats included")
    batch: int = Field(default=32, ge=2, le=65536, description="images in a step")
    accumulate: int = Field(
        default=1,
        ge=1,
        le=65536,
        description="split each batch into so many parts, one after the other: as many times less memory",
    )
    lr: float = Field(default=2e-4, gt=0, le=1, description="learning rate")
    beta1: float = Field(default=0.0, ge=0, lt=1, description="Adam's: how long gradients are averaged")
    beta2: float = Field(
        default=0.9, ge=0, lt=1, description="Adam's, and RMSprop's: how long squared gradients are averaged"
    )
    decay: Literal["linear", "none"] = Field(default="linear", description="of the learning rate: to 0 at the end")
    ema: int = Field(
        default=10_000, ge=0, le=10**9, description="half-life of the weights' moving average, in images; 0 for none"
    )
    grids: int = Field(default=40, ge=1, le=100_000, description="grids of samples over the whole training")
    evaluate_every: int = Field(
        default=0, ge=0, le=10**12, description="evaluate after so many images and keep the best model; 0 for never"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="of everything random")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
    devices: int = Field(default=1, ge=1, le=1024, description="GPUs of one machine to train on; on the CPU, processes")
    nodes: int = Field(
        default=1, ge=1, le=65536, description="machines that are given the same command, each with as many devices"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="number format of convolutions and matrix products"
    )
