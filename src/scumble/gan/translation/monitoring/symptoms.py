"""What goes wrong with translations, told from pictures: figures that mean the same for every kind and size.

Each symptom is a figure, what it shows, and what usually helps; `gan.monitoring.symptoms` counts how often it was seen.
"""

import torch

from scumble.gan.monitoring.symptoms import Symptom
from scumble.gan.translation.degrade import grey

LEAST_CHANGE = 0.02
"""Of the way from black to white: sets of pictures whose colours differ by less may differ in what they show."""
NOISE = 0.02
"""The standard deviation of what a cycle's intermediate is disturbed by, of 2: two and a half of 256 steps."""
FAR = 0.3
"""Of 2: how far two sets' light and dark are apart that are not alike."""
AROUND = 3
"""Frequencies to each side that one is compared with."""


# --- Figures --------------------------------------------------------------------------------------------------------


def change(results: torch.Tensor, alike: torch.Tensor, expected: float) -> float:
    """How much results differ from the pictures that they are of, over how much they should: 0 where nothing is done.

    Args:
        results: (N, C, H, W) in [-1, 1].
        alike: the same of what they are of, in the same shape.
        expected: the mean absolute difference of a good translation, such as `expected_change` tells.

    Example:
        >>> change(torch.full((1, 1, 2, 2), 0.1), torch.zeros(1, 1, 2, 2), expected=0.4)
        0.25
    """
    return ((results - alike).abs().mean() / expected).item()


def expected_change(alike: torch.Tensor, wanted: torch.Tensor) -> float:
    """How far pictures are from themselves with the mean and contrast of other pictures' channels.

    That is what the two sets' colours ask for at least. With a truth for each picture, its distance says it better.
    """
    deviation_and_mean = [torch.std_mean(x, (0, 2, 3), keepdim=True) for x in (alike, wanted)]
    (own_deviation, own_mean), (deviation, mean) = deviation_and_mean
    matched = (alike - own_mean) / own_deviation.clamp_min(1e-3) * deviation + mean
    return max(2 * LEAST_CHANGE, (matched.clamp(-1, 1) - alike).abs().mean().item())


def hidden(start: torch.Tensor, again: torch.Tensor, again_disturbed: torch.Tensor, disturbance: torch.Tensor) -> float:
    """How much a cycle's error grows when its intermediate is disturbed by what nobody sees, over that disturbance.

    About 1 where the way back is as steep as it has to be. Where the intermediate hides what the way back needs in
    differences too small to see, these are enlarged, and so is whatever disturbs them (Chu et al. 2017, "CycleGAN, a
    master of steganography", section 4).

    Args:
        start: (N, C, H, W) pictures.
        again: what the cycle makes of them.
        again_disturbed: the same by way of a disturbed intermediate.
        disturbance: of any shape: what was added to it.
    """
    clean, dirty = ((x - start).abs().mean() for x in (again, again_disturbed))
    return ((dirty - clean) / disturbance.abs().mean()).item()


def disturbed(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures with a little noise, always the same, in the 256 steps of a file."""
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(0)).to(pictures)
    return ((pictures + NOISE * noise + 1) * 127.5).round().clamp(0, 255) / 127.5 - 1


def variety(results: torch.Tensor, others: torch.Tensor) -> float:
    """How far results of another code, or another target, are from these, over these pictures' own contrast.

    0 where what is told changes nothing.

    Example:
        >>> bright = torch.tensor([[[[0.5, -0.5]]]])
        >>> variety(bright, -bright), variety(bright, bright)
        (2.0, 0.0)
    """
    contrast = (results - results.mean((2, 3), keepdim=True)).abs().mean()
    return ((results - others).abs().mean() / contrast.clamp_min(1e-3)).item()


def agreement(results: torch.Tensor, reference: torch.Tensor) -> float:
    """The mean correlation of light and dark of two pictures, in [-1, 1]: -1 where one is the other's negative."""
    x, y = (grey(pictures).flatten(1) for pictures in (results, reference))
    x, y = (values - values.mean(1, keepdim=True) for values in (x, y))
    return ((x * y).sum(1) / (x.norm(dim=1) * y.norm(dim=1)).clamp_min(1e-6)).mean().item()


def is_negative_of(pictures: torch.Tensor, others: torch.Tensor) -> bool:
    """Whether negatives of pictures are much nearer to the light and dark of others than they are themselves.

    By the distance of sorted values (Wasserstein's): digits in white on black, and digits in black on white.
    """
    count = 1000
    shares = torch.linspace(0, 1, count, dtype=torch.float64)
    own, wanted = (torch.quantile(_thinned(grey(x)).double(), shares) for x in (pictures, others))
    distance, of_negatives = ((x - wanted).abs().mean() for x in (own, -own.flip(0)))
    return bool(distance > FAR and of_negatives < distance / 2)


def _thinned(values: torch.Tensor) -> torch.Tensor:
    flat = values.flatten().cpu()
    return flat[:: max(1, len(flat) // 100_000)]


def checkerboard(pictures: torch.Tensor) -> float:
    """The power at the frequencies of two pixels, over that at the frequencies around them: 1 in photographs.

    The mean spectrum of (N, C, H, W) pictures, H and W at least 16, has a peak there where every second pixel, row or
    column was computed from more than its neighbour: as transposed convolutions do (Odena et al. 2016).
    """
    height, width = (side - side % 2 for side in pictures.shape[2:])
    shade = grey(pictures)[..., :height, :width].double()
    power = torch.fft.fft2(shade - shade.mean((2, 3), keepdim=True)).abs().square().mean((0, 1))
    peaks = []
    for down, across in ((height // 2, 0), (0, width // 2), (height // 2, width // 2)):
        rows = (down + torch.arange(-AROUND, AROUND + 1)) % height
        columns = (across + torch.arange(-AROUND, AROUND + 1)) % width
        near = power[rows[:, None], columns]
        # What lies on an axis belongs to edges, which are many and upright.
        own = near[AROUND] if down == 0 else near[:, AROUND] if across == 0 else near.flatten()
        around = own[torch.arange(len(own)) != len(own) // 2]
        peaks.append(power[down, across] / around.median().clamp_min(1e-12))
    return torch.stack(peaks).max().item()


# --- Symptoms -------------------------------------------------------------------------------------------------------

SYMPTOMS = {
    "identity collapse": Symptom(
        "change",
        lambda value: value < 0.1,
        lambda value: value > 0.25,
        "results hardly differ from the pictures that they are of: {value:.0%} of what is to be expected",
        ("--weights identity=0", "a smaller weight of the cycle, such as --weights cycle=5", "a larger --width"),
    ),
    "steganography": Symptom(
        "hidden",
        lambda value: value > 4,
        lambda value: value < 2.5,
        "results hide in invisible differences what the way back needs: it enlarges a disturbance {value:.1f} times",
        ("a smaller weight of the cycle, such as --weights cycle=5", "--preset cut, which has no way back"),
    ),
    "one style": Symptom(
        "variety",
        lambda value: value < 0.02,
        lambda value: value > 0.05,
        "what is told changes nothing: results of two codes or targets differ by {value:.1%} of their contrast",
        ("--preset bicyclegan", "a smaller --latent", "a longer training"),
    ),
    "inverted colours": Symptom(
        "agreement",
        lambda value: value < -0.3,
        lambda value: value > 0,
        "light and dark are inverted: results go with what they should be by a correlation of {value:.2f}",
        ("to start over (--fresh) with another --seed", "--weights identity=5, where both sides have colours"),
    ),
    "checkerboard": Symptom(
        "checkerboard",
        lambda value: value > 30,
        lambda value: value < 10,
        "results have a checkerboard: {value:.0f} times the power at its frequency that the wanted pictures have",
        ("--upsampling resize", "a longer training"),
    ),
}
"""By name."""
