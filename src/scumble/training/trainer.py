"""The trainer: a task and all that its next step depends on, to be saved and restored to the bit, by name.

What is unusual: there is no state of any random generator, since everything random is a function of the seed, the step
and how often the training went back. And no network has a gradient of an update that does not move it, so that nothing
is ever frozen or thawed for it.
"""

import copy
import functools
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from scumble.errors import RunError
from scumble.storage import checkpoint
from scumble.storage.checkpoint import Checkpoint
from scumble.storage.folder import check_finite
from scumble.training.distributed import Processes
from scumble.training.task import Moment, Task, Update
from scumble.training.updates import gradient_norm, make_update, update_average

MAX_STEP = 10**12


class Trainer:
    """Networks, their averages, optimisers, figures since the last look, and the number of the step.

    Args:
        task: what is learnt. Its modules are on their device.
        seed: of everything that is random.
        parts: equal parts that a batch is taken in, one after the other: as many times less memory.
        processes: that make the same steps, each with its share of every batch.
        identity: of the training, which a checkpoint must have, too.
        migrate: brings a checkpoint of an older format to date, for the trainer that it is given; others stay.
    """

    def __init__(
        self,
        task: Task,
        seed: int = 0,
        parts: int = 1,
        processes: Processes | None = None,
        identity: str = "",
        migrate: "Callable[[Checkpoint, Trainer], Checkpoint] | None" = None,
    ):
        self.task, self.seed, self.parts, self.identity, self.migrate = task, seed, parts, identity, migrate
        self.processes = processes or Processes()
        self.averages = {name: copy.deepcopy(task.modules[name]) for name in task.averaged}
        for average in self.averages.values():
            average.eval().requires_grad_(False)
        self.parameters = {update.name: dict(_parameters(task, update)) for update in task.updates}
        self.optimizers = {update.name: update.optimizer(self.parameters_of(update.name)) for update in task.updates}
        self.step = self.rollbacks = 0
        self.since = (0, 0)
        """The step and the images seen when this size of a batch was taken up: a run may go on with another one."""
        self.averaged_at = dict.fromkeys(task.averaged, 0)
        self.sums: dict[str, dict[str, torch.Tensor]] = {update.name: {} for update in task.updates}
        self.counts = {update.name: 0 for update in task.updates}
        self.lengths: dict[str, torch.Tensor] = {}
        """Of gradients that this process has not made itself: those of the steps before it went on."""

    @property
    def images_seen(self) -> int:
        """The axis of everything: figures, grids, schedules."""
        step, images = self.since
        return images + (self.step - step) * self.task.size

    def parameters_of(self, update: str) -> list[nn.Parameter]:
        """The parameters that an update moves."""
        return list(self.parameters[update].values())

    def train_step(self) -> None:
        """Every update that is due, on one batch; then the averages."""
        due = [update for update in self.task.updates if update.due(self.step)]
        moments = [self.moment(part) for part in range(self.parts)]
        # A batch in parts is made anew for each update: keeping what one has generated of all parts would take the
        # memory that the parts are to save.
        batches = [functools.partial(self.task.batch, moment) for moment in moments]
        if self.parts == 1:
            batches = [functools.cache(batches[0])]
        for update in due:
            optimizer = self.optimizers[update.name]
            parts = list(zip(moments, batches, strict=True))
            made = make_update(update, self.parameters_of(update.name), optimizer, parts, self.processes)
            sums = self.sums[update.name]
            for name, value in made.figures.items():
                sums[name] = sums[name] + value if name in sums else value
            self.counts[update.name] += 1
        self.step += 1
        self._average({name.split(".")[0] for update in due for name in update.moves})

    def gradient_norm(self, update: str) -> torch.Tensor:
        """(): the length of an update's last gradient."""
        parameters = self.parameters_of(update)
        if update in self.lengths and all(parameter.grad is None for parameter in parameters):
            return self.lengths[update]
        return gradient_norm(parameters)

    def moment(self, part: int = 0) -> Moment:
        """That of a part of this process's share of this step."""
        share = self.processes.share.split(part, self.parts)
        return Moment(self.step, (self.seed, self.rollbacks), share, self.images_seen)

    def _average(self, moved: set[str]) -> None:
        """Move the averages of what was moved on by the images since they last were."""
        for name in moved & self.averages.keys():
            images = (self.step - self.averaged_at[name]) * self.task.size
            network = self.task.modules[name]
            update_average(self.averages[name], network, images, self.images_seen, self.task.half_life)
            self.averaged_at[name] = self.step

    def result(self) -> dict[str, nn.Module]:
        """What a finished model holds, by name: the average of a network where there is one."""
        return {name: self.averages.get(name, self.task.modules[name]) for name in self.task.result}

    def is_finite(self) -> bool:
        """Whether all figures and weights, the averaged ones too, are numbers; waits for the device."""
        figures = [value for sums in self.sums.values() for value in sums.values()]
        networks = (*self.task.modules.values(), *self.averages.values())
        weights = [value for network in networks for value in network.state_dict().values()]
        return bool(torch.stack([tensor.isfinite().all() for tensor in (*figures, *weights)]).all())

    def take_figures(self) -> dict[str, dict[str, float]]:
        """Each update's figures, averaged since this was last asked for; waits for the device."""
        taken = {}
        for name, sums in self.sums.items():
            count = self.counts[name]
            # In an order that a checkpoint, whose tensors have none, cannot change.
            taken[name] = {figure: value.item() / count for figure, value in sorted(sums.items())}
            self.sums[name], self.counts[name] = {}, 0
        return taken

    # --- Saved and restored -----------------------------------------------------------------------------------------

    def state(self) -> Checkpoint:
        """Everything that the next step depends on, by name."""
        tensors = {}
        for group, networks in (("modules", self.task.modules), ("averages", self.averages)):
            for name, network in networks.items():
                tensors |= {f"{group}.{name}.{key}": value for key, value in network.state_dict().items()}
        for update, parameters in self.parameters.items():
            for name, parameter in parameters.items():
                moments = self.optimizers[update].state.get(parameter, {})
                tensors |= {f"optimizers.{update}.{name}.{key}": value for key, value in moments.items()}
        for update, sums in self.sums.items():
            tensors |= {f"figures.{update}.{name}": value for name, value in sums.items()}
            if sums:  # a line of figures has it, too, and may come before the next gradient
                tensors[f"lengths.{update}"] = self.gradient_norm(update)
        facts = {"step": self.step, "images_seen": self.images_seen, "rollbacks": self.rollbacks}
        facts |= {"averaged_at": dict(self.averaged_at), "counts": dict(self.counts), "identity": self.identity}
        return Checkpoint(tensors, facts | {"tensors": len(tensors)})

    def restore(self, saved: Checkpoint) -> None:
        """Become what `state` returned.

        Raises:
            RunError: if it is that of another run, or not whole.
            RuntimeError: if a network's weights are missing or of another shape.
        """
        saved = self.checked(saved)
        for group, networks in (("modules", self.task.modules), ("averages", self.averages)):
            for name, network in networks.items():
                network.load_state_dict(checkpoint.under(f"{group}.{name}", saved.tensors))
        for update, parameters in self.parameters.items():
            given = checkpoint.under(f"optimizers.{update}", saved.tensors)
            optimizer = self.optimizers[update]
            optimizer.state.clear()
            remembered = self._remembered(update)
            for name, parameter in parameters.items():
                parameter.grad = None
                if moments := checkpoint.under(name, given):
                    if moments.keys() != remembered:
                        raise RunError(
                            f"the checkpoint has {', '.join(moments)} of {name}, not {', '.join(remembered)}"
                        )
                    optimizer.state[parameter] = _fitted(moments, parameter, optimizer)
            sums = checkpoint.under(f"figures.{update}", saved.tensors)
            if any(value.shape for value in sums.values()) or (sums and not saved.facts["counts"][update]):
                raise RunError(f"the checkpoint's figures of {update} are no sums of numbers")
            self.sums[update] = {name: value.to(self.parameters_of(update)[0].device) for name, value in sums.items()}
        self.lengths = checkpoint.under("lengths", saved.tensors)
        if any(value.shape for value in self.lengths.values()):
            raise RunError("the checkpoint's lengths of gradients are no numbers")
        facts = saved.facts
        self.step, self.rollbacks, self.averaged_at = facts["step"], facts["rollbacks"], facts["averaged_at"]
        self.since = (facts["step"], facts["images_seen"])
        self.counts = facts["counts"]

    def restored(self, saved: Checkpoint) -> "Trainer":
        """This trainer, after `restore`."""
        self.restore(saved)
        return self

    def checked(self, saved: Checkpoint) -> Checkpoint:
        """A checkpoint, brought to date.

        Raises:
            RunError: if it would be taken without a word, and is another run's state, not whole, or not finite.
        """
        saved = saved if self.migrate is None else self.migrate(saved, self)
        if saved.facts["identity"] != self.identity:
            raise RunError(checkpoint.OF_ANOTHER_RUN)
        self._check_steps(saved.facts)
        if saved.facts["tensors"] != len(saved.tensors):
            raise RunError(f"the checkpoint holds {len(saved.tensors)} tensors of {saved.facts['tensors']}")
        networks = {name: value for name, value in saved.tensors.items() if name.startswith(("modules.", "averages."))}
        check_finite("the checkpoint", networks)
        return saved

    def _remembered(self, update: str) -> set[str]:
        """The names of what an update's optimiser remembers of each parameter, as a first step of it tells."""
        parameter = nn.Parameter(torch.zeros(1, device=self.parameters_of(update)[0].device))
        parameter.grad = torch.zeros_like(parameter)
        optimizer = next(known.optimizer for known in self.task.updates if known.name == update)([parameter])
        optimizer.step()
        return set(optimizer.state[parameter])

    def _check_steps(self, facts: dict[str, Any]) -> None:
        """Refuse what would be taken without a word: steps that nobody can have made."""
        for name, known in (("averaged_at", self.averaged_at), ("counts", self.counts)):
            if not isinstance(facts[name], dict) or facts[name].keys() != known.keys():
                raise RunError(f"the checkpoint's {name} is not of these networks and updates")
        step, others = facts["step"], [*facts["averaged_at"].values(), *facts["counts"].values()]
        numbers = [step, facts["rollbacks"], facts["images_seen"], *others]
        if not all(isinstance(number, int) and 0 <= number <= MAX_STEP for number in numbers) or max(others) > step:
            raise RunError(f"the checkpoint has impossible steps: {facts}")


def _parameters(task: Task, update: Update) -> Iterator[tuple[str, nn.Parameter]]:
    """What an update moves, by network and name; weights that networks share come once."""
    known: set[nn.Parameter] = set()
    for moved in update.moves:
        network, _, part = moved.partition(".")
        for name, parameter in task.modules[network].get_submodule(part).named_parameters(moved):
            if parameter not in known:
                known.add(parameter)
                yield name, parameter


def _fitted(
    moments: dict[str, torch.Tensor], parameter: nn.Parameter, optimizer: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    """What an optimiser remembers of a parameter, laid out as it expects.

    A fused optimiser goes through memory in order: what belongs to a parameter must lie as the parameter does, and its
    counter of steps on the same device.

    Raises:
        RunError: if something is of another shape.
    """
    fitted = {}
    for name, value in moments.items():
        if name == "step":
            fitted[name] = value.to(parameter.device if optimizer.defaults.get("fused") else "cpu")
        elif value.shape == parameter.shape:
            fitted[name] = torch.empty_like(parameter).copy_(value)
        else:
            raise RunError(f"the checkpoint's {name} is of shape {list(value.shape)}, wanted {list(parameter.shape)}")
    return fitted
