"""A kind of translation as a task of the training engine."""

from collections.abc import Callable

import torch

from scumble.device import Placement
from scumble.gan.networks.build import to_device
from scumble.gan.translation.kind import Features, Game, Shapes
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.networks.build import build
from scumble.gan.translation.settings import TranslationSettings
from scumble.training.distributed import Processes
from scumble.training.task import Batch, Moment, Task
from scumble.training.trainer import Trainer


def game_of(
    settings: TranslationSettings,
    shapes: Shapes,
    placement: Placement,
    processes: Processes | None = None,
    features: Features | None = None,
) -> Game:
    """Fresh networks on their device, and what their losses look at beside them.

    Raises:
        SettingsError: as `build` does.
    """
    networks = build(settings, shapes)
    for network in networks.values():
        to_device(network, placement.device)
    return Game(settings, shapes, networks, placement, processes or Processes(), features)


def task_of(game: Game, batch: Callable[[Moment], Batch]) -> Task:
    """What the trainer trains.

    Args:
        game: its networks and all that their losses look at.
        batch: what is drawn for a step, on the CPU.
    """
    kind, settings, device = KINDS[game.settings.kind], game.settings, game.placement.device
    return Task(
        dict(game.networks),
        kind.updates(game),
        lambda moment: on_device(batch(moment), device),
        settings.batch,
        averaged=kind.result,
        half_life=settings.ema,
        result=kind.result,
    )


def trainer_of(game: Game, batch: Callable[[Moment], Batch], identity: str = "") -> Trainer:
    """A trainer of this task, at step 0."""
    settings = game.settings
    return Trainer(task_of(game, batch), settings.seed, settings.accumulate, game.processes, identity)


def on_device(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device, its pictures laid out with the channels last, as convolutions read them fastest."""

    def moved(value: torch.Tensor) -> torch.Tensor:
        return value.to(device, memory_format=torch.channels_last if value.dim() == 4 else torch.preserve_format)

    return {name: moved(value) if isinstance(value, torch.Tensor) else value for name, value in batch.items()}
