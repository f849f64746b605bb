"""The settings of style transfer: these fields are the command's flags, the recipe and the reference at once."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from scumble.errors import SettingsError
from scumble.settings import Settings

# A path in a recipe would tell others about its maker's folders: the file's name says enough.
FileName = Annotated[Path, PlainSerializer(lambda path: path.name, when_used="json")]


# A command line hands over text, and a Literal would compare that with the numbers as it is.
Bits = Annotated[Literal[8, 16], BeforeValidator(lambda bits: int(bits) if str(bits).isdigit() else bits)]
BackboneName = Literal["pocket", "vgg19-caffe", "vgg19"]
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

# Gatys, Ecker and Bethge 2015, with the weights of their own program: 1e3 / C^2 for a layer of C channels.
GATYS_CONTENT_LAYERS = {"relu4_2": 1.0}
GATYS_STYLE_LAYERS = {
    "relu1_1": 1e3 / 64**2,
    "relu2_1": 1e3 / 128**2,
    "relu3_1": 1e3 / 256**2,
    "relu4_1": 1e3 / 512**2,
    "relu5_1": 1e3 / 512**2,
}


# For losses in units of squared features: 256:64:16:4:1, as in crowsonkb/style-transfer-pytorch, but all of them larger
# by as much as makes 1 the usual content weight, which is 0.015 there; and then three times as large, because at that
# balance pictures keep too close to their photographs (docs/log.md).
MOMENT_STYLE_LAYERS = {"relu1_1": 150.0, "relu2_1": 37.5, "relu3_1": 9.4, "relu4_1": 2.34, "relu5_1": 0.585}


STYLE_LAYERS = {
    "gram": GATYS_STYLE_LAYERS,
    "covariance": GATYS_STYLE_LAYERS,
    "mean-std": MOMENT_STYLE_LAYERS,
    "wasserstein": MOMENT_STYLE_LAYERS,
    "histogram": MOMENT_STYLE_LAYERS,
}
"""The layers that compare style unless they are given, with weights that suit the units of the loss."""

# Of VGG19's distances between paintings that pocket has not learnt from it sees these shares (recipes/pocket/judge.py),
# which its weights make up for: by Gram matrices 0.97, 1.07, 0.80, 0.84, 0.48, by moments 0.97, 0.67, 0.55, 0.57, 0.28.
# Where moments are compared, the first two layers count four times as much besides, and the last three times: colours,
# grain and the largest forms lag behind otherwise, in the few evaluations that are made with pocket (docs/log.md).
_GRAM_OF_POCKET = dict(zip(GATYS_STYLE_LAYERS, (0.25, 0.057, 0.019, 0.0045, 0.008), strict=True))
_MOMENTS_OF_POCKET = dict(zip(MOMENT_STYLE_LAYERS, (600.0, 224.0, 17.1, 4.1, 6.3), strict=True))
POCKET_STYLE_LAYERS = {
    loss: _GRAM_OF_POCKET if layers is GATYS_STYLE_LAYERS else _MOMENTS_OF_POCKET
    for loss, layers in STYLE_LAYERS.items()
}
"""The same for pocket."""


class Balance(NamedTuple):
    """The layers at which a picture is held to its photograph, and to its painting, with their weights.

    Attributes:
        content: features are the photograph's (Gatys et al. 2015, eq. 1).
        transported: features are the photograph's after their distribution was moved into the painting's.
        leak: no place is nearer to the painting's places than the photograph's was.
        style: for this loss and network.
        hold: how many times as much the first two count at small sizes, at most.
        focused: whether these count more where the photograph has more to say.
    """

    content: Mapping[str, float]
    transported: Mapping[str, float]
    leak: Mapping[str, float]
    style: Mapping[str, float]
    hold: float
    focused: bool


SHALLOW = {"relu1_1": 8.0, "relu2_1": 4.0, "relu3_1": 4.0}
"""How many times as much these layers of style count where the deepest counts for nothing."""

HOLD_EXPONENT = 4
"""Of the final size over a stage's: content counts more at small sizes, where a form that the painting puts in the
photograph's place stays for good."""


def _plain(loss: str, network: str) -> Balance:
    """Gatys et al. 2015: one layer of content, five of style."""
    style = (POCKET_STYLE_LAYERS if network == "pocket" else STYLE_LAYERS)[loss]
    return Balance(GATYS_CONTENT_LAYERS, {}, {}, style, hold=1.0, focused=False)


def _subject(loss: str, network: str) -> Balance:
    """What things are is the photograph's, how they are painted the painting's (docs/log.md has the figures).

    Deep layers see objects. Their statistics ask for the painting's objects, all the more where a picture is small and
    has fewer places than they have channels: relu5_1 compares content here, not style, and may come no nearer to the
    painting's places. relu2_1 sees edges: they shall be where the photograph's are, as the painting would have them.
    Shallow layers see brushwork and colour, and count for more.
    """
    plain = _plain(loss, network).style
    style = {name: times * plain[name] for name, times in SHALLOW.items()} | {"relu4_1": plain["relu4_1"]}
    if network == "pocket":
        content, transported, leak = {"relu4_2": 1.5, "relu5_1": 60.0}, {"relu2_1": 9.0}, {"relu5_1": 5e6}
    else:
        content, transported, leak = {"relu4_2": 1.0, "relu5_1": 15.0}, {"relu2_1": 0.8}, {"relu5_1": 5e5}
    return Balance(content, transported, leak, style, hold=8.0, focused=True)


class Terms(NamedTuple):
    """The weights of an objective's terms, by layer, none of them zero; and whether content is focused."""

    content: dict[str, float]
    transported: dict[str, float]
    leak: dict[str, float]
    style: dict[str, float]
    focused: bool

    def layers(self) -> tuple[str, ...]:
        """All layers that are looked at."""
        return tuple(self.content | self.transported | self.leak | self.style)


BALANCES: dict[str, Callable[[str, str], Balance]] = {"subject": _subject, "plain": _plain}
"""By name: what the layers and their weights are, for a loss and a network."""

PRESETS: dict[str, dict[str, Any]] = {
    # The network inside the package, a few evaluations at each of many scales: the fields' own values.
    "quick": {},
    # Many scales, Gaussian Wasserstein distance, averaged iterates; after crowsonkb/style-transfer-pytorch.
    "fine": {
        "backbone": "vgg19-caffe",
        "steps": 200,
        "coarse_steps": None,
        "tolerance": 0.015,
        "style_weight": 1.0,
        "variation_weight": 6.0,
        "init": "content",
        "lr": 1.0,
        "averaging": 0.95,
        "sketch": 200,
        "finish": 0,
    },
    # Gatys, Ecker and Bethge 2015.
    "gatys": {
        "backbone": "vgg19-caffe",
        "borders": "keep",
        "loss": "gram",
        "scales": 1,
        "steps": 500,
        "coarse_steps": None,
        "balance": "plain",
        "style_weight": 1.0,
        "variation_weight": 0.0,
        "range_weight": 0.0,
        "init": "content",
        "optimizer": "lbfgs",
        "lr": 1.0,
        "averaging": 0.0,
        "padding": "zeros",
        "sketch": 0,
        "finish": 0,
    },
}


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
        default="pocket", description="network that does the looking; pocket is small and part of scumble"
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
        return _plain(self.loss, network)

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
