"""The settings of style transfer: these fields are the command's flags, the recipe and the reference at once."""

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainSerializer

from scumble.settings import Settings

# A path in a recipe would tell others about its maker's folders: the file's name says enough.
FileName = Annotated[Path, PlainSerializer(lambda path: path.name, when_used="json")]


class StyleSettings(Settings):
    """How a photograph is painted."""

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {
        # Gatys, Ecker and Bethge 2015, with the weights of their own program.
        "gatys": {
            "content_layers": {"relu4_2": 1.0},
            "style_layers": {
                "relu1_1": 1e3 / 64**2,
                "relu2_1": 1e3 / 128**2,
                "relu3_1": 1e3 / 256**2,
                "relu4_1": 1e3 / 512**2,
                "relu5_1": 1e3 / 512**2,
            },
            "optimizer": "lbfgs",
            "steps": 500,
        }
    }

    preset: Literal["gatys"] = Field("gatys", description="named values for everything below that is not set")
    size: int = Field(512, gt=0, le=65536, description="longer side of the result, in pixels")
    steps: int = Field(500, gt=0, description="evaluations of the loss, exactly")
    content_weight: float = Field(1.0, ge=0, description="how much the photograph counts")
    style_weight: float = Field(1.0, ge=0, description="how much the painting counts")
    style_scale: float = Field(
        1.0, gt=0, le=64, description="size of the painting's strokes: its shorter side over the result's"
    )
    init: Literal["content", "noise", "style"] | FileName = Field(
        "content", description="picture to start from: content, noise, style, or a file"
    )
    seed: int = Field(0, ge=0, lt=2**63, description="of the noise to start from")
    optimizer: Literal["lbfgs", "adam"] = Field("lbfgs", description="how the pixels are moved")
    lr: float = Field(1.0, gt=0, description="size of the optimiser's steps, 1 being its usual one")
    content_layers: dict[str, float] = Field(
        {"relu4_2": 1.0}, min_length=1, description="layers that compare content, with weights"
    )
    style_layers: dict[str, float] = Field(
        {"relu1_1": 1.0}, min_length=1, description="layers that compare style, with weights"
    )
    backbone: Literal["vgg19-caffe", "vgg19"] = Field("vgg19-caffe", description="network that does the looking")
    weights: FileName | None = Field(None, description="file of the backbone's weights, instead of the catalogue's")
    pooling: Literal["max", "average"] = Field("max", description="how the backbone shrinks its features")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:N or mps")
    precision: Literal["auto", "float32", "bfloat16"] = Field("auto", description="of the backbone's convolutions")
    bits: Literal[8, 16] = Field(8, description="of each channel in the saved picture (16: PNG and TIFF)")
