"""Kinds of translation, by what settings call them."""

from scumble.gan.translation.kind import Kind
from scumble.gan.translation.kinds import contrastive, domains, multimodal, paired, shared_latent, unpaired

KINDS: dict[str, Kind] = {
    "paired": paired.KIND,
    "unpaired": unpaired.KIND,
    "contrastive": contrastive.KIND,
    "shared-latent": shared_latent.KIND,
    "multimodal": multimodal.KIND,
    "domains": domains.KIND,
}
