"""The two networks of one pass, as recipes name them."""

import hashlib
from typing import Any

from scumble.perceptual.catalogue import POCKET_FILE
from scumble.style.feedforward import weights

FILES = {"instant": weights.FILE, "pocket": POCKET_FILE}


def digest(name: str) -> dict[str, Any]:
    """The name, "instant" or "pocket", and the digest of the file."""
    return {"name": name, "sha256": hashlib.sha256(FILES[name].read_bytes()).hexdigest()}
