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

_HOLES = {"kind": "inpainting", "batch": 16, "loss": "bce", "norm": "batch"}
_ENLARGED = {"kind": "super-resolution", "pairs": "x4", "batch": 16, "norm": "batch", "pretraining": 0.5}
_ENLARGED |= {"lr": 1e-4, "beta1": 0.9, "beta2": 0.999}

PRESETS = {
    "context-encoder": Preset(
        2016,
        "Pathak et al.",
        "a hole filled through a few numbers in the middle, and a discriminator that makes the result take sides",
        "one folder, in which code makes holes",
        "Paris StreetView, 128 px, 18.6 dB in the hole; nearest neighbour 14.7 dB (their table 1)",
        "holes are anywhere and the network is told where; the discriminator sees the whole filled picture; pixels are "
        "repeated and convolved, which leaves no checkerboard; width 32 of 64, for CPUs",
        {**_ADAM, **_HOLES, "pairs": "holes", "network": "encoder-decoder"},
    ),
    "ccgan": Preset(
        2016,
        "Denton, Gross and Fergus",
        "a hole filled by a discriminator alone, from the picture around and a coarse one of what was there",
        "one folder, in which code makes holes that hold coarse squares",
        "",
        "the coarse picture is put into the hole, since around it the fine one says it all; no classes are learnt; "
        "a U-Net of width 32, for CPUs, where theirs follows VGG",
        {**_ADAM, **_HOLES, "pairs": "mosaic", "network": "unet", "weights": "pixel=0,adversarial=1"},
    ),
    "pix2pix": Preset(
        2017,
        "Isola et al.",
        "pairs, a U-Net, and a discriminator of 70 x 70 patches",
        "pairs",
        "edges to shoes, 256 pixels: Fréchet distance 76 by others, 84 by the authors' weights",
        "width 32 and batches of 4, for two cores (paper: 64 and 1 to 10); resize and convolution, without the "
        "checkerboard of transposed ones; a finished model has no dropout, and batch norm by averages: results do not "
        "depend on chance or on neighbours; an averaged generator; the rate falls to 0 over the second half; where "
        "code has made side A worse (grey, x2, x4, noise, blur, jpeg, night), what is learnt is added to it",
        {**_ADAM, "batch": 4, "loss": "bce", "norm": "batch"},
    ),
    "cyclegan": Preset(
        2017,
        "Zhu et al.",
        "two translators that undo each other: pairs are no longer needed",
        "two sets of pictures",
        "horse to zebra, 256 pixels: Fréchet distance 62 by others, 65 by the authors' weights",
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
        "of RMSprop; critics without norms, with weights by He et al. 2015; width 32 for two cores (paper: 64); resize "
        "and convolution",
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
    "bicyclegan": Preset(
        2017,
        "Zhu et al.",
        "one result for each code: the truth's own leads back to it, and one that was drawn is found in the result",
        "pairs",
        "maps to satellite pictures: 34% taken for real, distance of two results 0.110 by LPIPS (their table 1)",
        "one discriminator a game, of one scale, where theirs have two; the whole batch is in both games; the code is "
        "given to the first layer; the encoder has no norm; what is learnt is added to what code has made worse; width "
        "32 of 64, for CPUs",
        {**_ADAM, "kind": "multimodal-paired", "batch": 4, "norm": "instance", "loss": "least-squares", "latent": 8},
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
    "srgan": Preset(
        2017,
        "Ledig et al.",
        "4 times as large: residual blocks, what a fixed network sees, and a discriminator",
        "one folder, which code makes smaller",
        "Set5, 4 times: SRResNet 32.05 dB and SRGAN 29.40 dB; bicubic 28.43 dB (their table 2)",
        "added to the bicubic enlargement; no tanh, whose ends no result reaches; pixels are repeated and convolved, "
        "where shuffled channels leave a checkerboard; features before their ReLU, of pocket unless VGG19 is asked "
        "for, and some of the pixels' distance beside them, without which skies ring; width 32 of 64, for CPUs",
        {**_ENLARGED, "network": "srresnet", "blocks": 16, "loss": "bce"},
    ),
    "pixelda": Preset(
        2017,
        "Bousmalis et al.",
        "a classifier for pictures without labels, from others that are made to look like them",
        "pictures with classes, and others without",
        "MNIST to MNIST-M: 98.2% right, 63.6% by a classifier of MNIST alone (their table 1)",
        "classifiers share no layers; DCGAN's discriminator, without noise; the code is normal, and given as channels; "
        "width 32 of 64, for CPUs",
        {"kind": "adaptation", "size": "32", "flip": False, "jitter": 1.0, "network": "srresnet", "blocks": 6}
        | {"lr": 1e-3, "beta1": 0.5, "beta2": 0.999, "batch": 32, "norm": "batch", "loss": "bce", "latent": 10},
    ),
    "munit": Preset(
        2018,
        "Huang et al.",
        "content and style apart: one picture has many translations",
        "two sets of pictures",
        "horse to zebra, 256 pixels: Fréchet distance 134 by Park et al. 2020",
        "width 32 and batches of 4, for two cores (paper: 64 and 1); no perceptual loss, which the paper has above 256 "
        "pixels only; the rate falls to 0 over the second half (paper: halved every 100,000 steps); discriminators "
        "begin with weights by He et al. 2015, since with those from N(0, 0.02) they see nothing at this width",
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
    "esrgan": Preset(
        2018,
        "Wang et al.",
        "4 times as large: dense blocks without norm, and a discriminator that compares real with generated",
        "one folder, which code makes smaller",
        "Set5, 4 times: 32.73 dB after the first phase; bicubic 28.42 dB (their table 2)",
        "added to the bicubic enlargement; features of pocket unless VGG19 is asked for; 4 blocks of 23 and width "
        "32 of 64, for CPUs",
        {**_ENLARGED, "network": "rrdb", "blocks": 4, "loss": "relativistic-average"}
        | {"weights": "perceptual=1,adversarial=5e-3,pixel=1e-2"},
    ),
    "cut": Preset(
        2020,
        "Park et al.",
        "one translator alone, held to its start by a contrast between patches",
        "two sets of pictures",
        "horse to zebra, 256 pixels: Fréchet distance 46, with enlarged subjects by its authors' own word",
        "width 32, 6 blocks and batches of 4, for two cores (paper: 64, 9 and 1); strides in place of blurring; "
        "FastCUT is `--weights contrast=10,contrast_identity=0`, without its flipped second look",
        {**_ADAM, "kind": "contrastive", "network": "resnet", "batch": 4},
    ),
}
"""By name, in order of year."""
