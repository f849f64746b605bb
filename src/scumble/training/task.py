"""What is learnt, as plain records: a task is networks and the updates that move them, and an update has a loss.

A loss is ordinary PyTorch: it may pass through any networks any number of times, take gradients inside, and look at the
step. Nothing is frozen, wrapped or counted for it, because only what an update moves receives its gradient. Whatever
has to be remembered from step to step is a module with buffers, which changes in `after` alone, once per update, from
the figures of the whole batch: so that a batch taken in parts or by several processes leaves the same behind.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from torch import Tensor, nn
from torch.optim import Optimizer

from scumble.training.randomness import Share, SharedGenerator, seed_for

Made = TypeVar("Made")

Batch = dict[str, Any]
"""What a loss looks at, by name. Where a step takes its batch whole, all updates of the step are given the same one."""


class Moment(NamedTuple):
    """What a draw may depend on, and nothing else.

    Attributes:
        step: how many batches came before this one.
        seeds: of the training, and how often it went back to an earlier state: what went wrong is not drawn again.
        share: which part of the batch this is.
        images_seen: before this step: step * batch size, unless a training goes on with another batch size.
    """

    step: int
    seeds: tuple[int, int]
    share: Share = Share()
    images_seen: int = 0

    def generator(self, use: int = 0) -> SharedGenerator:
        """Random numbers of this step for a use among several; to be taken by `draw`, share by share."""
        random = SharedGenerator()
        random.share = self.share
        random.manual_seed(seed_for(*self.seeds, self.step, use))
        return random


class Outcome(NamedTuple):
    """What a loss returns.

    Attributes:
        loss: (), minimised.
        figures: (), averaged over parts, processes and steps; logged, and shown to `after`.
        kept: (N, ...), for `after`: gathered from all parts and processes, in the pictures' order.
    """

    loss: Tensor
    figures: dict[str, Tensor] = {}  # noqa: RUF012 (nothing writes into it)
    kept: dict[str, Tensor] = {}  # noqa: RUF012


def always(step: int) -> bool:
    """An update that every step makes."""
    return True


def every(steps: int) -> Callable[[int], bool]:
    """An update that the last of so many steps makes: a critic's other steps, or a lazy term."""
    return lambda step: step % steps == steps - 1


def during(first: int, end: int | None = None) -> Callable[[int], bool]:
    """An update of one phase: from a step on, and before another."""
    return lambda step: first <= step and (end is None or step < end)


class Update(NamedTuple):
    """One optimiser's step.

    Attributes:
        name: short, of its figures (loss_NAME, gradient_NAME) and of its optimiser's state.
        moves: names of networks, or of parts of them with dots ("discriminator.q"). Weights that two share are moved
            once. An update has an optimiser of its own, also where another one moves the same network.
        loss: of a batch, or a share of it.
        optimizer: made of the parameters.
        due: whether a step makes it; a step that does not leaves its optimiser alone.
        schedule: what the optimiser's groups are set to before a step, such as {"lr": 1e-4}.
        max_norm: what the whole gradient's length is clipped to.
        after: what follows the move, without gradients: clipping, controllers, pools, running means.
    """

    name: str
    moves: tuple[str, ...]
    loss: Callable[[Batch, Moment], Outcome]
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    due: Callable[[int], bool] = always
    schedule: Callable[[Moment], dict[str, Any]] | None = None
    max_norm: float | None = None
    after: Callable[[Moment, dict[str, Tensor], dict[str, Tensor]], None] | None = None


class Task(NamedTuple):
    """What is learnt.

    Attributes:
        modules: everything that is saved, by name: networks, and what remembers (pools, controllers) as modules with
            buffers. A fixed network that only a loss looks through stays out.
        updates: in the order in which a step makes them.
        batch: a pure function of the moment: the real pictures, latents, ... of a share of a step.
        size: pictures of a whole batch: a step is so many images more.
        averaged: names of modules whose moving average is kept.
        half_life: of these averages, in images.
        result: names of the modules that a finished model holds, each its average where there is one.
    """

    modules: dict[str, nn.Module]
    updates: tuple[Update, ...]
    batch: Callable[[Moment], Batch]
    size: int
    averaged: tuple[str, ...] = ()
    half_life: int = 0
    result: tuple[str, ...] = ()


def once(batch: Batch, name: str, make: Callable[[], Made]) -> Made:
    """What several updates of a step look at, such as generated pictures, made by the first that asks for it."""
    if name not in batch:
        batch[name] = make()
    return batch[name]
