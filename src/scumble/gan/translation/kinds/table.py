"""Kinds of translation, by what settings call them."""

from scumble.gan.translation.kind import Kind
from scumble.gan.translation.kinds import adaptation, inpainting, multimodal_paired, paired, super_resolution

KINDS: dict[str, Kind] = {
    "paired": paired.KIND,
    "multimodal-paired": multimodal_paired.KIND,
    "super-resolution": super_resolution.KIND,
    "inpainting": inpainting.KIND,
    "adaptation": adaptation.KIND,
}
