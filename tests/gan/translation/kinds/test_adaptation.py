"""PixelDA: its losses, what each update moves, and a classifier that finds its way where the other one does not."""

import pytest
import torch
import torch.nn.functional as F

from scumble.errors import SettingsError
from scumble.gan.translation.kind import Shapes
from scumble.gan.translation.kinds import adaptation
from scumble.training.task import Moment
from translation_material import (
    assert_gradients_reach_what_moves,
    assert_resumes_to_the_bit,
    drawn,
    tiny_game,
    tiny_trainer,
)

pytestmark = pytest.mark.usefixtures("one_thread")
CLASSES = Shapes((1, 16, 16), (3, 16, 16), 4)


def game(shapes=CLASSES, **given):
    return tiny_game(shapes, **{"preset": "pixelda", "blocks": 1, "latent": 2, "norm": "none"} | given)


def test_losses_are_those_of_the_paper():
    made = game(weights="classes=2")
    nets, moment = made.networks, Moment(0, (0, 0))
    batch = drawn(made)(moment)
    found = {update.name: update.loss(batch, moment) for update in adaptation.updates(made)}
    again = drawn(made)(moment)
    with torch.no_grad():
        fake = nets["generator"](again["a"], torch.randn(4, 2, generator=again["random"]))
        on_real, on_fake = nets["discriminator"](again["b"]), nets["discriminator"](fake)
        log_shares = [nets["classifier"](x).log_softmax(1) for x in (again["a"], fake)]
        classes = -sum(each[range(4), again["labels"]].mean() for each in log_shares).item()
        alone = F.cross_entropy(nets["source_only"](again["a"]), again["labels"]).item()
    assert found["d"].loss.item() == pytest.approx((F.softplus(-on_real) + F.softplus(on_fake)).mean().item(), 1e-5)
    assert found["g"].loss.item() == pytest.approx(F.softplus(-on_fake).mean().item() + 2 * classes, 1e-5)
    assert found["source_only"].loss.item() == pytest.approx(alone, 1e-5)


def test_gradients_reach_what_moves():
    assert_gradients_reach_what_moves(game())


def test_it_learns_the_classes():
    trainer = tiny_trainer(game(lr=3e-3))
    trainer.task = trainer.task._replace(batch=bright_and_dark)
    for _ in range(60):
        trainer.train_step()
    batch = bright_and_dark(Moment(1000, (0, 0)))
    for name in ("classifier", "source_only"):
        assert torch.equal(trainer.task.modules[name](batch["a"]).argmax(1), batch["labels"])


def bright_and_dark(moment):
    """Four classes by which quarter is bright, in `a`; the negative, in colour, in `b`."""
    random = moment.generator()
    labels = torch.randint(4, (8,), generator=random)
    a = torch.rand(8, 1, 16, 16, generator=random) - 1
    for picture, label in zip(a, labels.tolist(), strict=True):
        picture[:, 8 * (label // 2) :, 8 * (label % 2) :][:, :8, :8] += 1
    return {"a": a, "b": -a.expand(-1, 3, -1, -1), "labels": labels, "random": random}


def test_it_resumes_to_the_bit(tmp_path):
    assert_resumes_to_the_bit(lambda: game(norm="batch", batch=4), tmp_path)


def test_parts_leave_what_the_whole_leaves():
    trainers = [tiny_trainer(game(accumulate=parts, batch=4)) for parts in (1, 2)]
    for trainer in trainers:
        trainer.train_step()
    whole, parts = (trainer.state().tensors for trainer in trainers)
    for name, value in whole.items():
        assert torch.allclose(parts[name], value, atol=1e-4), name


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        (Shapes((1, 16, 16), (3, 16, 16)), "the pictures of A have no classes"),
        (Shapes((3, 16, 16), (1, 16, 16), 4), "wanted equal sides and channels"),
    ],
)
def test_what_cannot_be_adapted_is_refused(shapes, said):
    with pytest.raises(SettingsError, match=said):
        game(shapes)
