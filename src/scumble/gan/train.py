"""Training: one loop, whose axis is the number of images seen, and which resumes to the bit.

A checkpoint is the networks, the optimisers and the number of the step. On the CPU, a training that was killed and
continued ends with the same bits as one that never stopped. On several processes, the first one goes through the loop,
and the others make its steps.
"""

import contextlib
import functools
import math
import signal
import socket
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from scumble import device
from scumble.data import batches
from scumble.data import dataset as store
from scumble.data import flip_check as mirror
from scumble.data.dataset import Dataset as Store
from scumble.data.sources import opener as sources
from scumble.errors import DataError, DivergedError, LostError, RunError, ScumbleError, SettingsError
from scumble.events import Event, Finished, Noted, Preview, Progress, Saved, Started, Warned, returned
from scumble.gan import judge, processes, steps
from scumble.gan.facts import GANRun as Run
from scumble.gan.judge import Judge
from scumble.gan.model import GAN
from scumble.gan.monitor import Monitor
from scumble.gan.processes import Processes
from scumble.gan.sample import draw_latents, generate
from scumble.gan.settings import GANSettings
from scumble.gan.trainer import FREE_TO_CHANGE, Trainer
from scumble.image import files, recipe
from scumble.image.tensors import grid
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.folder import make

JOB = "train"
LOG_STEPS = 20
"""A line of figures is an average over so many steps. Reading them makes a GPU wait, so it is not done more often."""
CHECKPOINT_SECONDS = 60.0
PROGRESS_SECONDS = 0.2
MAX_ROLLBACKS = 3
GRID_SIDE = 8


def train_events(
    data: str | Path, run: str | Path, settings: GANSettings | None = None, fresh: bool = False
) -> Generator[Event, None, None]:
    """Train a GAN, or continue where an earlier call with the same folder stopped.

    Args:
        data: pictures to learn from; see `scumble.data.sources`.
        run: the folder of the run; see `scumble.storage.run`.
        settings: all the rest. When a run is continued, its own settings fill what is not given here.
        fresh: remove what is in the folder from earlier trainings, and start over.

    With several devices, as many processes are started, and a script that calls this needs to be guarded by
    `if __name__ == "__main__"`; under torchrun, its processes are taken. All but the first of those yield nothing.

    Yields:
        Started, Progress (images seen; `terms` are the latest figures), Preview (a grid), Noted, Warned, Saved; last
        Finished.

    Raises:
        DataError: if the pictures cannot be read or are too few.
        RunError: if the run's folder cannot be used, or is that of another training.
        SettingsError: if a setting is out of range or the device is not there.
        DivergedError: if the figures left the finite numbers more often than going back could mend.
        LostError: if one of several processes was killed.
    """
    settings, here = settings or GANSettings(), processes.place()
    if here != processes.ALONE:
        settings = _as_placed(settings, here)
    elif (wanted := _continued(settings, Run(Path(run)), fresh)).devices * wanted.nodes > 1:
        _check_devices(wanted, wanted.devices)
        job = functools.partial(train_events, data, run, settings, fresh)
        yield from processes.launch(job, wanted.devices, wanted.nodes)
        return
    with (
        device.memory_errors("use --accumulate 2 or more, or a smaller --batch, --width or --size"),
        contextlib.closing(Processes(here)) as together,
    ):
        if together.is_first:
            yield from _job(str(data), Run(Path(run)), settings, fresh, together)
        else:
            _follow(str(data), together)


def train(data: str | Path, run: str | Path, fresh: bool = False, **settings: Any) -> GAN:
    """Train a GAN to the end and return it; see `train_events` for the errors.

    Args:
        data: pictures to learn from: a folder, a .zip, a .npz, "digits", "shapes" or "hf:owner/name".
        run: the folder of the run.
        fresh: start over, as with `train_events`.
        settings: any of `GANSettings`, such as `images=200_000, width=64`.

    Example:
        >>> gan = scumble.train("digits", "runs/digits", images=20_000)  # doctest: +SKIP
        >>> gan.sample(seeds=range(4))[0].save("digit.png")  # doctest: +SKIP
    """
    for _ in train_events(data, run, GANSettings(**settings), fresh):
        pass
    return GAN.from_pretrained(run, settings.get("device", "auto"))


def _job(data: str, run: Run, settings: GANSettings, fresh: bool, together: Processes) -> Iterator[Event]:
    started = time.perf_counter()
    # Whatever can be refused is refused before anything is written or removed.
    before = _before(run, fresh)
    if before is not None:
        settings = _filled(settings, before, run)
    settings = together.told(settings)
    placement = together.device(device.choose(settings.device, settings.precision))
    yield Noted(placement.reason + (f"; {together.here.size} processes" if together.is_many else ""))
    pictures = yield from store.prepare(sources.open_source(data), settings.picture_size, _channels(settings))
    _check_same(together.gathered((socket.gethostname(), pictures.digest)))
    if before is not None:
        yield from _differences(run, before, settings, pictures)
    referee = (yield from judge.appoint(settings, pictures)) if settings.evaluate_every else None
    with run.held():
        if _before(run, fresh) != before:
            raise RunError(f"{run.folder} was changed by another process; wanted one training at a time")
        if fresh:
            run.clear()
        facts = _facts(settings, pictures) if before is None else before
        facts |= {"settings": settings.model_dump(mode="json")}
        trainer = Trainer(settings, pictures, together.told(facts["flip"]), placement, together)
        yield from _begin(trainer, run, facts, is_new=before is None)
        log = _Log(run, trainer)
        yield Started(JOB, settings.images, "images")
        yield _progress(trainer, log)
        try:
            yield from _loop(trainer, run, log, referee, facts)
        except (GeneratorExit, KeyboardInterrupt):
            # Signals wait for the end of a step, so this is never half a step; but it may be one that has gone wrong.
            if trainer.is_finite():
                _save(trainer, run)
            raise
        except Exception:
            if before is None and trainer.step == 0:
                run.clear()  # it never began, and other settings may be tried
            raise
        finally:
            log.close()
        _save(trainer, run)
        trainer.gan(facts).save_pretrained(run.model)
        yield Saved(run.model)
        if referee is not None and run.best.exists():
            yield Saved(run.best)
        final = _grid_path(run, trainer)
        sheet = _write_grid(trainer, final)
        yield Saved(final)
    figures = {"images": trainer.images_seen} | log.latest
    yield Finished(JOB, [run.model, final], time.perf_counter() - started, Image.fromarray(sheet), figures)


def _loop(trainer: Trainer, run: Run, log: "_Log", referee: Judge | None, facts: dict[str, Any]) -> Iterator[Event]:
    """Step after step, and beside it figures, checkpoints and grids, whose failures are told but end nothing."""
    complaints: set[str] = set()
    monitor = Monitor(trainer, run.metrics())
    yield from _judged(trainer, run, log, referee, facts, complaints)  # where an earlier training was stopped before it
    saved = told = time.perf_counter()
    log.restart()
    while trainer.images_seen < trainer.settings.images:
        with checkpoint.uninterrupted():
            with trainer.processes.step():
                trainer.train_step()
            ended = trainer.images_seen >= trainer.settings.images
            if trainer.step % LOG_STEPS == 0 or ended:
                log.write()
            looked = time.perf_counter()
            # Before a stop can come between: a look that is due after a step is made once.
            warnings = _watched(monitor, log)
        now = time.perf_counter()
        log.rest(now - looked)
        if log.diverged:
            yield from _roll_back(trainer, run, log)
            monitor = Monitor(trainer, run.metrics())
            continue
        yield from map(Warned, warnings)
        yield from _judged(trainer, run, log, referee, facts, complaints)  # before a checkpoint says that it was done
        with _told(complaints) as complaint:
            if log.trouble is not None:
                raise log.trouble
            if now - saved > CHECKPOINT_SECONDS and trainer.is_finite():
                saved = now
                _save(trainer, run)
        with _told(complaints) as other_complaint:
            if _grid_is_due(trainer) and not ended:
                path = _grid_path(run, trainer)
                yield Preview(trainer.images_seen, Image.fromarray(_write_grid(trainer, path)), path)
        yield from (Warned(f"{text}; the training goes on") for text in complaint + other_complaint)
        if now - told > PROGRESS_SECONDS or ended:
            told = now
            yield _progress(trainer, log)
        log.rest(time.perf_counter() - now)


def _judged(
    trainer: Trainer, run: Run, log: "_Log", referee: Judge | None, facts: dict[str, Any], complaints: set[str]
) -> Iterator[Event]:
    """Measure the generator, if it is time to, and write it down."""
    if referee is None or not referee.is_due(trainer, run) or not trainer.is_finite():
        return
    with _told(complaints) as complaint:
        gan = trainer.gan(facts)
        evaluation = referee.evaluate(gan)
        try:
            while True:
                next(evaluation)  # its own progress would take the place of the training's
                if trainer.images_seen < trainer.settings.images:  # the end is told once
                    yield _progress(trainer, log)
        except StopIteration as end:
            figures = end.value
        yield referee.keep(gan, figures, run)
        log.add(figures)  # last: what is written down is not done again
    yield from (Warned(f"{text}; the training goes on") for text in complaint)


def _watched(monitor: Monitor, log: "_Log") -> list[str]:
    """Look at the training, if it is time to, and write down what there is to see; returns what goes wrong."""
    if not monitor.is_due() or log.diverged:
        return []
    figures = monitor.figures()
    if not all(map(math.isfinite, figures.values())):
        return []  # the next line of figures will find that it has diverged
    warnings = monitor.new_warnings(figures)
    try:
        log.add(figures, warnings)
    except RunError as error:
        log.trouble = error
    return warnings


@contextlib.contextmanager
def _told(known: set[str]) -> Iterator[list[str]]:
    """Catch what the file system refuses; the list receives it, unless it is known already."""
    new: list[str] = []
    try:
        yield new
    except ScumbleError as error:
        if str(error) not in known:
            known.add(str(error))
            new.append(str(error))


def _progress(trainer: Trainer, log: "_Log") -> Progress:
    total = trainer.settings.images
    return Progress(JOB, min(trainer.images_seen, total), total, None, log.latest)


# --- Several processes ----------------------------------------------------------------------------------------------


def _as_placed(settings: GANSettings, here: processes.Place) -> GANSettings:
    """Settings with the numbers of devices and machines that torchrun has started processes for."""
    given = settings.model_dump(include=settings.model_fields_set)
    there = {"devices": here.local_size, "nodes": here.nodes}
    for name, value in there.items():
        if given.get(name, value) != value:
            raise SettingsError(f"{name}: got {given[name]}, and torchrun has started processes for {value}")
    settings = GANSettings.model_validate(given | there)
    _check_devices(settings, here.local_size)
    return settings


def _check_devices(settings: GANSettings, wanted: int) -> None:
    chosen = device.choose(settings.device).device
    if wanted > 1 and chosen.index is not None:
        raise SettingsError(f"device: got {settings.device} and {wanted} devices; wanted --device {chosen.type}")
    if wanted > (here := device.count(chosen)):
        kind = {"cpu": "cores", "cuda": "GPUs"}.get(chosen.type, "device")
        raise SettingsError(f"devices: got {wanted}, wanted {here} at most, the {kind} of this machine")


def _check_same(found: list[tuple[str, str | ScumbleError]]) -> None:
    """Refuse to train if another machine's pictures cannot be read, or are others than this one's."""
    for host, digest in found:
        if isinstance(digest, ScumbleError):
            raise DataError(f"on {host}: {digest}")
        if digest != found[0][1]:
            raise DataError(f"the pictures on {host} are not the same as those on {found[0][0]}")


def _follow(data: str, together: Processes) -> None:
    """What every process but the first one does: the same steps, on the same pictures."""
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):  # they come to all at once, and the first one decides
            signal.signal(number, signal.SIG_IGN)
    settings = together.told(GANSettings())
    try:
        placement = together.device(device.choose(settings.device, settings.precision))
        preparing = store.prepare(sources.open_source(data), settings.picture_size, _channels(settings))
        pictures = returned(preparing)
    except ScumbleError as error:
        together.gathered((socket.gethostname(), error))
        raise LostError("told to the first process") from error
    together.gathered((socket.gethostname(), pictures.digest))
    trainer = Trainer(settings, pictures, together.told(False), placement, together)
    together.follow(trainer.train_step, trainer.restore)


def _share_state(trainer: Trainer) -> None:
    def state() -> Checkpoint:
        saved = trainer.checkpoint()
        return saved._replace(tensors={name: tensor.cpu() for name, tensor in saved.tensors.items()})

    trainer.processes.restore(state)


# --- Beginning and going on -----------------------------------------------------------------------------------------


def _channels(settings: GANSettings) -> int | None:
    return None if settings.channels == "auto" else settings.channels


def _before(run: Run, fresh: bool) -> dict[str, Any] | None:
    """What the run was so far; None for a new one. A folder that holds something else is refused, fresh or not."""
    return run.facts() if run.exists() and not fresh else None


def _continued(settings: GANSettings, run: Run, fresh: bool) -> GANSettings:
    """Settings with those of the run that they continue, if they do."""
    before = _before(run, fresh)
    return settings if before is None else _filled(settings, before, run)


def _filled(settings: GANSettings, before: dict[str, Any], run: Run) -> GANSettings:
    try:
        return settings.filled_from(before["settings"])
    except SettingsError as error:
        raise RunError(f"{run.folder / 'settings.json'}: {error}") from error


def _facts(settings: GANSettings, pictures: Store) -> dict[str, Any]:
    flip = {"yes": True, "no": False}.get(settings.flip)
    if flip is None:
        flip = mirror.looks_alike_mirrored(pictures.pixels, pictures.labels)
    return {
        "settings": settings.model_dump(mode="json"),
        "data": {
            "name": pictures.name,
            "count": len(pictures.pixels),
            "shape": list(pictures.shape),
            "classes": list(pictures.classes),
            "digest": pictures.digest,
        },
        "flip": flip,
        "versions": recipe.versions(),
        "threads": torch.get_num_threads(),
    }


def _differences(run: Run, before: dict[str, Any], settings: GANSettings, pictures: Store) -> Iterator[Event]:
    """Refuse to continue another training; tell where the same bits cannot be expected."""
    hint = "use another --run, or --fresh to start over"
    for name, value in settings.model_dump(mode="json").items():
        old = before["settings"].get(name, value)
        if value != old and name not in FREE_TO_CHANGE:
            raise RunError(f"{run.folder} is a run with {name} {old}; got {name} {value}", hint)
    data = before["data"]
    if (data["digest"], data["shape"]) != (pictures.digest, list(pictures.shape)):
        raise RunError(
            f"{run.folder} is a run on {data['name']} ({data['count']} pictures); "
            f"got {pictures.name} ({len(pictures.pixels)} pictures), which is not the same",
            hint,
        )
    if settings.images != before["settings"]["images"] and settings.decay != "none":
        yield Noted("the learning rate decays to another end than it began with: it jumps, and goes on from there")
    processes_before = before["settings"].get("devices", 1) * before["settings"].get("nodes", 1)
    began_with = before["versions"], before["threads"], processes_before
    if began_with != (recipe.versions(), torch.get_num_threads(), settings.devices * settings.nodes):
        yield Noted("versions, threads or processes are not those it began with: it goes on, but not to the same bits")


def _begin(trainer: Trainer, run: Run, facts: dict[str, Any], is_new: bool) -> Iterator[Event]:
    """Take up the newest checkpoint that can be read, or write the first one."""
    restored, complaints = checkpoint.newest(run.checkpoints, trainer.restored)
    if complaints and restored is None:
        raise RunError(f"{run.folder} has no checkpoint that can be used: {complaints[0]}", "use --fresh to start over")
    for complaint in complaints:
        yield Warned(f"{complaint}; the one before it is used")
    if restored is not None:
        yield Noted(f"continuing {run.folder} at {trainer.images_seen:,} images")
    elif not is_new:
        yield Warned(f"{run.folder} has lost its checkpoints: it starts at 0 images")
    run.forget_metrics_after(trainer.images_seen)
    run.write_facts(facts)
    if restored is None:
        _save(trainer, run)
    _share_state(trainer)


def _save(trainer: Trainer, run: Run) -> None:
    checkpoint.write(run.checkpoints, trainer.images_seen, trainer.checkpoint())


def _roll_back(trainer: Trainer, run: Run, log: "_Log") -> Iterator[Event]:
    """Go back to the last checkpoint, and on from there with other pictures and latents."""
    at, rollbacks = trainer.images_seen, trainer.rollbacks + 1
    diverged = DivergedError(
        f"the losses left the finite numbers at {at:,} images, after going back {MAX_ROLLBACKS} times",
        "start over with --fresh and a smaller --lr",
    )
    if rollbacks > MAX_ROLLBACKS:
        raise diverged
    with checkpoint.uninterrupted():
        if checkpoint.newest(run.checkpoints, trainer.restored)[0] is None:
            raise diverged
        trainer.rollbacks = rollbacks
        # Without this, a training that is stopped now would diverge again in the same way.
        _save(trainer, run)
        _share_state(trainer)
        run.forget_metrics_after(trainer.images_seen)
        log.restart()
    yield Warned(f"the losses left the finite numbers at {at:,} images: back to {trainer.images_seen:,}")


# --- Figures and grids ----------------------------------------------------------------------------------------------


class _Log:
    """Figures: averaged since the last line, written to metrics.jsonl, and to TensorBoard where it is installed.

    Attributes:
        latest: the last line.
        diverged: whether the figures or the weights are no longer finite; no line is written then.
        trouble: why the last line could not be written, if so.
    """

    def __init__(self, run: Run, trainer: Trainer):
        self.run, self.trainer = run, trainer
        self.latest: dict[str, float] = {}
        self.trouble: ScumbleError | None = None
        self.board = None
        with contextlib.suppress(ImportError, OSError):
            from torch.utils.tensorboard.writer import SummaryWriter

            self.board = SummaryWriter(str(run.folder / "tensorboard"), purge_step=trainer.images_seen + 1)
        self.restart()

    def restart(self) -> None:
        """Begin to count time anew."""
        self.since, self.step_since, self.pause = time.perf_counter(), self.trainer.step, 0.0
        self.diverged = False

    def rest(self, seconds: float) -> None:
        """Time that went into other things than training, which the speed leaves out."""
        self.pause += seconds

    def write(self) -> None:
        """Add a line, unless the training has diverged."""
        trainer = self.trainer
        self.diverged, self.trouble = not trainer.is_finite(), None
        if self.diverged:
            return
        loss_d, d_real, d_fake, loss_g, count = trainer.sums.tolist()
        seconds = time.perf_counter() - self.since - self.pause
        self.latest = {
            "loss_d": loss_d / count,
            "loss_g": loss_g / count,
            "d_real": d_real / count,
            "d_fake": d_fake / count,
            "gradient_d": steps.gradient_norm(trainer.plain_discriminator).item(),
            "gradient_g": steps.gradient_norm(trainer.plain_generator).item(),
            "images_per_second": (trainer.step - self.step_since) * trainer.images_per_step / seconds,
        }
        trainer.sums.zero_()
        try:
            self.add(self.latest)
        except RunError as error:
            self.trouble = error
        self.restart()

    def add(self, figures: dict[str, float], warnings: Sequence[str] = ()) -> None:
        """Add a line of other figures, and what was warned of.

        Raises:
            RunError: if it cannot be written.
        """
        images = self.trainer.images_seen
        if self.board is not None:
            for name, value in figures.items():
                self.board.add_scalar(name, value, images)
        self.run.add_metrics({"images": images} | figures | ({"warnings": list(warnings)} if warnings else {}))

    def close(self) -> None:
        """Write what TensorBoard holds back."""
        if self.board is not None:
            with contextlib.suppress(OSError):
                self.board.close()


def _grid_is_due(trainer: Trainer) -> bool:
    every = max(1, trainer.settings.images // trainer.settings.grids)
    return trainer.images_seen // every != (trainer.images_seen - trainer.images_per_step) // every


def _grid_path(run: Run, trainer: Trainer) -> Path:
    return run.grids / f"{trainer.images_seen:012}.png"


def _write_grid(trainer: Trainer, path: Path) -> np.ndarray:
    """Samples of the averaged generator from fixed latents, beside real pictures: a file, and its pixels."""
    count = GRID_SIDE**2
    latents = draw_latents(range(count), trainer.settings.latent)
    classes = len(trainer.pictures.classes)
    labels = (
        torch.arange(count) % classes if trainer.settings.draws_classes else None
    )  # as the model's own samples have them
    fake = generate(trainer.average, latents, labels)
    pixels = trainer.pictures.pixels
    real = pixels[batches.indices(len(pixels), count, 0, trainer.settings.seed)].transpose(0, 2, 3, 1)
    sheets = [grid(pictures, GRID_SIDE) for pictures in (fake, real)]
    gap = np.full((sheets[0].shape[0], 8, 3), 255, np.uint8)
    sheet = np.concatenate([sheets[0], gap, sheets[1]], axis=1)
    make(path.parent)
    files.save(sheet, path)
    return sheet
