"""The optimisers against closed forms, and what happens when the loss goes wrong."""

import math

import numpy as np
import pytest
import torch

from scumble.errors import DivergedError
from scumble.storage import checkpoint
from scumble.style.objective.objective import Evaluation
from scumble.style.optimization import lbfgs
from scumble.style.optimization.adam import Adam
from scumble.style.optimization.descent import MAX_RETREATS, STALLED_AFTER, Average, Descent
from scumble.style.optimization.lbfgs import LBFGS


class Bowl:
    """Half of (x - target)^T A (x - target) for a fixed positive definite A: one minimum, known."""

    def __init__(self, size: int = 12, condition: float = 100.0):
        generator = torch.Generator().manual_seed(0)
        self.shape = (1, 3, 2, size // 6)
        basis, _ = torch.linalg.qr(torch.randn(size, size, generator=generator, dtype=torch.float64))
        self.matrix = basis @ torch.diag(torch.logspace(0, math.log10(condition), size, dtype=torch.float64)) @ basis.T
        self.target = torch.rand(size, generator=generator, dtype=torch.float64)
        self.evaluations = 0

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        self.evaluations += 1
        away = canvas.reshape(-1) - self.target
        pull = self.matrix @ away
        loss = (away @ pull / 2).item()
        return Evaluation(loss, pull.reshape(canvas.shape), {"bowl": loss})


class Broken(Bowl):
    """A bowl that answers wrongly at some evaluations."""

    def __init__(self, answers: dict[int, float]):
        super().__init__()
        self.answers = answers

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        found = super().value_and_gradient(canvas)
        answer = self.answers.get(self.evaluations, found.loss)
        return found._replace(
            loss=answer, gradient=found.gradient if math.isfinite(answer) else found.gradient * math.nan
        )


def start(bowl: Bowl) -> torch.Tensor:
    return torch.zeros(bowl.shape, dtype=torch.float64)


@pytest.mark.parametrize("make", [LBFGS, Adam])
def test_steps_are_evaluations_exactly(make):
    bowl = Bowl()
    steps = list(Descent(bowl, start(bowl), make(), 17))
    assert bowl.evaluations == 17
    assert [step.evaluation for step in steps] == list(range(1, 18))


def test_lbfgs_finds_the_minimum_of_a_quadratic():
    bowl = Bowl()
    *_, last = Descent(bowl, start(bowl), LBFGS(), 60)
    assert torch.allclose(last.picture.reshape(-1), bowl.target, atol=1e-6)


@pytest.mark.parametrize("make", [LBFGS, Adam])
def test_the_best_picture_is_the_one_whose_loss_is_told(make):
    bowl, lowest = Bowl(condition=1e4), math.inf
    for step in Descent(bowl, start(bowl), make(), 40):
        lowest = min(lowest, step.found.loss)
        assert Bowl(condition=1e4).value_and_gradient(step.picture).loss == step.best.loss == lowest


@pytest.mark.parametrize("factor", [1e-12, 1e-3, 1e12])
def test_the_scale_of_the_loss_does_not_matter(factor):
    """A bound on the curvature itself, instead of on an angle, would switch L-BFGS off for large weights."""
    bowl, scaled = Bowl(), Bowl()
    scaled.matrix = scaled.matrix * factor
    for plain, other in zip(
        Descent(bowl, start(bowl), LBFGS(), 30), Descent(scaled, start(bowl), LBFGS(), 30), strict=True
    ):
        torch.testing.assert_close(plain.picture, other.picture, rtol=1e-4, atol=1e-6)


def test_lbfgs_direction_equals_the_dense_bfgs_matrix():
    """The compact form against the inverse Hessian written out as a matrix (Nocedal and Wright, eq. 6.17)."""
    bowl, optimizer, canvas = Bowl(), LBFGS(history=4), None
    canvas = start(bowl)
    for _ in range(7):  # more than the history holds
        canvas = canvas + optimizer.move(canvas, bowl.value_and_gradient(canvas).gradient)
    gradient = bowl.value_and_gradient(canvas).gradient
    found = optimizer.move(canvas, gradient)
    assert len(optimizer.order) == 4
    pairs = [(optimizer.moved[row].numpy(), optimizer.change[row].numpy()) for row in optimizer.order]
    moved, change = pairs[-1]
    n = bowl.target.numel()
    inverse = np.eye(n) * (moved @ change) / (change @ change)
    for moved, change in pairs:
        left = np.eye(n) - np.outer(moved, change) / (moved @ change)
        inverse = left @ inverse @ left.T + np.outer(moved, moved) / (moved @ change)
    expected = -inverse @ gradient.reshape(-1).numpy()
    np.testing.assert_allclose(found.reshape(-1).numpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1.0, 1e12, 1e30])
def test_first_moves_have_the_stated_size_in_float32_too(scale):
    gradient = Bowl().value_and_gradient(start(Bowl())).gradient.float() * scale
    canvas = torch.zeros(gradient.shape)
    assert LBFGS().move(canvas, gradient).square().mean().sqrt().item() == pytest.approx(1 / 255)
    assert Adam().move(canvas, gradient).abs().max().item() <= 0.0201


def test_a_flat_place_is_not_left():
    canvas = torch.zeros(1, 3, 2, 2)
    for make in (LBFGS, Adam):
        assert not make().move(canvas, torch.zeros_like(canvas)).any()


def test_lbfgs_does_not_learn_from_negative_curvature():
    optimizer = LBFGS()
    x = torch.full((1, 3, 1, 1), 1.0)
    optimizer.move(x, torch.full_like(x, 1.0))
    optimizer.move(x + 0.1, torch.full_like(x, 0.5))  # the slope falls along the move: the loss curves downward
    assert not optimizer.order


def test_lbfgs_remembers_less_of_large_pictures(monkeypatch):
    monkeypatch.setattr(lbfgs, "HISTORY_BYTES", 3 * 2 * 12 * 8)  # three pairs of twelve float64 numbers
    bowl, optimizer = Bowl(), LBFGS()
    list(Descent(bowl, start(bowl), optimizer, 9))
    assert len(optimizer.order) == 3


def test_moves_that_are_taken_back_are_halved_and_recover():
    bowl = Broken(dict.fromkeys((4, 5), math.inf))
    seen: list[torch.Tensor] = []
    plain = bowl.value_and_gradient
    bowl.value_and_gradient = lambda canvas: (seen.append(canvas), plain(canvas))[1]
    list(Descent(bowl, start(bowl), LBFGS(), 6))
    full, half, quarter = (place - seen[2] for place in seen[3:6])  # the third place is the last good one
    torch.testing.assert_close(half, full / 2)
    torch.testing.assert_close(quarter, full / 4)


def test_adam_equals_torchs():
    bowl = Bowl()
    ours, theirs = start(bowl), start(bowl).requires_grad_()
    adam, reference = Adam(), torch.optim.Adam([theirs], lr=0.02, betas=(0.9, 0.99), eps=0)
    for _ in range(20):
        ours = ours + adam.move(ours, bowl.value_and_gradient(ours).gradient)
        theirs.grad = bowl.value_and_gradient(theirs.detach()).gradient
        reference.step()
    torch.testing.assert_close(ours, theirs.detach())


@pytest.mark.parametrize("make", [LBFGS, Adam])
@pytest.mark.parametrize("answer", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_not_finite_is_rolled_back(make, answer):
    bowl = Broken({5: answer, 6: answer})
    steps = list(Descent(bowl, start(bowl), make(), 60))
    assert [step.evaluation for step in steps if step.retreated][:2] == [5, 6]
    assert steps[5].best == steps[3].best  # the last good picture stays
    assert steps[-1].best.loss < steps[3].best.loss  # and the way goes on from there
    assert steps[-1].picture.isfinite().all()


def test_an_exploding_loss_is_rolled_back_by_adam_too():
    bowl = Broken({5: 1e30})
    steps = list(Descent(bowl, start(bowl), Adam(), 30))
    assert [step.evaluation for step in steps if step.retreated] == [5]
    assert steps[-1].best.loss < steps[3].best.loss


@pytest.mark.parametrize("make", [LBFGS, Adam])
def test_a_loss_that_stays_broken_ends_with_an_error(make):
    bowl = Broken(dict.fromkeys(range(3, 500), math.nan))
    seen = []
    with pytest.raises(DivergedError, match="however short the move"):
        seen.extend(Descent(bowl, start(bowl), make(), 500))
    bowl = Broken(dict.fromkeys(range(3, 500), math.nan))
    for step in Descent(bowl, start(bowl), make(), MAX_RETREATS):
        assert step.picture.isfinite().all()


def test_a_loss_that_is_broken_from_the_start_is_told():
    with pytest.raises(DivergedError, match="before the first step"):
        list(Descent(Broken({1: math.nan}), start(Bowl()), LBFGS(), 5))


# --- Averages, scales, early ends -----------------------------------------------------------------------------------


def test_the_average_is_that_of_the_canvases_and_right_from_the_first():
    average, canvases = Average(0.9), [torch.full((1, 3, 2, 2), float(value)) for value in (4, 1, 7)]
    for number, canvas in enumerate(canvases, 1):
        average.add(canvas)
        weights = [0.9 ** (number - 1 - k) for k in range(number)]
        expected = sum(w * c for w, c in zip(weights, canvases, strict=False)) / sum(weights)
        torch.testing.assert_close(average.picture, expected)


class Shaking(Bowl):
    """A bowl whose gradient is noisy."""

    def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
        found = super().value_and_gradient(canvas)
        noise = torch.randn(canvas.shape, generator=torch.Generator().manual_seed(self.evaluations))
        return found._replace(gradient=found.gradient + 3 * noise)


def test_averaging_is_evaluated_by_the_last_step_and_calms_the_moves():
    bowl = Shaking()
    *steps, last = Descent(bowl, start(bowl), Adam(), 300, averaging=0.95)
    assert bowl.evaluations == 300
    assert last.evaluation == 300
    assert last.best == last.found
    assert last.found.loss == bowl.value_and_gradient(last.picture).loss
    assert last.found.loss < np.mean([step.found.loss for step in steps[-50:]]) / 2


def test_a_scale_ends_when_little_is_won():
    bowl = Bowl()
    *_, last = Descent(bowl, start(bowl), LBFGS(), 1000, tolerance=1e-3)
    assert STALLED_AFTER < last.evaluation < 200
    *_, last = Descent(bowl, start(bowl), Adam(), 1000, averaging=0.9, tolerance=1e-3)
    assert last.evaluation < 1000
    assert last.best == last.found


def test_adam_keeps_its_averages_across_scales_and_bounds_its_canvas():
    adam = Adam()
    canvas = torch.full((1, 3, 4, 6), 0.5)
    gradient = torch.linspace(-1, 1, 72).view(1, 3, 4, 6)
    adam.move(canvas, gradient)
    old, adam = adam, adam.carried((12, 8))
    assert old.mean.shape == old.square.shape == canvas.shape
    assert adam.mean.shape == adam.square.shape == (1, 3, 8, 12)
    # The same slope over four times the pixels is a quarter of it at each.
    torch.testing.assert_close(adam.mean.mean(), 0.1 * gradient.mean() / 4)
    assert (adam.square >= 0).all()
    moved = adam.move(torch.full((1, 3, 8, 12), 0.5), torch.zeros(1, 3, 8, 12))
    assert moved.abs().max() > 0

    class Slope(Bowl):
        def value_and_gradient(self, canvas: torch.Tensor) -> Evaluation:
            return Evaluation(canvas.sum().item() + 1e3, torch.ones_like(canvas), {})

    *_, last = Descent(Slope(), torch.full((1, 3, 2, 2), 0.1), Adam(lr=10), 5)
    assert last.picture.min() == 0


def test_lbfgs_forgets_at_a_new_scale():
    lbfgs = LBFGS()
    for value in (0.5, 0.4):
        lbfgs.move(torch.full((1, 3, 2, 2), value), torch.full((1, 3, 2, 2), value))
    assert lbfgs.order
    lbfgs = lbfgs.carried((4, 4))
    assert not lbfgs.order
    assert lbfgs.previous is None


@pytest.mark.parametrize("make", [LBFGS, Adam])
@pytest.mark.parametrize("averaging", [0.0, 0.9])
@pytest.mark.parametrize("stop", [1, 2, 7, 13, 29])
def test_a_descent_goes_on_from_its_state_to_the_last_bit(make, averaging, stop, tmp_path):
    def descent(evaluations: int = 0) -> Descent:
        bowl = Broken({8: math.nan, 12: 1e30, 13: 1e30})  # so that there are moves that were taken back among them
        bowl.evaluations = evaluations
        return Descent(bowl, start(bowl), make(), 30, averaging)

    whole = list(descent())
    stopped = descent()
    for step in stopped:
        if step.evaluation == stop:
            break
    path = checkpoint.write(tmp_path, 1, stopped.state())
    rest = descent(stop)
    rest.restore(checkpoint.read(path))
    for expected, found in zip(whole[stop:], rest, strict=True):
        assert found.evaluation == expected.evaluation
        assert found.found.loss == expected.found.loss or not math.isfinite(expected.found.loss)
        assert found.best.loss == expected.best.loss
        assert torch.equal(found.picture, expected.picture)


@pytest.mark.parametrize("average", [0.0, 1e-300])
def test_a_state_without_a_picture_is_refused(average):
    bowl = Bowl()
    descent = Descent(bowl, start(bowl), Adam(), 9, averaging=0.9)
    next(step for step in descent if step.evaluation == 3)
    state = descent.state()
    descent.restore(state)
    state.facts["average"] = average
    with pytest.raises(ValueError, match="no picture"):
        descent.restore(state)
