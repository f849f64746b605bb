"""Several processes as one training: the same figures, the same pictures, one voice, and no way to hang."""

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import safetensors.torch
import torch

from scumble import GANSettings, device
from scumble.cli import app
from scumble.errors import LostError, SettingsError
from scumble.events import Event, Finished, Noted, Progress, Saved
from scumble.gan.train import train_events
from scumble.training.distributed import VARIABLES
from scumble.training.launcher import launch

pytestmark = pytest.mark.usefixtures("one_thread")

two_cores = pytest.mark.skipif(device.count(torch.device("cpu")) < 2, reason="needs two cores")

# Without batch norm, which has each process look at its own pictures alone.
TINY = {
    "precision": "float32",
    "preset": "rpgan",
    "width": 4,
    "latent": 8,
    "batch": 8,
    "augment": True,
    "flip": "yes",
    "device": "cpu",
}
FLAGS = [f"--{name}={value}" for name, value in TINY.items() if name != "augment"] + ["--augment", "--grids=1"]


@pytest.fixture
def data(tmp_path) -> Path:
    pictures = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    np.savez(tmp_path / "noise.npz", x=pictures)
    return tmp_path / "noise.npz"


def trained(data: Path, run: Path, **given) -> list:
    return list(train_events(data, run, GANSettings(**(TINY | {"images": 8 * 3, "grids": 1} | given))))


def figures(run: Path) -> list[dict]:
    rows = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "images_per_second"} for row in rows]


def assert_same_training(one: Path, other: Path) -> None:
    """Up to rounding, which has grown 100-fold after three steps: Adam makes equal moves of the smallest gradients."""
    for row, expected in zip(figures(one), figures(other), strict=True):
        assert row == pytest.approx(expected, rel=2e-4)
    weights, expected = (all_weights(run) for run in (one, other))
    assert (weights - expected).norm() < 2e-4 * expected.norm()


def all_weights(run: Path) -> torch.Tensor:
    tensors = safetensors.torch.load_file(sorted((run / "checkpoints").glob("*.safetensors"))[-1])
    return torch.cat([t.flatten() for name, t in sorted(tensors.items()) if name.startswith(("modules", "averages"))])


@pytest.mark.usefixtures("loopback")
@two_cores
@pytest.mark.parametrize(
    "given",
    [
        {"loss": "relativistic"},
        pytest.param({"loss": "softmax"}, marks=pytest.mark.slow),
        pytest.param({"preset": "began"}, marks=pytest.mark.slow),
        pytest.param({"preset": "aae", "augment": False}, marks=pytest.mark.slow),
    ],
)
def test_two_processes_train_as_one_does(data, tmp_path, monkeypatch, given):
    """The second compares each picture with the whole batch, the half on the other process included; the others
    remember, or log, what is of the whole batch."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    alone = trained(data, tmp_path / "one", **given)
    events = trained(data, tmp_path / "two", **given, devices=2)
    for each in (events, alone):
        assert [event.path.name for event in each if isinstance(event, Saved)] == ["model", "000000000024.png"]
        assert isinstance(each[-1], Finished)
    assert_same_training(tmp_path / "two", tmp_path / "one")
    assert not list((tmp_path / "temporary").iterdir())


def started_by(process: psutil.Process) -> list[psutil.Process]:
    """Its children, but for the one that multiprocessing has for itself."""
    return [child for child in process.children() if "resource_tracker" not in " ".join(child.cmdline())]


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_trained(run: Path, jobs: list[subprocess.Popen]) -> None:
    """For the first line of figures."""
    metrics = run / "metrics.jsonl"
    while not (metrics.exists() and metrics.read_text()):
        assert all(job.poll() is None for job in jobs)
        time.sleep(0.2)


@pytest.mark.usefixtures("loopback")
@two_cores
@pytest.mark.slow
def test_a_killed_process_ends_the_job_with_a_line_and_another_number_of_processes_goes_on(data, tmp_path):
    many = GANSettings(**(TINY | {"images": 8 * 50_000, "decay": "none", "devices": 2}))
    events = train_events(data, tmp_path / "run", many)
    next(event for event in events if isinstance(event, Progress) and event.job == "train" and event.done)
    events.close()
    [saved] = sorted((tmp_path / "run/checkpoints").glob("*[1-9]*.safetensors"))
    events = train_events(data, tmp_path / "run", many)
    goes_on_at = next(event.done for event in events if isinstance(event, Progress) and event.job == "train")
    assert goes_on_at == int(saved.stem) > 0
    [agent] = started_by(psutil.Process())
    family = [agent, *started_by(agent)]
    max(started_by(agent), key=lambda process: process.pid).kill()
    killed_at = time.monotonic()
    with pytest.raises(LostError, match=r"process 2 of 2 was killed \(SIGKILL\) \(the same command goes on"):
        list(events)
    assert time.monotonic() - killed_at < 60
    assert not multiprocessing.active_children()
    assert not any(map(is_alive, family))
    whole = goes_on_at + 8 * 10
    trained(data, tmp_path / "run", decay="none", images=whole, devices=1)
    trained(data, tmp_path / "whole", decay="none", images=whole)
    assert figures(tmp_path / "run")[-1]["images"] == whole
    assert figures(tmp_path / "run")[-1]["loss_d"] == pytest.approx(figures(tmp_path / "whole")[-1]["loss_d"], rel=0.01)


@pytest.mark.usefixtures("loopback")
@two_cores
@pytest.mark.slow
@pytest.mark.parametrize(
    ("victim", "by", "code"),
    [("all", signal.SIGINT, 130), ("parent", signal.SIGKILL, -9), ("agent", signal.SIGKILL, 1)],
)
def test_whoever_is_gone_the_first_process_saves_and_no_process_stays(data, tmp_path, victim, by, code):
    """Ctrl-C in a terminal comes to all processes at once, and kill -9 to one of them."""
    run, flags = tmp_path / "run", [*FLAGS, f"--images={8 * 100_000}", "--devices=2"]
    job = subprocess.Popen(
        [sys.executable, "-m", "scumble.cli.app", "gan", "train", str(data), "--run", str(run), *flags],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        text=True,
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Whoever starts the tests in a shell's background has them ignore Ctrl-C, and all their children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_until_trained(run, [job])
    parent = psutil.Process(job.pid)
    family = [parent, *parent.children(recursive=True)]
    [agent] = started_by(parent)
    assert len(started_by(agent)) == 2
    if victim == "all":
        os.killpg(job.pid, by)
    else:
        {"parent": parent, "agent": agent}[victim].send_signal(by)
    killed_at = time.monotonic()
    _, told = job.communicate(timeout=60)
    assert job.returncode == code, told
    assert ("the processes of this training are gone" in told) is (victim == "agent")
    while any(map(is_alive, family)):
        assert time.monotonic() - killed_at < 60
        time.sleep(0.2)
    assert list((run / "checkpoints").glob("*[1-9]*.safetensors"))


def failing() -> Iterator[Event]:
    """A job with a mistake in it."""
    yield Noted("begun")
    raise ZeroDivisionError("a mistake")


@pytest.mark.usefixtures("loopback")
@pytest.mark.slow
def test_a_process_that_fails_ends_the_job_and_its_traceback_is_seen(capfd):
    with pytest.raises(LostError, match=r"process [12] of 2 failed \(exit code 1\) \(the same command goes on"):
        list(launch(failing, 2, 1))
    told = capfd.readouterr().err
    assert "ZeroDivisionError: a mistake" in told
    assert 'raise ZeroDivisionError("a mistake")' in told
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("flags", "line"),
    [
        (["--devices", "1000", "--batch", "1000"], "devices: got 1000, wanted"),
        (["--devices", "2", "--batch", "9"], "batch: got 9 for 2 processes, wanted equally many for each"),
        (["--nodes", "2"], "nodes: got 2, NODE_RANK unset, MASTER_ADDR unset"),
        (["--devices", "0"], "devices: got"),
    ],
)
def test_numbers_of_processes_that_cannot_be_are_one_line_and_leave_nothing(data, tmp_path, capsys, flags, line):
    with pytest.raises(SystemExit) as exit_:
        app.main(["gan", "train", str(data), "--run", str(tmp_path / "run"), "--device", "cpu", *flags])
    assert exit_.value.code == 2
    # What flags alone show to be wrong is told before the training is announced.
    *announced, told = capsys.readouterr().err.splitlines()
    assert len(announced) <= 1
    assert line in told
    assert not (tmp_path / "run").exists()


def test_flags_that_contradict_torchrun_are_refused_and_the_first_process_alone_says_so(
    data, tmp_path, capsys, monkeypatch
):
    for name, value in zip(VARIABLES, (1, 2, 1, 2), strict=True):
        monkeypatch.setenv(name, str(value))
    with pytest.raises(SettingsError, match="devices: got 3, and torchrun has started processes for 2"):
        trained(data, tmp_path / "run", devices=3, batch=6)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    for rank, lines in ((1, 0), (0, 2)):
        monkeypatch.setenv("RANK", str(rank))
        with pytest.raises(SystemExit) as exit_:
            app.main(["gan", "train", str(data), "--run", str(tmp_path / "run"), "--devices", "3", "--batch", "6"])
        assert exit_.value.code == 2
        assert len(capsys.readouterr().err.splitlines()) == lines


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def on_two_machines(data: Path, run: Path, way: str, images: int) -> list[subprocess.Popen]:
    """The same command twice, as on two machines, on this one's loopback."""
    command = ["scumble.cli.app", "gan", "train", str(data), "--run", str(run), f"--images={images}", *FLAGS]
    port, jobs = free_port(), []
    for node in range(2):
        place = {"NODE_RANK": str(node), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
        place["TMPDIR"] = str(run.parent)  # torchrun leaves folders behind
        torchrun = ["-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={node}", "--nproc-per-node=1"]
        torchrun += ["--master-addr=127.0.0.1", f"--master-port={port}"]
        start = [*torchrun, "-m", "--", *command] if way == "torchrun" else ["-m", *command, "--nodes=2"]
        jobs.append(
            subprocess.Popen(
                [sys.executable, *start],
                env=os.environ | place,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
    return jobs


@pytest.mark.usefixtures("loopback")
@pytest.mark.slow
@pytest.mark.parametrize("way", ["torchrun", "nodes"])
def test_two_machines_train_as_one_does_and_the_first_alone_tells(data, tmp_path, way):
    trained(data, tmp_path / "one")
    jobs = on_two_machines(data, tmp_path / "two", way, images=8 * 3)
    (results, told), (nothing, other) = (job.communicate(timeout=280) for job in jobs)
    assert [job.returncode for job in jobs] == [0, 0], told + other
    assert results.splitlines() == [str(tmp_path / "two/model"), str(tmp_path / "two/grids/000000000024.png")]
    assert nothing == ""
    assert "train:" in told
    assert "train:" not in other
    assert_same_training(tmp_path / "two", tmp_path / "one")


@pytest.mark.usefixtures("loopback")
@pytest.mark.slow
@pytest.mark.parametrize("way", ["torchrun", "nodes"])
def test_a_machine_that_is_lost_ends_the_other_one(data, tmp_path, way):
    jobs = on_two_machines(data, tmp_path / "run", way, images=8 * 100_000)
    wait_until_trained(tmp_path / "run", jobs)
    lost = psutil.Process(jobs[1].pid)
    for process in (lost, *lost.children(recursive=True)):
        process.kill()
    killed_at = time.monotonic()
    _, told = jobs[0].communicate(timeout=120)
    jobs[1].communicate()
    assert time.monotonic() - killed_at < 60
    assert jobs[0].returncode == 1
    assert told.count("scumble: another process of this training no longer answers (the same command goes on") == 1
    assert trained(data, tmp_path / "run", images=80, nodes=1)
