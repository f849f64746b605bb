"""What trains the small network, at widths and sizes that take no time."""

import shutil
import sys
from argparse import Namespace

import numpy as np
import pytest
import torch

from conftest import CAFFE, REPOSITORY, narrow_tensors, photograph
from scumble.perceptual.vgg import VGG19, parameter_shapes

sys.path.insert(0, str(REPOSITORY / "recipes" / "pocket"))
prune = pytest.importorskip("prune", reason="needs the folder recipes, which packages do not hold")
material = pytest.importorskip("material")
train = pytest.importorskip("train")

pytestmark = pytest.mark.usefixtures("one_thread")

CHANNELS = 6
COEFFICIENTS = 3


def teacher(twins: bool = False) -> VGG19:
    """VGG19's layers with six channels each; of twins, the last three are the first three once more."""
    tensors = narrow_tensors(CHANNELS)
    if twins:
        half = CHANNELS // 2
        for name, tensor in tensors.items():
            tensors[name] = torch.cat([tensor[:half], tensor[:half]])
    return VGG19(tensors, CAFFE, ("relu5_1",))


@pytest.fixture
def crops():
    pictures = [photograph(200, 180, seed) for seed in range(4)]
    return material.Crops(pictures[:2], pictures[2:], seed=0)


@pytest.fixture
def narrow(monkeypatch):
    """A student of three channels that predicts three coefficients of each layer."""
    for module in (prune, train):
        monkeypatch.setattr(module, "FEATURES", dict.fromkeys(prune.TAPS, COEFFICIENTS))
    monkeypatch.setattr(prune, "WIDTHS", (COEFFICIENTS,) * 5)
    monkeypatch.setattr(train, "BATCH", 2)
    monkeypatch.setattr(train, "SAVED_EVERY", 2)


def test_channels_that_tell_the_others_are_kept():
    """The third is the sum of the first two, and the fourth is nothing."""
    values = torch.randn(500, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    features = torch.cat([values, values.sum(1, keepdim=True), torch.zeros(500, 1)], 1)
    kept = prune.telling_channels(features.mT @ features / 500, 2)
    assert len(set(kept)) == 2
    assert 3 not in kept


def test_second_moments_are_those_of_numpy(crops):
    network = teacher()
    moments = prune.second_moments(network, [crops[0], crops[1]])
    seen = [network(crops[number][None], ["relu1_2"])["relu1_2"] for number in range(2)]
    pooled = np.concatenate(
        [f[0].numpy().reshape(CHANNELS, 80, 2, 80, 2).max((2, 4)).reshape(CHANNELS, -1).T for f in seen]
    )
    places = np.concatenate([pooled, np.ones((len(pooled), 1))], 1).astype(np.float64)
    np.testing.assert_allclose(moments["relu1_2"].numpy(), places.T @ places / len(places), rtol=1e-4, atol=1e-6)


def test_a_network_of_twins_is_cut_to_half_its_width_without_any_loss(narrow, crops):
    network = teacher(twins=True)
    some = [crops[number] for number in range(4)]
    moments = prune.second_moments(network, some)
    axes = prune.principal_axes(moments)
    student = train.network_of(prune.cut(network, moments))
    assert student.channels("relu4_2") == COEFFICIENTS
    heads = prune.fitted_heads(student, axes, network, some)
    whole = train.network_of(prune.cut(network, moments) | heads)
    unseen = crops[9][None]
    found, wanted = whole(unseen, prune.TAPS), train.coefficients(network, axes, unseen)
    for name in prune.TAPS:
        assert (found[name] - wanted[name]).norm() < 0.01 * wanted[name].norm(), name


def test_the_loss_is_nothing_for_the_truth_and_one_for_predicting_nothing(narrow, crops):
    network = teacher()
    pictures = torch.stack([crops[number] for number in range(3)])
    axes = prune.principal_axes(prune.second_moments(network, pictures))
    wanted = train.coefficients(network, axes, pictures)
    assert all(error < 1e-6 for error in train.losses(wanted, wanted, axes).values())
    nothing = {name: torch.zeros_like(value) for name, value in wanted.items()}
    for name, error in train.losses(nothing, wanted, axes).items():
        expected = train.GRAM_WEIGHT[name.removeprefix("gram ")] if name.startswith("gram") else 1
        assert error == pytest.approx(expected, rel=1e-3), name


@pytest.mark.parametrize("own_from", [0.25, 0.75])
def test_a_training_that_was_stopped_goes_on_to_the_same_bits(own_from, narrow, crops, tmp_path, monkeypatch):
    """Stopped after, or before, its own pictures joined in; these are there already, either way."""
    monkeypatch.setattr(train, "OWN_FROM", own_from)
    network = teacher()
    moments = prune.second_moments(network, [crops[0], crops[1]])
    axes = prune.principal_axes(moments)
    initial = prune.cut(network, moments)
    initial |= prune.fitted_heads(train.network_of(initial), axes, network, [crops[0]])
    arguments = Namespace(crops=3, own=2, steps=4)
    first = train.Targets(tmp_path / "targets", 5)
    first.fill(2, lambda number: [crops[number]], network, axes)
    targets = train.Targets(tmp_path / "targets", 5)
    assert targets.count == 2
    targets.fill(3, lambda number: [crops[number]], network, axes)

    whole = train.train(tmp_path / "whole", initial, targets, arguments, crops, network, axes)
    assert targets.count == 5  # its own pictures have joined in
    (tmp_path / "parts").mkdir()
    shutil.copy(tmp_path / "whole" / f"{2:012}.safetensors", tmp_path / "parts")
    parts = train.train(tmp_path / "parts", initial, targets, arguments, crops, network, axes)
    for one, other in zip(train.shipped(whole).values(), train.shipped(parts).values(), strict=True):
        assert torch.equal(one, other)
    assert set(train.shipped(whole)) == {*list(parameter_shapes())[: 2 * len(prune.CONVOLUTIONS)], *heads()}


def heads() -> set[str]:
    return {f"heads.{name}.{part}" for name in prune.TAPS for part in ("weight", "bias")}


def test_stored_targets_are_what_the_teacher_sees(narrow, crops, tmp_path):
    network = teacher()
    axes = prune.principal_axes(prune.second_moments(network, [crops[0]]))
    targets = train.Targets(tmp_path, 2)
    targets.fill(2, lambda number: [crops[number]], network, axes)
    pictures, stored = targets.batch(np.array([0, 1]))
    wanted = train.coefficients(network, axes, pictures)
    assert (pictures[1] - crops[1]).abs().max() < 0.5 / 255 + 1e-6
    assert set(stored) == set(prune.TAPS[1:])
    for name, value in stored.items():
        assert (value - wanted[name]).abs().max() < 1e-3 * wanted[name].abs().max()


def test_a_crop_depends_on_its_number_alone(crops):
    assert torch.equal(crops[3], crops[3])
    assert not torch.equal(crops[3], crops[4])
    for number in range(20):
        assert crops[number].shape == (3, material.SIDE, material.SIDE)
        assert 0 <= crops[number].min() <= crops[number].max() <= 1


def test_copies_of_a_painting_are_found_by_what_they_show():
    painting = photograph(120, 90, seed=7)
    mine = material.thumbprint(painting)
    copies = [painting.resize((300, 200)), painting.convert("L"), painting.transpose(0), painting.crop((4, 3, 118, 89))]
    assert all(material.resemblance(mine, material.thumbprint(copy)) > material.ALIKE for copy in copies)
    others = [material.resemblance(mine, material.thumbprint(photograph(120, 90, seed))) for seed in range(20, 40)]
    assert max(others) < material.ALIKE
