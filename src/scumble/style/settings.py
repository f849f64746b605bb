"""The settings of style transfer: these fields are the command's flags, the recipe and the reference at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from scumble.errors import SettingsError
from scumble.perceptual.catalogue import BackboneName
from scumble.settings import Settings
from scumble.style.balance import BALANCES, HOLD_EXPONENT, Balance, plain_balance
from scumble.style.objective.terms import Terms
from scumble.style.presets import PRESETS

# A path in a recipe would tell others about its maker's folders: the file's name says enough.
FileName = Annotated[Path, PlainSerializer(lambda path: path.name, when_used="json")]


# A command line hands over text, and a Literal would compare that with the numbers as it is.
Bits = Annotated[Literal[8, 16], BeforeValidator(lambda bits: int(bits) if str(bits).isdigit() else bits)]
Scales = Annotated[int, Field(gt=0, le=64)]


def _one_or_more(values: Any) -> Any:
    return (values,) if isinstance(values, int | float | str) else values


# A single number stands for a tuple of one.
Factors = Annotated[
    tuple[Annotated[float, Field(gt=0, le=64)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
]
Shares = Annotated[
    tuple[Annotated[float, Field(ge=0, le=1e6)], ...], BeforeValidator(_one_or_more), Field(min_length=1)
]
Steps = Annotated[
    int,
    Field(
        gt=0,
        le=10**9,
        description="evaluations of the loss at the last scale; with averaging, the last is the average's",
    ),
]
CoarseSteps = Annotated[
    int | None,
    Field(
        gt=0,
        le=10**9,
        description="evaluations at each scale before, if that is less (default of fine and gatys: as many)",
    ),
]
LayerWeights = Annotated[dict[str, Annotated[float, Field(ge=0, le=1e9)]], Field(min_length=1)]


class PaintSettings(Settings):
    """What painting a photograph and painting a texture have in common."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = PRESETS

    preset: Literal["quick", "fine", "gatys"] = Field(
        default="quick", description="named values for everything below that is not set"
    )
    size: int = Field(default=512, gt=0, le=65536, description="longer side of the result, in pixels")
    scales: Literal["auto"] | Scales = Field(
        default="auto", description="sizes to work at, each 1.4 times the last; auto: from 128 pixels up"
    )
    steps: Steps = 90
    coarse_steps: CoarseSteps = 25
    tolerance: float = Field(
        default=0.0, ge=0, lt=1, description="end a scale when 20 evaluations lower the loss by less than this share"
    )
    style_weight: float = Field(default=2.5, ge=0, le=1e9, description="how much the painting counts")
    style_scale: Factors = Field(
        default=(1.0,), description="size of the strokes: a painting's shorter side over the result's; one, or one each"
    )
    borders: Literal["crop", "keep"] = Field(
        default="crop", description="what becomes of frames, mounts and paper edges around a painting"
    )
    shares: Shares | None = Field(default=None, description="of several paintings in the mixture (default: equal)")
    loss: Literal["gram", "covariance", "mean-std", "wasserstein", "histogram"] = Field(
        default="wasserstein", description="how style is compared"
    )
    style_layers: LayerWeights | None = Field(
        default=None,
        description="layers that compare style: --style-layers.relu1_1 0.2 and so on (default: those of the balance "
        "and the loss)",
    )
    variation_weight: float = Field(
        default=3.0, ge=0, le=1e9, description="how much differences of neighbouring pixels count against a picture"
    )
    range_weight: float = Field(
        default=1e4, ge=0, le=1e9, description="how much values count against a picture that no file can hold"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="of the noise to start from")
    optimizer: Literal["lbfgs", "adam"] = Field(default="adam", description="how the pixels are moved")
    lr: float = Field(default=2.0, gt=0, le=1e6, description="size of the optimiser's steps, 1 being its usual one")
    averaging: float = Field(
        default=0.8, ge=0, lt=1, description="decay of the average of the canvases that is the result; 0: the best one"
    )
    backbone: BackboneName = Field(
        default="pocket", description="the feature network; pocket is small and part of scumble"
    )
    sketch: int = Field(
        default=0,
        ge=0,
        le=10**9,
        description="evaluations by pocket at each scale, before those of the backbone at the last one alone; 0: none",
    )
    finish: int = Field(default=0, ge=0, le=10**9, description="evaluations by vgg19-caffe after all others")
    weights: FileName | None = Field(
        default=None, description="file of the backbone's weights, instead of the catalogue's"
    )
    pooling: Literal["max", "average", "l2"] = Field(default="max", description="how the backbone shrinks its features")
    padding: Literal["zeros", "replicate"] = Field(
        default="replicate",
        description="what its first convolution sees beyond the border: the mean colour, or the border",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="of the backbone's convolutions"
    )
    max_memory: float | None = Field(
        default=None, gt=0, le=2**20, description="GiB that the work may take in all (default: most of what is free)"
    )
    bits: Bits = Field(default=8, description="of each channel in the saved picture (16: PNG and TIFF)")

    def terms(self, backbone: str | None = None, enlargement: float = 1.0) -> Terms:
        """What counts how much.

        Args:
            backbone: the network that looks, unless it is that of the settings.
            enlargement: the final picture's side over that of the stage.
        """
        balance = self._balance(backbone or self.backbone)
        keep = self._keep()
        held = keep * min(enlargement**HOLD_EXPONENT, balance.hold)
        return Terms(
            _without_zeros(balance.content, held),
            _without_zeros(balance.transported, held),
            _without_zeros(balance.leak, keep),
            _without_zeros(self.style_layers or balance.style, self.style_weight),
            balance.focused,
        )

    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return self.terms().layers()

    def _balance(self, network: str) -> Balance:
        return plain_balance(self.loss, network)

    def _keep(self) -> float:
        """A texture keeps nothing: there is no photograph."""
        return 0.0

    def style_shares(self, styles: int) -> tuple[float, ...]:
        """The part of each of so many styles, with the sum 1.

        Raises:
            SettingsError: if shares were given for another number of styles, or are all zero.
        """
        shares = self.shares or (1.0,) * styles
        if len(shares) != styles:
            raise SettingsError(
                f"shares: got {len(shares)} for {count(styles, 'style')}, wanted one for each: --shares A --shares B"
            )
        if not sum(shares):
            raise SettingsError("shares: got nothing but zeros, wanted one that counts")
        return tuple(share / sum(shares) for share in shares)

    def style_scales(self, styles: int) -> tuple[float, ...]:
        """The scale of each of so many styles.

        Raises:
            SettingsError: if neither one nor one for each style was given.
        """
        if len(self.style_scale) not in (1, styles):
            got = f"{len(self.style_scale)} for {count(styles, 'style')}"
            wanted = "one, or one for each: --style-scale A --style-scale B"
            raise SettingsError(f"style-scale: got {got}, wanted {wanted}")
        return self.style_scale * (styles // len(self.style_scale))

    @model_validator(mode="after")
    def _something_to_minimise(self) -> Self:
        if not self.layers():
            raise SettingsError("style-weight: got 0, and nothing else counts; wanted something that does")
        return self


class StyleSettings(PaintSettings):
    """How a photograph is painted."""

    keep: float = Field(
        default=1.0, ge=0, le=1e9, description="how much the photograph counts: below 1, less of it stays; above, more"
    )
    balance: Literal["subject", "plain"] = Field(
        default="subject",
        description="what is compared where; subject: what is seen is the photograph's, how it is painted the "
        "painting's; plain: one layer of content, five of style (Gatys et al. 2015)",
    )
    content_layers: LayerWeights | None = Field(
        default=None,
        description="layers that compare content, and nothing else that holds it: --content-layers.relu4_2 1 "
        "(default: those of the balance)",
    )
    strength: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="whose statistics are aimed at: from 0, the photograph's own, to 1, the painting's",
    )
    colour: Literal["style", "content", "match"] = Field(
        default="style",
        description="style: the painting's; content: the photograph's, painting in grey; match: the painting is given "
        "the photograph's colours first",
    )
    init: Literal["matched", "content", "noise", "style"] | FileName = Field(
        default="matched",
        description="start from: matched (the content in the style's colours), content, noise, style, or a file",
    )

    def _balance(self, network: str) -> Balance:
        balance = BALANCES[self.balance](self.loss, network)
        if self.content_layers is None:
            return balance
        return balance._replace(content=self.content_layers, transported={}, leak={})

    def _keep(self) -> float:
        return self.keep


class TextureSettings(PaintSettings):
    """How a texture is made of a painting alone."""

    # From noise, forms have to be found at small sizes first.
    steps: Steps = 50
    coarse_steps: CoarseSteps = None
    aspect: float = Field(default=1.0, ge=1 / 64, le=64, description="width over height")


def count(number: int, noun: str) -> str:
    """The number and the noun, in the plural where it must be.

    Example:
        >>> count(2, "style")
        '2 styles'
    """
    return f"{number} {noun}" + "s" * (number != 1)


def _without_zeros(layers: Mapping[str, float], weight: float) -> dict[str, float]:
    return {name: value * weight for name, value in layers.items() if value * weight}
