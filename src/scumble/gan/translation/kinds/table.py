"""Kinds of translation, by what settings call them."""

from scumble.gan.translation.kind import Kind
from scumble.gan.translation.kinds import paired

KINDS: dict[str, Kind] = {
    "paired": paired.KIND,
}
