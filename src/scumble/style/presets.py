"""The presets of style transfer: values that fill the fields nobody set. Their names are fields of the settings."""

from typing import Any

PRESETS: dict[str, dict[str, Any]] = {
    # The network inside the package, a few evaluations at each of many scales: the fields' own values.
    "quick": {},
    # One pass through a network that was trained once for all paintings: it has no other fields than ONE_PASS.
    "instant": {},
    # A sketch by the small network, finished by VGG19, with averaged iterates as crowsonkb/style-transfer-pytorch has.
    "fine": {
        "backbone": "vgg19-caffe",
        "steps": 200,
        "coarse_steps": None,
        "tolerance": 0.05,
        "style_weight": 1.0,
        "variation_weight": 6.0,
        "sketch": 25,
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
        "palette": "whole",
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

OPTIMISED = tuple(name for name in PRESETS if name != "instant")
"""Those that make their way to a picture step by step, from anything: a texture is made by one of them."""

ONE_PASS: dict[str, Any] = {
    "preset": "instant",
    "size": 512,
    "dpi": None,
    "style_scale": [1.0],
    "borders": "crop",
    "shares": None,
    "seed": 0,
    "device": "auto",
    "max_memory": None,
    "bits": 8,
    "strength": 1.0,
    "colour": "style",
}
"""All that a picture of the preset `instant` depends on, as a recipe tells it, where nothing else was asked for: the
fields' own defaults, without the second that importing the settings takes. A test holds them together."""
