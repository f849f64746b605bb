"""scumble makes pictures with neural networks: it paints photographs like paintings, and learns to draw from pictures.

    import scumble
    scumble.stylize("photo.jpg", "painting.jpg", size=512).save("result.png")
    scumble.train("digits", "runs/digits", images=20_000).sample(seeds=range(4))

The names below are loaded when they are first used: importing this package does not import torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scumble import losses
    from scumble.errors import (
        DataError,
        DivergedError,
        ImageError,
        RunError,
        ScumbleError,
        SettingsError,
        WeightsError,
    )
    from scumble.gan.evaluation.evaluate import evaluate, evaluate_events
    from scumble.gan.evaluation.nearest_sheet import nearest, nearest_events
    from scumble.gan.models.gan import GAN
    from scumble.gan.probe.classifier import Classifier
    from scumble.gan.probe.protocol import classify, classify_events
    from scumble.gan.report.report import report, report_events
    from scumble.gan.settings import GANSettings
    from scumble.gan.train import train, train_events
    from scumble.gan.translation.models.translator import Translator
    from scumble.gan.translation.settings import TranslationSettings
    from scumble.gan.translation.train import train_translator, train_translator_events
    from scumble.losses import gram
    from scumble.perceptual.features import features, layers
    from scumble.style.evaluation import figures as evaluation
    from scumble.style.evaluation.compare import compare, compare_events
    from scumble.style.feedforward.stylizer import Stylizer
    from scumble.style.preparation.sources import Sources
    from scumble.style.settings import StyleSettings, TextureSettings
    from scumble.style.stylize import paint_events, stylize, stylize_events, texture

__version__ = "0.1.0"

__all__ = [
    "GAN",
    "Classifier",
    "DataError",
    "DivergedError",
    "GANSettings",
    "ImageError",
    "RunError",
    "ScumbleError",
    "SettingsError",
    "Sources",
    "StyleSettings",
    "Stylizer",
    "TextureSettings",
    "TranslationSettings",
    "Translator",
    "WeightsError",
    "__version__",
    "classify",
    "classify_events",
    "compare",
    "compare_events",
    "evaluate",
    "evaluate_events",
    "evaluation",
    "features",
    "gram",
    "layers",
    "losses",
    "nearest",
    "nearest_events",
    "paint_events",
    "report",
    "report_events",
    "stylize",
    "stylize_events",
    "texture",
    "train",
    "train_events",
    "train_translator",
    "train_translator_events",
]

_NAMES = {
    "errors": "DataError DivergedError ImageError RunError ScumbleError SettingsError WeightsError",
    "gan.evaluation.evaluate": "evaluate evaluate_events",
    "gan.evaluation.nearest_sheet": "nearest nearest_events",
    "gan.models.gan": "GAN",
    "gan.probe.classifier": "Classifier",
    "gan.probe.protocol": "classify classify_events",
    "gan.report.report": "report report_events",
    "gan.settings": "GANSettings",
    "gan.train": "train train_events",
    "gan.translation.models.translator": "Translator",
    "gan.translation.settings": "TranslationSettings",
    "gan.translation.train": "train_translator train_translator_events",
    "losses": "gram losses",
    "perceptual.features": "features layers",
    "style.evaluation.compare": "compare compare_events",
    "style.evaluation.figures": "evaluation",
    "style.feedforward.stylizer": "Stylizer",
    "style.preparation.sources": "Sources",
    "style.settings": "StyleSettings TextureSettings",
    "style.stylize": "paint_events stylize stylize_events texture",
}
_MODULES = {"evaluation", "losses"}  # themselves public, with all of their functions
_HOMES = {name: f"scumble.{module}" for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = importlib.import_module(_HOMES[name])
    return home if name in _MODULES else getattr(home, name)


def __dir__() -> list[str]:
    return __all__
