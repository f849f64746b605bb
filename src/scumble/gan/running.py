"""What the trainings of both arts of this folder have in common: pictures from noise, and pictures from pictures.

Processes are started and told apart, a run is found or begun, and what is trained is handed to the training loop.
Whatever can be refused is refused before anything is written or removed.
"""

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from typing import Any, NamedTuple, Protocol, TypeVar

from PIL import Image

from scumble import device
from scumble.device import Placement
from scumble.errors import DataError, LostError, RunError, ScumbleError, SettingsError
from scumble.events import Event, Finished, Noted, returned
from scumble.storage.folder import FACTS
from scumble.storage.run import Run
from scumble.training import distributed, launcher, loop
from scumble.training.continuation import differences
from scumble.training.distributed import Processes
from scumble.training.facts import RunFacts
from scumble.training.settings import TrainingSettings
from scumble.training.shown import Shown
from scumble.training.trainer import Trainer

Settings = TypeVar("Settings", bound=TrainingSettings)
Facts = TypeVar("Facts", bound=RunFacts)


class HasDigest(Protocol):
    """Pictures to learn from."""

    @property
    def digest(self) -> str:
        """Of all of them."""
        ...


Pictures = TypeVar("Pictures", bound=HasDigest)


# --- Several processes ----------------------------------------------------------------------------------------------


def in_processes(
    settings: Settings,
    run: Run,
    fresh: bool,
    facts: type[RunFacts],
    again: launcher.Job,
    lead: Callable[[Settings, Processes], Generator[Event, None, None]],
    follow: Callable[[Processes], None],
) -> Generator[Event, None, None]:
    """A training, in as many processes as it wants; under torchrun, in those that are there.

    Args:
        settings: as they were given.
        run: its folder.
        fresh: whether what is there is to be removed.
        facts: the record of such runs.
        again: the same job, to be sent to the processes.
        lead: what the first process does, or the only one.
        follow: what every other one does.
    """
    here = distributed.rank()
    if here != distributed.ALONE:
        settings = _as_started(settings, here)
    elif (wanted := continued(settings, before(facts, run, fresh), run)).devices * wanted.nodes > 1:
        launcher.check_devices(wanted.device, wanted.devices)
        yield from launcher.launch(again, wanted.devices, wanted.nodes)
        return
    with (
        device.memory_errors("use --accumulate 2 or more, or a smaller --batch, --width or --size"),
        contextlib.closing(Processes(here)) as processes,
    ):
        if processes.is_first:
            yield from lead(settings, processes)
        else:
            follow(processes)


def _as_started(settings: Settings, here: distributed.Rank) -> Settings:
    """Settings with the numbers of devices and machines that torchrun has started processes for."""
    given = settings.model_dump(include=settings.model_fields_set)
    there = {"devices": here.local_size, "nodes": here.nodes}
    for name, value in there.items():
        if given.get(name, value) != value:
            raise SettingsError(f"{name}: got {given[name]}, and torchrun has started processes for {value}")
    settings = type(settings).model_validate(given | there)
    launcher.check_devices(settings.device, here.local_size)
    return settings


def placed(settings: TrainingSettings, processes: Processes) -> Generator[Event, None, Placement]:
    """Where the first process computes, with the reason in words; the others are told the settings, and do likewise."""
    processes.broadcast(settings)
    placement = processes.to_device(device.choose(settings.device, settings.precision))
    yield Noted(placement.reason + (f"; {processes.here.size} processes" if processes.is_many else ""))
    return placement


def check_same(pictures: HasDigest, processes: Processes) -> None:
    """Refuse to train if another machine's pictures cannot be read, or are others than this one's."""
    _refuse_others(processes.gathered((socket.gethostname(), pictures.digest)))


def _refuse_others(found: list[tuple[str, str | ScumbleError]]) -> None:
    for host, digest in found:
        if isinstance(digest, ScumbleError):
            raise DataError(f"on {host}: {digest}")
        if digest != found[0][1]:
            raise DataError(f"the pictures on {host} are not the same as those on {found[0][0]}")


def follow(
    processes: Processes,
    read: Callable[[Any], Generator[Event, None, Pictures]],
    trainer: Callable[[Any, Pictures, Placement], Trainer],
) -> None:
    """What every process but the first one does: the same steps, on the same pictures.

    Args:
        processes: all.
        read: the pictures that settings ask for.
        trainer: of these settings, on these pictures.
    """
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):  # they come to all at once, and the first one decides
            signal.signal(number, signal.SIG_IGN)
    settings = processes.broadcast(None)
    assert isinstance(settings, TrainingSettings)
    try:
        placement = processes.to_device(device.choose(settings.device, settings.precision))
        pictures = returned(read(settings))
    except ScumbleError as error:
        processes.gathered((socket.gethostname(), error))
        raise LostError("reported to the first process") from error
    processes.gathered((socket.gethostname(), pictures.digest))
    with device.full_float32(), device.memory_kept(placement.device.type == "cpu"):
        following = trainer(settings, pictures, placement)
        processes.follow(following.train_step, following.restore)


# --- Beginning and going on -----------------------------------------------------------------------------------------


def before(facts: type[Facts], run: Run, fresh: bool) -> Facts | None:
    """What the run was so far; None for a new one. A folder that holds something else is refused, fresh or not."""
    return facts.read_from(run.folder) if run.exists() and not fresh else None


def continued(settings: Settings, before: RunFacts | None, run: Run) -> Settings:
    """Settings over those of the run that they continue, if they do.

    The preset that it has anyway changes nothing that it was continued with.

    Raises:
        RunError: if those of the run are none, or do not go with those given.
    """
    if before is None:
        return settings
    given = settings.model_dump(include=settings.model_fields_set)
    try:
        type(settings)(**before.settings)  # also where others will take their place
        if given.get("preset") == before.settings.get("preset"):
            return type(settings).model_validate(before.settings | given)
        return settings.filled_from(before.settings)
    except SettingsError as error:
        raise RunError(f"{run.folder / FACTS}: {error}") from error


def taken_up(run: Run, before: Facts | None, now: Facts) -> Generator[Event, None, Facts]:
    """What a run is to tell from now on; says where the same bits cannot be expected.

    Raises:
        RunError: if the pictures are not those that it began with.
    """
    if before is None:
        return now
    yield from differences(run, before, now)
    return before.model_copy(update={"settings": now.settings, "identity": before.known_by})


class Work(NamedTuple):
    """A training that is about to begin, or to go on.

    Attributes:
        run: its folder.
        fresh: whether what is there is to be removed.
        before: what the run's settings.json tells; None for a new one.
        facts: what it would tell of a training that begins here and now.
        settings: of the training.
        trainer: at step 0.
        shown: what it shows of itself.
        on_cpu: whether it computes there.
        started: when, by `time.perf_counter`.
    """

    run: Run
    fresh: bool
    before: RunFacts | None
    facts: RunFacts
    settings: TrainingSettings
    trainer: Trainer
    shown: Shown
    on_cpu: bool
    started: float


def trained(work: Work) -> Generator[Event, None, None]:
    """Hold the run's folder, and train to the end.

    Raises:
        RunError: if another process has changed the run, or is training in it.
    """
    run, trainer = work.run, work.trainer
    with run.held():
        if before(type(work.facts), run, work.fresh) != work.before:
            raise RunError(f"{run.folder} was changed by another process; wanted one training at a time")
        if work.fresh:
            run.clear()
        with device.memory_kept(work.on_cpu):
            training = loop.training(trainer, run, work.settings, work.shown, work.before, work.facts)
            last, sheet, figures = yield from training
    figures = {"images": trainer.images_seen} | figures
    yield Finished(loop.JOB, [run.model, last], time.perf_counter() - work.started, Image.fromarray(sheet), figures)
