"""Discriminators that are autoencoders: EBGAN (Zhao et al. 2017) and BEGAN (Berthelot et al. 2017).

A picture's energy is the error of its reconstruction, and its logit is minus that. What is different from the papers:
see `networks.autoencoders`; BEGAN's k follows the energies of the discriminator's own step, whose generated pictures
the generator's step shares.
"""

from typing import Any

import torch
from torch import Tensor, nn

from scumble.gan.losses.adversarial import Logits
from scumble.gan.losses.energy import balance, convergence, pull_away
from scumble.gan.networks.autoencoders.energy import EnergyDiscriminator
from scumble.gan.tasks.latent import AUGMENTED_AGAIN, LatentGAN
from scumble.training.task import Batch, Moment, Outcome, Task
from scumble.training.updates import frozen

PULL_AWAY = 0.1
"""Weight of the pull-away term (Zhao et al. 2017, section 4.1)."""
K_RATE = 1e-2
"""By which k moves on, lambda_k: ten times that of Berthelot et al. 2017, section 4.1, for trainings of thousands of
steps: while k is still 0, nothing keeps the generator from drawing the one picture of least energy."""


class EBGAN(LatentGAN):
    """Energies of real pictures fall, those of generated ones rise up to a margin; their codes are pulled apart."""

    discriminator: EnergyDiscriminator

    def judged(self, real: Logits, fake: Logits) -> Outcome:
        """Eq. 1."""
        return super().judged(real, fake)._replace(figures=energies(real, fake))

    def generator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """Eq. 2, and eq. 4 over the whole batch."""
        fake = self._augmented(self._fake(batch, with_gradient=True), moment.generator(AUGMENTED_AGAIN))
        judge = self.discriminator
        with frozen(judge):
            codes = self.placement.compute(judge.features, fake)
            energy = judge.error(fake, self.placement.compute(judge.decoder, codes)).mean()
        alike = pull_away(self.processes.whole(codes.flatten(1)))
        return Outcome(energy + PULL_AWAY * alike, {"pull_away": alike})


class BEGAN(LatentGAN):
    """k weighs generated energies so that these come to be gamma of the real ones: neither side wins."""

    has_lead = False

    def __init__(self, *given: Any, **named: Any):
        super().__init__(*given, **named)
        self.equilibrium = Equilibrium().to(self.placement.device)

    def task(self) -> Task:
        """As the base class, with k."""
        task = super().task()
        discriminate, generate = task.updates
        updates = (discriminate._replace(after=self.control), generate)
        return task._replace(modules=task.modules | {"equilibrium": self.equilibrium}, updates=updates)

    def judged(self, real: Logits, fake: Logits) -> Outcome:
        """L(x) - k L(G(z)) (section 3.4)."""
        figures = energies(real, fake) | {"k": self.equilibrium.k}
        return Outcome(self.equilibrium.k * fake.mean() - real.mean(), figures)

    def control(self, moment: Moment, figures: dict[str, Tensor], kept: dict[str, Tensor]) -> None:
        """Move k on, within [0, 1], and log M: both are of the whole batch."""
        means = figures["energy_real"], figures["energy_fake"]
        self.equilibrium.k.add_(K_RATE * balance(*means)).clamp_(0, 1)
        figures["convergence"] = convergence(*means)


class Equilibrium(nn.Module):
    """The number k, from 0 on."""

    k: Tensor

    def __init__(self):
        super().__init__()
        self.register_buffer("k", torch.zeros(()))


def energies(real: Logits, fake: Logits) -> dict[str, Tensor]:
    """Figures: the mean energy of real and of generated pictures."""
    return {"energy_real": -real.mean(), "energy_fake": -fake.mean()}
