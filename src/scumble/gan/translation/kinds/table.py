"""Kinds of translation, by what settings call them."""

from scumble.gan.translation.kind import Kind
from scumble.gan.translation.kinds import (
    adaptation,
    contrastive,
    domains,
    inpainting,
    multimodal,
    multimodal_paired,
    paired,
    shared_latent,
    super_resolution,
    unpaired,
)

KINDS: dict[str, Kind] = {
    "paired": paired.KIND,
    "unpaired": unpaired.KIND,
    "contrastive": contrastive.KIND,
    "multimodal-paired": multimodal_paired.KIND,
    "shared-latent": shared_latent.KIND,
    "multimodal": multimodal.KIND,
    "domains": domains.KIND,
    "super-resolution": super_resolution.KIND,
    "inpainting": inpainting.KIND,
    "adaptation": adaptation.KIND,
}
