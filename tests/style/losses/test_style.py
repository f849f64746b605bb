"""Losses against float64 NumPy and SciPy, against closed forms, and against their own finite differences."""

import numpy as np
import pytest
import scipy.linalg
import torch

from scumble.style.losses.content import mean_squared_error
from scumble.style.losses.histograms import LARGEST_LEVEL, histograms
from scumble.style.losses.statistics import blend, gram, moments
from scumble.style.losses.style import STYLE_LOSSES, between

WEIGHTS = torch.rand(40, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
WEIGHTS /= WEIGHTS.sum()


def features(seed: int, places: int = 40, channels: int = 5, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    """Rectified, correlated, of different spreads, as a network's are."""
    generator = torch.Generator().manual_seed(seed)
    mixing = torch.randn(channels, channels, generator=generator, dtype=torch.float64)
    return (torch.randn(places, channels, generator=generator, dtype=torch.float64) @ mixing + 1).relu().to(dtype)


def loss(name: str, found: torch.Tensor, target: torch.Tensor, weights: torch.Tensor | None = None) -> torch.Tensor:
    style_loss = STYLE_LOSSES[name]
    return style_loss.distance(
        style_loss.statistics(found, weights), style_loss.complete(style_loss.statistics(target, weights))
    )


# --- Statistics -----------------------------------------------------------------------------------------------------


def naive_gram(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    places, channels = values.shape
    result = np.zeros((channels, channels))
    for i in range(channels):
        for j in range(channels):
            for place in range(places):
                result[i, j] += weights[place] * values[place, i] * values[place, j]
    return result


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_gram_equals_the_sum_over_places(weights):
    expected = naive_gram(features(0).numpy(), np.full(40, 1 / 40) if weights is None else weights.numpy())
    np.testing.assert_allclose(gram(features(0), weights)["second"], expected, rtol=1e-12)


def test_gram_of_float32_is_as_exact_as_float32_can_be():
    values = torch.randn(128 * 96, 64, generator=torch.Generator().manual_seed(0))
    expected = values.double().mT @ values.double() / len(values)
    assert ((gram(values)["second"].double() - expected).norm() / expected.norm()).item() < 1e-6


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_statistics_forget_where_things_are(name):
    shuffled = features(0)[torch.randperm(40, generator=torch.Generator().manual_seed(1))]
    for before, after in zip(
        *(STYLE_LOSSES[name].statistics(f, None).values() for f in (features(0), shuffled)), strict=True
    ):
        torch.testing.assert_close(before, after)


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_places_of_equal_weight_count_like_places_without_and_those_of_none_not_at_all(name):
    statistics = STYLE_LOSSES[name].statistics
    half = torch.cat([torch.full((20,), 1 / 20), torch.zeros(20)]).double()
    some, weighed = statistics(features(0)[:20], None), statistics(features(0), half)
    for plain, weighted in zip(some.values(), weighed.values(), strict=True):
        torch.testing.assert_close(plain, weighted)


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_blended_statistics_are_those_of_the_mixture(name):
    statistics = STYLE_LOSSES[name].statistics
    parts = [statistics(features(seed), None) for seed in (0, 1)]
    mixture = statistics(torch.cat([features(0), features(1), features(1), features(1)]), None)
    for blended, mixed in zip(blend(parts, [0.25, 0.75]).values(), mixture.values(), strict=True):
        torch.testing.assert_close(blended, mixed)


@pytest.mark.parametrize("shift", [0, -1.5])
def test_histograms_keep_the_mean_and_put_values_where_they_belong(shift):
    k = np.arange(-LARGEST_LEVEL, LARGEST_LEVEL + 1)
    levels = np.sign(k) * (2 ** (abs(k) / 16) - 1)
    histogram = histograms(features(0) + shift)["histogram"].numpy()
    np.testing.assert_allclose(histogram.sum(0), 1)
    np.testing.assert_allclose(levels @ histogram, features(0).mean(0) + shift)
    assert histogram.min() >= 0
    one = histograms(torch.tensor([[3.0], [-3.0]], dtype=torch.float64))["histogram"][:, 0]
    assert one[k == 32] == one[k == -32] == 0.5  # 3 is level 32: 2^2 - 1


@pytest.mark.parametrize(("name", "tolerance"), [("mean-std", 1e-2), ("wasserstein", 1e-2), ("histogram", 5e-2)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_the_way_from_one_to_the_other_is_straight_and_walked_at_constant_speed(name, tolerance, share):
    """Distances are squared: after a third of the way, a ninth is behind us and four ninths are ahead."""
    style = STYLE_LOSSES[name]
    one, other = (style.statistics(features(seed), None) for seed in (0, 1))
    middle = between(one, other, share)
    whole = style.distance(one, style.complete(other)).item()
    assert style.distance(one, style.complete(middle)).item() == pytest.approx(share**2 * whole, abs=tolerance * whole)
    ahead = style.distance(middle, style.complete(other)).item()
    assert ahead == pytest.approx((1 - share) ** 2 * whole, abs=tolerance * whole)


@pytest.mark.parametrize("name", STYLE_LOSSES)
def test_the_way_begins_at_the_one_and_ends_at_the_other(name):
    one, other = (STYLE_LOSSES[name].statistics(features(seed), None) for seed in (0, 1))
    for key in one:
        torch.testing.assert_close(between(one, other, 0.0)[key], one[key])
        torch.testing.assert_close(between(one, other, 1.0)[key], other[key], rtol=1e-3, atol=1e-3)


def test_covariances_of_any_rank_have_a_way_between_them():
    flat, full = torch.zeros(3, 3), torch.diag(torch.tensor([4.0, 1.0, 9.0]))
    thin = torch.outer(torch.tensor([1.0, 2.0, 0.0]), torch.tensor([1.0, 2.0, 0.0]))
    for a, b in ((flat, full), (thin, full), (full, thin), (flat, flat)):
        middle = between({"second": a}, {"second": b}, 0.5)["second"]
        assert middle.isfinite().all()
        assert torch.linalg.eigvalsh(middle).min() > -1e-4
    torch.testing.assert_close(between({"second": full}, {"second": flat}, 0.5)["second"], full / 4, rtol=1e-2, atol=0)


# --- Distances ------------------------------------------------------------------------------------------------------


def naive(name: str, a: np.ndarray, b: np.ndarray) -> float:
    """The loss by its formula, in NumPy and SciPy."""
    means = a.mean(0), b.mean(0)
    covariances = np.cov(a, rowvar=False, bias=True), np.cov(b, rowvar=False, bias=True)
    match name:
        case "gram":
            return np.mean((a.T @ a / len(a) - b.T @ b / len(b)) ** 2)
        case "covariance":
            products = np.outer(means[0], means[0]) - np.outer(means[1], means[1])
            return np.mean(products**2) + np.mean((covariances[0] - covariances[1]) ** 2)
        case "mean-std":
            return np.mean((means[0] - means[1]) ** 2) + np.mean((a.std(0) - b.std(0)) ** 2)
        case "wasserstein":
            root = scipy.linalg.sqrtm(covariances[1])
            overlap = np.trace(scipy.linalg.sqrtm(root @ covariances[0] @ root).real)
            bures = np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * overlap
            return (np.sum((means[0] - means[1]) ** 2) + bures) / len(means[0])
        case "histogram":
            return np.mean((np.sort(a, 0) - np.sort(b, 0)) ** 2)
    raise AssertionError(name)


# The floor of variances, and the levels of histograms, are the only differences.
@pytest.mark.parametrize(
    ("name", "tolerance"),
    [("gram", 1e-12), ("covariance", 1e-12), ("mean-std", 1e-3), ("wasserstein", 2e-3), ("histogram", 2e-2)],
)
@pytest.mark.parametrize("shift", [0, -1.5])
def test_losses_equal_their_formulas(name, tolerance, shift):
    a, b = features(0) + shift, 2 * features(1) + shift
    assert loss(name, a, b).item() == pytest.approx(naive(name, a.numpy(), b.numpy()), rel=tolerance)


@pytest.mark.parametrize("name", STYLE_LOSSES)
@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_gradients_equal_finite_differences(name, weights):
    values = (features(0) + 0.05).requires_grad_()  # away from 0, where histograms end
    assert torch.autograd.gradcheck(lambda f: loss(name, f, features(1), weights), values)


@pytest.mark.parametrize("name", STYLE_LOSSES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_picture_has_no_loss_against_itself(name, dtype):
    same = features(0, 3000, 64, dtype)
    assert abs(loss(name, same, same).item()) < 1e-5 * same.var(0).mean().item()


def test_wasserstein_of_ill_conditioned_covariances_with_themselves():
    """Five decades of variances in 512 channels: twelve steps of Newton-Schulz leave 2% here."""
    generator = torch.Generator().manual_seed(0)
    scales = torch.logspace(0, -2.5, 512)
    same = torch.randn(6000, 512, generator=generator) * scales + 3
    assert abs(loss("wasserstein", same, same).item()) < 1e-5 * same.var(0).mean().item()


@pytest.mark.parametrize("name", STYLE_LOSSES)
@pytest.mark.parametrize("kind", ["fewer places than channels", "dead channels", "constant", "all zero"])
def test_gradients_stay_finite_where_covariances_have_no_inverse(name, kind):
    values = features(0, 6, 16, torch.float32)
    if kind == "dead channels":
        values[:, ::2] = 0
    elif kind == "constant":
        values[:] = 2
    elif kind == "all zero":
        values[:] = 0
    values.requires_grad_()
    for target in (features(1, 40, 16, torch.float32), values.detach().clone()):
        found = loss(name, values, target)
        (gradient,) = torch.autograd.grad(found, values)
        assert found.isfinite()
        assert gradient.isfinite().all()


def test_wasserstein_of_a_shift_is_its_square_and_of_a_scaling_that_of_the_deviations():
    values = features(0)
    assert loss("wasserstein", values + 2, values).item() == pytest.approx(4)
    deviations = values.var(0, correction=0).sum().item()  # tr of (3 - 1)^2 times the covariance, over 5 channels
    assert loss("wasserstein", 3 * values - 2 * values.mean(0), values).item() == pytest.approx(
        4 * deviations / 5, rel=1e-3
    )


def test_gram_confuses_a_strong_channel_with_a_varying_one_and_the_others_do_not():
    varying, strong = torch.tensor([[0.0], [2.0]]).double(), torch.full((2, 1), 2**0.5).double()
    assert loss("gram", varying, strong).item() == pytest.approx(0)
    for name in ("covariance", "mean-std", "wasserstein", "histogram"):
        assert loss(name, varying, strong).item() > 0.1


def test_mean_squared_error_equals_numpy():
    a, b = features(0), features(1)
    assert mean_squared_error(a, b).item() == pytest.approx(np.mean((a.numpy() - b.numpy()) ** 2))


@pytest.mark.parametrize("places", [300, 20 * 256 + 17])
def test_moments_of_bfloat16_are_summed_up_finely(places):
    """A sum of bfloat16 alone would be off by 4e-3, averages of few such sums by 1e-3."""
    short = features(3, places, dtype=torch.bfloat16).requires_grad_()
    exact = short.detach().double().requires_grad_()
    found, wanted = moments(short), moments(exact)
    for name, value in wanted.items():
        assert found[name].dtype == torch.float32
        assert (found[name] - value).norm() <= 5e-4 * value.norm()
    slopes = torch.linspace(-1, 1, 25).view(5, 5)
    gradients = [
        torch.autograd.grad((s["second"] * slopes.to(s["second"])).sum() + s["mean"].sum(), x)[0]
        for s, x in ((found, short), (wanted, exact))
    ]
    assert gradients[0].dtype == torch.bfloat16
    assert (gradients[0] - gradients[1]).norm() <= 1e-2 * gradients[1].norm()


def test_moments_hold_the_gram_matrix():
    torch.testing.assert_close(moments(features(0))["second"], gram(features(0))["second"])


@pytest.mark.parametrize("name", STYLE_LOSSES)
@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_features_that_are_not_finite_make_a_loss_that_is_not(name, value):
    """The optimiser then takes its move back: it must not end in an error of the linear algebra."""
    values = features(0, dtype=torch.float32)
    values[3, 2] = value
    found = loss(name, values.requires_grad_(), features(1, dtype=torch.float32))
    (gradient,) = torch.autograd.grad(found, values)
    assert not (found.isfinite() and gradient.isfinite().all()) or found > 1e6


@pytest.mark.parametrize("level", [1.0, 300.0])
def test_wasserstein_of_flat_regions_is_not_negative(level):
    flat = level * torch.rand(1, 64, generator=torch.Generator().manual_seed(0)).expand(5000, 64)
    assert loss("wasserstein", flat, flat).item() > -1e-5 * level**2
    assert loss("wasserstein", flat, features(0, 300, 64, torch.float32)).item() > 0
