"""Fewer threads compute inside, in this thread of the program alone, and the host's number comes back."""

import threading

import pytest
import torch

from scumble import threads
from scumble.threads import by_few_threads, few_threads


@pytest.fixture(autouse=True)
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def number_of_a_new_thread() -> int:
    """How many threads a thread computes with that uses torch for the first time."""
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize(("most", "inside"), [(1, 1), (2, 2), (3, 3), (8, 3), (None, 3)])
def test_there_are_never_more_than_before_and_they_come_back(most, inside):
    with few_threads(most):
        assert torch.get_num_threads() == inside
        with few_threads(1):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == inside
    assert torch.get_num_threads() == 3


def test_they_come_back_after_a_failure():
    def fail() -> None:
        with few_threads(1):
            raise ValueError("damaged")

    with pytest.raises(ValueError, match="damaged"):
        fail()
    assert torch.get_num_threads() == 3


@pytest.mark.skipif(threads._setters()[0] is torch.set_num_threads, reason="needs an OpenMP that can be asked")
def test_threads_that_begin_meanwhile_have_the_hosts_number():
    with few_threads(1):
        assert number_of_a_new_thread() == 3
    assert number_of_a_new_thread() == 3


def test_where_the_libraries_cannot_be_asked_torch_is(monkeypatch):
    monkeypatch.setattr(threads.ctypes, "CDLL", lambda name: object())
    assert threads._setters.__wrapped__()[0] is torch.set_num_threads


def test_what_is_computed_is_the_same():
    matrix = torch.randn(40, 40, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with few_threads(1):
        alone = torch.linalg.eigvalsh(matrix @ matrix.T)
    torch.testing.assert_close(alone, torch.linalg.eigvalsh(matrix @ matrix.T))


def test_each_step_is_found_by_few_and_its_caller_has_its_own_number():
    def steps():
        for number in range(3):
            assert torch.get_num_threads() == 1
            yield number

    for number in by_few_threads(steps(), 1):
        assert torch.get_num_threads() == 3
        if number == 1:
            break
    assert torch.get_num_threads() == 3
