"""Presets of image translation: a row per published method.

What a row leaves out is as in `pix2pix`, whose values are the defaults of the fields.
"""

from typing import Any, NamedTuple


class Preset(NamedTuple):
    """A method.

    Attributes:
        year: of its paper.
        paper: its authors.
        news: what was new.
        learns_from: in words.
        published: what its authors or others report.
        differs: where this one is not as in the paper, and why.
        values: the settings that differ from the defaults.
    """

    year: int
    paper: str
    news: str
    learns_from: str
    published: str
    differs: str
    values: dict[str, Any]


_ADAM = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999}

PRESETS = {
    "pix2pix": Preset(
        2017,
        "Isola et al.",
        "pairs, a U-Net, and a discriminator of 70 x 70 patches",
        "pairs",
        "",
        "",
        {**_ADAM, "batch": 4, "loss": "bce", "norm": "batch"},
    ),
}
"""By name, in order of year."""
