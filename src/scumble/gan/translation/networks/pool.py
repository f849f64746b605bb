"""Earlier results that a discriminator is shown beside new ones, so that it does not forget (Shrivastava et al. 2017).

Every second new picture, by a coin, is exchanged for an old one (section 3.3 of Zhu et al. 2017, whose program's rules
these are). The pictures are a buffer that a checkpoint holds, and which of them comes up follows from the moment: a
training that goes on shows its discriminator what it would have been shown.
"""

import torch
from torch import nn

from scumble.training.randomness import Share, draw
from scumble.training.task import Moment


class Pool(nn.Module):
    """So many earlier pictures.

    Args:
        capacity: how many.
        shape: (C, H, W) of one.
        use: of a moment's random numbers, which two pools must not share.
    """

    pictures: torch.Tensor
    filled: torch.Tensor

    def __init__(self, capacity: int, shape: tuple[int, int, int], use: int):
        super().__init__()
        self.use = use
        self.register_buffer("pictures", torch.zeros(capacity, *shape))
        self.register_buffer("filled", torch.zeros((), dtype=torch.int64))

    def shown(self, fake: torch.Tensor, moment: Moment) -> torch.Tensor:
        """(N, C, H, W) new pictures of a share, some of them exchanged for old ones once there are enough of these."""
        exchanged, places = self._choices(len(fake), moment)
        exchanged = exchanged & (self.filled == len(self.pictures))
        return torch.where(exchanged[:, None, None, None], self.pictures[places].to(fake), fake)

    @torch.no_grad()
    def remember(self, fake: torch.Tensor, moment: Moment) -> None:
        """Take in the new pictures of a whole batch: all until the pool is full, then those that were exchanged."""
        exchanged, places = self._choices(len(fake), moment._replace(share=Share()))
        for picture, is_exchanged, place in zip(fake.split(1), exchanged, places, strict=True):
            is_filling = self.filled < len(self.pictures)
            place = torch.where(is_filling, self.filled, place)[None]  # as tensors: no waiting for a GPU
            old = self.pictures.index_select(0, place)
            self.pictures.index_copy_(0, place, torch.where(is_filling | is_exchanged, picture.to(old), old))
            self.filled += is_filling

    def _choices(self, count: int, moment: Moment) -> tuple[torch.Tensor, torch.Tensor]:
        """(N,): whether each picture is exchanged, and for the old one at which place."""
        coins, places = draw(torch.rand, count, 2, random=moment.generator(self.use)).to(self.pictures.device).mT
        return coins < 0.5, (places * len(self.pictures)).long()
