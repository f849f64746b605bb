"""Context encoders and CCGAN: losses, that only holes change, and that what was there is learnt."""

import numpy as np
import pytest
import torch

from scumble.errors import SettingsError
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds import inpainting
from scumble.training.task import Moment
from translation_material import (
    GREY,
    assert_gradients_reach_what_moves,
    assert_resumes_to_the_bit,
    drawn,
    tiny_game,
    tiny_trainer,
)

pytestmark = pytest.mark.usefixtures("one_thread")


def losses(made):
    batch = drawn(made)(Moment(0, (0, 0)))
    found = {update.name: update.loss(batch, Moment(0, (0, 0))) for update in inpainting.updates(made)}
    return batch, found


@pytest.mark.parametrize("preset", ["context-encoder", "ccgan"])
def test_nothing_changes_outside_the_hole(preset):
    made = tiny_game(preset=preset)
    batch = drawn(made)(Moment(0, (0, 0)))
    result = made.networks["generator"](batch["a"], batch["mask"])
    hole = batch["mask"].bool()
    assert torch.equal(result[~hole], batch["a"][~hole])
    assert (result[hole] != batch["a"][hole]).all()


def test_losses_are_those_of_the_paper():
    made = tiny_game(preset="context-encoder", norm="none")
    batch, found = losses(made)
    with torch.no_grad():
        fake = made.networks["generator"](batch["a"], batch["mask"])
        on_real, on_fake = (made.networks["discriminator"](x).double().numpy() for x in (batch["b"], fake))
    errors = (fake - batch["b"]).square()[..., 4:10, 6:12].mean().item()
    adversarial = np.log1p(np.exp(-on_fake)).mean()
    assert found["g"].loss.item() == pytest.approx(0.999 * errors + 0.001 * adversarial, 1e-5)
    assert found["d"].loss.item() == pytest.approx(
        np.log1p(np.exp(-on_real)).mean() + np.log1p(np.exp(on_fake)).mean(), 1e-5
    )


def test_ccgan_s_generator_is_taught_by_the_discriminator_alone():
    _, found = losses(tiny_game(preset="ccgan", norm="none"))
    assert found["g"].loss.item() == pytest.approx(found["g"].figures["adversarial"].item())


def test_an_error_counts_by_the_size_of_its_hole_and_pictures_alike():
    pictures, truth = torch.tensor([[[[2.0, 2.0]]], [[[1.0, 5.0]]]]), torch.zeros(2, 1, 1, 2)
    masks = torch.tensor([[[[1.0, 1.0]]], [[[1.0, 0.0]]]])
    assert inpainting.masked_mse(pictures, truth, masks).item() == (4 + 1) / 2
    assert inpainting.masked_mse(pictures, truth, torch.zeros_like(masks)).item() == 0


@pytest.mark.parametrize("preset", ["context-encoder", "ccgan"])
def test_gradients_reach_what_moves(preset):
    assert_gradients_reach_what_moves(tiny_game(preset=preset))


def test_it_learns_what_was_there():
    trainer = tiny_trainer(tiny_game(preset="context-encoder", lr=2e-3, batch=4))
    distances = []
    for _ in range(3):
        for _ in range(10):
            trainer.train_step()
        distances.append(trainer.take_figures()["g"]["pixel"])
    assert distances[-1] < 0.7 * distances[0]


@pytest.mark.parametrize("preset", ["context-encoder", "ccgan"])
def test_it_resumes_to_the_bit(preset, tmp_path):
    assert_resumes_to_the_bit(lambda: tiny_game(preset=preset, batch=4), tmp_path)


def test_parts_leave_what_the_whole_leaves():
    trainers = [tiny_trainer(tiny_game(preset="context-encoder", norm="none", accumulate=parts)) for parts in (1, 2)]
    for trainer in trainers:
        trainer.train_step()
    whole, parts = (trainer.state().tensors for trainer in trainers)
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, atol=1e-5), name


@pytest.mark.parametrize(
    ("shapes", "given", "said"),
    [
        (Shapes((3, 16, 16), (1, 16, 16)), {}, "to fill holes in; wanted equal shapes"),
        (GREY, {"network": "rrdb"}, "network: got rrdb with kind inpainting, wanted encoder-decoder or unet"),
    ],
)
def test_what_has_no_holes_to_fill_is_refused(shapes, given, said):
    with pytest.raises(SettingsError, match=said):
        tiny_game(shapes, preset="context-encoder", **given)
