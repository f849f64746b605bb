"""Training a GAN: reads the pictures, finds or begins the run, and hands the task to the training loop."""

import contextlib
import functools
import signal
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Unpack

import numpy as np
import torch
from PIL import Image

from scumble import device, notebook
from scumble.data import batches, dataset, flip_check
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_source
from scumble.data.sources.source import Source
from scumble.errors import DataError, LostError, RunError, ScumbleError, SettingsError
from scumble.events import Event, Finished, Noted, returned
from scumble.gan import fine_tuning
from scumble.gan.evaluation import best_model
from scumble.gan.facts import GANFacts
from scumble.gan.fine_tuning import Beginning
from scumble.gan.models.gan import GAN
from scumble.gan.models.sample import draw_latents, generate, labels_in_turn
from scumble.gan.monitoring.monitor import Monitor
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.games import GAMES
from scumble.gan.tasks.latent import LatentGAN
from scumble.image import recipe
from scumble.image.tensors import grid
from scumble.keywords import GANKeywords
from scumble.settings import takes
from scumble.storage.run import Run
from scumble.training import distributed, launcher, loop
from scumble.training.continuation import check_settings, differences
from scumble.training.distributed import Processes
from scumble.training.facts import DataFacts
from scumble.training.shown import Evaluator, Shown
from scumble.training.trainer import Trainer

GRID_SIDE = 8


def train_events(
    data: str | Path,
    run: str | Path,
    settings: GANSettings | None = None,
    fresh: bool = False,
    start: str | Path | None = None,
    labels: str | Path | None = None,
) -> Generator[Event, None, None]:
    """Train a GAN, or continue where an earlier call with the same folder stopped.

    Args:
        data: pictures to learn from; see `scumble.data.sources.opener`.
        run: the folder of the run; see `scumble.storage.run`.
        settings: all the rest. When a run is continued, its own settings fill what is not given here.
        fresh: remove what is in the folder from earlier trainings, and start over.
        start: a model, a run or a checkpoint whose networks a new run begins with, rather than with weights drawn from
            its seed. What is not given of the networks and of how they learn is that of its training.
        labels: of all pictures, or of a few; see `scumble.data.sources.opener`.

    With several devices, as many processes are started, and a script that calls this needs to be guarded by
    `if __name__ == "__main__"`; under torchrun, its processes are taken. All but the first of those yield nothing.

    Yields:
        Started, Progress (images seen; `terms`: the latest figures), Preview (a grid), Noted, Warned, Saved; Finished.

    Raises:
        DataError: if the pictures cannot be read or are too few.
        RunError: if the run's folder cannot be used, or is that of another training, or the networks of `start` cannot
            be read or do not fit.
        SettingsError: if a setting is out of range or the device is not there.
        DivergedError: if the figures left the finite numbers more often than going back could mend.
        LostError: if one of several processes was killed.
    """
    settings, here = settings or GANSettings(), distributed.rank()
    if here != distributed.ALONE:
        settings = _as_started(settings, here)
    elif (wanted := _continued(settings, Run(Path(run)), fresh)).devices * wanted.nodes > 1:
        launcher.check_devices(wanted.device, wanted.devices)
        job = functools.partial(train_events, data, run, settings, fresh, start, labels)
        yield from launcher.launch(job, wanted.devices, wanted.nodes)
        return
    with (
        device.memory_errors("use --accumulate 2 or more, or a smaller --batch, --width or --size"),
        contextlib.closing(Processes(here)) as processes,
    ):
        opened = functools.partial(open_source, data, labels, settings.condition != "few-labels")
        if processes.is_first:
            yield from _job(opened, Run(Path(run)), settings, fresh, start, processes)
        else:
            _follow(opened, processes)


@takes(GANSettings)
def train(
    data: str | Path,
    run: str | Path,
    fresh: bool = False,
    start: str | Path | None = None,
    labels: str | Path | None = None,
    **settings: Unpack[GANKeywords],
) -> GAN:
    """Train a GAN to the end and return it; see `train_events` for the errors.

    Args:
        data: pictures to learn from: a folder, a .zip, .tar, .npz or .npy, "digits", "shapes" or "hf:owner/name".
        run: the folder of the run.
        fresh: start over, as with `train_events`.
        start: what a new run begins with, as with `train_events`.
        labels: as with `train_events`.
        settings: any of `GANSettings`, such as `images=200_000, width=64`.

    Example:
        >>> gan = scumble.train("digits", "runs/digits", images=20_000)  # doctest: +SKIP
        >>> gan.sample(seeds=range(4))[0].save("digit.png")  # doctest: +SKIP
    """
    events = train_events(data, run, GANSettings.model_validate(settings), fresh, start, labels)
    returned(notebook.shown(events, keep=True))
    return GAN.from_pretrained(run, settings.get("device", "auto"))


@device.in_full_float32
def _job(
    source: Callable[[], Source],
    run: Run,
    settings: GANSettings,
    fresh: bool,
    start: str | Path | None,
    processes: Processes,
) -> Generator[Event, None, None]:
    """What the first process does. Whatever can be refused is refused before anything is written or removed, and
    what needs no pictures for it before they are decoded."""
    started = time.perf_counter()
    before = _before(run, fresh)
    beginning = fine_tuning.beginning(start, before, run)
    settings = fine_tuning.filled(settings, beginning) if before is None else _filled(settings, before, run)
    if before is not None:
        check_settings(run, before, settings)
    settings = processes.broadcast(settings)
    placement = processes.to_device(device.choose(settings.device, settings.precision))
    yield Noted(placement.reason + (f"; {processes.here.size} processes" if processes.is_many else ""))
    pictures = yield from dataset.prepare(source(), *settings.form)
    _check_same(processes.gathered((socket.gethostname(), pictures.digest)))
    if settings.condition == "none" and (pictures.label_sets is not None or pictures.is_partly_labelled):
        by = "--preset sgan" if pictures.is_partly_labelled else "--condition projection"
        yield Noted(f"the labels are not used: {by} learns by them")
    flip = _flips(settings, pictures) if before is None else before.flip
    facts = _facts(settings, pictures, flip, beginning)
    if before is not None:
        yield from differences(run, before, facts)
        facts = before.model_copy(update={"settings": facts.settings, "identity": before.known_by})
    evaluator = (yield from best_model.evaluator(settings, pictures)) if settings.evaluate_every else None
    # What it refuses loses nothing.
    game = GAMES[settings.task](settings, pictures, processes.broadcast(flip), placement, processes)
    with run.held():
        if _before(run, fresh) != before:
            raise RunError(f"{run.folder} was changed by another process; wanted one training at a time")
        if fresh:
            run.clear()
        if beginning is not None:
            yield from fine_tuning.begin(game, beginning)
        trainer = game.trainer(processes.broadcast(facts.known_by))
        shown = _shown(game, trainer, evaluator)
        with device.memory_kept(placement.device.type == "cpu"):
            last, sheet, figures = yield from loop.training(trainer, run, settings, shown, before, facts)
    figures = {"images": trainer.images_seen} | figures
    yield Finished(loop.JOB, [run.model, last], time.perf_counter() - started, Image.fromarray(sheet), figures)


def _shown(game: LatentGAN, trainer: Trainer, evaluator: Evaluator | None) -> Shown:
    """What the loop shows and measures of this training."""

    def model(facts: GANFacts) -> GAN:
        seen = facts.model_copy(update={"images_seen": trainer.images_seen})
        return GAN(**trainer.result(), facts=seen)

    return Shown(
        preview=lambda: _sheet(game, trainer.averages["generator"]),
        model=model,
        monitor=functools.partial(Monitor, game, trainer),
        evaluator=evaluator,
    )


def _sheet(game: LatentGAN, average: torch.nn.Module) -> np.ndarray:
    """Samples of the averaged generator from fixed latents, beside real pictures: (H, W, 3) pixels."""
    settings, pixels, count = game.settings, game.pictures.pixels, GRID_SIDE**2
    each = len(game.pictures.classes) if settings.condition == "coupled" else 1  # of a latent, side by side
    latents = draw_latents(range(count), settings.latent).repeat_interleave(each, 0)[:count]
    # As the model's own samples have them.
    labels = None
    if settings.draws_classes:
        labels = labels_in_turn(range(count), len(game.pictures.classes), game.pictures.label_sets)
    real = pixels[batches.indices(len(pixels), count, 0, settings.seed)].transpose(0, 2, 3, 1)
    sheets = [grid(pictures, GRID_SIDE) for pictures in (generate(average, latents, labels), real)]
    gap = np.full((sheets[0].shape[0], 8, 3), 255, np.uint8)
    return np.concatenate([sheets[0], gap, sheets[1]], axis=1)


# --- Several processes ----------------------------------------------------------------------------------------------


def _as_started(settings: GANSettings, here: distributed.Rank) -> GANSettings:
    """Settings with the numbers of devices and machines that torchrun has started processes for."""
    given = settings.model_dump(include=settings.model_fields_set)
    there = {"devices": here.local_size, "nodes": here.nodes}
    for name, value in there.items():
        if given.get(name, value) != value:
            raise SettingsError(f"{name}: got {given[name]}, and torchrun has started processes for {value}")
    settings = GANSettings.model_validate(given | there)
    launcher.check_devices(settings.device, here.local_size)
    return settings


def _check_same(found: list[tuple[str, str | ScumbleError]]) -> None:
    """Refuse to train if another machine's pictures cannot be read, or are others than this one's."""
    for host, digest in found:
        if isinstance(digest, ScumbleError):
            raise DataError(f"on {host}: {digest}")
        if digest != found[0][1]:
            raise DataError(f"the pictures on {host} are not the same as those on {found[0][0]}")


def _follow(source: Callable[[], Source], processes: Processes) -> None:
    """What every process but the first one does: the same steps, on the same pictures."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):  # they come to all at once, and the first one decides
            signal.signal(number, signal.SIG_IGN)
    settings = processes.broadcast(GANSettings())
    try:
        placement = processes.to_device(device.choose(settings.device, settings.precision))
        pictures = returned(dataset.prepare(source(), *settings.form))
    except ScumbleError as error:
        processes.gathered((socket.gethostname(), error))
        raise LostError("reported to the first process") from error
    processes.gathered((socket.gethostname(), pictures.digest))
    with device.full_float32(), device.memory_kept(placement.device.type == "cpu"):
        game = GAMES[settings.task](settings, pictures, processes.broadcast(False), placement, processes)
        trainer = game.trainer(processes.broadcast(""))
        processes.follow(trainer.train_step, trainer.restore)


# --- Beginning and going on -----------------------------------------------------------------------------------------


def _flips(settings: GANSettings, pictures: Dataset) -> bool:
    asked = {"yes": True, "no": False}.get(settings.flip)
    return flip_check.looks_alike_mirrored(pictures.pixels, pictures.labels) if asked is None else asked


def _facts(settings: GANSettings, pictures: Dataset, flip: bool, beginning: Beginning | None) -> GANFacts:
    """Of a training that begins here and now."""
    data = DataFacts(
        name=pictures.name,
        count=len(pictures.pixels),
        shape=pictures.shape,
        classes=tuple(pictures.classes),
        label_sets=pictures.label_sets,
        digest=pictures.digest,
        value_range=pictures.value_range,
    )
    facts = GANFacts(
        settings=settings.model_dump(mode="json"),
        data=data,
        flip=flip,
        start=None if beginning is None else fine_tuning.start_of(beginning),
        versions=recipe.versions(),
        threads=torch.get_num_threads(),
    )
    return facts.model_copy(update={"identity": facts.known_by})


def _before(run: Run, fresh: bool) -> GANFacts | None:
    """What the run was so far; None for a new one. A folder that holds something else is refused, fresh or not."""
    return GANFacts.read_from(run.folder) if run.exists() and not fresh else None


def _continued(settings: GANSettings, run: Run, fresh: bool) -> GANSettings:
    """Settings with those of the run that they continue, if they do."""
    before = _before(run, fresh)
    return settings if before is None else _filled(settings, before, run)


def _filled(settings: GANSettings, before: GANFacts, run: Run) -> GANSettings:
    """Settings over those of the run. The preset that it has anyway changes nothing that it was continued with."""
    given = settings.model_dump(include=settings.model_fields_set)
    try:
        GANSettings(**before.settings)  # also where others will take their place
        if given.get("preset") == before.settings.get("preset"):
            return GANSettings.model_validate(before.settings | given)
        return settings.filled_from(before.settings)
    except SettingsError as error:
        raise RunError(f"{run.folder / 'settings.json'}: {error}") from error
