"""scumble makes pictures with neural networks: it paints a photograph in the style of any painting.

    import scumble
    scumble.stylize("photo.jpg", "painting.jpg", size=512).save("result.png")

The names below are loaded when they are first used: importing this package does not import torch.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scumble.errors import DivergedError, ImageError, ScumbleError, SettingsError, WeightsError
    from scumble.style.settings import StyleSettings
    from scumble.style.stylize import stylize, stylize_events

__version__ = "0.1.0"

__all__ = [
    "DivergedError",
    "ImageError",
    "ScumbleError",
    "SettingsError",
    "StyleSettings",
    "WeightsError",
    "__version__",
    "stylize",
    "stylize_events",
]

_HOMES = {
    "DivergedError": "scumble.errors",
    "ImageError": "scumble.errors",
    "ScumbleError": "scumble.errors",
    "SettingsError": "scumble.errors",
    "StyleSettings": "scumble.style.settings",
    "WeightsError": "scumble.errors",
    "stylize": "scumble.style.stylize",
    "stylize_events": "scumble.style.stylize",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
