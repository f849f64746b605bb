"""The settings of style transfer: these fields are the command's flags, the recipe and the reference at once."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from scumble.errors import SettingsError
from scumble.settings import Settings

# A path in a recipe would tell others about its maker's folders: the file's name says enough.
FileName = Annotated[Path, PlainSerializer(lambda path: path.name, when_used="json")]


# A command line hands over text, and a Literal would compare that with the numbers as it is.
Bits = Annotated[Literal[8, 16], BeforeValidator(lambda bits: int(bits) if str(bits).isdigit() else bits)]
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


class StyleSettings(Settings):
    """How a photograph is painted."""

    # The values of `gatys` are the fields' own.
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {"gatys": {}}

    preset: Literal["gatys"] = Field(default="gatys", description="named values for everything below that is not set")
    size: int = Field(default=512, gt=0, le=65536, description="longer side of the result, in pixels")
    steps: int = Field(default=500, gt=0, le=10**9, description="evaluations of the loss, exactly")
    content_weight: float = Field(default=1.0, ge=0, le=1e9, description="how much the photograph counts")
    style_weight: float = Field(default=1.0, ge=0, le=1e9, description="how much the painting counts")
    style_scale: float = Field(
        default=1.0, gt=0, le=64, description="size of the painting's strokes: its shorter side over the result's"
    )
    init: Literal["content", "noise", "style"] | FileName = Field(
        default="content", description="picture to start from: content, noise, style, or a file"
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="of the noise to start from")
    optimizer: Literal["lbfgs", "adam"] = Field(default="lbfgs", description="how the pixels are moved")
    lr: float = Field(default=1.0, gt=0, le=1e6, description="size of the optimiser's steps, 1 being its usual one")
    content_layers: LayerWeights = Field(
        default=GATYS_CONTENT_LAYERS, description="layers that compare content: --content-layers.relu4_2 1"
    )
    style_layers: LayerWeights = Field(
        default=GATYS_STYLE_LAYERS, description="layers that compare style: --style-layers.relu1_1 0.2 and so on"
    )
    backbone: Literal["vgg19-caffe", "vgg19"] = Field(
        default="vgg19-caffe", description="network that does the looking"
    )
    weights: FileName | None = Field(
        default=None, description="file of the backbone's weights, instead of the catalogue's"
    )
    pooling: Literal["max", "average"] = Field(default="max", description="how the backbone shrinks its features")
    device: str = Field(default="auto", description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="of the backbone's convolutions"
    )
    bits: Bits = Field(default=8, description="of each channel in the saved picture (16: PNG and TIFF)")

    def content_weights(self) -> dict[str, float]:
        """The layers that compare content, with their weights times the content's; none of them is zero."""
        return _without_zeros(self.content_layers, self.content_weight)

    def style_weights(self) -> dict[str, float]:
        """The layers that compare style, likewise."""
        return _without_zeros(self.style_layers, self.style_weight)

    @model_validator(mode="after")
    def _something_to_minimise(self) -> Self:
        if not self.content_weights() | self.style_weights():
            raise SettingsError("content-weight and style-weight: got 0 for both, wanted one that counts")
        return self


def _without_zeros(layers: dict[str, float], weight: float) -> dict[str, float]:
    return {name: value * weight for name, value in layers.items() if value * weight}
