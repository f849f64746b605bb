"""The settings of style transfer: these fields are the command's flags, the recipe and the reference at once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from scumble.errors import SettingsError
from scumble.image import paper
from scumble.perceptual.catalogue import BackboneName
from scumble.perceptual.layers import by_name
from scumble.settings import Settings, one_or_more
from scumble.style.balance import BALANCES, HOLD_EXPONENT, LAYOUT, Balance, plain_balance
from scumble.style.objective.terms import Terms
from scumble.style.presets import ONE_PASS, OPTIMISED, PRESETS

# A path in a recipe would tell others about its maker's folders: the file's name says enough.
FileName = Annotated[Path, PlainSerializer(lambda path: path.name, when_used="json")]

# A command line hands over text, and a Literal would compare that with the numbers as it is.
Bits = Annotated[Literal[8, 16], BeforeValidator(lambda bits: int(bits) if str(bits).isdigit() else bits)]
Size = Annotated[int, Field(gt=0, le=65536)]
Scales = Annotated[int, Field(gt=0, le=64)]

# A single number stands for a tuple of one, and "2,1" for one of two.
Factors = Annotated[tuple[Annotated[float, Field(gt=0, le=64)], ...], BeforeValidator(one_or_more), Field(min_length=1)]
Shares = Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], BeforeValidator(one_or_more), Field(min_length=1)]
Steps = Annotated[
    int, Field(gt=0, le=10**9, description="iterations at the last scale: evaluations of the loss and its gradient")
]
CoarseSteps = Annotated[
    int | None,
    Field(gt=0, le=10**9, description="iterations at each scale before the last, if fewer (fine, gatys: as many)"),
]
LearningRate = Annotated[float, Field(gt=0, le=1e6, description="learning rate, relative to the optimizer's default")]
Momentum = Annotated[float, Field(ge=0, lt=1, description="decay of Adam's average of gradients")]
Averaging = Annotated[float, Field(ge=0, lt=1, description="decay of the average of iterates; 0: the best iterate")]
LayerWeights = Annotated[
    dict[str, Annotated[float, Field(ge=0, le=1e9)]], BeforeValidator(by_name), Field(min_length=1)
]


class PaintSettings(Settings):
    """What painting a photograph and painting a texture have in common."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = PRESETS

    preset: Literal[*PRESETS] = Field(  # pyright: ignore[reportInvalidTypeForm]
        default="quick",
        description="sets many defaults at once; instant: a second; quick: seconds; fine: minutes, better; "
        "gatys: as Gatys et al. 2015",
    )
    size: Size | Literal["original"] | paper.SheetName = Field(
        default=512,
        description="longer side of the result, pixels; original: that of the photograph, or painting; or a sheet of "
        "paper, such as A3 or 30x40cm, on which all of it fits",
    )
    dpi: int | None = Field(
        default=None,
        ge=2,
        le=9600,
        description="pixels to an inch, written into the file (default: 300 on paper, else the photograph's)",
    )
    scales: Literal["auto"] | Scales = Field(
        default="auto",
        description="sizes to paint at, each 1.4 times the one before; auto: from 128 pixels up (init instant: 256)",
    )
    steps: Steps = 25
    coarse_steps: CoarseSteps = 12
    tolerance: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="stop a scale early once 20 iterations lower the loss by less than this fraction",
    )
    style_weight: float = Field(default=2.5, ge=0, le=1e9, description="weight of the style loss")
    style_scale: Factors = Field(
        default=(1.0,),
        description="stroke size: the painting's shorter side over the result's; one for all, or one each",
    )
    borders: Literal["crop", "keep"] = Field(
        default="crop", description="frames, mounts and paper edges around a painting: crop or keep them"
    )
    shares: Shares | None = Field(
        default=None, description="weights of several paintings in the blend (default: equal)"
    )
    loss: Literal["gram", "covariance", "mean-std", "wasserstein", "histogram"] = Field(
        default="wasserstein", description="style loss"
    )
    style_layers: LayerWeights | None = Field(
        default=None,
        description="style layers and their weights: --style-layers.relu1_1 0.2 and so on (default: those of the "
        "balance and the loss)",
    )
    variation_weight: float = Field(
        default=3.0, ge=0, le=1e9, description="weight of the total variation loss: smooths the picture"
    )
    range_weight: float = Field(
        default=1e4,
        ge=0,
        le=1e9,
        description="weight of the penalty on pixel values outside [0, 1], which saving would clip",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="random seed of --init instant and noise")
    optimizer: Literal["lbfgs", "adam"] = Field(default="adam", description="optimizer of the pixels")
    lr: LearningRate = 1.0
    momentum: Momentum = 0.8
    averaging: Averaging = 0.5
    backbone: BackboneName = Field(
        default="pocket", description="the feature network; pocket is small and part of scumble"
    )
    sketch: int = Field(
        default=0,
        ge=0,
        le=10**9,
        description="iterations by pocket at every scale first; the backbone then works at the last only; 0: none",
    )
    finish: int = Field(default=0, ge=0, le=10**9, description="iterations by vgg19-caffe at the end; 0: none")
    enlarge: bool = Field(
        default=False,
        description="paint at 1,500 pixels, then make a few iterations at full size: large pictures in less time",
    )
    weights: FileName | None = Field(default=None, description="weights file to use for the backbone")
    pooling: Literal["max", "average", "l2"] = Field(default="max", description="pooling in the backbone")
    padding: Literal["zeros", "replicate"] = Field(
        default="replicate",
        description="padding of the backbone's first convolution: zeros (the mean colour), or the border repeated",
    )
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="floating-point format of the convolutions"
    )
    max_memory: float | None = Field(
        default=None,
        gt=0,
        le=2**20,
        description="memory limit of the whole process, GiB (default: most of what is free)",
    )
    bits: Bits = Field(default=8, description="bits per channel of the saved picture (16: PNG and TIFF)")

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
            LAYOUT * keep * self._fitted(),
            self._fitted(),
        )

    def sheet(self) -> paper.Sheet | None:
        """The paper that the result is for."""
        return paper.sheet(self.size) if isinstance(self.size, str) and self.size != "original" else None

    def longer_side(self, shape: tuple[int, int]) -> int:
        """The longer side in pixels of a result of a shape (width, height), unless it is to have the original size."""
        if isinstance(self.size, int):
            return self.size
        return paper.sheet(self.size).longer_side(shape, self.dpi or paper.DPI)

    def resolution(self) -> int | None:
        """Pixels to an inch; None where neither they nor paper are given."""
        return paper.DPI if self.dpi is None and self.sheet() else self.dpi

    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return self.terms().layers()

    def _balance(self, network: str) -> Balance:
        return plain_balance(self.loss, network)

    def _keep(self) -> float:
        """A texture keeps nothing: there is no photograph."""
        return 0.0

    def paints(self) -> bool:
        """Whether the painting has any part in the result; otherwise, that is the photograph itself."""
        return True

    def _fitted(self) -> bool:
        """Nor has it anything for a palette to fit to."""
        return False

    @model_validator(mode="after")
    def _something_to_minimise(self) -> Self:
        if not self.layers():
            raise SettingsError("style-weight: got 0, and nothing else counts; wanted something that does")
        return self


class StyleSettings(PaintSettings):
    """How a photograph is painted."""

    keep: float = Field(
        default=1.0, ge=0, le=1e9, description="how much of the photograph is kept: more above 1, less below"
    )
    balance: Literal["subject", "plain"] = Field(
        default="subject",
        description="which layers compare what; subject: keeps what the photograph shows; plain: one content layer and "
        "five style layers (Gatys et al. 2015)",
    )
    content_layers: LayerWeights | None = Field(
        default=None,
        description="content layers and their weights, in place of all content terms: --content-layers.relu4_2 1 "
        "(default: those of the balance)",
    )
    strength: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="how far the picture goes from the photograph, at 0, to the painting's style, at 1",
    )
    colour: Literal["style", "content", "match"] = Field(
        default="style",
        description="colours of the result: style: the painting's; content: the photograph's (paints in grey); match: "
        "recolours the painting like the photograph first",
    )
    palette: Literal["fitted", "whole"] = Field(
        default="fitted",
        description="the painting's colours; fitted: as far as the photograph has a place for them, and where it has; "
        "whole: in the painting's own proportions, wherever they go",
    )
    init: Literal["matched", "instant", "content", "noise", "style"] | FileName = Field(
        default="instant",
        description="start from: instant (what the preset of this name paints), matched (the photograph in the "
        "painting's colours), content, noise, style, or a file",
    )

    def _balance(self, network: str) -> Balance:
        balance = BALANCES[self.balance](self.loss, network)
        if self.content_layers is None:
            return balance
        return balance._replace(content=self.content_layers, transported={}, leak={})

    def _keep(self) -> float:
        return self.keep

    def paints(self) -> bool:
        """Whether the painting has any part in the result; otherwise, that is the photograph itself."""
        # From another start than the photograph, content alone reconstructs it (Gatys et al. 2015, fig. 1).
        starts_there = self.init in ("instant", "matched", "content")
        return self.strength > 0 and (bool(self.terms().style) or not starts_there)

    def _fitted(self) -> bool:
        return self.palette == "fitted"

    @model_validator(mode="after")
    def _only_what_one_pass_has(self) -> Self:
        for name, field in type(self).model_fields.items() if self.preset == "instant" else ():
            if name not in ONE_PASS and (got := getattr(self, name)) != field.default:
                wanted = "instant paints in one pass: wanted nothing, or another preset"
                raise SettingsError(f"{name.replace('_', '-')}: got {got}, and the preset {wanted}")
        return self


class TextureSettings(PaintSettings):
    """How a texture is made of a painting alone."""

    # From noise, long moves come to twice the loss (docs/log.md).
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = PRESETS | {
        "fine": PRESETS["fine"] | {"lr": 1.0, "averaging": 0.95, "sketch": 200, "tolerance": 0.015}
    }

    preset: Literal[*OPTIMISED] = Field(  # pyright: ignore[reportInvalidTypeForm]
        default="quick", description="sets many defaults at once, as of stylize"
    )

    # From noise, forms have to be found at small sizes first, by long moves.
    steps: Steps = 50
    coarse_steps: CoarseSteps = None
    lr: LearningRate = 3.0
    momentum: Momentum = 0.9
    averaging: Averaging = 0.8
    aspect: float | None = Field(
        default=None, ge=1 / 64, le=64, description="width over height (default: 1, or that of the paper)"
    )

    def shape(self) -> float:
        """Width over height."""
        sheet = self.sheet()
        return self.aspect or (sheet.width / sheet.height if sheet else 1.0)


JOBS: dict[type[PaintSettings], str] = {StyleSettings: "stylize", TextureSettings: "texture"}


def _without_zeros(layers: Mapping[str, float], weight: float) -> dict[str, float]:
    return {name: value * weight for name, value in layers.items() if value * weight}
