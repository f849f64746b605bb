"""How badly classes or labels are told."""

import torch
import torch.nn.functional as F


def class_loss(logits: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """(): cross-entropy of (N, K) logits with (N,) classes (Odena et al. 2017, eq. 3).

    With (N, K) labels, the sum of binary ones, as for the attributes of CelebA (Choi et al. 2018, eqs. 2 and 3).

    Example:
        >>> round(class_loss(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 1.0]])).item(), 4)  # 3 log 2
        2.0794
    """
    if wanted.dim() == 1:
        return F.cross_entropy(logits, wanted)
    return F.binary_cross_entropy_with_logits(logits, wanted, reduction="sum") / len(wanted)
