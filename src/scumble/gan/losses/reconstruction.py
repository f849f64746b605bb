"""Terms that stand beside the adversarial ones; absolute and squared differences are `F.l1_loss` and `F.mse_loss`."""

import torch
import torch.nn.functional as F


def kl_to_normal(mean: torch.Tensor, log_variance: torch.Tensor | None = None) -> torch.Tensor:
    """KL(N(mean, variance) || N(0, 1)) in nats, summed over a picture's numbers (Kingma and Welling 2014, appendix B).

    Args:
        mean: (N, ...).
        log_variance: likewise; None for a variance of 1 (Liu et al. 2017, section 3).

    Returns:
        (), the mean over the N pictures.

    Example:
        >>> kl_to_normal(torch.tensor([[1.0, 3.0]])).item()  # (1 + 9) / 2
        5.0
        >>> round(kl_to_normal(torch.zeros(1, 1), torch.ones(1, 1)).item(), 4)  # (e - 1 - 1) / 2
        0.3591
    """
    spread = 0 if log_variance is None else log_variance.exp() - 1 - log_variance
    return (mean.square() + spread).flatten(1).sum(1).mean() / 2


def info_nce(queries: torch.Tensor, keys: torch.Tensor, temperature: float = 0.07) -> torch.Tensor:
    """Cross-entropy of finding each query's own key among a picture's keys, by cosine (Park et al. 2020, eqs. 1 and 3).

    Args:
        queries: (N, P, D), a row for each of P places of a picture.
        keys: likewise; the p-th belongs to the p-th query, the others are the negatives.
        temperature: what similarities are divided by.

    Example:
        >>> round(info_nce(torch.ones(1, 4, 2), torch.ones(1, 4, 2)).item(), 4)  # no way to tell: log 4
        1.3863
    """
    similarities = F.normalize(queries, dim=2) @ F.normalize(keys, dim=2).mT / temperature  # (N, P, P)
    own = torch.arange(similarities.shape[1], device=similarities.device).expand(similarities.shape[:2])
    return F.cross_entropy(similarities.flatten(0, 1), own.flatten())
