"""From noise to pictures: the task of most presets, one generator of latents against one discriminator.

Which pictures a step sees, how they are mirrored, and the latents, are functions of the seed, the step and how often
the training went back. The generated pictures of a step are made once, and both networks' losses look at them. Some
pictures are never learnt from, so that discriminator overfitting can be measured. Where classes are drawn, the n-th
generated picture is of the class of the n-th real one.
"""

import functools
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from scumble.data import batches
from scumble.data.dataset import Dataset
from scumble.data.labels import UNLABELLED
from scumble.device import Placement
from scumble.gan import augment, format_1
from scumble.gan.losses.adversarial import LOSSES, Logits
from scumble.gan.losses.classes import class_loss
from scumble.gan.losses.penalties import PENALTIES, Judge
from scumble.gan.networks.build import build, to_device
from scumble.gan.networks.conditioning import unconditional
from scumble.gan.settings import GANSettings
from scumble.gan.tasks.learning import labels_of, parts
from scumble.image.tensors import to_signed
from scumble.training.distributed import Processes
from scumble.training.randomness import draw, seed_for
from scumble.training.task import Batch, Moment, Outcome, Task, Update, every, once
from scumble.training.trainer import Trainer
from scumble.training.updates import Adam, clip_weights, frozen

AUGMENTED_AGAIN = 1000
"""The use of random numbers by which the generator's loss augments pictures; those below it are critic steps."""


class LatentGAN:
    """Two networks on one data set: what their steps look at, and their losses.

    Args:
        settings: of the training.
        pictures: to learn from.
        flip: whether to mirror them at random.
        placement: where, and in what precision.
        processes: whose losses may compare each picture with the whole batch.

    Attributes:
        generator: (N, Z) latents, and (N,) classes if it draws such -> (N, C, H, W) in [-1, 1].
        discriminator: pictures, and classes if it knows of such -> (N,) logits, or (N, 1 + classes) if it says which.
        learning: positions of the pictures to learn from; `held_out` of the others.
        judging: what the discriminator's update moves; of a discriminator that has more to it, a part.
        generating: what the generator's update moves.
    """

    has_lead: ClassVar[bool] = True
    """Whether logits of real pictures are to be above those of generated ones."""
    judging: ClassVar[tuple[str, ...]] = ("discriminator",)
    generating: ClassVar[tuple[str, ...]] = ("generator",)

    def __init__(
        self,
        settings: GANSettings,
        pictures: Dataset,
        flip: bool,
        placement: Placement,
        processes: Processes | None = None,
    ):
        self.settings, self.pictures, self.flip, self.placement = settings, pictures, flip, placement
        self.processes = processes or Processes()
        self.loss = LOSSES[settings.loss]
        self.labels = labels_of(settings, pictures)
        self.known = np.flatnonzero(self.labels != UNLABELLED) if settings.condition == "few-labels" else None
        self.learning, self.held_out = parts(len(pictures.pixels), self.labels, self.known)
        self.generator, self.discriminator = build(settings, pictures.shape, len(pictures.classes))
        for network in (self.generator, self.discriminator):
            to_device(network, placement.device)
        self.penalty = None if settings.penalty == "none" else PENALTIES[settings.penalty]
        self.generator_is_due = every(settings.critic_steps)

    def task(self) -> Task:
        """What the trainer trains."""
        settings = self.settings
        after = (lambda *_: self._clip()) if settings.clip else None
        moved = {"optimizer": self._optimizer, "schedule": self._schedule(settings.lr_discriminator)}
        discriminate = Update("d", self.judging, self.discriminator_loss, after=after, **moved)
        moved |= {"schedule": self._schedule(settings.lr_generator)}
        generate = Update("g", self.generating, self.generator_loss, due=self.generator_is_due, **moved)
        return Task(
            {"generator": self.generator, "discriminator": self.discriminator},
            (discriminate, generate),
            self.batch,
            settings.batch,
            averaged=("generator",),
            half_life=settings.ema,
            result=("generator", "discriminator"),
        )

    def trainer(self, identity: str = "") -> Trainer:
        """A trainer of this task, at step 0."""
        settings = self.settings
        migrate = functools.partial(format_1.upgraded, critic_steps=settings.critic_steps)
        return Trainer(self.task(), settings.seed, settings.accumulate, self.processes, identity, migrate)

    # --- What a step looks at ---------------------------------------------------------------------------------------

    def batch(self, moment: Moment) -> Batch:
        """Real pictures, mirrored and augmented; latents; classes; and the random numbers that are left."""
        generator_step, turn = divmod(moment.step, self.settings.critic_steps)
        # Numbered as in format 1, whose runs go on to the same bits.
        random = moment._replace(step=generator_step).generator(turn)
        real, labels = self._real(moment)
        real = augment.flip(real, random) if self.flip else real
        latents = draw(torch.randn, len(real), self.settings.latent, random=random).to(self.placement.device)
        return {"real": self._augmented(real, random), "latents": latents, "labels": labels, "random": random}

    def _real(self, moment: Moment) -> tuple[torch.Tensor, torch.Tensor | None]:
        batch, seed = self.settings.batch, seed_for(*moment.seeds)
        chosen = self.learning[batches.indices(len(self.learning), batch, moment.step, seed)]
        if self.known is not None:  # few: so that each batch and each share has some, they take every second position
            chosen[::2] = self.known[batches.indices(len(self.known), (batch + 1) // 2, moment.step, seed)]
        return self.pictures_at(chosen[moment.share.of(batch)])

    def pictures_at(self, positions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor | None]:
        """(N, C, H, W) pictures, in [-1, 1], and their (N,) classes, or (N, K) labels, if these are looked at."""
        device = self.placement.device
        real = to_signed(self.pictures.pixels[positions], device).contiguous(memory_format=torch.channels_last)
        return real, None if self.labels is None else torch.from_numpy(self.labels[positions]).to(device)

    def _augmented(self, pictures: torch.Tensor, random: torch.Generator) -> torch.Tensor:
        if self.settings.augment_colour:
            pictures = augment.vary_colours(pictures, random)
        return augment.shift_and_cut(pictures, random) if self.settings.augment else pictures

    def _fake(self, batch: Batch, with_gradient: bool) -> torch.Tensor:
        """Generated pictures: those of the batch if it has some, else new ones."""

        def generate() -> torch.Tensor:
            with torch.set_grad_enabled(with_gradient):
                return self.generated(self.generator, batch["latents"], batch["labels"])

        return once(batch, "fake", generate)

    def generated(self, generator: nn.Module, latents: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        """(N, C, H, W) pictures of a generator, such as the average of ours."""
        told = [labels] if labels is not None and self.settings.draws_classes else []
        return self.placement.compute(generator, latents, *told)

    # --- Losses -----------------------------------------------------------------------------------------------------

    def discriminator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """To tell real pictures from generated ones, and classes where they are asked for; and the penalty.

        Figures: the mean belief, in [0, 1], that real and generated pictures are real, which are the D(x) and D(G(z))
        of Goodfellow et al. 2014.
        """
        real, labels, random = batch["real"], batch["labels"], batch["random"]
        # With their way back only where the generator's loss will look at the very same.
        kept = self.generator_is_due(moment.step) and self.settings.accumulate == 1
        fake = self._augmented(self._fake(batch, with_gradient=kept).detach(), random)
        on_real, on_fake = self._seen_both(real, fake, labels)
        extra = _class_loss(on_real, labels) + self._asked_of_drawn(on_fake, batch)
        extra = extra + self._penalty(lambda pictures: _logits(self._seen(pictures, labels)), real, fake, random)
        judged = self.judged(_logits(on_real), _logits(on_fake))
        return judged._replace(loss=judged.loss + extra)

    def judged(self, real: Logits, fake: Logits) -> Outcome:
        """The adversarial part of the discriminator's loss, and its figures."""
        belief = {"d_real": real.sigmoid().mean(), "d_fake": fake.sigmoid().mean()}
        return Outcome(self.loss.discriminator(*self._compared(real, fake)), belief)

    def _penalty(
        self, judge: Judge, real: torch.Tensor, fake: torch.Tensor, random: torch.Generator
    ) -> torch.Tensor | float:
        if self.penalty is None:
            return 0.0
        weight = self.settings.penalty_weight or self.penalty.weight
        return weight * self.penalty.function(judge, real, fake, random)

    def generator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """To be taken for real by the discriminator."""
        return Outcome(self._fooling(batch, moment)[0])

    def _fooling(self, batch: Batch, moment: Moment) -> tuple[torch.Tensor, torch.Tensor]:
        """That loss, and what the discriminator says to the generated pictures.

        Real pictures are looked at only where the loss compares.
        """
        labels = batch["labels"]
        fake = self._fake(batch, with_gradient=True)
        if self.settings.augment or self.settings.augment_colour:
            fake = self._augmented(fake, moment.generator(AUGMENTED_AGAIN))
        with frozen(*self._judges):
            if self.loss.of_features:
                features = [self._features(pictures) for pictures in (batch["real"], fake)]
                return self.loss.generator(*self._compared(*features)), features[1]
            real_logits = _logits(self._seen(batch["real"], labels)) if self.loss.compares else fake.new_zeros(0)
            on_fake = self._seen(fake, labels)
        value = self.loss.generator(*self._compared(real_logits, _logits(on_fake)))
        return value + self._asked_of_drawn(on_fake, batch), on_fake

    @property
    def _judges(self) -> list[nn.Module]:
        """What the generator's loss takes as it is."""
        return [self.discriminator.get_submodule(name.partition(".")[2]) for name in self.judging]

    def _clip(self) -> None:
        for judge in self._judges:
            clip_weights(judge, self.settings.clip)

    def figures(self, real: torch.Tensor, held_out: torch.Tensor | None) -> dict[str, float]:
        """What the monitor is to write down beside its own, of real pictures that are learnt from and others."""
        return {}

    def logits(self, pictures: torch.Tensor, labels: torch.Tensor | None) -> Logits:
        """(N,) of (N, C, H, W) pictures."""
        return _logits(self._seen(pictures, labels))

    def _seen_both(
        self, real: torch.Tensor, fake: torch.Tensor, labels: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """What the discriminator says to both: in one pass wherever that changes nothing."""
        if self.discriminator.couples_pictures:
            return self._seen(real, labels), self._seen(fake, labels)
        on_real, on_fake = self._seen(torch.cat([real, fake]), labels).split([len(real), len(fake)])
        return on_real, on_fake

    def _seen(self, pictures: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
        classes = [] if labels is None else [torch.cat([labels] * (len(pictures) // len(labels)))]
        return self.placement.compute(self.discriminator, pictures, *classes)

    def _features(self, pictures: torch.Tensor) -> torch.Tensor:
        """(N, D): what the logits are made from, averaged over positions."""
        return self.placement.compute(unconditional(self.discriminator).features, pictures).mean((2, 3))

    def _compared(self, real: torch.Tensor, fake: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Those of the whole batch where a loss compares each picture with all of it."""
        return (self.processes.whole(real), self.processes.whole(fake)) if self.loss.couples else (real, fake)

    def _asked_of_drawn(self, seen: torch.Tensor, batch: Batch) -> torch.Tensor:
        """What both networks minimise besides, of what the discriminator says of drawn pictures: their classes."""
        return _class_loss(seen, batch["labels"] if getattr(self.discriminator, "asks_of_drawn", True) else None)

    # --- How they move ----------------------------------------------------------------------------------------------

    def _optimizer(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        settings = self.settings
        if settings.optimizer == "rmsprop":
            return torch.optim.RMSprop(parameters, settings.lr, settings.beta2)
        fused = self.placement.device.type in ("cpu", "cuda")
        return Adam(parameters, settings.lr, (settings.beta1, settings.beta2), fused=fused)

    def _schedule(self, own_lr: float | None) -> Callable[[Moment], dict[str, Any]]:
        settings = self.settings
        lr = own_lr or settings.lr

        def schedule(moment: Moment) -> dict[str, Any]:
            # The critic's steps learn as the generator's do.
            seen = moment.images_seen - moment.step % settings.critic_steps * settings.batch
            left = 1 - seen / settings.images if settings.decay == "linear" else 1.0
            return {"lr": lr * max(left, 0.0)}

        return schedule


def _logits(seen: torch.Tensor) -> Logits:
    return seen[:, 0] if seen.dim() == 2 else seen


def _class_loss(seen: torch.Tensor, labels: torch.Tensor | None) -> torch.Tensor:
    """That of the known classes, where they were asked for."""
    return seen.new_zeros(()) if seen.dim() < 2 or labels is None else class_loss(seen[:, 1:], labels)
