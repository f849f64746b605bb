"""Training a GAN: reads the pictures, finds or begins the run, and hands the task to the training loop."""

import functools
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Unpack

import numpy as np
import torch

from scumble import device, notebook
from scumble.data import batches, dataset, flip_check
from scumble.data.dataset import Dataset
from scumble.data.sources.opener import open_source
from scumble.events import Event, Noted, returned
from scumble.gan import fine_tuning, running
from scumble.gan.evaluation import best_model
from scumble.gan.facts import GANFacts
from scumble.gan.fine_tuning import Beginning
from scumble.gan.models.gan import GAN
from scumble.gan.models.sample import draw_latents, generate, labels_in_turn
from scumble.gan.monitoring.monitor import Monitor
from scumble.gan.running import Work
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.games import GAMES
from scumble.gan.tasks.latent import LatentGAN
from scumble.image import recipe
from scumble.image.tensors import grid
from scumble.keywords import GANKeywords
from scumble.settings import takes
from scumble.storage.run import Run
from scumble.training.continuation import check_settings
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
    given, folder = settings or GANSettings(), Run(Path(run))

    def lead(settings: GANSettings, processes: Processes) -> Generator[Event, None, None]:
        return _job(functools.partial(_prepared, data, labels), folder, settings, fresh, start, processes)

    def follow(processes: Processes) -> None:
        running.follow(processes, functools.partial(_prepared, data, labels), functools.partial(_following, processes))

    again = functools.partial(train_events, data, run, given, fresh, start, labels)
    yield from running.in_processes(given, folder, fresh, GANFacts, again, lead, follow)


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
    prepared: Callable[[GANSettings], Generator[Event, None, Dataset]],
    run: Run,
    settings: GANSettings,
    fresh: bool,
    start: str | Path | None,
    processes: Processes,
) -> Generator[Event, None, None]:
    """What the first process does. Whatever can be refused is refused before anything is written or removed, and
    what needs no pictures for it before they are decoded."""
    started = time.perf_counter()
    before = running.before(GANFacts, run, fresh)
    beginning = fine_tuning.beginning(start, before, run)
    settings = fine_tuning.filled(settings, beginning) if before is None else running.continued(settings, before, run)
    if before is not None:
        check_settings(run, before, settings)
    placement = yield from running.placed(settings, processes)
    pictures = yield from prepared(settings)
    running.check_same(pictures, processes)
    if settings.condition == "none" and (pictures.label_sets is not None or pictures.is_partly_labelled):
        by = "--preset sgan" if pictures.is_partly_labelled else "--condition projection"
        yield Noted(f"the labels are not used: {by} learns by them")
    flip = _flips(settings, pictures) if before is None else before.flip
    facts = yield from running.taken_up(run, before, _facts(settings, pictures, flip, beginning))
    evaluator = (yield from best_model.evaluator(settings, pictures)) if settings.evaluate_every else None
    flip, identity = processes.broadcast((flip, facts.known_by))
    # What it refuses loses nothing.
    game = GAMES[settings.task](settings, pictures, flip, placement, processes)
    if beginning is not None:
        yield from fine_tuning.begin(game, beginning)
    trainer = game.trainer(identity)
    shown, on_cpu = _shown(game, trainer, evaluator), placement.device.type == "cpu"
    yield from running.trained(Work(run, fresh, before, facts, settings, trainer, shown, on_cpu, started))


def _prepared(data: str | Path, labels: str | Path | None, settings: GANSettings) -> Generator[Event, None, Dataset]:
    """The pictures, as these settings want them."""
    source = open_source(data, labels, settings.condition != "few-labels")
    return (yield from dataset.prepare(source, *settings.form))


def _following(processes: Processes, settings: GANSettings, pictures: Dataset, placement: device.Placement) -> Trainer:
    """The trainer of a process that follows."""
    flip, identity = processes.broadcast((False, ""))
    return GAMES[settings.task](settings, pictures, flip, placement, processes).trainer(identity)


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


# --- Beginning ------------------------------------------------------------------------------------------------------


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
