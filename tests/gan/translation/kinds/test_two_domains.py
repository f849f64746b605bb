"""What all kinds that learn without pairs have in common: what moves, what resumes, and that they learn."""

import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.settings import TranslationSettings
from translation_material import (
    assert_gradients_reach_what_moves,
    assert_resumes_to_the_bit,
    tiny_game,
    tiny_trainer,
)

pytestmark = pytest.mark.usefixtures("one_thread")

PRESETS = ("cyclegan", "discogan", "dualgan", "cut", "unit", "munit", "stargan")
GREY, LABELLED = Shapes((1, 16, 16), (1, 16, 16)), Shapes((1, 16, 16), (1, 16, 16), 3)


def game_of(preset: str, **given):
    given = {"blocks": 1, "latent": 3} | ({"pool": 3} if preset == "cyclegan" else {}) | given
    return tiny_game(LABELLED if preset == "stargan" else GREY, preset=preset, **given)


@pytest.mark.parametrize("preset", PRESETS)
def test_gradients_reach_what_moves(preset):
    # To a Wasserstein loss, the last bias is nothing: it is the same for both sides.
    given = {"loss": "least-squares"} if preset == "dualgan" else {}
    assert_gradients_reach_what_moves(game_of(preset, **given))


@pytest.mark.parametrize("preset", PRESETS)
def test_it_resumes_to_the_bit(preset, tmp_path):
    assert_resumes_to_the_bit(lambda: game_of(preset, critic_steps=2), tmp_path)


@pytest.mark.parametrize("preset", PRESETS)
def test_parts_have_the_gradient_of_the_whole(preset):
    # A tiny rate: what Adam makes of rounding is not what is asked for. Batch norm looks from one picture to another.
    given = {"norm": "instance", "critic_steps": 2, "lr": 1e-12, "beta1": 0.5}
    trainers = [tiny_trainer(game_of(preset, accumulate=parts, **given)) for parts in (1, 2)]
    for trainer in trainers:
        for module in (module for network in trainer.task.modules.values() for module in network.modules()):
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0  # the noise of a part is its own
        trainer.train_step()
        trainer.train_step()
    whole, parts = (trainer.state().tensors for trainer in trainers)
    for name in (name for name in whole if name.endswith("exp_avg") or ".pool_" in name):
        assert torch.allclose(parts[name], whole[name], atol=1e-6 + 1e-4 * whole[name].abs().max().item()), name


@pytest.mark.parametrize("update", ["d", "g"])
@pytest.mark.parametrize("preset", PRESETS)
def test_each_update_alone_lowers_its_loss(preset, update):
    trainer = tiny_trainer(game_of(preset, lr=2e-3, critic_steps=1, decay="none"))
    alone = tuple(each for each in trainer.task.updates if each.name == update)
    trainer.task = trainer.task._replace(updates=alone)
    found = []
    for _ in range(3):
        for _ in range(5):
            trainer.train_step()
        found.append(trainer.take_figures()[update]["loss"])
    assert found[2] < found[0] - 0.01 * abs(found[0])


@pytest.mark.parametrize("preset", PRESETS)
def test_translations_are_pictures_of_any_size_in_each_direction(preset):
    game = game_of(preset)
    kind = KINDS[game.settings.kind]
    for direction in kind.directions:
        network = kind.translation({name: game.networks[name] for name in kind.result}, direction)
        told = {"code": torch.randn(2, game.settings.latent), "target": torch.eye(3)[:2]}
        for size in ((16, 16), (21, 34)):
            pictures = network(torch.rand(2, 1, *size) * 2 - 1, *(told[name] for name in kind.told))
            assert pictures.shape == (2, 1, *size)
            assert pictures.abs().max() <= 1
    both = [preset for preset in PRESETS if len(KINDS[TranslationSettings(preset=preset).kind].directions) == 2]
    assert both == ["cyclegan", "discogan", "dualgan", "unit", "munit"]


@pytest.mark.parametrize("preset", ["cyclegan", "discogan", "dualgan", "unit", "munit"])
def test_domains_may_have_other_channels(preset):
    shapes = Shapes((3, 16, 16), (1, 16, 16))
    game = tiny_game(shapes, preset=preset, blocks=1, pool=2 if preset == "cyclegan" else 0)
    tiny_trainer(game).train_step()
    kind = KINDS[game.settings.kind]
    told = [torch.zeros(1, game.settings.latent)] if kind.told else []
    assert kind.translation(game.networks, "backward")(torch.zeros(1, 1, 16, 16), *told).shape[1] == 3


def test_an_encoder_that_looks_at_both_domains_wants_equal_channels():
    with pytest.raises(SettingsError, match="3 and of 1 channels; wanted equally many"):
        tiny_game(Shapes((3, 16, 16), (1, 16, 16)), preset="cut")


@pytest.mark.parametrize("preset", ["unit", "munit"])
def test_cuts_that_do_not_come_back_at_their_size_are_refused(preset):
    with pytest.raises(SettingsError, match="got 18 x 18 pixels, wanted sides of 8 or more that 4 divides"):
        tiny_game(preset=preset, size="18")


def test_pictures_without_classes_are_refused_where_classes_are_learnt():
    with pytest.raises(SettingsError, match="stargan and pictures of 0 classes; wanted 2 or more"):
        tiny_game(preset="stargan")


@pytest.mark.parametrize("loss", ["bce", "hinge", "relativistic-average"])
@pytest.mark.parametrize("preset", ["cyclegan", "munit", "stargan"])
def test_other_losses_can_be_taken(preset, loss):
    tiny_trainer(game_of(preset, loss=loss)).train_step()
