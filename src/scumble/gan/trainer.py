"""The trainer: two networks and all that their next step depends on, to be saved and restored to the bit.

What is unusual: there is no state of any random generator. Which pictures a step sees, how they are flipped, and the
latents, are functions of (seed, step) alone.
"""

import copy
import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import nn

from scumble.data import batches
from scumble.data.store import Store
from scumble.device import Placement
from scumble.errors import RunError
from scumble.gan import augment, steps
from scumble.gan.losses import LOSSES
from scumble.gan.model import GAN, build, place
from scumble.gan.settings import GANSettings
from scumble.image.tensors import to_signed
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # which precision is used, we tell ourselves

FREE_TO_CHANGE = {"images", "grids", "device", "precision"}
"""Settings that a run may be continued with another value of; all others make it another run."""


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
        self.fused = self.device.type in ("cpu", "cuda")
        generator, discriminator = build(settings, pictures.shape)
        for network in (generator, discriminator):
            place(network, self.device)
        self.average = copy.deepcopy(generator).eval().requires_grad_(False)
        self.plain_generator, self.plain_discriminator = generator, discriminator
        self.generator, self.generator_optimizer = self._set_up(generator)
        self.discriminator, self.discriminator_optimizer = self._set_up(discriminator)
        self.step, self.rollbacks = 0, 0
        fixed = settings.model_dump(mode="json", exclude=FREE_TO_CHANGE)
        self.identity = hashlib.sha256(json.dumps([fixed, pictures.digest, flip]).encode()).hexdigest()
        # Sums since the last line of figures: the discriminator's loss, D(x), D(G(z)), the generator's loss; and steps.
        self.sums = torch.zeros(5, device=self.device)

    def _set_up(self, network: nn.Module) -> tuple[Any, Any]:
        settings = self.settings
        betas = (settings.beta1, settings.beta2)
        return self.fabric.setup(network, torch.optim.Adam(network.parameters(), settings.lr, betas, fused=self.fused))

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
        fake = self.generator(torch.randn(settings.batch, settings.latent, generator=random).to(self.device))
        change, backward = self._augment(random), self.fabric.backward
        # Both networks' steps look at the same generated pictures: drawing others would be a tenth more work.
        told = steps.discriminator_step(
            self.discriminator, self.discriminator_optimizer, loss, change(real), change(fake.detach()), backward
        )
        value = steps.generator_step(self.discriminator, self.generator_optimizer, loss, change(fake), backward)
        self.step += 1
        steps.update_average(self.average, self.plain_generator, settings.batch, self.images_seen, settings.ema)
        self.sums += torch.cat([told, value[None], torch.ones_like(value[None])])

    def next_batch(self, random: torch.Generator) -> torch.Tensor:
        """The (N, C, H, W) pictures of this step, in [-1, 1]."""
        count, settings = len(self.pictures.pixels), self.settings
        chosen = batches.indices(count, settings.batch, self.step, self._number())
        real = to_signed(self.pictures.pixels[chosen], self.device).contiguous(memory_format=torch.channels_last)
        return augment.flip(real, random) if self.flip else real

    def _random(self) -> torch.Generator:
        return torch.Generator().manual_seed(self._number(self.step))

    def _number(self, *which: int) -> int:
        """A seed for a use; other ones after each time that the training went back, lest it repeats what went wrong."""
        words = np.random.SeedSequence([self.settings.seed, self.rollbacks, *which]).generate_state(1, np.uint64)
        return int(words[0] >> np.uint64(1))

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
                wanted[f"{name}.{number}.exp_avg"] = wanted[f"{name}.{number}.exp_avg_sq"] = parameter.shape
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


def _parameters(optimizer: torch.optim.Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]


def _devices(placement: Placement) -> list[int] | int:
    return [placement.device.index] if placement.device.type == "cuda" and placement.device.index is not None else 1
