"""The timeline of generative adversarial networks as presets of one training: each is a point of one grid.

network x norm of the discriminator x loss x penalty x condition x schedule: what a row does not say is as in
`sndcgan`, the first one, whose values are the fields' own.
"""

from typing import Any, NamedTuple


class Entry(NamedTuple):
    """A preset: its year, its paper, what was new, and the settings that differ from the default's."""

    year: int
    paper: str
    news: str
    values: dict[str, Any]


_BEFORE_2018 = {"latent": 100, "width": 64, "batch": 64, "beta1": 0.5, "beta2": 0.999, "decay": "none"}
_DCGAN = {"network": "dcgan", "norm": "batch", "loss": "bce", **_BEFORE_2018}
_WGAN = _DCGAN | {"loss": "wasserstein", "critic_steps": 5}
_UNCOUPLED = {"norm": "none", "lr": 1e-4, "beta1": 0.0, "beta2": 0.9}

TIMELINE = {
    "gan": Entry(
        2014,
        "Goodfellow et al.",
        "two networks against each other, without any convolution",
        _DCGAN | {"network": "mlp", "norm": "none"},
    ),
    "cgan": Entry(
        2014,
        "Mirza and Osindero",
        "both networks are told a class to draw and to judge",
        _DCGAN | {"condition": "plane"},
    ),
    # The batch of 64 is that of the authors' program.
    "dcgan": Entry(2015, "Radford, Metz and Chintala", "convolutions of stride 2 and batch norm all the way", _DCGAN),
    "lsgan": Entry(
        2016, "Mao et al.", "squared errors, which also pull in what is far away", _DCGAN | {"loss": "least-squares"}
    ),
    "acgan": Entry(
        2016,
        "Odena, Olah and Shlens",
        "the discriminator also says which class it sees",
        _DCGAN | {"condition": "auxiliary"},
    ),
    "sgan": Entry(
        2016,
        "Salimans et al.",
        "a few labels: the discriminator says which class, or drawn; the generator matches its features",
        {"norm": "none", "loss": "feature-matching", "condition": "few-labels", "beta1": 0.5, "beta2": 0.999},
    ),
    "wgan": Entry(
        2017,
        "Arjovsky, Chintala and Bottou",
        "a distance of distributions for a loss, by clipping the weights",
        _WGAN | {"clip": 0.01, "optimizer": "rmsprop", "lr": 5e-5},
    ),
    "bgan": Entry(2017, "Hjelm et al.", "the generator seeks even odds", _DCGAN | {"loss": "boundary-seeking"}),
    "softmax-gan": Entry(2017, "Lin", "one softmax over the whole batch", _DCGAN | {"loss": "softmax"}),
    "wgan-gp": Entry(
        2017,
        "Gulrajani et al.",
        "a penalty on slopes other than 1, in place of clipping",
        _WGAN | _UNCOUPLED | {"network": "resnet", "penalty": "gp"},
    ),
    "dragan": Entry(
        2017,
        "Kodali et al.",
        "a penalty on slopes around real pictures alone",
        _DCGAN | {"norm": "none", "penalty": "dragan"},
    ),
    "sndcgan": Entry(2018, "Miyato et al.", "a spectral norm bounds the discriminator; hinge loss", {}),
    "sngan": Entry(2018, "Miyato et al.", "the same with residual networks", {"network": "resnet", "critic_steps": 5}),
    "projection": Entry(
        2018,
        "Miyato and Koyama",
        "the class as a direction among the discriminator's features",
        {"network": "resnet", "condition": "projection"},
    ),
    "wgan-div": Entry(
        2018,
        "Wu et al.",
        "a divergence that needs no bound on the slope",
        _WGAN | _UNCOUPLED | {"network": "resnet", "penalty": "div"},
    ),
    "r1gan": Entry(
        2018,
        "Mescheder, Geiger and Nowozin",
        "slopes at real pictures fall to zero: training comes to rest",
        _UNCOUPLED | {"network": "resnet", "loss": "bce", "penalty": "r1"},
    ),
    "rgan": Entry(
        2019, "Jolicoeur-Martineau", "real or not, compared with one other picture", {"loss": "relativistic"}
    ),
    "ragan": Entry(
        2019, "Jolicoeur-Martineau", "the same, compared with the average", {"loss": "relativistic-average"}
    ),
    "rpgan": Entry(
        2024,
        "Huang et al. (R3GAN)",
        "pairs and slopes at real and generated pictures: no mode is lost; no normalisation",
        {
            "network": "normfree",
            "norm": "none",
            "loss": "relativistic",
            "penalty": "r1r2",
            "beta2": 0.99,
        },
    ),
}
"""By name, in the order of their years."""
