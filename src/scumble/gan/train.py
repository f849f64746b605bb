"""Training: one loop, whose axis is the number of images seen, and which resumes to the bit.

What is unusual: there is no state of any random generator. Which pictures a step sees, how they are mirrored, and the
latents, are functions of (seed, step) alone; a checkpoint is the networks, the optimisers and the number of the step,
and on the CPU a training that was killed and continued ends with the same bits as one that never stopped.
"""

import contextlib
import copy
import logging
import math
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import nn

from scumble import device
from scumble.data import batches, mirror, sources, store
from scumble.data.store import Store
from scumble.device import Placement
from scumble.errors import DivergedError, RunError
from scumble.events import Event, Finished, Noted, Preview, Progress, Saved, Started, Warned
from scumble.gan import augment, steps
from scumble.gan.losses import LOSSES
from scumble.gan.model import GAN, build, place
from scumble.gan.sample import draw_latents, generate
from scumble.gan.settings import GANSettings
from scumble.image import files, recipe
from scumble.image.tensors import grid, to_signed
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.run import Run

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # which precision is used, we tell ourselves

JOB = "train"
LOG_STEPS = 20
"""A line of figures is an average over so many steps. Reading them makes a GPU wait, so it is not done more often."""
CHECKPOINT_SECONDS = 60.0
PROGRESS_SECONDS = 0.2
MAX_ROLLBACKS = 3
GRID_SIDE = 8
FREE_TO_CHANGE = {"images", "grids", "device", "precision"}
"""Settings that a run may be continued with another value of; all others make it another run."""


def train_events(
    data: str | Path, run: str | Path, settings: GANSettings | None = None, fresh: bool = False
) -> Generator[Event, None, None]:
    """Train a GAN, or continue where an earlier call with the same folder stopped.

    Args:
        data: pictures to learn from; see `scumble.data.sources`.
        run: the folder of the run; see `scumble.storage.run`.
        settings: all the rest. When a run is continued, its own settings fill what is not given here.
        fresh: remove what is in the folder from earlier trainings, and start over.

    Yields:
        Started, Progress (images seen; `terms` are the latest figures), Preview (a grid), Noted, Warned, Saved; last
        Finished.

    Raises:
        DataError: if the pictures cannot be read or are too few.
        RunError: if the run's folder cannot be used, or is that of another training.
        SettingsError: if a setting is out of range or the device is not there.
        DivergedError: if the figures left the finite numbers more often than going back could mend.
    """
    with device.memory_errors("use a smaller --batch, --width or --size"):
        yield from _job(str(data), Run(Path(run)), settings or GANSettings(), fresh)


def train(data: str | Path, run: str | Path, **settings: Any) -> GAN:
    """Train a GAN to the end and return it; see `train_events` for the errors.

    Args:
        data: pictures to learn from: a folder, a .zip, a .npz, "digits", "shapes" or "hf:owner/name".
        run: the folder of the run.
        settings: any of `GANSettings`, such as `images=200_000, width=64`.

    Example:
        >>> gan = scumble.train("digits", "runs/digits", images=20_000)  # doctest: +SKIP
        >>> gan.sample(seeds=range(4))[0].save("digit.png")  # doctest: +SKIP
    """
    for _ in train_events(data, run, GANSettings(**settings)):
        pass
    return GAN.from_pretrained(run)


def _job(data: str, run: Run, settings: GANSettings, fresh: bool) -> Iterator[Event]:
    started = time.perf_counter()
    # Whatever can be refused is refused before anything is written or removed.
    before = None if fresh else run.facts()
    if before is not None:
        settings = settings.filled_from(before["settings"])
    placement = device.choose(settings.device, settings.precision)
    yield Noted(placement.reason)
    pictures = yield from store.prepare(sources.open_source(data), settings.picture_size, _channels(settings))
    facts = _facts(settings, pictures)
    if before is not None:
        yield from _differences(run, before, facts)
    with run.held():
        if fresh:
            run.clear()
        run.write_facts(facts)
        trainer = Trainer(settings, pictures, facts["flip"], placement)
        yield from _resume(trainer, run)
        log = _Log(run, trainer)
        yield Started(JOB, settings.images, "images")
        yield Progress(JOB, min(trainer.images_seen, settings.images), settings.images)
        try:
            yield from _loop(trainer, run, log)
        except (GeneratorExit, KeyboardInterrupt):
            # Signals wait for the end of a step, so what is saved here is never half a step.
            _save(trainer, run)
            raise
        finally:
            log.close()
        _save(trainer, run)
        trainer.gan(facts).save_pretrained(run.model)
        yield Saved(run.model)
        final = _grid_path(run, trainer)
        sheet = _write_grid(trainer, final)
        yield Saved(final)
    figures = {"images": trainer.images_seen} | log.latest
    yield Finished(JOB, [run.model, final], time.perf_counter() - started, Image.fromarray(sheet), figures)


def _loop(trainer: "Trainer", run: Run, log: "_Log") -> Iterator[Event]:
    settings = trainer.settings
    saved = told = time.perf_counter()
    while trainer.images_seen < settings.images:
        with checkpoint.uninterrupted():
            trainer.train_step()
        now = time.perf_counter()
        ended = trainer.images_seen >= settings.images
        if trainer.step % LOG_STEPS == 0 or ended:
            if not log.write():
                yield from _roll_back(trainer, run, log)
                continue
            if now - saved > CHECKPOINT_SECONDS:
                yield from _save_if_possible(trainer, run)
                saved = time.perf_counter()
        if now - told > PROGRESS_SECONDS or ended:
            told = now
            yield Progress(JOB, min(trainer.images_seen, settings.images), settings.images, None, log.latest)
        if _grid_is_due(trainer) and not ended:
            path = _grid_path(run, trainer)
            yield Preview(trainer.images_seen, Image.fromarray(_write_grid(trainer, path)), path)
        log.rest(time.perf_counter() - now)


class Trainer:
    """Two networks, the average of one of them, their optimisers, and the number of steps taken: all that a step needs.

    Args:
        settings: of the training.
        pictures: to learn from.
        flip: whether to mirror them at random.
        placement: where, and in what precision.
    """

    def __init__(self, settings: GANSettings, pictures: Store, flip: bool, placement: Placement):
        self.settings, self.pictures, self.flip = settings, pictures, flip
        precision = "bf16-mixed" if placement.dtype == torch.bfloat16 else "32-true"
        self.fabric = Fabric(accelerator=placement.device.type, devices=_devices(placement), precision=precision)
        self.device = placement.device
        generator, discriminator = build(settings, pictures.shape)
        for network in (generator, discriminator):
            place(network, self.device)
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)
        self.plain_generator, self.plain_discriminator = generator, discriminator
        self.generator, self.generator_optimizer = self._set_up(generator)
        self.discriminator, self.discriminator_optimizer = self._set_up(discriminator)
        self.step, self.rollbacks = 0, 0
        # Sums since the last line of figures: the discriminator's loss, D(x), D(G(z)), the generator's loss; and steps.
        self.sums = torch.zeros(5, device=self.device)

    def _set_up(self, network: nn.Module) -> tuple[Any, Any]:
        settings = self.settings
        fused = self.device.type in ("cpu", "cuda")
        betas = (settings.beta1, settings.beta2)
        return self.fabric.setup(network, torch.optim.Adam(network.parameters(), settings.lr, betas, fused=fused))

    @property
    def images_seen(self) -> int:
        """The axis of everything: figures, grids, schedules."""
        return self.step * self.settings.batch

    def train_step(self) -> None:
        """One step of both networks and of the average."""
        settings, loss = self.settings, LOSSES[self.settings.loss]
        self._set_learning_rate()
        random = self._random()
        real = self.next_batch(random)
        latents = torch.randn(settings.batch, settings.latent, generator=random).to(self.device)
        fake = self.generator(latents)
        change = self._augment(random)
        # Both networks' steps look at the same generated pictures: drawing others would be a quarter more work.
        told = steps.discriminator_step(
            self.discriminator, self.discriminator_optimizer, loss, change(real), change(fake.detach()), self.backward
        )
        value = steps.generator_step(self.discriminator, self.generator_optimizer, loss, change(fake), self.backward)
        self.step += 1
        steps.update_average(self.average, self.plain_generator, settings.batch, self.images_seen, settings.average)
        self.sums += torch.cat([told, value[None], torch.ones_like(value[None])])

    def backward(self, loss: torch.Tensor) -> None:
        """Fabric's way of computing gradients, which is right in every precision and on many devices."""
        self.fabric.backward(loss)

    def next_batch(self, random: torch.Generator) -> torch.Tensor:
        """The (N, C, H, W) pictures of this step, in [-1, 1]."""
        count, settings = len(self.pictures.pixels), self.settings
        chosen = batches.indices(count, settings.batch, self.step, settings.seed + self.rollbacks)
        real = to_signed(self.pictures.pixels[chosen], self.device).contiguous(memory_format=torch.channels_last)
        return augment.mirror(real, random) if self.flip else real

    def _random(self) -> torch.Generator:
        words = np.random.SeedSequence([self.settings.seed, self.rollbacks, self.step]).generate_state(1, np.uint64)
        return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))

    def _augment(self, random: torch.Generator) -> Callable[[torch.Tensor], torch.Tensor]:
        if not self.settings.augment:
            return lambda pictures: pictures
        return lambda pictures: augment.shift_and_cut(pictures, random)

    def _set_learning_rate(self) -> None:
        settings = self.settings
        left = 1 - self.images_seen / settings.images if settings.decay == "linear" else 1.0
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * max(left, 0.0)

    def gan(self, facts: dict[str, Any]) -> GAN:
        """The pair as it stands, with the generator's average for a generator."""
        return GAN(self.average, self.plain_discriminator, facts | {"images_seen": self.images_seen})

    def checkpoint(self) -> Checkpoint:
        """Everything that the next step depends on."""
        tensors = {"sums": self.sums}
        for name, network in self._networks().items():
            tensors |= {f"{name}.{key}": value for key, value in network.state_dict().items()}
        for name, optimizer in self._optimizers().items():
            for number, parameter in enumerate(_parameters(optimizer)):
                state = optimizer.state.get(parameter, {})
                tensors |= {f"{name}.{number}.{key}": value for key, value in state.items()}
        facts = {"step": self.step, "images_seen": self.images_seen, "rollbacks": self.rollbacks}
        return Checkpoint(tensors, facts)

    def restore(self, saved: Checkpoint) -> None:
        """Become what `checkpoint` returned.

        Raises:
            RunError: if it belongs to other networks.
        """
        try:
            for name, network in self._networks().items():
                network.load_state_dict(checkpoint.under(name, saved.tensors))
        except RuntimeError as error:
            raise RunError(f"the checkpoint does not fit the networks: {str(error).splitlines()[0]}") from error
        for name, optimizer in self._optimizers().items():
            given = checkpoint.under(name, saved.tensors)
            for number, parameter in enumerate(_parameters(optimizer)):
                state = checkpoint.under(str(number), given)
                # Fused optimisers go through memory in order: what they read must lie as the parameter does.
                optimizer.state[parameter] = {
                    key: torch.empty_like(parameter).copy_(value) if value.shape == parameter.shape else value.clone()
                    for key, value in state.items()
                }
        self.sums = saved.tensors["sums"].to(self.device)
        self.step, self.rollbacks = saved.facts["step"], saved.facts["rollbacks"]

    def _networks(self) -> dict[str, nn.Module]:
        return {
            "generator": self.plain_generator,
            "discriminator": self.plain_discriminator,
            "average": self.average,
        }

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        # Without Fabric's wrapping.
        return {
            "generator_optimizer": self.generator_optimizer.optimizer,
            "discriminator_optimizer": self.discriminator_optimizer.optimizer,
        }


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _devices(placement: Placement) -> list[int] | int:
    return 1 if placement.device.index is None else [placement.device.index]


# --- Beginning and going on -----------------------------------------------------------------------------------------


def _channels(settings: GANSettings) -> int | None:
    return None if settings.channels == "auto" else settings.channels


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


def _differences(run: Run, before: dict[str, Any], now: dict[str, Any]) -> Iterator[Event]:
    """Refuse to continue another training; warn where the same bits cannot be expected."""
    for name, value in now["settings"].items():
        old = before["settings"].get(name)
        if value != old and name not in FREE_TO_CHANGE:
            raise RunError(
                f"{run.folder} is a run with {name} {old}; got {name} {value}",
                "use another --run, or --fresh to start over",
            )
    for name in ("digest", "shape"):
        if before["data"][name] != now["data"][name]:
            raise RunError(
                f"{run.folder} is a run on {before['data']['name']} ({before['data']['count']} pictures); "
                f"got {now['data']['name']} ({now['data']['count']} pictures), which is not the same",
                "use another --run, or --fresh to start over",
            )
    for name in ("versions", "threads"):
        if before[name] != now[name]:
            yield Noted(f"{name} are not those the run began with: it goes on, but not to the same bits")


def _resume(trainer: Trainer, run: Run) -> Iterator[Event]:
    saved, complaints = checkpoint.newest(run.checkpoints)
    for complaint in complaints:
        yield Warned(f"{complaint}; the one before it is used")
    if saved is None:
        if complaints:
            raise RunError(f"{run.folder} has no checkpoint that can be read", "use --fresh to start over")
        _save(trainer, run)
    else:
        trainer.restore(saved)
        run.forget_metrics_after(trainer.images_seen)
        yield Noted(f"continuing {run.folder} at {trainer.images_seen:,} images")


def _save(trainer: Trainer, run: Run) -> None:
    checkpoint.write(run.checkpoints, trainer.images_seen, trainer.checkpoint())


def _save_if_possible(trainer: Trainer, run: Run) -> Iterator[Event]:
    try:
        _save(trainer, run)
    except RunError as error:
        yield Warned(f"{error}; the training goes on, and tries again in a minute")


def _roll_back(trainer: Trainer, run: Run, log: "_Log") -> Iterator[Event]:
    """Go back to the last checkpoint, and on from there with other pictures and latents."""
    at, rollbacks = trainer.images_seen, trainer.rollbacks + 1
    saved, _ = checkpoint.newest(run.checkpoints)
    if rollbacks > MAX_ROLLBACKS or saved is None:
        raise DivergedError(
            f"the losses left the finite numbers at {at:,} images, after going back {MAX_ROLLBACKS} times",
            "use a smaller --lr",
        )
    with checkpoint.uninterrupted():
        trainer.restore(saved)
        trainer.rollbacks = rollbacks
    # Without this, a training that is stopped now would diverge again in the same way.
    yield from _save_if_possible(trainer, run)
    run.forget_metrics_after(trainer.images_seen)
    log.restart()
    yield Warned(f"the losses left the finite numbers at {at:,} images: back to {trainer.images_seen:,}")


# --- Figures and grids ----------------------------------------------------------------------------------------------


class _Log:
    """Figures: averaged since the last line, written to metrics.jsonl, and to TensorBoard where it is installed."""

    def __init__(self, run: Run, trainer: Trainer):
        self.run, self.trainer = run, trainer
        self.latest: dict[str, float] = {}
        self.board = None
        with contextlib.suppress(ImportError):
            from torch.utils.tensorboard.writer import SummaryWriter

            self.board = SummaryWriter(str(run.folder / "tensorboard"), purge_step=trainer.images_seen + 1)
        self.restart()

    def restart(self) -> None:
        """Begin to count time anew."""
        self.since, self.step_since, self.pause = time.perf_counter(), self.trainer.step, 0.0

    def rest(self, seconds: float) -> None:
        """Time that went into other things than training, which the speed leaves out."""
        self.pause += seconds

    def write(self) -> bool:
        """Write a line; false, and nothing written, if the figures are not finite."""
        trainer = self.trainer
        *sums, count = trainer.sums.tolist()
        norms = [steps.gradient_norm(n).item() for n in (trainer.plain_discriminator, trainer.plain_generator)]
        if not all(math.isfinite(value) for value in (*sums, *norms)):
            return False
        seconds = time.perf_counter() - self.since - self.pause
        images = (trainer.step - self.step_since) * trainer.settings.batch
        loss_d, d_real, d_fake, loss_g = (value / count for value in sums)
        self.latest = {
            "loss_d": loss_d,
            "loss_g": loss_g,
            "d_real": d_real,
            "d_fake": d_fake,
            "gradient_d": norms[0],
            "gradient_g": norms[1],
            "images_per_second": images / seconds,
        }
        trainer.sums.zero_()
        self.restart()
        self.run.add_metrics({"images": trainer.images_seen} | self.latest)
        if self.board is not None:
            for name, value in self.latest.items():
                self.board.add_scalar(name, value, trainer.images_seen)
        return True

    def close(self) -> None:
        """Write what TensorBoard holds back."""
        if self.board is not None:
            self.board.close()


def _grid_is_due(trainer: Trainer) -> bool:
    every = max(1, trainer.settings.images // trainer.settings.grids)
    return trainer.images_seen // every != (trainer.images_seen - trainer.settings.batch) // every


def _grid_path(run: Run, trainer: Trainer) -> Path:
    return run.grids / f"{trainer.images_seen:012}.png"


def _write_grid(trainer: Trainer, path: Path) -> np.ndarray:
    """Samples of the averaged generator from fixed latents, beside real pictures: a file, and its pixels."""
    count = GRID_SIDE**2
    fake = generate(trainer.average, draw_latents(range(count), trainer.settings.latent))
    pixels = trainer.pictures.pixels
    real = pixels[batches.indices(len(pixels), count, 0, trainer.settings.seed)].transpose(0, 2, 3, 1)
    sheets = [grid(pictures, GRID_SIDE) for pictures in (fake, real)]
    gap = np.full((sheets[0].shape[0], 8, 3), 255, np.uint8)
    sheet = np.concatenate([sheets[0], gap, sheets[1]], axis=1)
    _make_folder(path.parent)
    files.save(sheet, path)
    return sheet


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be made: {error.strerror}") from error
