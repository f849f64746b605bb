"""The program that is written beside exported files: it uses them without scumble and without PyTorch."""

from scumble.data.pixels import MODES
from scumble.gan.models.gan import GAN
from scumble.gan.probe.classifier import Classifier

DEEP = (0, 65535)
"""Black and white of pictures of 16 bits, where the training had none."""
DRAWN = 8
"""Pictures in the row that it draws."""

FITTED = {
    "crop": "ImageOps.fit(image, {size}, Image.Resampling.LANCZOS)",
    "pad": "ImageOps.pad(image, {size}, Image.Resampling.LANCZOS, color={margin})",
    "stretch": "image.resize({size}, Image.Resampling.LANCZOS)",
}
"""What `scumble.data.pixels.fitted` does, in words of Pillow."""


def example(gan: GAN | None, classifier: Classifier | None) -> str:
    """The text of a program for generator.onnx, for classifier.onnx, or for both."""
    uses = ["    python example.py              draws a row of pictures"] if gan else []
    uses += ["    python example.py photo.jpg    says what is in a picture, or in several"] if classifier else []
    modules, images = ("", "Image") if classifier is None else ("import json\nimport sys\n", "Image, ImageOps")
    parts = [HEAD.format(uses="\n".join(uses), modules=modules, images=images)]
    if classifier is not None:
        parts.append(_opening(classifier))
    if gan is not None:
        parts.append(_drawing(gan))
    if classifier is not None:
        parts.append(_classifying(classifier, also_drawn=gan is not None))
    return "\n".join(parts)


def _drawing(gan: GAN) -> str:
    channels, height, width = gan.facts.data.shape
    count, classes = DRAWN, len(gan.classes)
    labels = f"np.arange({count}) % {classes}"
    if gan.facts.data.label_sets is not None:
        labels = f"np.eye({classes}, dtype=np.float32)[{labels}]"
    row = "np.concatenate(pixels, axis=1).squeeze()"
    return DRAWING.format(
        shape=f"(N, {channels}, {height}, {width})",
        shape_of_pixels=f"(N, {height}, {width}, {channels})",
        size=f"({count}, {gan.settings.latent})",
        labels=f', "labels": {labels}' if classes else "",
        kept=f'Image.fromarray({row}).save("drawn.png")' if channels in MODES else 'np.save("drawn.npy", pixels)',
    )


def _opening(classifier: Classifier) -> str:
    channels, height, width = classifier.shape
    if channels not in MODES:
        return OPENING_OF_BANDS.format(shape=(height, width, channels))
    fit, is_opaque = classifier.facts.form.fit, channels % 2 == 1
    prepared = (MARGIN * (fit == "pad") + WHITENED) if is_opaque else CONVERTED.format(mode=MODES[channels])
    return OPENING.format(
        value_range=", ".join(map(repr, classifier.facts.data.value_range or DEEP)),
        prepared=prepared,
        fitted=FITTED[fit].format(size=(width, height), margin="margin" if is_opaque else 0),
        mode=MODES[channels],
        shape=(height, width, channels),
    )


def _classifying(classifier: Classifier, also_drawn: bool) -> str:
    channels, height, width = classifier.shape
    stacked = "pixels = np.stack([opened(name) for name in sys.argv[1:]])"
    return CLASSIFYING.format(
        shape=f"(N, {height}, {width}, {channels})",
        classes=len(classifier.classes),
        pixels=f"if sys.argv[1:]:\n    {stacked}" if also_drawn else stacked,
    )


HEAD = '''"""Uses the files beside it, which scumble made, without PyTorch: pip install numpy onnxruntime pillow

{uses}
"""

{modules}from pathlib import Path

import numpy as np
import onnxruntime
from PIL import {images}

here = Path(__file__).parent
'''

OPENING = '''
def opened(name):
    """The pixels of a picture, as {shape}."""
    image = ImageOps.exif_transpose(Image.open(name))
    if image.mode[0] in "IF":  # more than 8 bits
        black, white = {value_range}
        values = (np.asarray(image, float) - black) / (white - black) * 255
        image = Image.fromarray(values.round().clip(0, 255).astype(np.uint8))
    image = image.convert("RGBA")
{prepared}    image = {fitted}
    return np.asarray(image.convert("{mode}")).reshape{shape}

'''

MARGIN = """    margin = "white" if image.getextrema()[3][0] < 255 else "black"
"""

CONVERTED = """    image = image.convert("{mode}")
"""

WHITENED = """    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
"""

OPENING_OF_BANDS = '''
def opened(name):
    """The pixels of an .npy file, {shape} of uint8."""
    return np.load(name)

'''

DRAWING = """# Normal numbers become pictures, {shape} from about -1 to 1; these become pixels, {shape_of_pixels}.
generator = onnxruntime.InferenceSession(here / "generator.onnx")
latents = np.random.default_rng(0).standard_normal({size}, np.float32)
(pictures,) = generator.run(None, {{"latents": latents{labels}}})
pixels = ((pictures + 1) * 127.5).round().clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
{kept}
"""

CLASSIFYING = """# Pixels, {shape}, become probabilities, (N, {classes}).
classifier = onnxruntime.InferenceSession(here / "classifier.onnx")
classes = json.loads(classifier.get_modelmeta().custom_metadata_map["scumble"])["classes"]
{pixels}
(probabilities,) = classifier.run(None, {{"pixels": pixels}})
for row in probabilities:
    print(f"{{classes[row.argmax()]}} {{row.max():.1%}}")
"""
