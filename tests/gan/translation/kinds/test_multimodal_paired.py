"""BicycleGAN: its two games' losses, whom the latent term teaches, and that it learns."""

import pytest
import torch

from scumble.gan.translation.kinds import multimodal_paired
from scumble.training.randomness import draw
from scumble.training.task import Moment
from translation_material import (
    assert_gradients_reach_what_moves,
    assert_resumes_to_the_bit,
    drawn,
    tiny_game,
    tiny_trainer,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def game(**given):
    return tiny_game(preset="bicyclegan", latent=3, **given)


def test_losses_are_those_of_the_paper():
    made = game(weights="kl=0.1")
    nets, moment = made.networks, Moment(0, (0, 0))
    batch = drawn(made)(moment)
    found = {update.name: update.loss(batch, moment) for update in multimodal_paired.updates(made)}
    again = drawn(made)(moment)
    with torch.no_grad():
        mean, log_variance = nets["encoder"](again["b"]).chunk(2, 1)
        noise, code = draw(torch.randn, 4, 2, 3, random=again["random"]).unbind(1)
        of_truth = nets["generator"](again["a"], mean + noise * log_variance.exp().sqrt())
        of_drawn = nets["generator"](again["a"], code)
        adversarial, judged = 0.0, 0.0
        for name, fake in (("discriminator_truth", of_truth), ("discriminator_drawn", of_drawn)):
            on_real, on_fake = nets[name](again["b"]), nets[name](fake)
            adversarial += (on_fake - 1).square().mean().item()
            judged += ((on_real - 1).square().mean() + on_fake.square().mean()).item() / 2
        distance = (of_truth - again["b"]).abs().mean().item()
        found_code = nets["encoder"](of_drawn).chunk(2, 1)[0]
        latent = (found_code - code).abs().mean().item()
        kl = -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1).mean().item()
    assert found["d"].loss.item() == pytest.approx(judged, 1e-4)
    assert found["g"].loss.item() == pytest.approx(adversarial + 10 * distance + 0.5 * latent + 0.1 * kl, 1e-4)


def test_gradients_reach_what_moves():
    assert_gradients_reach_what_moves(game())


def test_the_code_that_was_drawn_teaches_the_generator_and_not_the_encoder():
    made = game(weights="adversarial=0,l1=0,kl=0,latent=1")
    encoder = {name: value.clone() for name, value in made.networks["encoder"].named_parameters()}
    generator = {name: value.clone() for name, value in made.networks["generator"].named_parameters()}
    tiny_trainer(made).train_step()
    # Of the results for the truth's codes, times 0, gradients are there, and nothing.
    assert all(torch.equal(value, encoder[name]) for name, value in made.networks["encoder"].named_parameters())
    assert any(not torch.equal(value, generator[name]) for name, value in made.networks["generator"].named_parameters())


def test_it_learns():
    trainer = tiny_trainer(game(lr=2e-3))
    distances = []
    for _ in range(3):
        for _ in range(10):
            trainer.train_step()
        distances.append(trainer.take_figures()["g"]["l1"])
    assert distances[-1] < 0.7 * distances[0]


def test_it_resumes_to_the_bit(tmp_path):
    assert_resumes_to_the_bit(game, tmp_path)


def test_gradients_of_parts_are_those_of_the_whole():
    games = [game(accumulate=parts) for parts in (1, 2)]
    for each in games:
        tiny_trainer(each).train_step()
    whole, parts = (
        torch.cat([p.grad.flatten() for network in each.networks.values() for p in network.parameters()])
        for each in games
    )
    # Of the second update, they are taken after the first one's step, whose Adam has magnified rounding.
    assert (parts - whole).norm() < 1e-3 * whole.norm()
