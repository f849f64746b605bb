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
    "cyclegan": Preset(
        2017,
        "Zhu et al.",
        "two translators that undo each other: pairs are no longer needed",
        "two sets of pictures",
        "horse to zebra, 256 pixels: Fréchet distance 77 by the authors' weights",
        "width 32 and batches of 4, for two cores (paper: 64 and 1); resize and convolution, without the checkerboard "
        "of transposed ones; 6 blocks at any size (9 from 256 pixels); averaged generators; discriminators move first",
        {**_ADAM, "kind": "unpaired", "network": "resnet", "batch": 4, "pool": 50},
    ),
    "discogan": Preset(
        2017,
        "Kim et al.",
        "the cycle found independently: small pictures, without skips, so that shapes may change",
        "two sets of pictures",
        "",
        "width 32 and batches of 32, for two cores (paper: 64 and 200); cycles weigh 10 times as much, as against the "
        "adversary in the authors' program: with the paper's 1, ten digits became one; discriminators of patches that "
        "see all of 64 pixels, without the program's feature matching; resize and convolution; no weight decay",
        {
            **_ADAM,
            "kind": "unpaired",
            "size": "64",
            "network": "encoder-decoder",
            "norm": "batch",
            "batch": 32,
            "loss": "bce",
            "weights": "adversarial=1,cycle=0,cycle_squared=10,identity=0",
            "jitter": 1.0,
            "decay": "none",
        },
    ),
    "dualgan": Preset(
        2017,
        "Yi et al.",
        "the cycle with Wasserstein critics and U-Nets",
        "two sets of pictures",
        "",
        "a gradient penalty in place of clipped weights, and with it Adam as Gulrajani et al. 2017 have it, in place "
        "of RMSprop; width 32 for two cores (paper: 64); resize and convolution",
        {
            "lr": 1e-4,
            "beta1": 0.0,
            "beta2": 0.9,
            "kind": "unpaired",
            "network": "unet",
            "batch": 4,
            "loss": "wasserstein",
            "critic_steps": 3,
            "weights": "adversarial=1,cycle=100,identity=0,penalty=10",
            "decay": "none",
        },
    ),
    "unit": Preset(
        2017,
        "Liu et al.",
        "one space of codes for both domains: variational autoencoders that share their inner layers",
        "two sets of pictures",
        "",
        "width 32 and batches of 4, for two cores (paper: 64 and 1); resize and convolution; an averaged generator",
        {
            **_ADAM,
            "lr": 1e-4,
            "kind": "shared-latent",
            "network": "resnet",
            "blocks": 4,
            "batch": 4,
            "loss": "bce",
            "decay": "none",
        },
    ),
    "munit": Preset(
        2018,
        "Huang et al.",
        "content and style apart: one picture has many translations",
        "two sets of pictures",
        "",
        "width 32 and batches of 4, for two cores (paper: 64 and 1); no perceptual loss, which the paper has above 256 "
        "pixels only; the rate falls to 0 over the second half (paper: halved every 100,000 steps)",
        {**_ADAM, "lr": 1e-4, "kind": "multimodal", "network": "adain", "blocks": 4, "batch": 4},
    ),
    "stargan": Preset(
        2018,
        "Choi et al.",
        "one translator for any number of classes or labels, which is told the wanted ones",
        "classes of pictures, or pictures with labels",
        "",
        "width 32 for two cores (paper: 64); resize and convolution; instance norm without running statistics",
        {
            **_ADAM,
            "lr": 1e-4,
            "kind": "domains",
            "network": "resnet",
            "batch": 16,
            "loss": "wasserstein",
            "critic_steps": 5,
        },
    ),
    "cut": Preset(
        2020,
        "Park et al.",
        "one translator alone, held to its start by a contrast between patches",
        "two sets of pictures",
        "horse to zebra, 256 pixels: Fréchet distance 45.5, with enlarged subjects by its authors' own word",
        "width 32, 6 blocks and batches of 4, for two cores (paper: 64, 9 and 1); strides in place of blurring; "
        "FastCUT is `--weights contrast=10,contrast_identity=0`, without its flipped second look",
        {**_ADAM, "kind": "contrastive", "network": "resnet", "batch": 4},
    ),
}
"""By name, in order of year."""
