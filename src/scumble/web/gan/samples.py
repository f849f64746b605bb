"""What a GAN draws while somebody moves its sliders: answers of the live process, which alone imports torch.

A model is read once and kept until its folder holds a newer state, so that a training can be looked into while it runs.
Requests have been checked by the records of `scumble.web.api.models`; here is checked what only a model can tell.
"""

import base64
import io
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from scumble.errors import SettingsError
from scumble.gan.models import codes, latents
from scumble.gan.models.gan import GAN
from scumble.gan.models.sample import draw_latents
from scumble.image import film as films
from scumble.image.tensors import grid

MAX_FRAMES = 400
KEPT = 2
"""Models in memory: the one that is looked at, and the one before."""


class State(NamedTuple):
    """Which state of a folder was read: its newest file of weights, and when that was written."""

    name: str
    written_ns: int


_kept: dict[tuple[str, State], GAN] = {}


def samples(request: dict[str, Any]) -> dict[str, Any]:
    """Pictures of seeds.

    Args:
        request: "model", a folder; "seeds"; and, each None where nothing is chosen, "truncation", "class" and "code",
            as of `GAN.sample`.

    Returns:
        "pictures": of each the "seed", the "class", None without classes, and the "png", in base64.

    Raises:
        RunError, SettingsError: as `GAN.sample`.
    """
    gan, seeds = model_of(Path(request["model"])), request["seeds"]
    pictures = gan.sample_array(seeds, request.get("truncation"), request.get("class"), _one_code(gan, request))
    labels = gan.labels(seeds, request.get("class"))
    names = [None] * len(seeds) if labels is None else gan.class_names(labels)
    made = zip(seeds, names, pictures, strict=True)
    return {"pictures": [{"seed": seed, "class": name, "png": as_png(one)} for seed, name, one in made]}


def walk(request: dict[str, Any]) -> dict[str, Any]:
    """What lies between chosen pictures.

    Args:
        request: as of `samples`, and "between": steps from each to the next.

    Returns:
        "frames": PNG in base64, those of the chosen pictures among them.
    """
    return {"frames": [as_png(frame) for frame in _way(request, bool(request.get("closed")))]}


def film(request: dict[str, Any]) -> dict[str, Any]:
    """The same as a film.

    Args:
        request: as of `walk`, and "closed": whether it returns to the first; "seconds"; "ending" of the file.

    Returns:
        "film": the file in base64.
    """
    seconds, ending, closed = float(request["seconds"]), request["ending"], bool(request.get("closed"))
    frames = [Image.fromarray(grid(frame[None], 1)) for frame in _way(request, closed)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"film{ending}"
        films.write(frames, path, seconds, 0.0 if closed else min(1.0, seconds / 4))
        return {"film": base64.b64encode(path.read_bytes()).decode()}


def model_of(folder: Path) -> GAN:
    """The model of a folder, in its newest state."""
    weights = [*(folder / "checkpoints").glob("*.safetensors"), *folder.glob("model.safetensors")]
    newest = max(weights, default=folder)
    key = (str(folder), State(newest.name, newest.stat().st_mtime_ns if newest.exists() else 0))
    if key not in _kept:
        gan = GAN.from_pretrained(folder)
        for old in [old for old in _kept if old[0] == key[0]] or list(_kept)[: len(_kept) - KEPT + 1]:
            del _kept[old]
        _kept[key] = gan
    return _kept[key]


def as_png(picture: np.ndarray) -> str:
    """(H, W, C) uint8 pixels as a PNG in base64: of small pictures the pixels are repeated, as on all sheets."""
    file = io.BytesIO()
    Image.fromarray(grid(picture[None], 1)).save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode()


def _way(request: dict[str, Any], closed: bool) -> np.ndarray:
    """(N, H, W, C): the pictures on the way through the chosen latents."""
    gan, seeds, between = model_of(Path(request["model"])), request["seeds"], request["between"]
    if len(seeds) < 2:
        raise SettingsError("choose two pictures or more to go from one to the other")
    if between > MAX_FRAMES // len(seeds):
        raise SettingsError(
            f"between: got {between}, wanted 1 to {MAX_FRAMES // len(seeds)} with {len(seeds)} pictures"
        )
    chosen = draw_latents(seeds, gan.settings.latent, request.get("truncation"))
    code = _one_code(gan, request)
    if code is not None:
        chosen = codes.set_to(chosen, codes.codes_of(code, gan.settings)[0], gan.settings)
    return gan.draw_array(latents.walk(chosen, between, closed), request.get("class"))


def _one_code(gan: GAN, request: dict[str, Any]) -> str | None:
    code = request.get("code")
    if code is not None and len(codes.codes_of(code, gan.settings)) != 1:
        raise SettingsError(f"code: got {code[:40]!r}, wanted a single one")
    return code
