"""Presets: a row per published method, from 2014 on, each a point in one grid of settings.

The axes are network, norm of the discriminator, loss, penalty, condition and schedule. What a row leaves out is as in
`sndcgan`, whose values are the defaults of the fields.
"""

from typing import Any, NamedTuple


class Preset(NamedTuple):
    """A method: its year, its paper, what was new, and the settings that differ from the defaults.

    `differs` says where it is not as in the paper, and why, where that is more than docs/methods/departures.md has of
    all.
    """

    year: int
    paper: str
    news: str
    values: dict[str, Any]
    differs: str = ""


_BEFORE_2018 = {"latent": 100, "width": 64, "batch": 64, "beta1": 0.5, "beta2": 0.999, "decay": "none"}
_DCGAN = {"network": "dcgan", "norm": "batch", "loss": "bce", **_BEFORE_2018}
_WGAN = _DCGAN | {"loss": "wasserstein", "critic_steps": 5}
_UNCOUPLED = {"norm": "none", "lr": 1e-4, "beta1": 0.0, "beta2": 0.9}

PRESETS = {
    "gan": Preset(
        2014,
        "Goodfellow et al.",
        "two networks against each other; no convolutions",
        _DCGAN | {"network": "mlp", "norm": "none"},
    ),
    "cgan": Preset(
        2014,
        "Mirza and Osindero",
        "both networks are given the class",
        _DCGAN | {"condition": "plane"},
    ),
    "lapgan": Preset(
        2015,
        "Denton et al.",
        "a small picture first, then what each doubling of it lacks",
        _DCGAN | {"network": "laplacian", "task": "pyramid", "norm": "none", "width": 32},
        "all levels learn at once, since none depends on what another has learnt; they share out one latent, so that a "
        "seed is a picture; convolutions in the first level, too, which collapsed without; batch norm in the "
        "generators; halving by means of 2 x 2 pixels; 32 channels, for CPUs",
    ),
    # The batch of 64 is that of the authors' program.
    "dcgan": Preset(2015, "Radford, Metz and Chintala", "convolutions of stride 2 and batch norm all the way", _DCGAN),
    "aae": Preset(
        2016,
        "Makhzani et al.",
        "an autoencoder whose codes an adversary makes look like latents: it encodes, too",
        _DCGAN | {"network": "mlp", "norm": "none", "task": "autoencoder", "width": 125, "latent": 8},
        "a standard normal prior, as of all latents; Adam in the place of SGD; three hidden layers of 1,000 units, not "
        "two; for photographs, --network dcgan --norm batch and a larger --latent",
    ),
    "lsgan": Preset(
        2016,
        "Mao et al.",
        "squared errors, which also pull on far samples",
        _DCGAN | {"loss": "least-squares"},
    ),
    "acgan": Preset(
        2016,
        "Odena, Olah and Shlens",
        "the discriminator also predicts the class",
        _DCGAN | {"condition": "auxiliary"},
    ),
    "sgan": Preset(
        2016,
        "Salimans et al.",
        "a few labels: the discriminator predicts the class, or generated; the generator matches its features",
        {"norm": "none", "loss": "feature-matching", "condition": "few-labels", "beta1": 0.5, "beta2": 0.999},
    ),
    "cogan": Preset(
        2016,
        "Liu and Tuzel",
        "networks of several domains share layers: one latent is a picture in each, and no pair was ever seen",
        _DCGAN | {"condition": "coupled"},
        "learns from classes as domains, or from inverse:DATA and edges:DATA; all but two convolutions of each network "
        "are shared, since domains that had more of their own drew pairs with nothing in common",
    ),
    "infogan": Preset(
        2016,
        "Chen et al.",
        "a code in the latent that pictures must tell: categories and directions are found without labels",
        _DCGAN | {"task": "codes", "latent": 74, "lr_generator": 1e-3},
        "no batch norm between features and guess, so that a picture's code is its own",
    ),
    "wgan": Preset(
        2017,
        "Arjovsky, Chintala and Bottou",
        "a distance between distributions as the loss, by clipping weights",
        _WGAN | {"clip": 0.01, "optimizer": "rmsprop", "lr": 5e-5},
    ),
    "bgan": Preset(2017, "Hjelm et al.", "the generator seeks probability 1/2", _DCGAN | {"loss": "boundary-seeking"}),
    "softmax-gan": Preset(2017, "Lin", "one softmax over the whole batch", _DCGAN | {"loss": "softmax"}),
    "wgan-gp": Preset(
        2017,
        "Gulrajani et al.",
        "a penalty on gradient norms other than 1, in place of clipping",
        _WGAN | _UNCOUPLED | {"network": "resnet", "penalty": "gp"},
    ),
    "ebgan": Preset(
        2017,
        "Zhao, Mathieu and LeCun",
        "the discriminator is an autoencoder, its error an energy; codes of a batch are pulled apart",
        _DCGAN | {"network": "ebgan", "loss": "margin", "task": "energy"},
        "energies are means over a picture's numbers, not lengths, so that one margin serves every size",
    ),
    "began": Preset(
        2017,
        "Berthelot, Schumm and Metz",
        "energies in equilibrium: a controller balances both sides, and a figure says how far they have come",
        {"network": "began", "norm": "none", "loss": "wasserstein", "task": "equilibrium", "latent": 16}
        | {"width": 16, "batch": 16, "beta1": 0.5, "beta2": 0.999},
        "normal latents in the place of uniform ones; the learning rate falls to 0 instead of halving where M stalls; "
        "k moves ten times as fast, and gamma is 0.75: in short trainings, one picture was left; 16 channels and "
        "numbers of code for CPUs, where the paper has 64 and more (--width 64 --latent 64)",
    ),
    "dragan": Preset(
        2017,
        "Kodali et al.",
        "the gradient penalty around real pictures only",
        _DCGAN | {"norm": "none", "penalty": "dragan"},
    ),
    "sndcgan": Preset(2018, "Miyato et al.", "spectral norm bounds the discriminator; hinge loss", {}),
    "sngan": Preset(2018, "Miyato et al.", "the same with residual networks", {"network": "resnet", "critic_steps": 5}),
    "projection": Preset(
        2018,
        "Miyato and Koyama",
        "the class as a direction among the discriminator's features",
        {"network": "resnet", "condition": "projection"},
    ),
    "wgan-div": Preset(
        2018,
        "Wu et al.",
        "a divergence that needs no bound on the gradient",
        _WGAN | _UNCOUPLED | {"network": "resnet", "penalty": "div"},
    ),
    "r1gan": Preset(
        2018,
        "Mescheder, Geiger and Nowozin",
        "R1: the gradient at real pictures is penalised to zero; training converges",
        _UNCOUPLED | {"network": "resnet", "loss": "bce", "penalty": "r1"},
    ),
    "clustergan": Preset(
        2019,
        "Mukherjee et al.",
        "an encoder finds the category and the noise around it: pictures fall into clusters",
        _WGAN | _UNCOUPLED | {"task": "clusters", "beta1": 0.5, "latent": 40, "continuous": 0, "penalty": "gp"},
        "the encoder's layers are as those of the discriminator, without norm",
    ),
    "sagan": Preset(
        2019,
        "Zhang et al.",
        "self-attention: each position looks at all others; two learning rates",
        {"network": "sagan", "lr_generator": 1e-4, "lr_discriminator": 4e-4},
        "no classes (--condition projection has them); no spectral norm in the generator",
    ),
    "rgan": Preset(2019, "Jolicoeur-Martineau", "real or not, relative to one other picture", {"loss": "relativistic"}),
    "ragan": Preset(2019, "Jolicoeur-Martineau", "the same, relative to the average", {"loss": "relativistic-average"}),
    "rpgan": Preset(
        2024,
        "Huang et al. (R3GAN)",
        "relativistic pairs, R1 and R2: no mode is lost; no normalisation",
        {
            "network": "normfree",
            "norm": "none",
            "loss": "relativistic",
            "penalty": "r1r2",
            "beta2": 0.99,
        },
    ),
}
"""By name, in order of year."""
