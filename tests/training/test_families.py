"""Tasks of every shape: killed and resumed at any step they end with the same bits, and on two processes as on one."""

import os
import sys
from pathlib import Path

import pytest
import torch
import torch.multiprocessing

sys.path.insert(0, str(Path(__file__).parent))
from families import FAMILIES

from scumble.errors import RunError
from scumble.storage import checkpoint
from scumble.training.distributed import Processes, Rank
from scumble.training.trainer import Trainer

STEPS = 9

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(name: str, steps: int = STEPS, parts: int = 1, processes: Processes | None = None) -> Trainer:
    processes = processes or Processes()
    trainer = Trainer(FAMILIES[name](processes), 5, parts, processes)
    for _ in range(steps):
        trainer.train_step()
    return trainer


def state(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.state().tensors.items()}


@pytest.mark.parametrize("name", FAMILIES)
def test_resumed_at_any_step_it_ends_with_the_same_bits(name, tmp_path):
    whole = state(trained(name))
    assert len(whole) > 10
    for stopped in range(STEPS):
        path = checkpoint.write(tmp_path, stopped, trained(name, stopped).state())
        resumed = trained(name, 0).restored(checkpoint.read(path))
        for _ in range(STEPS - stopped):
            resumed.train_step()
        ended = state(resumed)
        assert ended.keys() == whole.keys()
        assert all(torch.equal(ended[key], whole[key]) for key in whole), stopped


def test_the_length_of_a_gradient_outlives_the_process_that_made_it(tmp_path):
    before = trained("lazy", 2)  # the generator moved in the first of these steps alone
    path = checkpoint.write(tmp_path, 2, before.state())
    resumed = trained("lazy", 0).restored(checkpoint.read(path))
    assert resumed.gradient_norm("g") == before.gradient_norm("g") > 0
    resumed.train_step()
    before.train_step()
    assert resumed.gradient_norm("g") == before.gradient_norm("g")


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "compared"])
def test_a_batch_in_parts_leaves_what_the_whole_leaves(name):
    whole, parts = state(trained(name)), state(trained(name, parts=2))
    for key, value in whole.items():
        assert (parts[key] - value).abs().max() <= 1e-9 * max(value.abs().max(), 1), key


def work(number: int, port: str, folder: str) -> None:
    """What one of two processes does."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "RANK": str(number), "WORLD_SIZE": "2"}
    torch.set_num_threads(1)
    processes = Processes(Rank(number, 2, number, 2))
    for name in FAMILIES:
        torch.save(state(trained(name, processes=processes)), Path(folder) / f"{name}-{number}")
        processes.gathered(None)
    processes.close()


@pytest.fixture(scope="module")
def on_two_processes(tmp_path_factory, loopback) -> Path:
    import socket

    folder = tmp_path_factory.mktemp("two")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    torch.multiprocessing.spawn(work, (port, str(folder)), 2)
    return folder


@pytest.mark.parametrize("name", FAMILIES)
def test_two_processes_train_as_one_does_within_rounding(name, on_two_processes):
    whole = state(trained(name))
    for number in range(2):
        each = torch.load(on_two_processes / f"{name}-{number}", weights_only=True)
        assert each.keys() == whole.keys()
        for key, value in whole.items():
            assert (each[key] - value).abs().max() <= 1e-9 * max(value.abs().max(), 1), key


def test_weights_that_take_no_part_have_nothing_in_the_optimiser_until_they_do():
    names = [state(trained("growing", steps)).keys() for steps in (3, 6)]
    late = "optimizers.g.generator.late.weight.exp_avg"
    assert [late in each for each in names] == [False, True]


def test_only_what_an_update_moves_gets_a_gradient_from_it():
    trainer = trained("codes", 0)
    discriminator = trainer.task.modules["discriminator"]
    trainer.train_step()
    before = discriminator.end.weight.grad.clone()
    q = discriminator.q.weight.grad.clone()
    trainer.task = trainer.task._replace(updates=trainer.task.updates[1:])
    trainer.train_step()
    assert torch.equal(discriminator.end.weight.grad, before)
    assert not torch.equal(discriminator.q.weight.grad, q)


def test_what_its_caller_had_frozen_stays_frozen():
    trainer = trained("unpaired", 0)
    judge = trainer.task.modules["judge_back"]
    judge.requires_grad_(False)
    trainer.task = trainer.task._replace(updates=trainer.task.updates[2:])
    trainer.train_step()
    assert not any(parameter.requires_grad for parameter in judge.parameters())


@pytest.mark.parametrize("spoilt", ["identity", "step", "tensors", "shape"])
def test_a_state_that_is_not_this_training_s_is_refused(spoilt):
    trainer = trained("lazy", 2)
    saved = trainer.state()
    if spoilt == "shape":
        saved.tensors["optimizers.d.discriminator.0.weight.exp_avg"] = torch.zeros(3)
    elif spoilt == "tensors":
        del saved.tensors["optimizers.d.discriminator.0.weight.exp_avg"]
    else:
        saved.facts[spoilt] = "other" if spoilt == "identity" else -1
    with pytest.raises(RunError):
        trainer.restore(saved)


HOSTILE = {
    "counts": ({}, {"d": 1}, 7, "d", {"d": "1", "g": 0}, {"d": 10**15, "g": 0}, {"d": -1, "g": 0}, {"d": 0, "g": 0}),
    "averaged_at": ({}, {"x": 0}, None, {"generator": 10**9}, {"generator": "a"}),
    "step": (None, 2.5, "2", 10**30, [2]),
    "rollbacks": (None, "0", -1),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in HOSTILE.items() for value in values])
def test_facts_that_somebody_has_edited_are_refused(name, value):
    trainer = trained("lazy", 2)
    saved = trainer.state()
    saved.facts[name] = value
    with pytest.raises(RunError, match=r"impossible steps|not of these|no sums"):
        trainer.restore(saved)


@pytest.mark.parametrize("name", ["figures.d.loss", "optimizers.d.discriminator.0.weight.exp_avg"])
def test_tensors_of_other_names_or_shapes_are_refused(name):
    trainer = trained("lazy", 2)
    saved = trainer.state()
    value = saved.tensors.pop(next(key for key in saved.tensors if key.startswith(name[:9])) if "fig" in name else name)
    saved.tensors[name + ("" if "fig" in name else "_unknown")] = value.expand(2) if "fig" in name else value
    with pytest.raises(RunError, match=r"no sums of numbers|exp_avg_unknown"):
        trainer.restore(saved)
