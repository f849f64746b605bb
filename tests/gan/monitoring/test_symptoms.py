"""What a training shows: figures against plain loops and closed forms, and when which symptom is told of."""

import math
import statistics

import pytest
import torch

from scumble import GANSettings
from scumble.gan.monitoring.symptoms import (
    PATIENCE,
    SYMPTOMS,
    counted,
    diversity,
    gradient_size,
    is_new,
    lead,
    overfitting,
    spread,
    warning,
)

# --- Figures --------------------------------------------------------------------------------------------------------


def naive_spread(pictures: torch.Tensor) -> list[float]:
    flat = [one.flatten().tolist() for one in pictures]
    rows = [[math.dist(a, b) for j, b in enumerate(flat) if j != i] for i, a in enumerate(flat)]
    return [statistics.mean(map(statistics.mean, rows)), statistics.median_low(map(min, rows))]


@pytest.mark.parametrize("count", [2, 7, 8, 40])
def test_the_spread_is_that_of_a_plain_loop(count):
    pictures = torch.randn(count, 1, 4, 4, generator=torch.Generator().manual_seed(count))
    assert spread(pictures).tolist() == pytest.approx(naive_spread(pictures), rel=1e-9)


def test_diversity_of_the_same_spread_is_one_and_does_not_change_with_the_contrast_of_both():
    real = torch.randn(50, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert diversity(spread(real.flip(0)), spread(real)) == pytest.approx(1)
    assert diversity(spread(0.3 * real), spread(0.3 * real)) == pytest.approx(1)
    assert diversity(spread(0.3 * real), spread(real)) == pytest.approx(0.3)


def test_one_picture_again_and_again_and_three_pictures_again_and_again_have_no_diversity():
    real = torch.randn(60, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    for modes in (1, 3):
        again = real[:modes].repeat(60 // modes, 1, 1, 1)
        assert diversity(spread(again), spread(real)) == pytest.approx(0, abs=1e-6)


def test_the_lead_of_normal_logits_is_their_distance_in_deviations_on_any_scale():
    """And with it goes the share of pairs that the discriminator orders rightly: normal.cdf(d' / sqrt 2)."""
    random = torch.Generator().manual_seed(0)
    real, fake = (torch.randn(4000, generator=random, dtype=torch.float64) + at for at in (1.5, 0.0))
    assert lead(real, fake) == pytest.approx(1.5, abs=0.08)
    assert lead(40 * real - 7, 40 * fake - 7) == pytest.approx(lead(real, fake))
    right = (real[:, None] > fake).double().mean().item()
    assert right == pytest.approx(statistics.NormalDist().cdf(lead(real, fake) / 2**0.5), abs=0.01)
    assert lead(torch.ones(8), torch.ones(8)) == 0


def test_overfitting_is_the_ratio_of_karras_et_al_but_for_what_may_be_chance():
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(3, 4000, generator=random)
    trained_on, held_out, fake = noise + torch.tensor([[4.0], [1.0], [0.0]])
    ratio = (trained_on.mean() - held_out.mean()) / (trained_on.mean() - fake.mean())
    error = (2 / 4000) ** 0.5
    assert overfitting(trained_on, held_out, fake) == pytest.approx(ratio.item() - 2 * error / 4, abs=1e-3)
    for draw in range(20):  # nothing is learnt by heart: five held-out pictures show no more than chance
        same = torch.randn(128 + 5 + 128, generator=random.manual_seed(draw)).split([128, 5, 128])
        assert overfitting(same[0] + 2, same[1] + 2, same[2]) < 0.2


def test_the_size_of_a_gradient_is_its_root_mean_square():
    network = torch.nn.Linear(3, 2)
    network(torch.tensor([[1.0, 2.0, 3.0]])).sum().backward()
    assert gradient_size(network) == pytest.approx(((2 * (1 + 4 + 9) + 2) / 8) ** 0.5)


# --- Symptoms -------------------------------------------------------------------------------------------------------


def told(values: list[float], figure: str = "diversity", images: int = 6400) -> list[int]:
    """The looks, from 1, at which a symptom of this figure is told of."""
    settings, at = GANSettings(images=51_200), []
    counts = dict.fromkeys(SYMPTOMS, 0)
    for number, value in enumerate(values, start=1):
        before, counts = counts, counted(counts, {figure: value}, number * images, settings)
        if any(is_new(name, before, counts) for name in SYMPTOMS):
            at.append(number)
    return at


def test_a_symptom_is_told_of_once_when_it_lasts_and_again_only_after_it_was_gone():
    assert PATIENCE == 3
    assert told([0.3, 0.3, 0.9, 0.3, 0.3]) == []
    assert told([0.3] * 9) == [3]
    assert told([0.3, 0.3, 0.3, 0.55, 0.3, 0.3, 0.3]) == [3]  # not yet well
    assert told([0.3, 0.3, 0.3, 0.9, 0.3, 0.3, 0.3]) == [3, 7]


def test_nothing_is_said_of_the_first_eighth_or_the_first_images():
    assert told([0.1] * 20, images=640) == [12]  # 6,400 images are the tenth look
    assert told([0.1] * 9, images=64_000) == [3]


def test_a_figure_that_was_not_measured_leaves_its_symptom_as_it_was():
    assert told([0.9] * 5, figure="something else") == []


def test_what_the_training_has_already_is_not_advised():
    figures = {"overfitting": 0.5, "diversity": 0.2}
    assert "helps: --augment, --augment-colour if" in warning("overfitting", figures, GANSettings())
    assert "helps: --augment-colour if" in warning("overfitting", figures, GANSettings(augment=True))
    assert "--preset rpgan" in warning("collapse", figures, GANSettings())
    assert "--preset rpgan" not in warning("collapse", figures, GANSettings(preset="rpgan"))
    assert "--clip" not in warning("dead generator", {"gradient_size_g": 0.0}, GANSettings(preset="gan"))
    assert "a larger --clip" in warning("dead generator", {"gradient_size_g": 0.0}, GANSettings(preset="wgan"))


@pytest.mark.parametrize("name", SYMPTOMS)
def test_every_help_that_is_an_option_is_one(name):
    warning(
        name,
        dict.fromkeys(("diversity", "lead", "overfitting", "gradient_size_d", "gradient_size_g"), 0.0),
        GANSettings(),
    )
