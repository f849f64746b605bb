"""The settings that every training has; those of its art are added to them."""

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from scumble.errors import SettingsError
from scumble.settings import Settings

NOT_OF_THE_STEPS = frozenset({"images", "evaluate_every", "grids", "device", "devices", "nodes", "precision"})
"""How long, where, and what is kept: a run may go on with another value of these."""
OF_DATA = frozenset({"fit", "value_range"})
"""Settings that change nothing but the pictures that are learnt from, whose digest says it all."""


class TrainingSettings(Settings):
    """How long something is trained, by which steps, where, and what is kept of it."""

    MAY_CHANGE: ClassVar[frozenset[str]] = frozenset({"batch", "accumulate", "lr"})
    """Of the steps: a run may go on with another value of these, which is written down with the images seen by then.
    Together with `NOT_OF_THE_STEPS`, they are all that may change; any other setting makes it another run."""

    images: int = Field(
        default=500_000,
        gt=0,
        le=10**12,
        description="images seen over the whole training, repeats included",
    )
    batch: int = Field(default=32, ge=2, le=65536, description="batch size of a step, over all devices")
    accumulate: int = Field(
        default=1,
        ge=1,
        le=65536,
        description="split each batch into this many parts and accumulate gradients, to save memory",
    )
    lr: float = Field(default=2e-4, gt=0, le=1, description="learning rate")
    beta1: float = Field(default=0.0, ge=0, lt=1, description="Adam's decay rate of the gradient average")
    beta2: float = Field(
        default=0.9, ge=0, lt=1, description="decay rate of the squared-gradient average, of Adam and RMSprop"
    )
    decay: Literal["linear", "none"] = Field(
        default="linear", description="decay of the learning rate: linear to 0, or none"
    )
    ema: int = Field(
        default=10_000,
        ge=0,
        le=10**9,
        description="half-life of the generator's weight average, in images; 0: no average",
    )
    grids: int = Field(default=40, ge=1, le=100_000, description="number of sample grids saved over the whole training")
    evaluate_every: int = Field(
        default=0,
        ge=0,
        le=10**12,
        description="images between evaluations; the best model is kept; 0: none",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="random seed of everything")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
    devices: int = Field(default=1, ge=1, le=1024, description="devices per machine: GPUs, or processes on the CPU")
    nodes: int = Field(
        default=1, ge=1, le=65536, description="machines that run the same command, each with as many devices"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="number format of the networks"
    )

    @model_validator(mode="after")
    def _has_equal_shares(self) -> Self:
        """Refuse batches that processes and parts cannot share out."""
        processes, share = self.devices * self.nodes, self.share
        if self.batch % processes:
            raise SettingsError(f"batch: got {self.batch} for {processes} processes, wanted equally many for each")
        if self.accumulate > 1 and (share % self.accumulate or share < 2 * self.accumulate):
            of = f"batch {self.batch}" + f" for {processes} processes" * (processes > 1)
            wanted = "parts of equally many pictures, two or more"
            raise SettingsError(f"accumulate: got {self.accumulate} with {of}, wanted {wanted}")
        return self

    @property
    def share(self) -> int:
        """Pictures of a batch that each process takes."""
        return self.batch // (self.devices * self.nodes)
