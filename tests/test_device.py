"""The device changes nothing of the program that uses the library, but while the library computes."""

from collections.abc import Generator

import pytest
import torch

from scumble import device
from scumble.errors import SettingsError
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


@device.in_full_float32
def counting(found: list[int]) -> Generator[Event, None, None]:
    for step in range(2):
        found.append(torch.get_num_threads())
        yield Progress("job", step, 2)


@pytest.mark.parametrize(("cores", "expected"), [(2, 2), (None, 3), (8, 3)])
def test_a_job_has_no_more_threads_than_cores_and_its_caller_has_its_own(cores, expected, monkeypatch):
    before, found = torch.get_num_threads(), []
    monkeypatch.setattr(device, "allowed", lambda: cores)
    torch.set_num_threads(3)
    try:
        outside = [torch.get_num_threads() for _ in counting(found)]
    finally:
        torch.set_num_threads(before)
    assert found == [expected] * 2
    assert outside == [3] * 2


@pytest.fixture
def without_bfloat16(monkeypatch):
    """A processor, or a setting of its library, that has no instructions for it."""
    monkeypatch.setattr(device, "onednn_has_bfloat16", lambda: False)


def test_bfloat16_on_a_processor_without_it_is_emulated_and_not_chosen(without_bfloat16, content_file, style_file):
    assert device.choose("cpu").dtype == torch.float32
    asked = device.choose("cpu", "bfloat16")
    assert asked.dtype == torch.bfloat16
    assert "as asked; slow here" in asked.reason
    settings = StyleSettings(size=32, steps=1, precision="bfloat16", device="cpu")
    assert returned(stylize_events(content_file, style_file, settings)) is None


def test_the_call_for_convolutions_with_relu_is_left_out_where_it_has_no_bfloat16(without_bfloat16):
    from scumble.perceptual import fused

    layer = torch.nn.Conv2d(3, 3, 3, padding=1).requires_grad_(False)
    assert not fused.is_there(torch.zeros(1, 3, 8, 8, dtype=torch.bfloat16), layer)


def test_a_device_without_bfloat16_is_told_in_one_line(monkeypatch):
    def fails(*arguments):
        raise RuntimeError("MPS BFloat16 is only supported on MacOS 14 or newer")

    monkeypatch.setattr(torch.nn.functional, "conv2d", fails)
    with pytest.raises(SettingsError, match="precision: got 'bfloat16', which this CPU lacks; wanted auto or float32"):
        device.choose("cpu", "bfloat16")
    assert device.choose("cpu", "float32").dtype == torch.float32


@pytest.mark.parametrize("name", ["cuda", "cuda:7", "mps", "xpu", "tpu", "", "cuda:-1", "cpu:x"])
def test_devices_that_are_not_here_are_told_in_one_line(name, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(SettingsError, match=r"device: got .*, wanted one that is here: auto, cpu$"):
        device.choose(name)
