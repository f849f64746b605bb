"""Adversarial autoencoders (Makhzani et al. 2016): codes are to look as if drawn from the prior of latents.

Two phases a step (section 2): encoder and decoder lower the reconstruction's error; then the discriminator learns to
tell codes from latents, and the encoder, the generator of this game, to pass for the latter. What is different: a
standard normal prior, as of all latents here; Adam in the place of SGD.
"""

import torch

from scumble.gan.losses.energy import energy_distance, squared_error
from scumble.gan.networks.games.autoencoder import CodeDiscriminator
from scumble.gan.tasks.latent import LatentGAN
from scumble.training.task import Batch, Moment, Outcome, Task
from scumble.training.updates import frozen


class AAE(LatentGAN):
    """The generator is the decoder; the discriminator holds the encoder and the adversary of its codes."""

    discriminator: CodeDiscriminator

    has_lead = False
    judging = ("discriminator.adversary",)
    generating = ("discriminator.encoder",)

    def task(self) -> Task:
        """Three updates, each with an optimiser of its own."""
        task = super().task()
        generate = task.updates[1]
        moves = ("generator", "discriminator.encoder")
        reconstruct = generate._replace(name="r", moves=moves, loss=self.reconstruction_loss)
        # The average of the decoder undoes what that of the encoder does.
        return task._replace(updates=(reconstruct, *task.updates), averaged=("generator", "discriminator"))

    def reconstruction_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """The mean squared error."""
        error = self._errors(batch["real"]).mean()
        return Outcome(error, {"reconstruction": error})

    def discriminator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """Latents are real, codes are not. Figures also: how far codes are from the prior, an energy distance."""
        with torch.no_grad():
            codes = self._codes(batch["real"])
        judged = self.judged(self._judge(batch["latents"]), self._judge(codes))
        distance = energy_distance(self.processes.whole(codes), self.processes.whole(batch["latents"]))
        return judged._replace(figures=judged.figures | {"codes_to_prior": distance})

    def generator_loss(self, batch: Batch, moment: Moment) -> Outcome:
        """Codes are to pass for latents."""
        with frozen(self.discriminator.adversary):
            on_prior = self._judge(batch["latents"]) if self.loss.compares else batch["latents"].new_zeros(0)
            return Outcome(self.loss.generator(*self._compared(on_prior, self._judge(self._codes(batch["real"])))))

    def figures(self, real: torch.Tensor, held_out: torch.Tensor | None) -> dict[str, float]:
        """The mean squared error of reconstructions of pictures that are not learnt from."""
        return {} if held_out is None else {"reconstruction_held_out": self._errors(held_out).mean().item()}

    def _errors(self, pictures: torch.Tensor) -> torch.Tensor:
        return squared_error(pictures, self.placement.compute(self.generator, self._codes(pictures)))

    def _codes(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.placement.compute(self.discriminator.encoder, pictures)

    def _judge(self, codes: torch.Tensor) -> torch.Tensor:
        return self.placement.compute(self.discriminator.adversary, codes)
