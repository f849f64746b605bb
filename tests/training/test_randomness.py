"""Random numbers for a share of a batch are those of the whole batch."""

import torch

from scumble.gan import augment
from scumble.gan.losses.penalties import between
from scumble.training.randomness import Share, SharedGenerator, draw


def share(number: int, count: int) -> SharedGenerator:
    random = SharedGenerator()
    random.share = Share(number, count)
    random.manual_seed(3)
    return random


def test_shares_of_a_draw_are_those_of_the_whole_batch():
    pictures = torch.rand(6, 1, 16, 16)
    functions = (
        lambda part, random: draw(torch.randn, len(part), 5, random=random),
        augment.flip,
        augment.shift_and_cut,
        lambda part, random: between(part, 1 - part, random),
    )
    for function in functions:
        whole = function(pictures, torch.Generator().manual_seed(3))
        parts = [function(pictures[Share(number, 3).of(6)], share(number, 3)) for number in range(3)]
        assert torch.equal(torch.cat(parts), whole)
        assert not torch.equal(parts[0], parts[1])
