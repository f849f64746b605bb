"""Small tasks of every shape that the engine has to carry: 8 x 8 pixels, float64, a few weights.

Each is a function of the processes that returns a task. What they draw follows from the moment alone, so that any
number of processes and parts takes the same steps.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from scumble.training.distributed import Processes
from scumble.training.randomness import draw
from scumble.training.task import Batch, Moment, Outcome, Task, Update, during, every, once
from scumble.training.updates import frozen

SIZE, LATENT = 8, 4


def adam(parameters):
    return torch.optim.Adam(parameters, 1e-2, (0.5, 0.9))


def network(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers).double()


def to_picture() -> nn.Module:
    return network(nn.Linear(LATENT, 16), nn.Tanh(), nn.Linear(16, 64), nn.Unflatten(1, (1, 8, 8)))


def to_logit() -> nn.Module:
    return network(nn.Conv2d(1, 4, 3, 2, 1), nn.Tanh(), nn.Flatten(), nn.Linear(64, 1), nn.Flatten(0))


def between_pictures() -> nn.Module:
    return network(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 1, 3, padding=1))


def drawn(moment: Moment, use: int, *shape: int) -> torch.Tensor:
    count = SIZE // moment.share.parts
    random = moment.generator(use)
    return draw(torch.randn, count, *shape, random=random).double()


def noise_and_pictures(moment: Moment) -> Batch:
    return {"real": drawn(moment, 0, 1, 8, 8), "latents": drawn(moment, 1, LATENT), "others": drawn(moment, 2, 1, 8, 8)}


def seeded(make: Callable[[Processes], Task]) -> Callable[[Processes], Task]:
    def seeded_make(processes: Processes) -> Task:
        torch.manual_seed(0)
        return make(processes)

    return seeded_make


class Pool(nn.Module):
    """The last generated pictures, of which every second one of a batch is shown in place of a new one."""

    def __init__(self):
        super().__init__()
        self.register_buffer("pictures", torch.zeros(SIZE, 1, 8, 8, dtype=torch.float64))

    def mixed(self, fake: torch.Tensor, moment: Moment) -> torch.Tensor:
        if moment.step == 0:
            return fake
        old = self.pictures[moment.share.of(SIZE)]
        return torch.where((torch.arange(len(fake)) % 2 == 0)[:, None, None, None], old, fake)


class Number(nn.Module):
    """A controller's number."""

    def __init__(self, value: float):
        super().__init__()
        self.register_buffer("value", torch.tensor(value, dtype=torch.float64))


def unpaired(processes: Processes) -> Task:
    """CycleGAN: two translators on one optimiser, two discriminators that look at a pool."""
    there, back, judge_there, judge_back = between_pictures(), between_pictures(), to_logit(), to_logit()
    pool = Pool()

    def fake(batch: Batch) -> torch.Tensor:
        return once(batch, "fake", lambda: there(batch["real"]))

    def judge_loss(batch: Batch, moment: Moment) -> Outcome:
        generated = fake(batch).detach()
        value = (judge_there(batch["others"]) - 1).square().mean()
        value = value + judge_there(pool.mixed(generated, moment)).square().mean()
        return Outcome(value, kept={"fake": generated})

    def judge_back_loss(batch: Batch, moment: Moment) -> Outcome:
        on_real, on_fake = judge_back(batch["real"]), judge_back(back(batch["others"]).detach())
        return Outcome((on_real - 1).square().mean() + on_fake.square().mean())

    def translators_loss(batch: Batch, moment: Moment) -> Outcome:
        with frozen(judge_there, judge_back):
            value = (judge_there(fake(batch)) - 1).square().mean() + (
                judge_back(back(batch["others"])) - 1
            ).square().mean()
        cycle = (back(fake(batch)) - batch["real"]).abs().mean()
        return Outcome(value + 10 * cycle, {"cycle": cycle})

    def remember(moment: Moment, figures: dict, kept: dict) -> None:
        pool.pictures.copy_(kept["fake"])

    updates = (
        Update("d_there", ("judge_there",), judge_loss, adam, after=remember),
        Update("d_back", ("judge_back",), judge_back_loss, adam),
        Update(
            "g", ("there", "back"), translators_loss, adam, schedule=lambda moment: {"lr": 1e-2 / (1 + moment.step)}
        ),
    )
    modules = {"there": there, "back": back, "judge_there": judge_there, "judge_back": judge_back, "pool": pool}
    return Task(modules, updates, noise_and_pictures, SIZE, ("there", "back"), 20, ("there", "back"))


def two_phases(processes: Processes) -> Task:
    """SRGAN: the generator alone for some steps, by a mean squared error; then the game, with another optimiser."""
    generator, discriminator = between_pictures(), to_logit()

    def pretraining_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(F.mse_loss(generator(batch["others"]), batch["real"]))

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        fake = generator(batch["others"]).detach()
        return Outcome(F.softplus(-discriminator(batch["real"])).mean() + F.softplus(discriminator(fake)).mean())

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        fake = generator(batch["others"])
        return Outcome(F.mse_loss(fake, batch["real"]) + 1e-3 * F.softplus(-discriminator(fake)).mean())

    updates = (
        Update("pretraining", ("generator",), pretraining_loss, adam, during(0, 4)),
        Update("d", ("discriminator",), discriminator_loss, adam, during(4), max_norm=0.5),
        Update("g", ("generator",), generator_loss, adam, during(4)),
    )
    modules = {"generator": generator, "discriminator": discriminator}
    return Task(modules, updates, noise_and_pictures, SIZE, ("generator",), 20, ("generator",))


def controlled(processes: Processes) -> Task:
    """BEGAN: an autoencoder for a discriminator; k_t balances the two sides, from the figures of the whole batch."""
    generator = to_picture()
    discriminator = network(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 64), nn.Unflatten(1, (1, 8, 8)))
    k = Number(0.1)

    def error(pictures: torch.Tensor) -> torch.Tensor:
        return (discriminator(pictures) - pictures).abs().mean()

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        on_real, on_fake = error(batch["real"]), error(generator(batch["latents"]).detach())
        return Outcome(on_real - k.value * on_fake, {"balance": 0.5 * on_real - on_fake})

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(error(generator(batch["latents"])))

    def control(moment: Moment, figures: dict, kept: dict) -> None:
        k.value.add_(0.01 * figures["balance"]).clamp_(0, 1)

    updates = (
        Update("d", ("discriminator",), discriminator_loss, adam, after=control),
        Update("g", ("generator",), generator_loss, adam),
    )
    modules = {"generator": generator, "discriminator": discriminator, "k": k}
    return Task(modules, updates, noise_and_pictures, SIZE, ("generator",), 20, ("generator",))


def lazy(processes: Processes) -> Task:
    """A penalty on every third step only, and a generator on every second one."""
    generator, discriminator = to_picture(), to_logit()

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        real = batch["real"].clone().requires_grad_()
        on_real = discriminator(real)
        value = F.softplus(-on_real).mean() + F.softplus(discriminator(generator(batch["latents"]).detach())).mean()
        if moment.step % 3 == 0:
            (gradient,) = torch.autograd.grad(on_real.sum(), real, create_graph=True)
            value = value + 3 * gradient.square().flatten(1).sum(1).mean()
        return Outcome(value)

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(F.softplus(-discriminator(generator(batch["latents"]))).mean())

    updates = (
        Update("d", ("discriminator",), discriminator_loss, adam),
        Update("g", ("generator",), generator_loss, adam, every(2)),
    )
    modules = {"generator": generator, "discriminator": discriminator}
    return Task(modules, updates, noise_and_pictures, SIZE, ("generator",), 20, ("generator",))


class Growing(nn.Module):
    """A picture of 4 x 4 pixels, enlarged; from a step on, a layer more is blended in."""

    def __init__(self):
        super().__init__()
        self.start = nn.Linear(LATENT, 16).double()
        self.late = nn.Conv2d(1, 1, 3, padding=1).double()

    def forward(self, latents: torch.Tensor, blend: float) -> torch.Tensor:
        small = F.interpolate(self.start(latents).unflatten(1, (1, 4, 4)), scale_factor=2)
        return small if blend == 0 else torch.lerp(small, self.late(small), blend)


def growing(processes: Processes) -> Task:
    """ProGAN: weights that take no part at first have nothing in the optimiser until they do."""
    generator, discriminator = Growing(), to_logit()

    def batch(moment: Moment) -> Batch:
        return noise_and_pictures(moment) | {"blend": min(max(moment.step - 3, 0) / 4, 1.0)}

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        fake = generator(batch["latents"], batch["blend"]).detach()
        return Outcome(F.softplus(-discriminator(batch["real"])).mean() + F.softplus(discriminator(fake)).mean())

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(F.softplus(-discriminator(generator(batch["latents"], batch["blend"]))).mean())

    updates = (
        Update("d", ("discriminator",), discriminator_loss, adam),
        Update("g", ("generator",), generator_loss, adam),
    )
    modules = {"generator": generator, "discriminator": discriminator}
    return Task(modules, updates, batch, SIZE, ("generator",), 20, ("generator",))


class WithCode(nn.Module):
    """A trunk with two ends: one for real or not, and `q`, which guesses the code."""

    def __init__(self):
        super().__init__()
        self.trunk = network(nn.Conv2d(1, 4, 3, 2, 1), nn.Tanh(), nn.Flatten())
        self.end = nn.Linear(64, 1).double()
        self.q = nn.Linear(64, LATENT).double()


def codes(processes: Processes) -> Task:
    """InfoGAN: the generator's update moves a part of the other network, too; its pictures come in dropout's hands."""
    generator, discriminator, drop = to_picture(), WithCode(), nn.Dropout(0.0)

    def logits(pictures: torch.Tensor) -> torch.Tensor:
        return discriminator.end(discriminator.trunk(pictures)).squeeze(1)

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        fake = drop(generator(batch["latents"])).detach()
        return Outcome(F.softplus(-logits(batch["real"])).mean() + F.softplus(logits(fake)).mean())

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        fake = generator(batch["latents"])
        information = F.mse_loss(discriminator.q(discriminator.trunk(fake)), batch["latents"])
        return Outcome(F.softplus(-logits(fake)).mean() + information, {"information": information})

    updates = (
        Update("d", ("discriminator.trunk", "discriminator.end"), discriminator_loss, adam),
        Update("g", ("generator", "discriminator.q"), generator_loss, adam),
    )
    modules = {"generator": generator, "discriminator": discriminator}
    return Task(modules, updates, noise_and_pictures, SIZE, ("generator",), 20, ("generator", "discriminator"))


def compared(processes: Processes) -> Task:
    """RaGAN: each logit is compared with the mean of the whole batch, the other processes' included."""
    generator, discriminator = to_picture(), to_logit()

    def loss(better: torch.Tensor, worse: torch.Tensor) -> torch.Tensor:
        better, worse = processes.whole(better), processes.whole(worse)
        return F.softplus(worse.mean() - better).mean() + F.softplus(worse - better.mean()).mean()

    def discriminator_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(loss(discriminator(batch["real"]), discriminator(generator(batch["latents"]).detach())))

    def generator_loss(batch: Batch, moment: Moment) -> Outcome:
        return Outcome(loss(discriminator(generator(batch["latents"])), discriminator(batch["real"])))

    updates = (
        Update("d", ("discriminator",), discriminator_loss, adam),
        Update("g", ("generator",), generator_loss, adam),
    )
    modules = {"generator": generator, "discriminator": discriminator}
    return Task(modules, updates, noise_and_pictures, SIZE, ("generator",), 20, ("generator",))


FAMILIES = {make.__name__: seeded(make) for make in (unpaired, two_phases, controlled, lazy, growing, codes, compared)}
