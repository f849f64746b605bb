"""The device changes nothing of the program that uses the library, but while the library computes."""

from collections.abc import Generator

import pytest
import torch

from scumble import device
from scumble.events import Event, Progress, returned
from scumble.style.objective.objective import Objective
from scumble.style.settings import StyleSettings
from scumble.style.stylize import stylize_events


def host() -> tuple[str, str]:
    return torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision


@pytest.fixture(params=["tf32", "ieee"])
def precision(request) -> Generator[str, None, None]:
    """What the host program has chosen for a GPU's convolutions and products, which can be asked for without a GPU."""
    before = host()
    torch.backends.cudnn.conv.fp32_precision = torch.backends.cuda.matmul.fp32_precision = request.param
    yield request.param
    torch.backends.cudnn.conv.fp32_precision, torch.backends.cuda.matmul.fp32_precision = before


def test_choosing_a_device_leaves_the_hosts_precision(precision):
    device.choose("cpu", "float32")
    assert host() == (precision, precision)


def test_a_job_computes_in_full_float32_and_its_caller_does_not(precision, content_file, style_file, monkeypatch):
    inside, plain = [], Objective.value_and_gradient

    def looked(self, canvas):
        inside.append(host())
        return plain(self, canvas)

    monkeypatch.setattr(Objective, "value_and_gradient", looked)
    outside = [host() for _ in stylize_events(content_file, style_file, StyleSettings(size=40, steps=2))]
    assert set(inside) == {("ieee", "ieee")}
    assert set(outside) == {(precision, precision)}
    assert host() == (precision, precision)


@device.in_full_float32
def job(steps: int, fails: bool = False) -> Generator[Event, None, tuple[str, str]]:
    try:
        for step in range(steps):
            assert host() == ("ieee", "ieee")
            yield Progress("job", step, steps)
        if fails:
            raise ValueError
    finally:
        assert host() == ("ieee", "ieee")
    return host()


def test_jobs_in_turn_stopped_and_failed_put_back_what_they_found(precision):
    one, other = job(3), job(3, fails=True)
    for events in (one, other, one, other):
        next(events)
        assert host() == (precision, precision)
    one.close()
    with pytest.raises(ValueError):
        list(other)
    assert host() == (precision, precision)


def test_a_jobs_result_comes_through():
    assert returned(job(2)) == ("ieee", "ieee")
