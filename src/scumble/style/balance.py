"""What counts how much at which layer, unless layers are given: it depends on the balance, the loss and the network."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

# Gatys, Ecker and Bethge 2015, with the weights of their own program: 1e3 / C^2 for a layer of C channels.
GATYS_CONTENT_LAYERS = {"relu4_2": 1.0}
GATYS_STYLE_LAYERS = {
    "relu1_1": 1e3 / 64**2,
    "relu2_1": 1e3 / 128**2,
    "relu3_1": 1e3 / 256**2,
    "relu4_1": 1e3 / 512**2,
    "relu5_1": 1e3 / 512**2,
}


# For losses in units of squared features: 256:64:16:4:1, as in crowsonkb/style-transfer-pytorch, but all of them larger
# by as much as makes 1 the usual content weight, which is 0.015 there; and then three times as large, because at that
# balance pictures keep too close to their photographs (docs/log.md).
MOMENT_STYLE_LAYERS = {"relu1_1": 150.0, "relu2_1": 37.5, "relu3_1": 9.4, "relu4_1": 2.34, "relu5_1": 0.585}


STYLE_LAYERS = {
    "gram": GATYS_STYLE_LAYERS,
    "covariance": GATYS_STYLE_LAYERS,
    "mean-std": MOMENT_STYLE_LAYERS,
    "wasserstein": MOMENT_STYLE_LAYERS,
    "histogram": MOMENT_STYLE_LAYERS,
}
"""The layers that compare style unless they are given, with weights that suit the units of the loss."""

# Of VGG19's distances between paintings that pocket has not learnt from it sees these shares (recipes/pocket/judge.py),
# which its weights make up for: by Gram matrices 0.97, 1.07, 0.80, 0.84, 0.48, by moments 0.97, 0.67, 0.55, 0.57, 0.28.
# Where moments are compared, the first two layers count four times as much besides, and the last three times: colours,
# grain and the largest forms lag behind otherwise, in the few evaluations that are made with pocket (docs/log.md).
_GRAM_OF_POCKET = dict(zip(GATYS_STYLE_LAYERS, (0.25, 0.057, 0.019, 0.0045, 0.008), strict=True))
_MOMENTS_OF_POCKET = dict(zip(MOMENT_STYLE_LAYERS, (600.0, 224.0, 17.1, 4.1, 6.3), strict=True))
POCKET_STYLE_LAYERS = {
    loss: _GRAM_OF_POCKET if layers is GATYS_STYLE_LAYERS else _MOMENTS_OF_POCKET
    for loss, layers in STYLE_LAYERS.items()
}
"""The same for pocket."""


class Balance(NamedTuple):
    """The layers at which a picture is held to its photograph, and to its painting, with their weights.

    Attributes:
        content: features are the photograph's (Gatys et al. 2015, eq. 1).
        transported: features are the photograph's after their distribution was moved into the painting's.
        leak: no place is nearer to the painting's places than the photograph's was.
        style: for this loss and network.
        hold: how many times as much the first two count at small sizes, at most.
        focused: whether these count more where the photograph has more to say.
    """

    content: Mapping[str, float]
    transported: Mapping[str, float]
    leak: Mapping[str, float]
    style: Mapping[str, float]
    hold: float
    focused: bool


SHALLOW = {"relu1_1": 8.0, "relu2_1": 4.0, "relu3_1": 4.0}
"""How many times as much these layers of style count where the deepest counts for nothing."""

LAYOUT = 200.0
"""How much the photograph decides where which colour goes, if the palette is fitted: a tenth and less of the loss."""

HOLD_EXPONENT = 4
"""Of the final size over a stage's: content counts more at small sizes, where a form that the painting puts in the
photograph's place stays for good."""


def plain_balance(loss: str, network: str) -> Balance:
    """Gatys et al. 2015: one layer of content, five of style."""
    style = (POCKET_STYLE_LAYERS if network == "pocket" else STYLE_LAYERS)[loss]
    return Balance(GATYS_CONTENT_LAYERS, {}, {}, style, hold=1.0, focused=False)


def subject_balance(loss: str, network: str) -> Balance:
    """What things are is the photograph's, how they are painted the painting's (docs/log.md has the figures).

    Deep layers see objects. Their statistics ask for the painting's objects, all the more where a picture is small and
    has fewer places than they have channels: relu5_1 compares content here, not style, and may come no nearer to the
    painting's places. relu2_1 sees edges: they shall be where the photograph's are, as the painting would have them.
    Shallow layers see brushwork and colour, and count for more.
    """
    plain = plain_balance(loss, network).style
    style = {name: times * plain[name] for name, times in SHALLOW.items()} | {"relu4_1": plain["relu4_1"]}
    if network == "pocket":
        content, transported, leak = {"relu4_2": 1.5, "relu5_1": 60.0}, {"relu2_1": 9.0}, {"relu5_1": 5e6}
    else:
        content, transported, leak = {"relu4_2": 1.0, "relu5_1": 15.0}, {"relu2_1": 0.8}, {"relu5_1": 5e5}
    return Balance(content, transported, leak, style, hold=8.0, focused=True)


BALANCES: dict[str, Callable[[str, str], Balance]] = {"subject": subject_balance, "plain": plain_balance}
"""By name: what the layers and their weights are, for a loss and a network."""
