import pytest
import torch
import torch.nn.functional as F

from scumble.gan.translation.degrade import grey
from scumble.gan.translation.monitoring.symptoms import (
    SYMPTOMS,
    agreement,
    change,
    checkerboard,
    disturbed,
    expected_change,
    hidden,
    is_negative_of,
    variety,
)
from scumble.gan.translation.networks.resnet import Generator


def some(count=16, channels=3, side=64, seed=0) -> torch.Tensor:
    """Smooth pictures with edges and grain, as photographs have."""
    random = torch.Generator().manual_seed(seed)
    coarse = F.interpolate(
        torch.rand(count, channels, 6, 6, generator=random) * 1.6 - 0.8, (side, side), mode="bicubic"
    )
    coarse[..., side // 3 : side // 2, side // 4 :] *= -0.7
    return (coarse + 0.03 * torch.randn(coarse.shape, generator=random)).clamp(-1, 1)


def is_ill(name, value):
    return SYMPTOMS[name].is_ill(value)


def is_well(name, value):
    return SYMPTOMS[name].is_well(value)


def test_a_translator_that_gives_back_what_it_was_given_is_collapsed():
    a, b = some(), (some(seed=1) * 0.5 + 0.4).clamp(-1, 1)
    expected = expected_change(a, b)
    assert is_ill("identity collapse", change(a + 0.01 * torch.randn_like(a), a, expected))
    assert is_well("identity collapse", change(b.roll(1, 0), a, expected))
    translated = (a * 0.5 + 0.4).clamp(-1, 1)  # just what the colours ask for
    assert is_well("identity collapse", change(translated, a, expected))
    assert expected_change(a, a) == pytest.approx(0.04)  # sets of the same colours: a part of little is little


def test_a_cycle_that_hides_the_colours_is_found_and_one_that_has_them_is_not():
    """To grey and back: the colours are gone, or hidden in differences of half a step."""
    a = some()
    chroma = a - grey(a)

    def hide(pictures):
        return grey(pictures) + 0.004 * (pictures - grey(pictures))

    def seek(pictures):
        return grey(pictures) + (pictures - grey(pictures)) / 0.004

    def figure(back, results):
        other = disturbed(results)
        return hidden(a, back(results), back(other), other - results)

    assert (seek(hide(a)) - a).abs().max() < 1e-3  # a perfect cycle
    assert is_ill("steganography", figure(seek, hide(a)))
    assert is_well("steganography", figure(lambda p: p - chroma, a + chroma))
    assert is_well("steganography", figure(lambda p: grey(p).expand(-1, 3, -1, -1), grey(a).expand(-1, 3, -1, -1)))
    assert is_well("steganography", figure(lambda p: 2 * p, a / 2))


def test_what_is_disturbed_is_hardly_seen_and_always_the_same():
    a = some()
    assert torch.equal(disturbed(a), disturbed(a))
    assert 0.01 < (disturbed(a) - a).abs().mean() < 0.02
    steps = (disturbed(a) + 1) * 127.5
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)


def test_codes_that_change_nothing_are_found():
    a = some()
    assert is_ill("one style", variety(a, a + 0.002 * torch.randn_like(a)))
    assert is_well("one style", variety(a, a * 0.9))
    assert is_well("one style", variety(a, a + torch.tensor([0.1, 0, -0.1])[:, None, None]))


def test_negatives_are_found():
    a = some()
    warm = a * torch.tensor([1.0, 0.8, 0.5])[:, None, None] + 0.1
    assert is_well("inverted colours", agreement(warm, a))
    assert is_ill("inverted colours", agreement(-warm, a))
    assert not is_ill("inverted colours", agreement(some(seed=3), a))
    flat = torch.zeros_like(a)
    assert agreement(flat, a) == 0


def test_sets_that_are_negatives_of_each_other_are_known():
    digits = torch.full((8, 1, 16, 16), -1.0)
    digits[..., 5:11, 7:9] = 1
    assert is_negative_of(digits, -digits.roll(3, 3))
    assert not is_negative_of(digits, digits.roll(3, 3))
    assert not is_negative_of(some(), some(seed=1) * 0.8 + 0.1)


def test_a_checkerboard_is_found_and_photographs_have_none():
    a = some()
    usual = checkerboard(a)
    assert usual < 4
    row = torch.tensor([1.0, -1.0]).repeat(32)
    for pattern in (row[:, None] * row, row[:, None].expand(64, 64), row.expand(64, 64)):
        assert is_ill("checkerboard", checkerboard(a + 0.02 * pattern) / max(1, usual))
    assert is_well("checkerboard", checkerboard(some(seed=5)) / max(1, usual))
    assert is_well(
        "checkerboard", checkerboard(F.avg_pool2d(F.pad(a, (1, 1, 1, 1), mode="replicate"), 3, 1)) / max(1, usual)
    )


def test_transposed_convolutions_leave_one_where_resizing_ones_do_not():
    found = {}
    for upsampling in ("transposed", "resize"):
        torch.manual_seed(0)
        network = Generator(3, 3, 8, 1, "instance", upsampling).eval()
        with torch.no_grad():
            found[upsampling] = checkerboard(network(some()))
    assert found["transposed"] > 5 * found["resize"]


def test_words_say_what_and_what_helps():
    for symptom in SYMPTOMS.values():
        assert "{value" in symptom.words
        assert symptom.helps
