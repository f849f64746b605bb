"""The settings as keyword arguments, for type checkers and editors. Written by recipes/keywords.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict


class PaintKeywords(TypedDict, total=False):
    """Those of `PaintSettings`."""

    preset: Literal["quick", "instant", "fine", "gatys"]
    size: int | Literal["original"] | str
    dpi: int | None
    scales: Literal["auto"] | int
    steps: int
    coarse_steps: int | None
    tolerance: float
    style_weight: float
    style_scale: float | Sequence[float]
    borders: Literal["crop", "keep"]
    shares: float | Sequence[float] | None
    loss: Literal["gram", "covariance", "mean-std", "wasserstein", "histogram"]
    style_layers: Mapping[str, float] | Mapping[int, float] | None
    variation_weight: float
    range_weight: float
    seed: int
    optimizer: Literal["lbfgs", "adam"]
    lr: float
    momentum: float
    averaging: float
    backbone: Literal["pocket", "vgg19-caffe", "vgg19"]
    sketch: int
    finish: int
    enlarge: bool
    weights: str | Path | None
    pooling: Literal["max", "average", "l2"]
    padding: Literal["zeros", "replicate"]
    device: str
    precision: Literal["auto", "float32", "bfloat16"]
    max_memory: float | None
    bits: Literal[8, 16]


class StyleKeywords(PaintKeywords, total=False):
    """Those of `StyleSettings`."""

    keep: float
    balance: Literal["subject", "plain"]
    content_layers: Mapping[str, float] | Mapping[int, float] | None
    strength: float
    colour: Literal["style", "content", "match"]
    palette: Literal["fitted", "whole"]
    init: Literal["matched", "instant", "content", "noise", "style"] | str | Path


class TextureKeywords(PaintKeywords, total=False):
    """Those of `TextureSettings`."""

    aspect: float | None


class GANKeywords(TypedDict, total=False):
    """Those of `GANSettings`."""

    images: int
    batch: int
    accumulate: int
    lr: float
    beta1: float
    beta2: float
    decay: Literal["linear", "none"]
    ema: int
    grids: int
    evaluate_every: int
    seed: int
    device: str
    devices: int
    nodes: int
    precision: Literal["auto", "float32", "bfloat16"]
    preset: Literal[
        "gan",
        "cgan",
        "lapgan",
        "dcgan",
        "aae",
        "lsgan",
        "acgan",
        "sgan",
        "cogan",
        "infogan",
        "wgan",
        "bgan",
        "softmax-gan",
        "wgan-gp",
        "ebgan",
        "began",
        "dragan",
        "sndcgan",
        "sngan",
        "projection",
        "wgan-div",
        "r1gan",
        "clustergan",
        "sagan",
        "rgan",
        "ragan",
        "rpgan",
    ]
    size: int | str
    channels: int | Literal["auto"]
    fit: Literal["crop", "pad", "stretch"]
    value_range: str
    network: Literal["mlp", "dcgan", "sndcgan", "resnet", "sagan", "normfree", "ebgan", "began", "laplacian"]
    task: Literal["latent", "codes", "clusters", "energy", "equilibrium", "pyramid", "autoencoder"]
    norm: Literal["batch", "spectral", "none"]
    loss: Literal[
        "bce",
        "hinge",
        "least-squares",
        "wasserstein",
        "margin",
        "boundary-seeking",
        "relativistic",
        "relativistic-average",
        "softmax",
        "feature-matching",
    ]
    penalty: Literal["none", "gp", "div", "dragan", "r1", "r1r2"]
    penalty_weight: float | None
    clip: float
    condition: Literal["none", "plane", "projection", "auxiliary", "few-labels", "coupled"]
    labelled: int
    critic_steps: int
    lr_generator: float | None
    lr_discriminator: float | None
    optimizer: Literal["adam", "rmsprop"]
    latent: int
    categories: int
    continuous: int
    width: int
    flip: Literal["auto", "yes", "no"]
    augment: bool
    augment_colour: bool


class TranslationKeywords(TypedDict, total=False):
    """Those of `TranslationSettings`."""

    images: int
    batch: int
    accumulate: int
    lr: float
    beta1: float
    beta2: float
    decay: Literal["linear", "second-half", "none"]
    ema: int
    grids: int
    evaluate_every: int
    seed: int
    device: str
    devices: int
    nodes: int
    precision: Literal["auto", "float32", "bfloat16"]
    preset: Literal[
        "context-encoder",
        "ccgan",
        "pix2pix",
        "cyclegan",
        "discogan",
        "dualgan",
        "bicyclegan",
        "unit",
        "srgan",
        "pixelda",
        "munit",
        "stargan",
        "esrgan",
        "cut",
    ]
    kind: Literal[
        "paired",
        "unpaired",
        "contrastive",
        "multimodal-paired",
        "shared-latent",
        "multimodal",
        "domains",
        "super-resolution",
        "inpainting",
        "adaptation",
    ]
    size: int | str
    pairs: Literal["none", "edges", "grey", "x2", "x4", "noise", "blur", "holes", "mosaic", "jpeg", "night"]
    direction: Literal["forward", "backward"]
    network: Literal["unet", "resnet", "encoder-decoder", "srresnet", "rrdb", "adain"]
    blocks: int
    width: int
    norm: Literal["batch", "instance", "none"]
    upsampling: Literal["transposed", "resize", "shuffle"]
    patch_layers: int
    loss: Literal["bce", "least-squares", "hinge", "wasserstein", "relativistic-average"]
    critic_steps: int
    pool: int
    latent: int
    weights: str
    pretraining: float
    perceptual: Literal["pocket", "vgg19"]
    flip: bool
    jitter: float
