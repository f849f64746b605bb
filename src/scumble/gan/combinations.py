"""Which networks and settings go with which task: what would have no effect there is refused, never ignored."""

from typing import Any, NamedTuple

from scumble.errors import SettingsError

PLAIN_NETWORKS = ("mlp", "dcgan", "sndcgan", "resnet", "sagan", "normfree")
"""Those whose discriminator ends in a logit of its features: classes, and other ends, can be put there."""
ENERGY_NETWORKS = ("ebgan", "began")
"""Those whose discriminator reconstructs pictures."""


class Fitting(NamedTuple):
    """What goes with a task: its networks, and for some settings, the one value that they can have."""

    networks: tuple[str, ...]
    values: dict[str, Any]


_UNAUGMENTED = {"augment": False, "augment_colour": False}
FITTING = {
    "codes": Fitting(PLAIN_NETWORKS, {}),
    "clusters": Fitting(PLAIN_NETWORKS, {}),
    # Pulling codes apart compares each picture with the whole batch.
    "energy": Fitting(ENERGY_NETWORKS, {"loss": "margin", "condition": "none", "accumulate": 1}),
    "equilibrium": Fitting(ENERGY_NETWORKS, {"loss": "wasserstein", "condition": "none", "clip": 0.0}),
    "pyramid": Fitting(("laplacian",), {"condition": "none", **_UNAUGMENTED}),
    "autoencoder": Fitting(PLAIN_NETWORKS, {"condition": "none", "penalty": "none", "clip": 0.0, **_UNAUGMENTED}),
}
"""By the setting `task`; the others take all that can be combined."""


def check(settings: dict[str, Any]) -> None:
    """Refuse settings, by name, that do not go together.

    Raises:
        SettingsError: for the first of them.
    """
    task, network, condition = settings["task"], settings["network"], settings["condition"]
    fitting = FITTING.get(task)
    if fitting is not None and network not in fitting.networks:
        raise SettingsError(f"network: got {network} with task {task}, wanted {' or '.join(fitting.networks)}")
    for name, wanted in {} if fitting is None else fitting.values.items():
        if settings[name] != wanted:
            raise SettingsError(f"{name.replace('_', '-')}: got {settings[name]} with task {task}, wanted {wanted}")
    if condition != "none" and network not in PLAIN_NETWORKS:
        why = "whose logit is not made from features"
        raise SettingsError(f"condition: got {condition} with network {network}, {why}: wanted none")
    if settings["loss"] == "feature-matching" and task != "latent":
        raise SettingsError(f"loss: got feature-matching with task {task}, which needs logits: wanted another")
