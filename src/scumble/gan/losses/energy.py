"""Losses of discriminators that are autoencoders: a picture's energy is its reconstruction error, low for what is real.

Energies are (N,), means over a picture's numbers, so that margins mean the same for every size. What is measured
against is never detached: where the generator lowers an energy, its picture is both what is reconstructed and what the
reconstruction is compared with, and half of the gradient comes from the latter.
"""

import torch
import torch.nn.functional as F

Energies = torch.Tensor
GAMMA = 0.75
"""What generated energies are to be of real ones (Berthelot et al. 2017, section 3.3): the more, the more diverse are
samples. Of digits, one picture was left with 0.5; with this, 0.65 of the real ones' diversity (docs/log.md)."""


def squared_error(pictures: torch.Tensor, reconstructed: torch.Tensor) -> Energies:
    """(N,): the mean squared difference of (N, ...) pictures.

    Example:
        >>> squared_error(torch.tensor([[1.0, 1.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [3.0, 1.0]])).tolist()
        [0.5, 5.0]
    """
    return (pictures - reconstructed).square().flatten(1).mean(1)


def absolute_error(pictures: torch.Tensor, reconstructed: torch.Tensor) -> Energies:
    """(N,): the mean absolute difference of (N, ...) pictures (Berthelot et al. 2017, section 3.1 with eta = 1).

    Example:
        >>> absolute_error(torch.tensor([[1.0, 1.0], [0.0, 0.0]]), torch.tensor([[1.0, 0.0], [3.0, 1.0]])).tolist()
        [0.5, 2.0]
    """
    return (pictures - reconstructed).abs().flatten(1).mean(1)


def pull_away(codes: torch.Tensor) -> torch.Tensor:
    """The mean squared cosine of two different codes of a batch (Zhao et al. 2017, eq. 4): (N, D) -> ().

    It is 0 where all are at right angles, and 1 where all pictures have one code, or its negative.

    Example:
        >>> pull_away(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, -1.0]])).item()  # of three pairs, one is parallel
        0.3333333432674408
    """
    directions = F.normalize(codes, dim=1)
    squares = (directions @ directions.T).square()
    count = len(codes)
    return (squares.sum() - squares.diagonal().sum()) / (count * (count - 1))


def balance(real: torch.Tensor, fake: torch.Tensor, gamma: float = GAMMA) -> torch.Tensor:
    """How far mean energies () are from equilibrium: gamma real - fake (Berthelot et al. 2017, section 3.4).

    Example:
        >>> balance(torch.tensor(4.0), torch.tensor(1.5), 0.5).item()
        0.5
    """
    return gamma * real - fake


def convergence(real: torch.Tensor, fake: torch.Tensor, gamma: float = GAMMA) -> torch.Tensor:
    """M = real + |gamma real - fake| of mean energies (): falls as the training converges (likewise, section 3.4.1).

    Example:
        >>> convergence(torch.tensor(4.0), torch.tensor(1.5), 0.5).item()
        4.5
    """
    return real + balance(real, fake, gamma).abs()


def energy_distance(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| of (N, D) and (M, D) samples (Székely and Rizzo 2013, without bias): ().

    About 0 where both are of one distribution, and in the unit of the samples otherwise. Pairs of one picture with
    itself are left out, so that means over parts of a batch are right, and values slightly below 0 occur.

    Example:
        >>> energy_distance(torch.tensor([[0.0], [2.0]]), torch.tensor([[5.0], [5.0]])).item()  # 2 * 4 - 2 - 0
        6.0
    """
    within = sum(torch.pdist(samples).mean() for samples in (one, other))
    return 2 * torch.cdist(one, other).mean() - within
