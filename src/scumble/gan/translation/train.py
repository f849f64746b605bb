"""Training a translator: reads the pictures, finds or begins the run, and hands the task to the training loop."""

import functools
import io
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Unpack

import numpy as np
import torch
from PIL import Image

from scumble import device, notebook
from scumble.device import Placement
from scumble.events import Event, returned
from scumble.gan import running
from scumble.gan.running import Work
from scumble.gan.translation import perceptual
from scumble.gan.translation.data import Pictures, open_translation
from scumble.gan.translation.evaluation import best_model
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.forms import Data
from scumble.gan.translation.kind import Game
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.models.sheet import sheet
from scumble.gan.translation.models.translator import Translator
from scumble.gan.translation.monitoring.monitor import Monitor
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.task import game_of, on_device, trainer_of
from scumble.image import recipe
from scumble.keywords import TranslationKeywords
from scumble.settings import takes
from scumble.storage.run import Run
from scumble.training.continuation import check_settings
from scumble.training.distributed import Processes
from scumble.training.facts import DataFacts
from scumble.training.shown import Evaluator, Shown
from scumble.training.trainer import Trainer

SHOWN = 8
"""Withheld pictures in a grid."""

Prepared = Callable[[TranslationSettings], Generator[Event, None, Pictures]]


def train_translator_events(
    data: Data,
    run: str | Path,
    settings: TranslationSettings | None = None,
    fresh: bool = False,
    labels: str | Path | None = None,
) -> Generator[Event, None, None]:
    """Train a translator, or continue where an earlier call with the same folder stopped.

    Args:
        data: pictures to learn from: one source or two; see `scumble.gan.translation.forms`.
        run: the folder of the run; see `scumble.storage.run`.
        settings: all the rest. When a run is continued, its own settings fill what is not given here.
        fresh: remove what is in the folder from earlier trainings, and start over.
        labels: of the pictures; see `scumble.data.sources.opener`.

    With several devices, as many processes are started, and a script that calls this needs to be guarded by
    `if __name__ == "__main__"`; under torchrun, its processes are taken. All but the first of those yield nothing.

    Yields:
        Started, Progress (images seen; `terms`: the latest figures), Preview (a grid), Noted, Warned, Saved; Finished.

    Raises:
        DataError: if pictures cannot be read or are too few, or it is not clear what lies on which side.
        RunError: if the run's folder cannot be used, or is that of another training.
        SettingsError: if a setting is out of range or does not go with the others, or the device is not there.
        DivergedError: if the figures left the finite numbers more often than going back could mend.
        LostError: if one of several processes was killed.
    """
    given, folder = settings or TranslationSettings(), Run(Path(run))
    given.refuse_idle()
    prepared = functools.partial(_prepared, data, labels)

    def lead(settings: TranslationSettings, processes: Processes) -> Generator[Event, None, None]:
        return _job(prepared, folder, settings, fresh, processes)

    def follow(processes: Processes) -> None:
        running.follow(processes, prepared, functools.partial(_following, processes))

    again = functools.partial(train_translator_events, data, run, given, fresh, labels)
    yield from running.in_processes(given, folder, fresh, TranslationFacts, again, lead, follow)


@takes(TranslationSettings)
def train_translator(
    data: Data,
    run: str | Path,
    fresh: bool = False,
    labels: str | Path | None = None,
    **settings: Unpack[TranslationKeywords],
) -> Translator:
    """Train a translator to the end and return it; see `train_translator_events` for the errors.

    Args:
        data: pictures to learn from: a folder or an archive with trainA, trainB, testA and testB, of pairs side by
            side, or of folders for classes; two of them, one for each side; or any one, with `pairs="grey"` or
            another word for what code makes of it.
        run: the folder of the run.
        fresh: start over.
        labels: as with `train_translator_events`.
        settings: any of `TranslationSettings`, such as `preset="cyclegan", images=200_000`.

    Example:
        >>> colours = scumble.train_translator("photos", "runs/colours", pairs="grey")  # doctest: +SKIP
        >>> colours("grey.jpg").save("coloured.png")  # doctest: +SKIP
    """
    given = TranslationSettings.model_validate(settings)
    returned(notebook.shown(train_translator_events(data, run, given, fresh, labels), keep=True))
    return Translator.from_pretrained(run, settings.get("device", "auto"))


@device.in_full_float32
def _job(
    prepared: Prepared, run: Run, settings: TranslationSettings, fresh: bool, processes: Processes
) -> Generator[Event, None, None]:
    """What the first process does. Whatever can be refused is refused before anything is written or removed, and
    what needs no pictures for it before they are decoded."""
    started = time.perf_counter()
    before = running.before(TranslationFacts, run, fresh)
    settings = running.continued(settings, before, run)
    if before is not None:
        check_settings(run, before, settings)
    weights = settings.weights_over(KINDS[settings.kind].weights)
    placement = yield from running.placed(settings, processes)
    pictures = yield from prepared(settings)
    running.check_same(pictures, processes)
    facts = yield from running.taken_up(run, before, _facts(settings, pictures))
    features = yield from perceptual.load(settings, weights, placement)
    evaluator = (yield from best_model.evaluator(settings, pictures)) if settings.evaluate_every else None
    identity = processes.broadcast(facts.known_by)
    # What it refuses loses nothing.
    game = game_of(settings, pictures.shapes, placement, processes, features)
    trainer = trainer_of(game, pictures.batch, identity)
    shown, on_cpu = _shown(game, trainer, pictures, facts, evaluator), placement.device.type == "cpu"
    yield from running.trained(Work(run, fresh, before, facts, settings, trainer, shown, on_cpu, started))


def _prepared(data: Data, labels: str | Path | None, settings: TranslationSettings) -> Generator[Event, None, Pictures]:
    """The pictures, as these settings want them."""
    return (yield from open_translation(data, settings, KINDS[settings.kind], labels))


def _following(
    processes: Processes, settings: TranslationSettings, pictures: Pictures, placement: Placement
) -> Trainer:
    """The trainer of a process that follows."""
    features = returned(perceptual.load(settings, settings.weights_over(KINDS[settings.kind].weights), placement))
    identity = processes.broadcast("")
    return trainer_of(game_of(settings, pictures.shapes, placement, processes, features), pictures.batch, identity)


def _facts(settings: TranslationSettings, pictures: Pictures) -> TranslationFacts:
    """Of a training that begins here and now."""
    data = DataFacts(
        name=pictures.name,
        count=pictures.count,
        shape=pictures.shapes.b,
        classes=tuple(pictures.classes),
        digest=pictures.digest,
    )
    facts = TranslationFacts(
        settings=settings.model_dump(mode="json"),
        data=data,
        shape_a=pictures.shapes.a,
        value_ranges=pictures.value_ranges,
        versions=recipe.versions(),
        threads=torch.get_num_threads(),
    )
    return facts.model_copy(update={"identity": facts.known_by})


def _shown(
    game: Game, trainer: Trainer, pictures: Pictures, facts: TranslationFacts, evaluator: Evaluator | None
) -> Shown:
    """What the loop shows and measures of this training."""
    withheld = on_device(pictures.withheld(SHOWN), game.placement.device)

    def model(facts: TranslationFacts) -> Translator:
        seen = facts.model_copy(update={"images_seen": trainer.images_seen})
        translator = Translator(trainer.result(), seen)
        translator.samples = _png(sheet(translator, withheld, pictures.has_truth))
        return translator

    return Shown(
        preview=lambda: sheet(Translator(trainer.result(), facts), withheld, pictures.has_truth),
        model=model,
        monitor=functools.partial(Monitor, trainer, game, pictures),
        evaluator=evaluator,
    )


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
