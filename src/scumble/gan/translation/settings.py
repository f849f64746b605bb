"""Settings of image translation: one record for all its kinds, whose presets are in `presets`."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from scumble.errors import SettingsError
from scumble.gan.settings import COUPLING_LOSSES
from scumble.gan.translation.presets import PRESETS
from scumble.training.settings import TrainingSettings

Degradation = Literal["none", "edges", "grey", "x2", "x4", "noise", "blur", "holes", "mosaic", "jpeg", "night"]

NETWORKS = {
    "paired": ("unet",),
    "unpaired": ("resnet", "unet", "encoder-decoder"),
    "contrastive": ("resnet",),
    "multimodal-paired": ("unet",),
    "shared-latent": ("resnet",),
    "multimodal": ("adain",),
    "domains": ("resnet",),
    "super-resolution": ("srresnet", "rrdb"),
    "inpainting": ("encoder-decoder", "unet"),
    "adaptation": ("srresnet",),
}
"""Architectures of the generators, by the kind of translation."""

COUNTS_WITH = {
    "blocks": ("resnet", "srresnet", "rrdb", "adain"),
    "upsampling": ("unet", "resnet", "encoder-decoder", "adain", "super-resolution srresnet"),
    "norm": tuple(kind for kind in NETWORKS if kind not in ("multimodal", "domains")),
    "patch_layers": ("paired", "unpaired", "contrastive", "multimodal-paired", "shared-latent"),
    "pool": ("unpaired",),
    "latent": ("multimodal-paired", "multimodal", "adaptation"),
    "pretraining": ("super-resolution",),
    "perceptual": ("super-resolution",),
}
"""Kinds, architectures, or both together, with which a setting does something; others always do."""


def counts(setting: str, kind: str, network: str) -> bool:
    """Whether a setting does something in a translation of this kind, by this architecture."""
    return bool({kind, network, f"{kind} {network}"} & set(COUNTS_WITH.get(setting, (kind,))))


class TranslationSettings(TrainingSettings):
    """How networks are trained that turn one kind of picture into another."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {name: preset.values for name, preset in PRESETS.items()}

    preset: Literal[*PRESETS] = Field(  # pyright: ignore[reportInvalidTypeForm] (the names are those of the table)
        default="pix2pix",
        description="published method that sets the defaults below; `scumble translate presets` lists them",
    )
    kind: Literal[
        "paired", "unpaired", "contrastive", "multimodal-paired", "shared-latent", "multimodal", "domains",
        "super-resolution", "inpainting", "adaptation",
    ] = Field(default="paired", description="what is learnt from what, and by which losses")  # fmt: skip
    images: int = Field(
        default=200_000, gt=0, le=10**12, description="images seen over the whole training, repeats included"
    )
    batch: int = Field(default=32, ge=1, le=65536, description="batch size of a step, over all devices")
    size: str = Field(
        default="128",
        pattern=r"^(\d{1,5}|\d{1,5}x\d{1,5})$",
        examples=["128", "256x128"],
        description="size of the cuts that it is trained on: a side such as 128, or WIDTHxHEIGHT",
    )
    pairs: Degradation = Field(
        default="none",
        description="make pairs of a folder by code: from edges, grey, ... back to the pictures; none: they are there",
    )
    direction: Literal["forward", "backward"] = Field(
        default="forward", description="forward: from A to B; backward: from B to A"
    )
    network: Literal["unet", "resnet", "encoder-decoder", "srresnet", "rrdb", "adain"] = Field(
        default="unet", description="architecture of the generators"
    )
    blocks: int = Field(default=6, ge=1, le=64, description="residual blocks of a generator that has such")
    width: int = Field(
        default=32, ge=4, le=1024, description="base number of channels; twice as many take four times the compute"
    )
    norm: Literal["batch", "instance", "none"] = Field(default="instance", description="normalisation of the networks")
    upsampling: Literal["transposed", "resize", "shuffle"] = Field(
        default="resize",
        description="how generators enlarge: transposed convolutions (the papers'), resize and convolution, or shuffle",
    )
    patch_layers: int = Field(
        default=3, ge=1, le=6, description="strided layers of the patch discriminator; 3 see 70 x 70 pixels at a time"
    )
    loss: Literal["bce", "least-squares", "hinge", "wasserstein", "relativistic-average"] = Field(
        default="least-squares", description="adversarial loss"
    )
    critic_steps: int = Field(default=1, ge=1, le=100, description="discriminator steps per generator step")
    pool: int = Field(
        default=0, ge=0, le=10_000, description="earlier results that discriminators are shown beside new ones; 0: none"
    )
    latent: int = Field(default=8, gt=0, le=4096, description="numbers of the style code, where there is one")
    weights: str = Field(
        default="",
        pattern=r"^([a-z0-9_-]+=\d+(\.\d+)?(e-?\d+)?(,|$))*$",
        examples=["cycle=10,identity=5"],
        description="weights of the losses' terms, such as cycle=10,identity=5; by default those of the paper",
    )
    pretraining: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the images in which a network that enlarges first learns by the distance of pixels alone",
    )
    perceptual: Literal["pocket", "vgg19"] = Field(
        default="pocket", description="network that a perceptual loss looks through"
    )
    flip: bool = Field(default=True, description="mirror pictures at random, both of a pair alike")
    jitter: float = Field(
        default=1.12, ge=1, le=4, description="how much larger pictures are than the cuts that are taken from them"
    )
    decay: Literal["linear", "second-half", "none"] = Field(  # pyright: ignore[reportIncompatibleVariableOverride]
        default="second-half", description="decay of the learning rate to 0: over all, over the second half, or none"
    )

    @field_validator("size", mode="before")
    @classmethod
    def _as_text(cls, size: Any) -> Any:
        return str(size) if isinstance(size, int) else size

    @model_validator(mode="before")
    @classmethod
    def _has_a_network(cls, given: Any) -> Any:
        """Where none is asked for, the kind's first."""
        known = NETWORKS.get(str(given.get("kind", "paired")), ()) if isinstance(given, dict) else ()
        return {"network": known[0]} | given if known else given

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        """Refuse what would be ignored, or mean something else."""
        known = NETWORKS[self.kind]
        if self.network not in known:
            raise SettingsError(f"network: got {self.network} with kind {self.kind}, wanted {' or '.join(known)}")
        if self.accumulate > 1 and self.loss in COUPLING_LOSSES:
            why = "which compares each picture with the whole batch: with parts of it, it is another loss"
            raise SettingsError(f"accumulate: got {self.accumulate} with loss {self.loss}, {why}")
        if (self.kind, self.network, self.norm) == ("inpainting", "encoder-decoder", "batch") and self.share < 2:
            why = "whose middle, one place alone, is normalised over the batch"
            raise SettingsError(f"batch: got {self.batch} with network encoder-decoder, {why}, wanted 2 or more")
        return self

    def refuse_idle(self) -> None:
        """Refuse what was asked for and changes nothing here: a training does; what is saved is read all the same.

        Raises:
            SettingsError: for the first of such settings.
        """
        for name in COUNTS_WITH:
            if name in self.model_fields_set and not counts(name, self.kind, self.network):
                why = f"which changes nothing with kind {self.kind} and network {self.network}; leave it out"
                raise SettingsError(f"{name.replace('_', '-')}: got {getattr(self, name)}, {why}")

    @property
    def cut(self) -> tuple[int, int]:
        """(width, height) of what it is trained on."""
        sides = [int(side) for side in self.size.split("x")]
        return sides[0], sides[-1]

    def weights_over(self, of_kind: Any) -> dict[str, float]:
        """The kind's weights by term, with the preset's in their place, and those that were asked for in place of both.

        Raises:
            SettingsError: if it has no such term.
        """
        of_preset = self.PRESETS[self.preset].get("weights", "")
        given = dict(term.split("=") for term in f"{of_preset},{self.weights}".split(",") if term)
        for name in given:
            if name not in of_kind:
                known = f"some of {', '.join(of_kind)}" if of_kind else "none"
                raise SettingsError(f"weights: got {name}, which is no term of {self.kind}; wanted {known}")
        return dict(of_kind) | {name: float(value) for name, value in given.items()}
