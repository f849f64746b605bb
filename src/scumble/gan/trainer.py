"""The trainer: two networks and all that their next step depends on, to be saved and restored to the bit.

What is unusual: there is no state of any random generator. Which pictures a step sees, how they are flipped, and the
latents, are functions of (seed, step) alone.
"""

import copy
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from scumble.data import batches
from scumble.data.dataset import Dataset as Store
from scumble.data.labels import draw as draw_labelled
from scumble.data.labels import hold_out
from scumble.device import Placement
from scumble.errors import RunError, SettingsError
from scumble.gan import augment, steps
from scumble.gan.chance import Chance, draw
from scumble.gan.conditioning import UNLABELLED
from scumble.gan.critic import Critic
from scumble.gan.losses import LOSSES
from scumble.gan.model import GAN, build, place
from scumble.gan.penalties import PENALTIES
from scumble.gan.processes import ALONE, Processes
from scumble.gan.settings import GANSettings
from scumble.image.tensors import to_signed
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # which precision is used, we tell ourselves

MOMENTS = {"adam": ("exp_avg", "exp_avg_sq"), "rmsprop": ("square_avg",)}
"""What torch's optimisers call what they remember of each parameter."""

FREE_TO_CHANGE = {"images", "evaluate_every", "grids", "device", "devices", "nodes", "precision"}
"""Settings that a run may be continued with another value of; all others make it another run."""


HELD_OUT_ONE_OF, MIN_HELD_OUT, MAX_HELD_OUT = 20, 5, 128
"""Of so many pictures, one is not learnt from, but at most so many: enough for a mean. Where they would be fewer than
the least that a mean can be told of, all are learnt from."""


class _Drawn(NamedTuple):
    """Real pictures, augmented; generated ones as they are; latents; classes; random numbers; how to augment."""

    real: torch.Tensor
    fake: torch.Tensor
    latents: torch.Tensor
    labels: torch.Tensor | None
    random: torch.Generator
    change: Callable[[torch.Tensor], torch.Tensor]


class Trainer:
    """Two networks, the average of one of them, their optimisers, and the number of steps taken: all that a step needs.

    Args:
        settings: of the training.
        pictures: to learn from.
        flip: whether to mirror them at random.
        placement: where, and in what precision.
        processes: that make the same steps, each with its share of every batch.
    """

    def __init__(
        self,
        settings: GANSettings,
        pictures: Store,
        flip: bool,
        placement: Placement,
        processes: Processes | None = None,
    ):
        self.settings, self.pictures, self.flip = settings, pictures, flip
        self.processes = processes or Processes(ALONE)
        self.fabric = self.processes.fabric(placement)
        self.loss = self.processes.over_all(LOSSES[settings.loss], self.fabric)
        self.device = placement.device
        self.fused = self.device.type in ("cpu", "cuda")
        self.labels = _labels(settings, pictures)
        self.known = np.flatnonzero(self.labels != UNLABELLED) if settings.condition == "few-labels" else None
        self.learning, self.held_out = _parts(len(pictures.pixels), self.labels, self.known)
        generator, discriminator = build(settings, pictures.shape, len(pictures.classes))
        for network in (generator, discriminator):
            place(network, self.device)
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)
        self.plain_generator, self.plain_discriminator = generator, discriminator
        weight = settings.penalty_weight or (PENALTIES[settings.penalty].weight if settings.penalty != "none" else 0.0)
        self.plain_critic = Critic(discriminator, settings.penalty, weight)
        self.generator, self.generator_optimizer = self._set_up(generator)
        self.critic, self.discriminator_optimizer = self._set_up(self.plain_critic)
        self.step, self.rollbacks = 0, 0
        fixed = settings.model_dump(mode="json", exclude=FREE_TO_CHANGE)
        self.identity = hashlib.sha256(json.dumps([fixed, pictures.digest, flip]).encode()).hexdigest()
        # Sums since the last line of figures: the discriminator's loss, D(x), D(G(z)), the generator's loss; and steps.
        self.sums = torch.zeros(5, device=self.device)

    def _set_up(self, network: nn.Module) -> tuple[Any, Any]:
        settings, parameters = self.settings, network.parameters()
        if settings.optimizer == "rmsprop":
            optimizer = torch.optim.RMSprop(parameters, settings.lr, settings.beta2)
        else:
            betas = (settings.beta1, settings.beta2)
            optimizer = torch.optim.Adam(parameters, settings.lr, betas, fused=self.fused)
        return self.fabric.setup(network, optimizer)

    @property
    def images_seen(self) -> int:
        """The axis of everything: figures, grids, schedules."""
        return self.step * self.images_per_step

    @property
    def images_per_step(self) -> int:
        """Pictures that the discriminator sees in a step of both."""
        return self.settings.batch * self.settings.critic_steps

    def train_step(self) -> None:
        """One step of the generator and of the average, after as many of the discriminator as are wanted."""
        settings = self.settings
        self._set_learning_rate()
        for turn in range(settings.critic_steps - 1):
            self._discriminator_step(self._draw(turn))
        # Both networks' steps look at the same generated pictures: drawing others would be a tenth more work.
        drawn = self._draw(settings.critic_steps - 1, generator_learns=True)
        told = self._discriminator_step(drawn)
        value = self._generator_step(drawn)
        self.step += 1
        steps.update_average(self.average, self.plain_generator, self.images_per_step, self.images_seen, settings.ema)
        self.sums[:-1] += self.processes.mean(torch.cat([told, value[None]]))
        self.sums[-1] += 1

    def _discriminator_step(self, drawn: "list[_Drawn]") -> torch.Tensor:
        told = torch.zeros(3, device=self.device)
        for number, some in enumerate(drawn):
            told += steps.discriminator_step(
                self.critic,
                self.discriminator_optimizer,
                self.loss,
                some.real,
                some.change(some.fake.detach()),
                some.random,
                some.labels,
                self.fabric.backward,
                steps.Part(number, len(drawn)),
            )
        if self.settings.clip:
            steps.clip_weights(self.plain_discriminator, self.settings.clip)
        return told / len(drawn)

    def _generator_step(self, drawn: "list[_Drawn]") -> torch.Tensor:
        value = torch.zeros((), device=self.device)
        for number, some in enumerate(drawn):
            with self.fabric.autocast():
                value += steps.generator_step(
                    self.plain_critic,
                    self.generator_optimizer,
                    self.loss,
                    some.real,
                    some.change(some.fake if len(drawn) == 1 else self._generate(some.latents, some.labels)),
                    some.labels,
                    self.fabric.backward,
                    steps.Part(number, len(drawn)),
                )
        return value / len(drawn)

    def _draw(self, turn: int, generator_learns: bool = False) -> "list[_Drawn]":
        """Pictures for one of the discriminator's turns in this step, in the parts that they are taken in."""
        random, parts = self._random(turn), self.settings.accumulate
        real, labels = self.next_batch(random, turn)
        latents = draw(torch.randn, len(real), self.settings.latent, random=random).to(self.device)
        change = self._augment(random)
        drawn = []
        batch = (real.chunk(parts), latents.chunk(parts), [None] * parts if labels is None else labels.chunk(parts))
        for some_real, some_latents, some_labels in zip(*batch, strict=True):
            # What the generator learns from is kept for one part only: of several, each is generated anew.
            with torch.set_grad_enabled(generator_learns and parts == 1):
                fake = self._generate(some_latents, some_labels)
            drawn.append(_Drawn(change(some_real), fake, some_latents, some_labels, random, change))
        return drawn

    def _generate(self, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        return self.generator(latents, labels) if self.settings.draws_classes else self.generator(latents)

    def next_batch(self, random: torch.Generator, turn: int = 0) -> tuple[torch.Tensor, torch.Tensor | None]:
        """This process's (N, C, H, W) pictures of a step, in [-1, 1], and their (N,) classes if these are looked at."""
        settings = self.settings
        batch = self.step * settings.critic_steps + turn
        chosen = self.learning[batches.indices(len(self.learning), settings.batch, batch, self._number())]
        if self.known is not None:  # few: so that each batch and each share has some, they take every second place
            half = (settings.batch + 1) // 2
            chosen[::2] = self.known[batches.indices(len(self.known), half, batch, self._number())]
        real, labels = self.pictures_at(chosen[self.processes.share.of(settings.batch)])
        return augment.flip(real, random) if self.flip else real, labels

    def pictures_at(self, positions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(N, C, H, W) pictures, in [-1, 1], and their (N,) classes if these are looked at."""
        real = to_signed(self.pictures.pixels[positions], self.device).contiguous(memory_format=torch.channels_last)
        return real, None if self.labels is None else torch.from_numpy(self.labels[positions]).to(self.device)

    def _random(self, turn: int = 0) -> torch.Generator:
        random = Chance()
        random.share = self.processes.share
        random.manual_seed(self._number(self.step, *[turn] * bool(turn)))
        return random

    def _number(self, *which: int) -> int:
        """A seed for a use; other ones after each time that the training went back, lest it repeats what went wrong."""
        words = np.random.SeedSequence([self.settings.seed, self.rollbacks, *which]).generate_state(1, np.uint64)
        return int(words[0] >> np.uint64(1))

    def _augment(self, random: torch.Generator) -> Callable[[torch.Tensor], torch.Tensor]:
        def change(pictures: torch.Tensor) -> torch.Tensor:
            if self.settings.augment_colour:
                pictures = augment.vary_colours(pictures, random)
            return augment.shift_and_cut(pictures, random) if self.settings.augment else pictures

        return change

    def _set_learning_rate(self) -> None:
        settings = self.settings
        left = 1 - self.images_seen / settings.images if settings.decay == "linear" else 1.0
        for optimizer in (self.generator_optimizer, self.discriminator_optimizer):
            for group in optimizer.param_groups:
                group["lr"] = settings.lr * max(left, 0.0)

    def gan(self, facts: dict[str, Any]) -> GAN:
        """The pair as it stands, with the generator's average for a generator."""
        return GAN(self.average, self.plain_discriminator, facts | {"images_seen": self.images_seen})

    def is_finite(self) -> bool:
        """Whether all figures and weights are numbers; waits for the device."""
        weights = (*self.plain_generator.parameters(), *self.plain_discriminator.parameters())
        return bool(torch.stack([tensor.isfinite().all() for tensor in (self.sums, *weights)]).all())

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
        return Checkpoint(tensors, facts | {"identity": self.identity})

    def restore(self, saved: Checkpoint) -> None:
        """Become what `checkpoint` returned.

        Raises:
            RunError: if it is that of another run, or not whole.
            RuntimeError: if a network's weights are missing or of another shape.
        """
        self._check(saved)
        for name, network in self._networks().items():
            network.load_state_dict(checkpoint.under(name, saved.tensors))
        for name, optimizer in self._optimizers().items():
            given = checkpoint.under(name, saved.tensors)
            for number, parameter in enumerate(_parameters(optimizer)):
                state = checkpoint.under(str(number), given)
                optimizer.state[parameter] = {key: self._like(parameter, value) for key, value in state.items()}
        self.sums = saved.tensors["sums"].to(self.device)
        self.step, self.rollbacks = saved.facts["step"], saved.facts["rollbacks"]

    def restored(self, saved: Checkpoint) -> "Trainer":
        """This trainer, after `restore`."""
        self.restore(saved)
        return self

    def _check(self, saved: Checkpoint) -> None:
        """Refuse what would be taken without a word: another run's state, or moments that do not fit their weights."""
        if saved.facts["identity"] != self.identity:
            raise RunError("the checkpoint is that of another run")
        if not all(isinstance(saved.facts[name], int) and saved.facts[name] >= 0 for name in ("step", "rollbacks")):
            raise RunError(f"the checkpoint tells of impossible steps: {saved.facts}")
        wanted = {"sums": self.sums.shape}
        for name, optimizer in self._optimizers().items():
            for number, parameter in enumerate(_parameters(optimizer) if saved.facts["step"] else []):
                wanted[f"{name}.{number}.step"] = torch.Size([])
                for moment in MOMENTS[self.settings.optimizer]:
                    wanted[f"{name}.{number}.{moment}"] = parameter.shape
        for name, shape in wanted.items():
            if name not in saved.tensors or saved.tensors[name].shape != shape:
                raise RunError(f"the checkpoint's {name} is missing or of another shape")

    def _like(self, parameter: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
        # A fused optimiser goes through memory in order: what belongs to a parameter must lie as the parameter does,
        # and its counter of steps on the same device.
        if value.shape == parameter.shape:
            return torch.empty_like(parameter).copy_(value)
        return value.to(parameter.device if self.fused else "cpu")

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


def _labels(settings: GANSettings, pictures: Store) -> np.ndarray | None:
    """(N,) classes, if the networks are to know of them; `UNLABELLED` where they are not to know."""
    if settings.condition == "none":
        return None
    if pictures.labels is None or len(pictures.classes) < 2:
        raise SettingsError(
            f"condition: got {settings.condition}, and {pictures.name} has no classes; wanted pictures in a folder "
            "for each class, or labels"
        )
    if settings.condition != "few-labels":
        return pictures.labels
    learning, _ = hold_out(pictures.labels, pictures.classes)
    few = learning[draw_labelled(pictures.labels[learning], settings.labelled, settings.seed, pictures.classes)]
    known = np.full_like(pictures.labels, UNLABELLED)
    known[few] = pictures.labels[few]
    return known


def _parts(count: int, labels: np.ndarray | None, known: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Positions to learn from, and of some that never are, by which learning by heart can be told; both ascending.

    The latter are always the same. A class keeps one picture at least, and a known label is never given up.
    """
    spared = known if known is not None else [] if labels is None else np.unique(labels, return_index=True)[1]
    free = np.random.default_rng(0).permutation(np.setdiff1d(np.arange(count), spared))
    wanted = min(count // HELD_OUT_ONE_OF, MAX_HELD_OUT)
    held = np.sort(free[: wanted if wanted >= MIN_HELD_OUT else 0])
    return np.setdiff1d(np.arange(count), held), held


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
