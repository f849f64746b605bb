"""Runs of format 1, from before tensors of a checkpoint were named after their networks and updates: brought to date.

There, an optimiser's state was numbered, a step was one of the generator's with all of the discriminator's before it,
and figures were one row of sums.
"""

from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.training.trainer import Trainer

NETWORKS = {"generator": "modules.generator", "discriminator": "modules.discriminator", "average": "averages.generator"}
UPDATES = {"generator_optimizer": "g", "discriminator_optimizer": "d"}
SUMS = ("d.loss", "d.d_real", "d.d_fake", "g.loss")
"""What the numbers of the row `sums` are called now; its last one is how many steps they are of."""


def _is_format_1(saved: Checkpoint) -> bool:
    return "sums" in saved.tensors


def networks_upgraded(saved: Checkpoint) -> Checkpoint:
    """The networks of such a checkpoint under their names of today, and nothing else; others as they are.

    It has no identity: those of format 1 were made in another way.
    """
    if not _is_format_1(saved):
        return saved
    tensors = {}
    for old, new in NETWORKS.items():
        tensors |= {f"{new}.{key}": value for key, value in checkpoint.under(old, saved.tensors).items()}
    return Checkpoint(tensors, saved.facts | {"identity": None})


def upgraded(saved: Checkpoint, trainer: Trainer, critic_steps: int) -> Checkpoint:
    """A checkpoint of `trainer` that goes on to the bits that the old one would have gone on to; others as they are."""
    if not _is_format_1(saved):
        return saved
    tensors = networks_upgraded(saved).tensors
    for old, update in UPDATES.items():
        moments = checkpoint.under(old, saved.tensors)
        for number, name in enumerate(trainer.parameters[update]):
            of_one = checkpoint.under(str(number), moments)
            tensors |= {f"optimizers.{update}.{name}.{key}": value for key, value in of_one.items()}
    *sums, count = saved.tensors["sums"]
    if count:
        tensors |= {f"figures.{name}": value for name, value in zip(SUMS, sums, strict=True)}
    step = saved.facts["step"] * critic_steps
    facts = saved.facts | {"step": step, "averaged_at": {"generator": step}, "identity": trainer.identity}
    return Checkpoint(tensors, facts | {"counts": dict.fromkeys("dg", int(count)), "tensors": len(tensors)})
