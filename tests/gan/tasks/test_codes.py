"""InfoGAN and ClusterGAN: what their updates move, their losses step by step, and that a code is learnt."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from scumble.data.dataset import Dataset
from scumble.errors import SettingsError
from scumble.gan.losses.penalties import gradient_penalty
from scumble.gan.settings import GANSettings
from scumble.training.task import Moment

pytestmark = pytest.mark.usefixtures("one_thread")

PRESETS = ("infogan", "clustergan")


def bright_dark_and_striped() -> Dataset:
    """Three kinds that differ as much as pictures can."""
    random = np.random.default_rng(0)
    kinds = random.integers(0, 3, 90)
    stripes = np.where(np.arange(16) % 4 < 2, 230, 20)[None, :, None] * np.ones((1, 16, 16))
    pixels = np.stack([np.full((1, 16, 16), 225), np.full((1, 16, 16), 25), stripes])[kinds]
    return Dataset(
        "kinds", (pixels + random.integers(-20, 20, pixels.shape)).clip(0, 255).astype(np.uint8), None, (), ""
    )


def parts_of(game) -> dict[str, list[torch.nn.Parameter]]:
    return {
        name: list(module.parameters())
        for name, module in [("generator", game.generator), *game.discriminator.named_children()]
    }


@pytest.mark.parametrize(
    ("preset", "update", "moved"),
    [
        ("infogan", "d", {"judge", "q"}),
        ("infogan", "g", {"generator"}),
        ("clustergan", "d", {"judge"}),
        ("clustergan", "g", {"generator", "encoder"}),
    ],
)
def test_an_update_moves_its_parts_and_nothing_else(game, preset, update, moved):
    this = game(preset=preset, critic_steps=1)
    trainer = this.trainer()
    known = {id(parameter) for parameter in trainer.parameters_of(update)}
    found = {name for name, some in parts_of(this).items() if {id(one) for one in some} <= known}
    assert found == moved
    assert known == {id(one) for name in moved for one in parts_of(this)[name]}
    loss = {"d": this.discriminator_loss, "g": this.generator_loss}[update]
    loss(this.batch(Moment(0, (0, 0))), Moment(0, (0, 0))).loss.backward()
    got = {name for name, some in parts_of(this).items() if all(one.grad is not None for one in some)}
    assert got >= moved
    reached = {name for name, some in parts_of(this).items() if any(one.grad is not None for one in some)}
    assert "judge" not in reached or update == "d"


def test_clipping_bounds_the_judge_and_leaves_the_encoder_alone(game):
    bound = 1e-4
    this = game(preset="clustergan", critic_steps=1, clip=bound, penalty="none")
    this.trainer().train_step()
    largest = {name: max(one.abs().max().item() for one in some) for name, some in parts_of(this).items()}
    assert largest["judge"] <= bound * (1 + 1e-6)
    assert largest["encoder"] > 100 * bound


@pytest.mark.parametrize("preset", PRESETS)
def test_the_gradient_of_the_information_reaches_everything_that_the_code_takes(game, preset):
    this = game(preset=preset, critic_steps=1)
    batch = this.batch(Moment(0, (0, 0)))
    seen = this.generated(this.generator, batch["latents"], None)
    guess = this.discriminator.guess(seen)
    F.cross_entropy(guess[:, :3], batch["latents"][:, :3].argmax(1)).backward()
    assert all(one.grad.abs().sum() > 0 for one in this.generator.parameters() if one.dim() > 1)


def code_of(latents: torch.Tensor, deviation: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Of three categories and one number, as numbers for the generator and as the position of the category."""
    positions = torch.tensor([max(range(3), key=row.__getitem__) for row in latents.tolist()])
    uniform = [[2 * 0.5 * (1 + math.erf(x / math.sqrt(2))) - 1] for x in latents[:, 3].tolist()]
    return torch.cat([torch.eye(3)[positions], torch.tensor(uniform), deviation * latents[:, 4:]], 1), positions


def infogan_in_plain_steps(game, steps: int) -> None:
    """Each network has one optimiser; both losses have what is lacking of the information."""
    settings, g, d = game.settings, game.generator.generator, game.discriminator
    adam = [
        torch.optim.Adam(network.parameters(), lr, (settings.beta1, settings.beta2), fused=True)
        for network, lr in ((d, settings.lr), (g, settings.lr_generator))
    ]

    def lacking(features, positions, numbers):
        guess = d.q(features)
        return F.cross_entropy(guess[:, :3], positions) + (guess[:, 3] - numbers[:, 3]).square().mean() / 2

    for step in range(steps):
        batch = game.batch(Moment(step, (settings.seed, 0)))
        numbers, positions = code_of(batch["latents"])
        fake = g(numbers)
        on_real, on_fake = d.judge.features(batch["real"]), d.judge.features(fake.detach())
        loss = F.softplus(-d.judge.end(on_real)).mean() + F.softplus(d.judge.end(on_fake)).mean()
        adam[0].zero_grad()
        (loss + lacking(on_fake, positions, numbers)).backward()
        adam[0].step()
        adam[1].zero_grad()
        on_fake = d.judge.features(fake)
        (F.softplus(-d.judge.end(on_fake)).mean() + lacking(on_fake, positions, numbers)).backward()
        adam[1].step()


def clustergan_in_plain_steps(game, steps: int) -> None:
    """The encoder moves with the generator, by one optimiser, at every second step of the discriminator here."""
    settings, g, d = game.settings, game.generator.generator, game.discriminator
    adam = [
        torch.optim.Adam(some, settings.lr, (settings.beta1, settings.beta2), fused=True)
        for some in (d.judge.parameters(), [*g.parameters(), *d.encoder.parameters()])
    ]
    for step in range(steps):
        batch = game.batch(Moment(step, (settings.seed, 0)))
        numbers, positions = code_of(batch["latents"], 0.1)
        fake = g(numbers)
        logits = d.judge(torch.cat([batch["real"], fake.detach()]))
        real, generated = logits.chunk(2)
        penalty = gradient_penalty(d.judge, batch["real"], fake.detach(), batch["random"])
        adam[0].zero_grad()
        (generated.mean() - real.mean() + 10 * penalty).backward()
        adam[0].step()
        if step % settings.critic_steps == settings.critic_steps - 1:
            guess = d.encoder(fake)
            distance = (guess[:, 3:] - numbers[:, 3:]).square().sum(1).mean()
            adam[1].zero_grad()
            (-d.judge(fake).mean() + 10 * distance + 10 * F.cross_entropy(guess[:, :3], positions)).backward()
            adam[1].step()


@pytest.mark.parametrize(
    ("preset", "in_plain_steps"), [("infogan", infogan_in_plain_steps), ("clustergan", clustergan_in_plain_steps)]
)
def test_steps_are_those_of_the_plain_algorithm(game, preset, in_plain_steps):
    ours, plain = (game(preset=preset, critic_steps=1 + (preset == "clustergan")) for _ in range(2))
    before = copy.deepcopy(ours.discriminator.state_dict())
    trainer = ours.trainer()
    for _ in range(4):
        trainer.train_step()
    in_plain_steps(plain, 4)
    for name in ("generator", "discriminator"):
        found, expected = getattr(ours, name).state_dict(), getattr(plain, name).state_dict()
        for key, value in expected.items():
            assert torch.allclose(found[key].float(), value.float(), atol=2e-5), key
    assert not all(torch.equal(value, ours.discriminator.state_dict()[key]) for key, value in before.items())


@pytest.mark.parametrize("preset", PRESETS)
def test_a_trainer_goes_on_from_its_state_to_the_same_bits(game, preset):
    def make():
        return game(preset=preset, critic_steps=2).trainer()

    straight, stopped = make(), make()
    for _ in range(6):
        straight.train_step()
    for _ in range(3):
        stopped.train_step()
    resumed = make().restored(stopped.state())
    for _ in range(3):
        resumed.train_step()
    one, other = straight.state().tensors, resumed.state().tensors
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_batch_in_parts_has_the_gradient_of_the_whole(game):
    """Without batch norm, which sees the pictures of a part only."""
    whole, parts = (game(preset="clustergan", critic_steps=1, network="mlp", accumulate=n) for n in (1, 2))
    for this in (whole, parts):
        this.trainer().train_step()
    for one, other in zip(whole.discriminator.parameters(), parts.discriminator.parameters(), strict=True):
        assert torch.allclose(one.grad, other.grad, atol=1e-5)


def test_a_category_is_found_without_labels(game):
    """Three kinds of pictures, three categories: what is drawn tells its category."""
    this = game(bright_dark_and_striped(), preset="infogan", batch=24, lr=1e-3, continuous=0, latent=6)
    trainer = this.trainer()
    for _ in range(60):
        trainer.train_step()
        figures = trainer.take_figures()["g"]
    assert figures["information"] > 0.8 * math.log(3)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"preset": "infogan", "latent": 12}, "latent: got 12, wanted more than the 12 numbers of its code: 10 for"),
        ({"preset": "clustergan", "condition": "projection"}, "condition: got projection with task clusters"),
        ({"preset": "infogan", "norm": "none", "loss": "feature-matching"}, "loss: got feature-matching with task"),
    ],
)
def test_what_does_not_go_with_a_code_is_refused(given, complaint):
    with pytest.raises(SettingsError, match=complaint):
        GANSettings(**given)
