"""Threads are counted by cores, affinity and the shares of containers, in system folders that the tests write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scumble import cores


@pytest.fixture
def machine(tmp_path) -> Path:
    """Four cores of two hyper-threads each, as Linux numbers them: 0 and 4 are one core."""
    for number in range(8):
        topology = tmp_path / f"sys/devices/system/cpu/cpu{number}/topology"
        topology.mkdir(parents=True)
        (topology / "thread_siblings_list").write_text(f"{number % 4},{number % 4 + 4}\n")
    return tmp_path


def grouped(root: Path, line: str, files: dict[str, str]) -> None:
    """Put the process into a control group, and write the files of groups."""
    (root / "proc/self").mkdir(parents=True, exist_ok=True)
    (root / "proc/self/cgroup").write_text(line)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [(range(8), 4), ({0, 4}, 1), ({1}, 1), ({0, 1}, 2), ({0, 1, 4, 5}, 2), ({2, 3, 4, 5}, 4)],
)
def test_hyper_threads_of_a_core_count_once(machine, cpus, expected):
    assert cores.usable(cpus, machine) == expected


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("4,2", 4), (" 2 ", 2), ("many", None), ("0", None)])
def test_who_says_how_many_threads_compute_is_understood(said, expected, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert cores.chosen() == expected


def test_as_many_threads_compute_as_are_allowed_where_nobody_says_it(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert cores.chosen() == cores.allowed()


def test_where_nothing_is_told_every_processor_is_a_core(tmp_path):
    assert cores.usable(range(6), tmp_path) == 6
    assert cores.usable((), tmp_path) == 1


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        ("max 100000", 4),
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("20000 100000", 1),
        ("800000 100000", 4),
        ("", 4),
        ("0", 4),
        ("100000 0", 4),
        ("many 100000", 4),
    ],
)
def test_a_containers_share_counts(machine, quota, expected):
    grouped(machine, "0::/box\n", {"box/cpu.max": quota})
    assert cores.usable(range(8), machine) == expected


def test_the_tightest_group_on_the_way_up_counts(machine):
    grouped(machine, "0::/a/b/c\n", {"a/cpu.max": "200000 100000", "a/b/cpu.max": "300000 100000", "cpu.max": "max 1"})
    assert cores.usable(range(8), machine) == 2


def test_inside_a_container_the_path_is_the_hosts_and_the_top_is_its_own(machine):
    grouped(machine, "0::/../../docker/0123\n", {"cpu.max": "100000 100000"})
    assert cores.usable(range(8), machine) == 1


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
@pytest.mark.parametrize(("quota", "expected"), [("-1", 4), ("250000", 3), ("50000", 1)])
def test_version_1_counts_as_well(machine, mount, quota, expected):
    lines = f"5:memory:/box\n4:{mount}:/box\n1:cpuset:/other\n"
    grouped(machine, lines, {f"{mount}/box/cpu.cfs_quota_us": quota, f"{mount}/box/cpu.cfs_period_us": "100000"})
    assert cores.usable(range(8), machine) == expected


def test_version_2_below_version_1_counts(machine):
    grouped(machine, "1:cpu:/\n0::/box\n", {"unified/box/cpu.max": "100000 100000"})
    assert cores.usable(range(8), machine) == 1


def test_who_sets_the_number_has_chosen(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert cores.allowed() is None
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert cores.allowed() is None


def test_a_load_that_the_system_does_not_tell_is_none(monkeypatch):
    def not_told():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 0, 0), raising=False)
    assert cores.load() == (1.5, os.cpu_count() or 1)
    monkeypatch.setattr(os, "getloadavg", not_told)
    assert cores.load() == (None, None)
    monkeypatch.delattr(os, "getloadavg")
    assert cores.load() == (None, None)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs a system that keeps processes to processors")
@pytest.mark.parametrize(("given", "expected"), [({}, ["1", "1"]), ({"OMP_NUM_THREADS": "3"}, ["3"])])
def test_the_command_line_uses_as_many_as_it_may(given, expected):
    script = (
        "import os, scumble.cli.app as app\n"
        "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})\n"
        "try: app.main(['--version'])\n"
        "finally: import torch; print(os.environ['OMP_NUM_THREADS'], torch.get_num_threads())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"} | given
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split()[1 : 1 + len(expected)] == expected  # MKL may think that three are too many
