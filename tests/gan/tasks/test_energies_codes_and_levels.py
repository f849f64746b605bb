"""EBGAN, BEGAN, AAE and LAPGAN: what their updates move, that they learn, and that a state goes on to the same bits."""

import copy

import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.losses.energy import balance, convergence, pull_away, squared_error
from scumble.gan.networks.games.laplacian import halved
from scumble.gan.settings import GANSettings
from scumble.storage import checkpoint
from scumble.training.task import Moment
from scumble.training.trainer import Trainer

PRESETS = ("ebgan", "began", "aae", "lapgan", "sagan")
QUICK = {"batch": 8, "width": 4, "latent": 8, "lr": 1e-3}

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def tiny(game):
    """A game of few numbers."""

    def make(preset: str, **given):
        return game(**{"preset": preset} | QUICK | given)

    return make


def at(step: int = 0) -> Moment:
    return Moment(step, (0, 0))


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.state().tensors.items()}


def stepped(game, steps: int, trainer: Trainer | None = None) -> Trainer:
    trainer = trainer or game.trainer()
    for _ in range(steps):
        trainer.train_step()
    return trainer


MOVED = {
    "ebgan": {"d": {"discriminator"}, "g": {"generator"}},
    "began": {"d": {"discriminator"}, "g": {"generator"}},
    "aae": {
        "r": {"generator", "discriminator.encoder"},
        "d": {"discriminator.adversary"},
        "g": {"discriminator.encoder"},
    },
    "lapgan": {"d": {"discriminator"}, "g": {"generator"}},
}


@pytest.mark.parametrize("preset", MOVED)
def test_a_gradient_reaches_all_that_an_update_moves_and_nothing_else(tiny, preset):
    this = tiny(preset, norm="none")
    task = this.task()
    for update in task.updates:
        batch = this.batch(at())
        for network in task.modules.values():
            network.zero_grad()
        parameters = stepped(this, 0).parameters[update.name]
        update.loss(batch, at()).loss.backward(inputs=list(parameters.values()))
        reached = {
            f"{name}.{key}"
            for name, network in task.modules.items()
            for key, parameter in network.named_parameters()
            if parameter.grad is not None and parameter.grad.any()
        }
        assert reached <= set(parameters)
        assert len(reached) > 0.9 * len(parameters), set(parameters) - reached
        assert {name for name in MOVED[preset][update.name] if any(key.startswith(name) for key in reached)} == (
            MOVED[preset][update.name]
        )
        assert all(any(key.startswith(name) for name in MOVED[preset][update.name]) for key in reached)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_state_written_and_read_at_any_step_goes_on_to_the_same_bits(tiny, preset, tmp_path):
    whole = state(stepped(tiny(preset), 4))
    for stopped in (1, 3):
        path = checkpoint.write(tmp_path, stopped, stepped(tiny(preset), stopped).state())
        resumed = tiny(preset).trainer().restored(checkpoint.read(path))
        ended = state(stepped(None, 4 - stopped, resumed))
        assert ended.keys() == whole.keys()
        assert all(torch.equal(ended[key], whole[key]) for key in whole)


@pytest.mark.parametrize("preset", ["began", "aae"])
def test_two_parts_leave_what_the_whole_leaves(tiny, monkeypatch, preset):
    def trained(parts):
        this = tiny(preset, accumulate=parts)
        monkeypatch.setattr(this, "_optimizer", lambda parameters: torch.optim.SGD(parameters, 1e-3))
        return state(stepped(this, 2))

    whole, parts = trained(1), trained(2)
    assert whole.keys() == parts.keys()
    for key, value in whole.items():
        if "codes_to_prior" not in key:  # of which parts are another estimate
            assert (parts[key] - value).abs().max() <= 1e-5 * max(value.abs().max(), 1), key


# --- Energies -------------------------------------------------------------------------------------------------------


def test_ebgan_lowers_energies_and_pulls_codes_apart(tiny):
    this = tiny("ebgan")
    batch = this.batch(at())
    batch["fake"] = fake = torch.rand(8, 1, 16, 16).requires_grad_()
    found = this.generator_loss(batch, at())
    codes = this.discriminator.features(fake)
    alike = pull_away(codes.flatten(1))
    expected = squared_error(fake, this.discriminator.decoder(codes)).mean() + 0.1 * alike
    assert found.loss.item() == pytest.approx(expected.item(), rel=1e-5)
    assert found.figures["pull_away"].item() == pytest.approx(alike.item(), rel=1e-5)


@pytest.mark.parametrize("preset", ["ebgan", "began"])
def test_repeated_steps_give_real_pictures_a_low_energy_and_generated_ones_a_higher_one(tiny, preset):
    this = tiny(preset, norm="none")
    stripes = torch.ones(8, 1, 16, 16)
    stripes[..., ::4] = -1
    batch = {"real": stripes, "fake": torch.rand(8, 1, 16, 16) * 2 - 1, "labels": None, "random": torch.Generator()}
    if preset == "began":
        this.equilibrium.k.fill_(0.1)
    optimizer = torch.optim.Adam(this.discriminator.parameters(), 1e-2)
    for _ in range(60):
        found = this.discriminator_loss(batch, at())
        optimizer.zero_grad()
        found.loss.backward()
        optimizer.step()
    assert found.figures["energy_real"] < 0.5 * found.figures["energy_fake"]


def test_began_weighs_generated_energies_by_k_which_goes_to_the_equilibrium(tiny):
    this = tiny("began")
    trainer = this.trainer()
    this.equilibrium.k.fill_(0.25)
    batch, moment = this.batch(at()), at()
    found = this.discriminator_loss(batch, moment)
    real, fake = found.figures["energy_real"], found.figures["energy_fake"]
    assert found.loss.item() == pytest.approx((real - 0.25 * fake).item(), rel=1e-5)
    trainer.train_step()
    assert this.equilibrium.k.item() == pytest.approx((0.25 + 1e-2 * balance(real, fake)).item(), rel=1e-6)
    figures = trainer.take_figures()["d"]
    assert figures["convergence"] == pytest.approx(convergence(real, fake).item(), rel=1e-5)
    assert figures["k"] == 0.25


@pytest.mark.parametrize(("real", "fake", "k"), [(0.0, 1.0, 0.0), (1.0, 0.0, 1.0)])
def test_k_stays_within_0_and_1(tiny, real, fake, k):
    this = tiny("began")
    figures = {"energy_real": torch.tensor(real), "energy_fake": torch.tensor(fake)}
    for _ in range(3000):
        this.control(at(), dict(figures), {})
    assert this.equilibrium.k.item() == k


# --- Codes ----------------------------------------------------------------------------------------------------------


def test_an_adversarial_autoencoder_learns_to_reconstruct_and_its_codes_come_to_the_prior(tiny):
    this = tiny("aae", latent=2, width=16, batch=16)
    with torch.no_grad():  # far from it
        this.discriminator.encoder.end[1].bias.fill_(4.0)
    trainer = stepped(this, 10)
    before = trainer.take_figures()
    stepped(None, 150, trainer).take_figures()
    after = stepped(None, 10, trainer).take_figures()
    assert after["r"]["reconstruction"] < before["r"]["reconstruction"]
    assert after["d"]["codes_to_prior"] < 0.3 * before["d"]["codes_to_prior"]


def test_codes_are_judged_against_latents(tiny):
    this = tiny("aae")
    batch = this.batch(at())
    judge, codes = this.discriminator.adversary, this.discriminator.encoder(batch["real"])
    softplus = torch.nn.functional.softplus
    expected = softplus(-judge(batch["latents"])).mean() + softplus(judge(codes)).mean()
    assert this.discriminator_loss(batch, at()).loss.item() == pytest.approx(expected.item(), rel=1e-5)
    expected = softplus(-judge(codes)).mean().item()
    assert this.generator_loss(batch, at()).loss.item() == pytest.approx(expected, rel=1e-5)


def test_a_model_of_codes_holds_the_averages_of_both_halves(tiny):
    trainer = stepped(tiny("aae"), 3)
    result = trainer.result()
    for name in ("generator", "discriminator"):
        assert result[name] is trainer.averages[name]


# --- Levels ---------------------------------------------------------------------------------------------------------


def test_a_level_enlarges_the_real_picture_below_it(tiny):
    this = tiny("lapgan").task() and tiny("lapgan")
    batch = this.batch(at())
    real, latents = batch["real"], batch["latents"]
    (_, small, first), (judge, whole, second) = this._levels(batch, with_gradient=False)
    first_part, second_part = latents.split([4, 4], 1)
    assert torch.equal(small, halved(real))
    assert torch.equal(whole, real)
    assert torch.allclose(first, this.generator.levels[0](first_part))
    again = this.generator.levels[1](second_part, halved(real))
    assert torch.allclose(second, again, atol=1e-5)
    assert torch.allclose(judge(real), this.discriminator.levels[1](real))


def test_no_level_learns_from_another(tiny):
    """The gradient of a level's generator is that of its own loss."""
    this = tiny("lapgan")
    batch = this.batch(at())
    own = copy.copy(batch)
    loss = this.generator_loss(batch, at()).loss
    (_, _, _), (judge, _, fake) = this._levels(own, with_gradient=True)
    alone = this.loss.generator(torch.zeros(0), judge(fake))
    parameters = list(this.generator.levels[1].parameters())
    for one, other in zip(*(torch.autograd.grad(each, parameters) for each in (loss, alone)), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_levels_learn_to_tell(tiny):
    trainer = stepped(tiny("lapgan"), 5)
    before = trainer.take_figures()["d"]["loss"]
    assert stepped(None, 40, trainer).take_figures()["d"]["loss"] < before


# --- What does not go together --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"preset": "ebgan", "network": "dcgan"}, "network: got dcgan with task energy, wanted ebgan or began"),
        ({"preset": "ebgan", "loss": "hinge"}, "loss: got hinge with task energy, wanted margin"),
        ({"preset": "ebgan", "accumulate": 2}, "accumulate: got 2 with task energy, wanted 1"),
        ({"preset": "began", "clip": 0.1}, "clip: got 0.1 with task equilibrium, wanted 0.0"),
        ({"preset": "began", "condition": "plane"}, "condition: got plane with task equilibrium, wanted none"),
        ({"preset": "aae", "penalty": "gp"}, "penalty: got gp with task autoencoder, wanted none"),
        ({"preset": "aae", "network": "began"}, "network: got began with task autoencoder, wanted mlp or dcgan"),
        ({"preset": "aae", "augment": True}, "augment: got True with task autoencoder, wanted False"),
        ({"preset": "lapgan", "condition": "projection"}, "condition: got projection with task pyramid, wanted none"),
        ({"preset": "lapgan", "loss": "feature-matching"}, "loss: got feature-matching with task pyramid"),
        ({"network": "began", "condition": "auxiliary"}, "condition: got auxiliary with network began"),
    ],
)
def test_what_would_have_no_effect_is_refused(given, complaint):
    with pytest.raises(SettingsError, match=complaint):
        GANSettings(**given)


def test_a_pyramid_wants_a_number_of_the_latent_for_each_level(tiny):
    with pytest.raises(SettingsError, match="latent: got 1, and the pyramid has 2 levels"):
        tiny("lapgan", latent=1)
