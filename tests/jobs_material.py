"""Small jobs of the web page's queue, for its tests."""

from pathlib import Path

import numpy as np
from PIL import Image

from scumble.web.jobs.folder import Input

SETTINGS = {"size": 64, "steps": 4, "coarse_steps": 2}


def pictures(folder: Path) -> dict[str, list[Input]]:
    """A photograph and a painting, as a request gives them."""
    given = {}
    for number, (role, name) in enumerate({"content": "my photo.png", "style": "waves.png"}.items()):
        coarse = np.random.default_rng(number).integers(0, 256, (5, 6, 3), dtype=np.uint8)
        path = folder / f"{number:064x}"
        Image.fromarray(coarse).resize((72, 60), Image.Resampling.BICUBIC).save(path, "PNG")
        given[role] = [Input(path.name, path, name)]
    return given
