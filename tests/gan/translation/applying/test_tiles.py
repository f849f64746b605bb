import itertools

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from scumble.events import Progress, returned
from scumble.gan.translation.applying.norms import HeldNorms, moments
from scumble.gan.translation.applying.tiles import edges, look_at, survey, translating
from scumble.gan.translation.networks.unet import UNet


class Small(nn.Module):
    """A residual translator in little: reflected borders, halved and doubled once, any norm."""

    def __init__(self, norm, channels=3, enlarges=1):
        super().__init__()
        self.enlarges = enlarges
        self.start = nn.Conv2d(channels, 6, 5, padding=2, padding_mode="reflect")
        self.down = nn.Conv2d(6, 8, 3, stride=2, padding=1)
        self.norms = nn.ModuleList(norm(8) for _ in range(3))
        self.middle = nn.ModuleList(nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect") for _ in range(2))
        self.up = nn.ConvTranspose2d(8, 6, 4, stride=2, padding=1)
        self.end = nn.Conv2d(6, 2, 3, padding=1)

    def forward(self, x, code=None):
        x = F.relu(self.norms[0](self.down(F.relu(self.start(x)))))
        for convolution, norm in zip(self.middle, self.norms[1:], strict=True):
            x = x + F.relu(norm(convolution(x)))
        x = x if code is None else x + code[:, :, None, None]
        x = F.interpolate(F.relu(self.up(x)), scale_factor=self.enlarges)
        return torch.tanh(self.end(x))


NORMS = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "instance": nn.InstanceNorm2d,
    "affine instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
    "layer": lambda channels: nn.GroupNorm(1, channels),
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def network(norm="none", **more) -> nn.Module:
    made = Small(NORMS[norm], **more)
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made.eval().requires_grad_(False)


def picture(height=300, width=411, channels=3) -> torch.Tensor:
    coarse = torch.rand(1, channels, height // 9, width // 9) * 255
    return F.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 255).byte()


def whole(made, pixels, *told, **more) -> torch.Tensor:
    return returned(translating(made, pixels, told, working_bytes=1e12, **more))


def tiled(made, pixels, *told, bytes_=5.2e6, **more) -> torch.Tensor:
    events = translating(made, pixels, told, working_bytes=bytes_, **more)
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as end:
            result = end.value
            break
    assert all(isinstance(event, Progress) for event in seen)
    assert seen[-1].done == seen[-1].total >= 4
    return result


@pytest.mark.parametrize("norm", ["none", "batch"])
@pytest.mark.parametrize("size", [(300, 411), (257, 512), (301, 299)])
def test_tiles_are_the_whole_within_rounding(norm, size):
    made, pixels = network(norm), picture(*size)
    one, other = whole(made, pixels, multiple=2), tiled(made, pixels, multiple=2)
    assert one.shape == other.shape == (1, 2, *size)
    torch.testing.assert_close(other, one, rtol=0, atol=1e-4)


@pytest.mark.parametrize("norm", ["instance", "affine instance", "layer"])
def test_with_the_wholes_statistics_held_tiles_are_the_whole_within_rounding(norm, monkeypatch):
    made, pixels = network(norm), picture()
    one = whole(made, pixels, multiple=2)
    # A survey that shows all of it, once.
    padded = F.pad(pixels.float() / 127.5 - 1, (0, 1, 0, 0), mode="replicate")
    monkeypatch.setattr("scumble.gan.translation.applying.tiles.survey", lambda *_: padded)
    torch.testing.assert_close(tiled(made, pixels, multiple=2), one, rtol=0, atol=1e-4)


@pytest.mark.parametrize("norm", ["instance", "layer"])
def test_no_seam_shows_where_tiles_meet(norm):
    """Neighbouring pixels differ at a tile's edge as they do within: norms of each tile alone would show there."""
    made, pixels = network(norm), picture(400, 600)
    one, other = whole(made, pixels, multiple=2), tiled(made, pixels, multiple=2)
    steps_whole, steps = ((p[..., 1:] - p[..., :-1]).abs().mean((0, 1, 2)) for p in (one, other))
    assert ((steps - steps_whole).abs() < 0.35 * steps_whole.mean()).all()


def test_statistics_are_those_of_the_norms_themselves():
    x = torch.randn(1, 6, 20, 30) * 3 + 1
    for norm in (nn.InstanceNorm2d(6), nn.InstanceNorm2d(6, affine=True), nn.GroupNorm(1, 6), nn.GroupNorm(3, 6)):
        held = HeldNorms(nn.Sequential(norm))
        with held.taken():
            taken = norm(x)
        torch.testing.assert_close(taken, norm(x))
        with held.held():
            torch.testing.assert_close(norm(x[..., :7]), taken[..., :7])
        assert "forward" not in vars(norm)  # as it was


def test_a_norm_that_is_passed_twice_has_two_statistics():
    norm = nn.InstanceNorm2d(2)
    held, x = HeldNorms(norm), torch.randn(1, 2, 8, 8)
    with held.taken():
        first, second = norm(x), norm(3 * x + 1)
    assert len(held.statistics) == 2
    with held.held():
        torch.testing.assert_close(norm(x), first)
        torch.testing.assert_close(norm(3 * x + 1), second)


def test_statistics_of_many_cuts_are_of_all_together():
    x = torch.randn(3, 2, 8, 8)
    mean, variance = moments(nn.InstanceNorm2d(2), x)
    torch.testing.assert_close(mean, x.mean((0, 2, 3)))
    torch.testing.assert_close(variance, x.var((0, 2, 3), correction=0))


def test_batch_norms_and_those_that_go_by_what_they_learnt_are_left_alone():
    running = nn.InstanceNorm2d(2, track_running_stats=True)
    assert HeldNorms(nn.Sequential(nn.BatchNorm2d(2), running)).modules == []


def test_what_is_told_and_what_is_enlarged():
    made, pixels, code = network(enlarges=2), picture(280, 300), torch.randn(1, 8)
    one = whole(made, pixels, code, multiple=2, enlarges=2)
    other = tiled(made, pixels, code, multiple=2, enlarges=2)
    assert other.shape == (1, 2, 560, 600)
    torch.testing.assert_close(other, one, rtol=0, atol=1e-4)


def test_a_network_that_sees_too_far_is_blended():
    """A U-Net that halves five times sees 90 pixels to each side of a tile of 128: near the whole, without a seam."""
    made = UNet(3, 3, 4, 5, "batch", "resize").eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.mul_(3 if parameter.dim() > 1 else 1)
    pixels = picture(384, 480)
    one, other = whole(made, pixels, multiple=32), tiled(made, pixels, multiple=32, bytes_=5.2e6)
    assert (other - one).abs().mean() < 0.02 * one.std()
    steps_whole, steps = ((p[..., 1:] - p[..., :-1]).abs().mean((0, 1, 2)) for p in (one, other))
    assert ((steps - steps_whole).abs() < 0.2 * steps_whole.mean()).all()


def test_the_reach_is_no_less_than_what_a_pixel_changes():
    made, pixels = network(), torch.randn(1, 3, 128, 128)
    changed = pixels.clone()
    changed[..., 64, 64] += 5
    moved = (made(changed) - made(pixels)).abs().amax((0, 1)) > 0
    reach = look_at(made, pixels).reach
    rows = moved.any(1).nonzero().flatten()
    assert reach >= max(64 - rows.min().item(), rows.max().item() - 64)
    assert reach <= 30


@pytest.mark.parametrize(("height", "width"), [(300, 411), (2000, 300), (260, 4000)])
def test_a_survey_is_spread_over_the_picture_and_has_room(height, width):
    pixels = torch.arange(height)[:, None] * torch.ones(1, width)
    cuts = survey(pixels[None, None].float(), 4, 500_000)
    assert cuts.shape[0] * cuts.shape[2] * cuts.shape[3] <= 500_000 + 260 * 260
    assert cuts.amin() < height / 3
    assert cuts.amax() > 2 * height / 3


def test_edges_are_multiples_and_no_further_apart():
    found = edges(1003, 120, 4)
    assert found[0] == 0
    assert found[-1] == 1003
    assert all(edge % 4 == 0 for edge in found[:-1])
    assert max(b - a for a, b in itertools.pairwise(found)) <= 124
