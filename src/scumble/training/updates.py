"""One update as a plain function that a test can call with a fixed batch, and what surrounds it.

Nothing is read back from the device here: figures are tensors, and whoever wants the numbers waits for them.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from scumble.training.distributed import Processes
from scumble.training.randomness import seed_for
from scumble.training.task import Batch, Moment, Outcome, Update


class Made(NamedTuple):
    """What an update did: figures (), its "loss" among them, and the kept rows (N, ...) of the whole batch."""

    figures: dict[str, Tensor]
    kept: dict[str, Tensor]


def make_update(
    update: Update,
    parameters: list[nn.Parameter],
    optimizer: Optimizer,
    parts: list[tuple[Moment, Callable[[], Batch]]],
    processes: Processes,
) -> Made:
    """Move `parameters` by one step of the optimiser along the mean gradient of a batch's parts.

    Where no loss looks from one picture to another, parts and processes have the gradient of the whole batch at once.

    Args:
        update: which one.
        parameters: that it moves; gradients of all others stay as they are.
        optimizer: of these parameters.
        parts: of the batch, each a moment and what makes or remembers its batch.
        processes: that make this step, each with its share.
    """
    outcomes = []
    optimizer.zero_grad(set_to_none=True)
    if update.schedule is not None:
        for group in optimizer.param_groups:
            group.update(update.schedule(parts[0][0]))
    for moment, batch in parts:
        with layers_seeded(moment, update.name, parameters[0].device):
            outcome = update.loss(batch(), moment)
        (outcome.loss / len(parts)).backward(inputs=parameters)
        outcomes.append(Outcome(outcome.loss.detach(), _detached(outcome.figures), _detached(outcome.kept)))
    figures = {"loss": _mean([outcome.loss for outcome in outcomes])}
    figures |= {name: _mean([outcome.figures[name] for outcome in outcomes]) for name in outcomes[0].figures}
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    processes.mean([*gradients, *figures.values()])
    if update.max_norm is not None:
        nn.utils.clip_grad_norm_(parameters, update.max_norm)
    optimizer.step()
    rows = {name: torch.cat([outcome.kept[name] for outcome in outcomes]) for name in outcomes[0].kept}
    kept = {name: processes.whole(each) for name, each in rows.items()}
    if update.after is not None:
        with torch.no_grad():
            update.after(parts[0][0], figures, kept)
    return Made(figures, kept)


def _mean(values: list[Tensor]) -> Tensor:
    return torch.stack(values).mean(0) if len(values) > 1 else values[0].clone()


def _detached(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach() for name, tensor in tensors.items()}


@contextlib.contextmanager
def layers_seeded(moment: Moment, name: str, device: torch.device) -> Iterator[None]:
    """Have layers that draw from torch's own numbers, such as dropout, draw those of the moment; put back what was."""
    # Not torch.manual_seed: without a GPU, it records a formatted traceback at every call.
    own = [torch.cuda.default_generators[device.index or 0]] if device.type == "cuda" else []
    generators = [torch.default_generator, *own]
    before = [generator.get_state() for generator in generators]
    seed = seed_for(*moment.seeds, moment.step, moment.share.number, *name.encode())
    for generator in generators:
        generator.manual_seed(seed)
    try:
        yield
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


@contextlib.contextmanager
def frozen(*networks: nn.Module) -> Iterator[None]:
    """Take the weights as constants inside: what would not be moved anyway then costs no work.

    Only what was not frozen before is thawed afterwards.
    """
    changed = [parameter for network in networks for parameter in network.parameters() if parameter.requires_grad]
    for parameter in changed:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in changed:
            parameter.requires_grad_(True)


class Adam(torch.optim.Adam):
    """Torch's, to the same bits, in half the time where kernels lie with the channels last.

    Its fused step copies those to and fro; this one is given views of them whose numbers are in memory's order.
    """

    def _init_group(
        self,
        group: dict,
        params_with_grad: list[Tensor],
        grads: list[Tensor],
        exp_avgs: list[Tensor],
        exp_avg_sqs: list[Tensor],
        max_exp_avg_sqs: list[Tensor],
        state_steps: list[Tensor],
    ) -> bool:
        lists = params_with_grad, grads, exp_avgs, exp_avg_sqs
        is_complex = super()._init_group(group, *lists, max_exp_avg_sqs, state_steps)
        last = [p.dim() == 4 and p.is_contiguous(memory_format=torch.channels_last) for p in params_with_grad]
        for tensors in lists:
            tensors[:] = [t.permute(0, 2, 3, 1) if is_last else t for t, is_last in zip(tensors, last, strict=True)]
        return is_complex


@torch.no_grad()
def clip_weights(network: nn.Module, bound: float) -> None:
    """Bring all weights into [-bound, bound], and with them the slope under some bound (Arjovsky et al. 2017)."""
    for parameter in network.parameters():
        parameter.clamp_(-bound, bound)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, images: int, images_seen: int, half_life: int) -> None:
    """Move the average of a network's weights on by `images` more of them.

    The half-life is counted in images, so that it means the same for every batch size, and grows with the training at
    first, so that the random start is soon forgotten (Karras et al. 2020, StyleGAN2-ADA's ramp-up of 5%). Buffers, such
    as the statistics of batch norm, are copied: they are averages already.
    """
    now = min(half_life, 0.05 * images_seen)
    weight = 1 - 0.5 ** (images / now) if now > 0 else 1.0
    for old, new in zip(average.parameters(), network.parameters(), strict=True):
        old.lerp_(new, weight)
    for old, new in zip(average.buffers(), network.buffers(), strict=True):
        old.copy_(new)


@torch.no_grad()
def gradient_norm(parameters: Iterable[nn.Parameter]) -> torch.Tensor:
    """(): the length of the whole gradient, as the last step left it."""
    return torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
