"""SRGAN and ESRGAN: their losses in both phases, what moves, and that the first phase learns."""

import numpy as np
import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds import super_resolution
from scumble.training.task import Moment
from translation_material import (
    assert_gradients_reach_what_moves,
    assert_resumes_to_the_bit,
    drawn,
    tiny_game,
    tiny_trainer,
)

pytestmark = pytest.mark.usefixtures("one_thread")
ENLARGING = Shapes((1, 8, 8), (1, 16, 16))


def features(pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """Something to look through: differences along rows."""
    return {"rows": pictures.diff(dim=3)}


def game(preset="srgan", **given):
    given = {"preset": preset, "blocks": 1, "pretraining": 0.02, "norm": "instance"} | given
    made = tiny_game(ENLARGING, features, **given)
    torch.manual_seed(0)
    torch.nn.init.normal_(made.networks["generator"].end.weight, 0, 0.05)  # else nothing but it has a gradient
    return made


def losses(made):
    batch = drawn(made)(Moment(9, (0, 0)))
    found = {update.name: update.loss(batch, Moment(9, (0, 0))) for update in super_resolution.updates(made)}
    with torch.no_grad():
        fake = made.networks["generator"](batch["a"])
        on_real, on_fake = (made.networks["discriminator"](x).double().numpy() for x in (batch["b"], fake))
    return found, fake.double().numpy(), batch["b"].double().numpy(), on_real, on_fake


def test_losses_are_those_of_srgan():
    found, fake, real, on_real, on_fake = losses(game())
    assert found["pretraining"].loss.item() == pytest.approx(np.square(fake - real).mean(), 1e-5)
    assert found["d"].loss.item() == pytest.approx(
        np.log1p(np.exp(-on_real)).mean() + np.log1p(np.exp(on_fake)).mean(), 1e-5
    )
    seen = np.square(np.diff(fake, axis=3) - np.diff(real, axis=3)).mean()
    adversarial, pixel = np.log1p(np.exp(-on_fake)).mean(), np.square(fake - real).mean()
    assert found["g"].loss.item() == pytest.approx(0.006 * seen + 1e-3 * adversarial + 0.1 * pixel, 1e-5)


def test_losses_are_those_of_esrgan():
    found, fake, real, on_real, on_fake = losses(game("esrgan"))
    distance = np.abs(fake - real).mean()
    assert found["pretraining"].loss.item() == pytest.approx(distance, 1e-5)
    better, worse = on_real - on_fake.mean(), on_fake - on_real.mean()
    assert found["d"].loss.item() == pytest.approx(
        np.log1p(np.exp(-better)).mean() + np.log1p(np.exp(worse)).mean(), 1e-5
    )
    relativistic = np.log1p(np.exp(better)).mean() + np.log1p(np.exp(-worse)).mean()
    seen = np.abs(np.diff(fake, axis=3) - np.diff(real, axis=3)).mean()
    assert found["g"].loss.item() == pytest.approx(seen + 5e-3 * relativistic + 1e-2 * distance, 1e-5)


@pytest.mark.parametrize("preset", ["srgan", "esrgan"])
def test_gradients_reach_what_moves(preset):
    assert_gradients_reach_what_moves(game(preset))


def test_the_first_phase_is_the_generator_s_alone():
    trainer = tiny_trainer(game())
    before = {name: value.clone() for name, value in trainer.task.modules["discriminator"].state_dict().items()}
    for _ in range(2):  # 8 of 400 pictures, 4 a step
        trainer.train_step()
    after = trainer.task.modules["discriminator"].state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert trainer.counts == {"pretraining": 2, "d": 0, "g": 0}
    trainer.train_step()
    assert trainer.counts == {"pretraining": 2, "d": 1, "g": 1}


@pytest.mark.parametrize("preset", ["srgan", "esrgan"])
def test_the_first_phase_learns(preset):
    trainer = tiny_trainer(game(preset, pretraining=1, lr=5e-3))
    distances = []
    for _ in range(2):
        for _ in range(15):
            trainer.train_step()
        distances.append(trainer.take_figures()["pretraining"]["loss"])
    assert distances[1] < 0.7 * distances[0]


@pytest.mark.parametrize("preset", ["srgan", "esrgan"])
def test_both_phases_resume_to_the_bit(preset, tmp_path):
    assert_resumes_to_the_bit(lambda: game(preset, norm="batch"), tmp_path)


def test_parts_leave_what_the_whole_leaves():
    trainers = [tiny_trainer(game(accumulate=parts)) for parts in (1, 2)]
    for trainer in trainers:
        for _ in range(3):
            trainer.train_step()
    whole, parts = (trainer.state().tensors for trainer in trainers)
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, atol=2e-4), name


def test_without_a_perceptual_term_nothing_is_looked_through():
    made = tiny_game(ENLARGING, preset="srgan", blocks=1, weights="perceptual=0,pixel=1")
    assert (
        "perceptual"
        not in tiny_trainer(made).task.updates[2].loss(drawn(made)(Moment(0, (0, 0))), Moment(0, (0, 0))).figures
    )


@pytest.mark.parametrize(
    ("shapes", "given", "said"),
    [
        (Shapes((1, 16, 16), (1, 16, 16)), {}, "pairs: got 16x16 pixels and 16x16"),
        (Shapes((1, 5, 8), (1, 16, 16)), {}, "wanted both sides 2, 4, 8 or 16 times as long"),
        (ENLARGING, {"network": "unet"}, "got unet with kind super-resolution, wanted srresnet or rrdb"),
    ],
)
def test_what_cannot_be_enlarged_is_refused(shapes, given, said):
    with pytest.raises(SettingsError, match=said):
        tiny_game(shapes, preset="srgan", blocks=1, **given)
