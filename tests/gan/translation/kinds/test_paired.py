"""Pix2pix: its losses, what its updates move, and that it learns."""

import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.translation.degrade import DEGRADATIONS
from scumble.gan.translation.kinds import paired
from scumble.training.task import Moment
from translation_material import (
    assert_gradients_reach_what_moves,
    assert_resumes_to_the_bit,
    drawn,
    tiny_game,
    tiny_trainer,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def losses(game):
    batch = drawn(game)(Moment(0, (0, 0)))
    return batch, {update.name: update.loss(batch, Moment(0, (0, 0))) for update in paired.updates(game)}


def test_losses_are_those_of_the_paper():
    game = tiny_game(norm="instance", weights="l1=10")
    for network in game.networks.values():
        network.eval()
    batch, found = losses(game)
    generator, discriminator = game.networks["generator"], game.networks["discriminator"]
    fake = generator(batch["a"])
    real_logits, fake_logits = (discriminator(torch.cat([batch["a"], x], 1)).double() for x in (batch["b"], fake))
    on_real, on_fake = real_logits.sigmoid(), fake_logits.sigmoid()
    assert found["d"].loss.item() == pytest.approx(
        -(on_real.log().mean() + (1 - on_fake).log().mean()).item() / 2, 1e-5
    )
    distance = (fake - batch["b"]).abs().mean()
    assert found["g"].loss.item() == pytest.approx((-on_fake.log().mean() + 10 * distance).item(), 1e-5)
    assert found["g"].figures["l1"].item() == pytest.approx(distance.item(), 1e-5)
    assert found["d"].figures["d_real"].item() == pytest.approx(on_real.mean().item(), 1e-5)


def test_gradients_reach_what_moves():
    assert_gradients_reach_what_moves(tiny_game(norm="instance"))


def test_it_learns():
    trainer = tiny_trainer(tiny_game(lr=2e-3))
    distances = []
    for _ in range(3):
        for _ in range(10):
            trainer.train_step()
        distances.append(trainer.take_figures()["g"]["l1"])
    assert distances[-1] < 0.7 * distances[0]


def test_it_resumes_to_the_bit(tmp_path):
    assert_resumes_to_the_bit(tiny_game, tmp_path)


@pytest.mark.parametrize("loss", ["bce", "least-squares", "hinge", "wasserstein", "relativistic-average"])
def test_every_loss_can_be_taken(loss):
    tiny_trainer(tiny_game(loss=loss)).train_step()


def test_parts_leave_what_the_whole_leaves():
    trainers = [tiny_trainer(tiny_game(norm="none", accumulate=parts)) for parts in (1, 2)]
    for trainer in trainers:
        for module in trainer.task.modules["generator"].modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0  # the noise of a part is its own
        trainer.train_step()
    whole, parts = (trainer.state().tensors for trainer in trainers)
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, atol=1e-5), name


def test_a_term_that_there_is_not_is_refused():
    with pytest.raises(SettingsError, match="weights: got cycle, which is no term of paired; wanted some of adv"):
        tiny_game(weights="cycle=10")


def test_cuts_that_are_too_small_for_the_discriminator_are_refused():
    with pytest.raises(SettingsError, match="patch-layers: got 3 for cuts of 16 x 16 pixels, wanted at most 2"):
        tiny_game(patch_layers=3)


@pytest.mark.parametrize("direction", ["forward", "backward"])
@pytest.mark.parametrize("pairs", ["none", *DEGRADATIONS])
def test_what_code_has_made_worse_is_added_to(pairs, direction):
    restored = {"grey", "x2", "x4", "noise", "blur", "jpeg", "night"}
    added_to = int(pairs in restored and direction == "forward")  # one channel of GREY
    assert tiny_game(pairs=pairs, direction=direction).networks["generator"].adds == added_to
    of_many = tiny_game(preset="bicyclegan", pairs=pairs, direction=direction).networks["generator"]
    assert of_many.network.adds == added_to
