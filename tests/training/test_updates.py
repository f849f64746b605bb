"""One update: whom it moves, by what, what it leaves alone, and what surrounds it."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from scumble.training.distributed import Processes
from scumble.training.randomness import Share
from scumble.training.task import Moment, Outcome, Update
from scumble.training.updates import (
    Adam,
    clip_weights,
    frozen,
    gradient_norm,
    layers_seeded,
    make_update,
    update_average,
)

PICTURES = torch.randn(12, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


def sgd(parameters):
    return torch.optim.SGD(parameters, 0.1)


def update_of(network: nn.Module, **others) -> Update:
    """One that looks at each picture by itself."""

    def loss(batch, moment):
        seen = network(batch["pictures"])
        return Outcome(seen.square().mean(), {"seen": seen.mean()}, {"rows": seen})

    return Update("n", ("network",), loss, sgd)._replace(**others)


def made(update: Update, network: nn.Module, count: int = 1, optimizer=None, step: int = 0):
    """What an update of a batch in `count` parts does."""
    parameters = list(network.parameters())
    shares = [Share(number, count) for number in range(count)]
    parts = [(Moment(step, (5, 0), one), lambda one=one: {"pictures": PICTURES[one.of(12)]}) for one in shares]
    return make_update(update, parameters, optimizer or update.optimizer(parameters), parts, Processes())


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in network.parameters()]


# --- An update ------------------------------------------------------------------------------------------------------


def test_an_update_is_one_step_along_the_gradient_of_the_batch(network):
    plain = copy.deepcopy(network)
    value = plain(PICTURES).square().mean()
    value.backward()
    move = made(update_of(network), network)
    assert move.figures["loss"].item() == pytest.approx(value.item())
    for parameter, other in zip(network.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(parameter.detach(), (other - 0.1 * other.grad).detach())


@pytest.mark.parametrize("count", [2, 3, 4])
def test_parts_have_the_gradient_and_the_figures_of_the_batch_and_their_rows_in_order(network, count):
    other = copy.deepcopy(network)
    whole, parts = made(update_of(network), network), made(update_of(other), other, count)
    for one, again in zip(network.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(one.grad, again.grad)
        torch.testing.assert_close(one, again)
    assert parts.figures.keys() == whole.figures.keys() == {"loss", "seen"}
    torch.testing.assert_close(parts.figures, whole.figures)
    torch.testing.assert_close(parts.kept["rows"], whole.kept["rows"])
    assert len(parts.kept["rows"]) == 12


def test_only_the_last_part_moves(network):
    seen, update = [], update_of(network)

    def loss(batch, moment):
        seen.append(weights(network))
        return update.loss(batch, moment)

    made(update._replace(loss=loss), network, 3)
    assert len(seen) == 3
    assert all(torch.equal(*pair) for other in seen[1:] for pair in zip(seen[0], other, strict=True))
    assert not any(torch.equal(*pair) for pair in zip(seen[0], weights(network), strict=True))


def test_only_what_an_update_moves_gets_a_gradient_and_what_was_there_stays(network):
    """Also where the loss passes through another network, which is neither frozen nor moved."""
    other = nn.Linear(3, 3).double()
    other.weight.grad = kept = torch.ones(3, 3, dtype=torch.float64)
    before = weights(other)

    def loss(batch, moment):
        return Outcome(network(other(batch["pictures"])).square().mean())

    made(update_of(network, loss=loss), network)
    assert all(parameter.grad is not None for parameter in network.parameters())
    assert other.weight.grad is kept
    assert torch.equal(kept, torch.ones(3, 3))
    assert other.bias.grad is None
    assert all(torch.equal(*pair) for pair in zip(before, weights(other), strict=True))
    assert all(parameter.requires_grad for parameter in other.parameters())


def test_gradients_of_an_update_do_not_add_up_with_those_of_the_one_before(network):
    still = torch.optim.SGD(network.parameters(), 0.0)
    gradients = []
    for _ in range(2):
        made(update_of(network), network, optimizer=still)
        gradients.append([parameter.grad.clone() for parameter in network.parameters()])
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True))


@pytest.mark.parametrize("count", [1, 3])
def test_the_whole_gradient_is_clipped_to_its_length(network, count):
    free, clipped = copy.deepcopy(network), copy.deepcopy(network)
    made(update_of(free), free)
    length = gradient_norm(free.parameters()).item()
    made(update_of(clipped, max_norm=length / 4), clipped, count)
    assert gradient_norm(clipped.parameters()).item() == pytest.approx(length / 4, rel=1e-4)
    for start, full, quarter in zip(*map(weights, (network, free, clipped)), strict=True):
        torch.testing.assert_close(quarter - start, (full - start) / 4, rtol=1e-4, atol=1e-9)
    made(update_of(network, max_norm=4 * length), network)
    for full, same in zip(weights(free), weights(network), strict=True):
        torch.testing.assert_close(full, same)


def test_the_schedule_is_that_of_the_step(network):
    optimizer, before = sgd(network.parameters()), weights(network)
    update = update_of(network, schedule=lambda moment: {"lr": 0.5 * moment.step})
    made(update, network, optimizer=optimizer, step=0)
    assert all(torch.equal(*pair) for pair in zip(before, weights(network), strict=True))
    made(update, network, optimizer=optimizer, step=3)
    assert [group["lr"] for group in optimizer.param_groups] == [1.5]
    for old, new, parameter in zip(before, weights(network), network.parameters(), strict=True):
        torch.testing.assert_close(new, old - 1.5 * parameter.grad)


@pytest.mark.parametrize("count", [1, 3])
def test_what_comes_after_sees_the_figures_and_rows_of_the_whole_batch_and_the_moved_weights(network, count):
    before, found = copy.deepcopy(network), []

    def after(moment, figures, kept):
        assert not torch.is_grad_enabled()
        found.append((moment.step, figures, kept, weights(network)))

    made(update_of(network, after=after), network, count, step=7)
    [(step, figures, kept, moved)] = found
    with torch.no_grad():
        seen = before(PICTURES)
    assert step == 7
    torch.testing.assert_close(figures, {"loss": seen.square().mean(), "seen": seen.mean()})
    torch.testing.assert_close(kept["rows"], seen)
    assert not any(value.requires_grad for value in (*figures.values(), *kept.values()))
    assert all(torch.equal(*pair) for pair in zip(moved, weights(network), strict=True))
    assert not any(torch.equal(*pair) for pair in zip(moved, weights(before), strict=True))


def test_dropout_in_a_loss_is_that_of_the_moment_whatever_was_drawn_before(network):
    dropping = nn.Sequential(nn.Dropout(0.5), network)
    moves = []
    for seed, step in ((1, 0), (2, 0), (2, 1)):
        torch.manual_seed(seed)
        moves.append(
            made(update_of(dropping), dropping, optimizer=torch.optim.SGD(network.parameters(), 0.0), step=step)
        )
    rows = [move.kept["rows"] for move in moves]
    assert torch.equal(rows[0], rows[1])
    assert not torch.equal(rows[1], rows[2])


# --- Random numbers of layers ---------------------------------------------------------------------------------------


def dropped(moment: Moment, name: str = "g") -> torch.Tensor:
    with layers_seeded(moment, name, torch.device("cpu")):
        return nn.functional.dropout(torch.ones(100), 0.5)


def test_dropout_is_drawn_for_the_step_the_share_the_update_and_the_seed():
    moment = Moment(3, (0, 0))
    first = dropped(moment)
    torch.rand(7)
    assert torch.equal(dropped(moment), first)
    for other in (moment._replace(step=4), moment._replace(share=Share(1, 2)), moment._replace(seeds=(0, 1))):
        assert not torch.equal(dropped(other), first)
    assert not torch.equal(dropped(moment, "d"), first)


def test_random_numbers_of_the_program_are_put_back():
    torch.manual_seed(0)
    expected = torch.rand(5)
    torch.manual_seed(0)
    dropped(Moment(3, (0, 0)))
    assert torch.equal(torch.rand(5), expected)


# --- Freezing -------------------------------------------------------------------------------------------------------


def test_frozen_thaws_only_what_it_froze(network):
    network[0].requires_grad_(False)
    other = nn.Linear(3, 1)

    def learning() -> list[bool]:
        return [parameter.requires_grad for parameter in (*network.parameters(), *other.parameters())]

    before = learning()
    assert before == [False, False, True, True, True, True]
    with frozen(network, other):
        assert not any(learning())
    assert learning() == before
    with pytest.raises(ZeroDivisionError), frozen(network):
        raise ZeroDivisionError
    assert learning() == before


# --- Weights, averages and gradients --------------------------------------------------------------------------------


def test_clipped_weights_are_within_the_bound(network):
    before = weights(network)
    clip_weights(network, 0.1)
    for old, new in zip(before, network.parameters(), strict=True):
        assert torch.equal(new, old.clamp(-0.1, 0.1))
    assert any(not torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))


def test_the_average_has_the_half_life_that_was_asked_for():
    old, new = nn.Linear(1, 1), nn.Linear(1, 1)
    nn.init.zeros_(old.weight)
    nn.init.ones_(new.weight)
    for step in range(100):  # 100 steps of 10 images, long after the start
        update_average(old, new, 10, 10**9 + 10 * step, half_life=1000)
    assert old.weight.item() == pytest.approx(0.5, rel=1e-4)


def test_the_average_follows_at_once_in_the_beginning_or_where_there_is_none():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average, copied = copy.deepcopy(network), copy.deepcopy(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(1)
        network[1].running_mean.add_(3)
    update_average(average, network, 64, 64, half_life=10_000)
    update_average(copied, network, 64, 10**6, half_life=0)
    for a, c, n in zip(average.parameters(), copied.parameters(), network.parameters(), strict=True):
        assert torch.allclose(a, n, atol=1e-5)
        assert torch.equal(c, n)
    assert torch.equal(average[1].running_mean, network[1].running_mean)


def test_the_norm_of_the_gradient_is_that_of_all_numbers_in_a_row():
    network = nn.Linear(3, 2)
    network(torch.ones(1, 3)).sum().backward()
    numbers = np.concatenate([p.grad.numpy().ravel() for p in network.parameters()])
    assert gradient_norm(network.parameters()).item() == pytest.approx(np.linalg.norm(numbers), rel=1e-6)


@pytest.mark.parametrize("shape", [(6, 5, 3, 3), (1, 5, 3, 3), (5, 1, 3, 3), (7,), (4, 3)])
def test_our_adam_takes_the_same_steps_as_torch_s_to_the_bit(shape):
    ends = []
    for kind in (torch.optim.Adam, Adam):
        random = torch.Generator().manual_seed(0)
        layout = torch.channels_last if len(shape) == 4 else torch.contiguous_format
        weight = torch.nn.Parameter(torch.randn(shape, generator=random).to(memory_format=layout))
        optimizer = kind([weight], 1e-2, (0.5, 0.9), fused=True)
        for step in range(4):
            gradient = torch.randn(shape, generator=random)
            weight.grad = gradient.to(memory_format=layout) if step % 2 else gradient
            optimizer.step()
        ends.append((weight.detach(), *optimizer.state[weight].values()))
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))
    assert all(one.stride() == other.stride() for one, other in zip(*ends, strict=True))
