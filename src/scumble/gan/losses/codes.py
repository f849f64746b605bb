"""How well a code can be told of the pictures drawn from it: of a category, and of numbers."""

import torch
import torch.nn.functional as F


def category_surprise(guess: torch.Tensor, category: torch.Tensor) -> torch.Tensor:
    """-log Q(c|x), in nats, of the categories that pictures were drawn from (Chen et al. 2016, eq. 5).

    With the entropy of the categories, log K for K equally frequent ones, it bounds what a picture tells of its
    category from below: I(c; x) >= log K - this. On logits: a softmax in front of it would be one too many.

    Args:
        guess: (N, K) logits.
        category: (N, K), one 1 in each row.

    Example:
        >>> round(category_surprise(torch.zeros(3, 4), torch.eye(4)[:3]).item(), 4)  # log 4
        1.3863
    """
    return F.cross_entropy(guess, category)


def numbers_surprise(guess: torch.Tensor, numbers: torch.Tensor) -> torch.Tensor:
    """-log Q(c|x) of a normal distribution of variance 1 around the guess, without its constant (likewise, section 6).

    Args:
        guess: (N, D).
        numbers: (N, D).

    Example:
        >>> numbers_surprise(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, -1.0]])).item()  # (1 + 4) / 2
        2.5
    """
    return squared_distance(guess, numbers) / 2


def squared_distance(guess: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """|z - E(G(z))|^2, averaged over pictures (Mukherjee et al. 2019, eq. 2).

    Example:
        >>> squared_distance(torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, -1.0]])).item()
        5.0
    """
    return (guess - noise).square().sum(1).mean()
