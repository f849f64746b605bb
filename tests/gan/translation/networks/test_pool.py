"""Earlier pictures: which are shown, which are kept, and that both follow from the moment alone."""

import pytest
import torch

from scumble.gan.translation.networks.pool import Pool
from scumble.training.randomness import Share
from scumble.training.task import Moment

CAPACITY, BATCH = 6, 4


def numbered(step: int, count: int = BATCH) -> torch.Tensor:
    """(N, 1, 1, 1) pictures, all different."""
    return (100 * step + torch.arange(count, dtype=torch.float32))[:, None, None, None]


def reference(steps: int) -> tuple[list[list[float]], list[float]]:
    """What is shown at each step, and what is in the pool at the end, one picture after the other."""
    pool, shown = [], []
    for step in range(steps):
        random = Moment(step, (0, 0)).generator(7)
        choices = torch.rand((BATCH, 2), generator=random).tolist()
        was_full, now = len(pool) == CAPACITY, []
        old = list(pool)
        for picture, (coin, place) in zip(numbered(step).flatten().tolist(), choices, strict=True):
            exchanged, index = coin < 0.5, int(place * CAPACITY)
            now.append(old[index] if exchanged and was_full else picture)
            if len(pool) < CAPACITY:
                pool.append(picture)
            elif exchanged:
                pool[index] = picture
        shown.append(now)
    return shown, pool


def made(steps: int) -> tuple[list[list[float]], Pool]:
    pool, shown = Pool(CAPACITY, (1, 1, 1), 7), []
    for step in range(steps):
        shown.append(pool.shown(numbered(step), Moment(step, (0, 0))).flatten().tolist())
        pool.remember(numbered(step), Moment(step, (0, 0)))
    return shown, pool


def test_it_shows_and_keeps_what_a_plain_list_would():
    shown, pool = made(20)
    wanted, kept = reference(20)
    assert shown == wanted
    assert pool.pictures.flatten().tolist() == kept
    exchanged = sum(value not in numbered(step) for step, values in enumerate(shown) for value in values)
    assert 20 <= exchanged <= 52  # of 72 since it was full, about a half


def test_until_it_is_full_everything_new_is_shown():
    shown, pool = made(2)
    assert shown == [numbered(step).flatten().tolist() for step in range(2)]
    assert pool.filled == CAPACITY


def test_shares_show_what_the_whole_shows():
    _, pool = made(5)
    whole = pool.shown(numbered(5), Moment(5, (0, 0)))
    halves = [pool.shown(numbered(5)[2 * n : 2 * n + 2], Moment(5, (0, 0), Share(n, 2))) for n in range(2)]
    assert torch.equal(torch.cat(halves), whole)


def test_what_is_remembered_does_not_depend_on_the_share_that_remembers():
    pools = [Pool(CAPACITY, (1, 1, 1), 7) for _ in range(2)]
    for step in range(5):
        for pool, share in zip(pools, (Share(), Share(1, 2)), strict=True):
            pool.remember(numbered(step), Moment(step, (0, 0), share))
    assert torch.equal(pools[0].pictures, pools[1].pictures)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_pictures_stay_of_the_kind_of_number_that_they_were_given_as(dtype):
    _, pool = made(5)
    assert pool.shown(numbered(0).to(dtype), Moment(5, (0, 0))).dtype == dtype
