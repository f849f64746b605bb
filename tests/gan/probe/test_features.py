"""Features of a discriminator: against loops, and files that know what they are of."""

import json

import numpy as np
import pytest
import torch

from scumble.data.dataset import Dataset
from scumble.errors import RunError, SettingsError
from scumble.gan.combinations import PLAIN_NETWORKS
from scumble.gan.networks.build import build
from scumble.gan.probe import features
from scumble.gan.probe.features import extract, open_features, with_statistics_of, write_events
from scumble.gan.settings import FeatureSettings, GANSettings
from scumble.gan.train import train

pytestmark = pytest.mark.usefixtures("one_thread")

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 1, 16, 24), dtype=np.uint8)
PICTURES = torch.from_numpy(PIXELS).float() / 127.5 - 1


def discriminator(network="sndcgan", norm="spectral"):
    _, built = build(GANSettings(network=network, norm=norm, loss="bce", width=4, latent=8), (1, 16, 24))
    return built.eval().requires_grad_(False)


def run_events(events):
    """All events, and what is returned."""
    told = []
    while True:
        try:
            told.append(next(events))
        except StopIteration as end:
            return told, end.value


def pooled_by_loops(activation: torch.Tensor, side: int, reduce) -> np.ndarray:
    """(C, H, W) -> (C h w,): each cell is that of the pixels from floor(i H / h) to ceil((i + 1) H / h)."""
    values = activation.double().numpy()
    channels, height, width = values.shape
    rows, columns = min(side, height), min(side, width)
    out = np.zeros((channels, rows, columns))
    for c in range(channels):
        for i in range(rows):
            for j in range(columns):
                top, bottom = i * height // rows, -(-(i + 1) * height // rows)
                left, right = j * width // columns, -(-(j + 1) * width // columns)
                out[c, i, j] = reduce(values[c, top:bottom, left:right])
    return out.ravel()


@pytest.mark.parametrize(("pool", "reduce"), [("max", np.max), ("average", np.mean)])
@pytest.mark.parametrize("network", ["sndcgan", "resnet"])
def test_features_are_those_of_slow_loops(pool, reduce, network):
    this = discriminator(network)
    found = features.features(this, PICTURES[:2], FeatureSettings(pool=pool, side=3))
    wanted = [
        np.concatenate([pooled_by_loops(layer[n], 3, reduce) for layer in this.activations(PICTURES[:2])])
        for n in range(2)
    ]
    np.testing.assert_allclose(found.numpy(), wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("network", PLAIN_NETWORKS)
def test_activations_end_in_what_the_logit_is_made_from_and_layers_count_from_there(network):
    this = discriminator(network, "none")
    layers = list(this.activations(PICTURES))
    assert len(layers) >= 2
    torch.testing.assert_close(this.end(layers[-1]), this(PICTURES))
    all_of_them = features.features(this, PICTURES, FeatureSettings())
    last = features.features(this, PICTURES, FeatureSettings(layers=1))
    assert all_of_them.shape[1] > last.shape[1] > 0
    assert torch.equal(all_of_them[:, -last.shape[1] :], last)


def test_activations_come_after_the_nonlinearity():
    """A leaky ReLU's outputs are a tenth of what is below zero: its input, read back, is that of the layer."""
    this = discriminator(norm="none")
    first = next(this.activations(PICTURES))
    before = this.layers[0](PICTURES)
    torch.testing.assert_close(first, torch.where(before > 0, before, 0.1 * before))
    assert all(layer.min() >= 0 for layer in discriminator("resnet").activations(PICTURES))


def test_statistics_of_batch_norm_become_those_of_the_pictures():
    this = with_statistics_of(discriminator("dcgan", "batch"), PIXELS)
    assert not this.training
    seen = torch.nn.functional.leaky_relu(this.downsamplings[0](PICTURES), 0.2)
    into_norm = this.downsamplings[1](seen)
    torch.testing.assert_close(this.norms[1].running_mean, into_norm.mean((0, 2, 3)), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(this.norms[1].running_var, into_norm.var((0, 2, 3)), rtol=1e-4, atol=1e-6)


def test_large_features_are_on_the_disk_and_the_same(monkeypatch):
    this, settings = discriminator(), FeatureSettings()
    told, in_memory = run_events(extract(this, PIXELS, settings))
    assert [event.done for event in told[1:]] == [20]
    monkeypatch.setattr(features, "LARGE_BYTES", 0)
    monkeypatch.setattr("scumble.gan.networks.features.BATCH", 7)
    told, on_disk = run_events(extract(this, PIXELS, settings))
    assert [event.done for event in told[1:]] == [7, 14, 20]
    assert isinstance(on_disk, np.memmap)
    assert not isinstance(in_memory, np.memmap)
    assert on_disk.dtype == np.float16
    np.testing.assert_allclose(on_disk, in_memory, rtol=2e-3)  # other batches, other rounding


def test_activations_that_float16_cannot_hold_are_refused():
    this = discriminator(norm="none")
    this.layers[0].weight *= 1e9
    with pytest.raises(RunError, match="beyond 65504"):
        run_events(extract(this, PIXELS, FeatureSettings()))


def store(pixels=PIXELS, digest="d1") -> Dataset:
    return Dataset("noise", pixels, None, (), digest)


@pytest.fixture
def run(tmp_path):
    np.savez(tmp_path / "noise.npz", x=PIXELS[:, 0])
    gan = train(tmp_path / "noise.npz", tmp_path / "run", images=16, width=4, latent=8, batch=8, grids=1)
    return gan, tmp_path / "run", tmp_path / "noise.npz"


def test_a_features_file_is_of_one_run_one_data_set_and_one_way(run, tmp_path):
    gan, folder, data = run
    path = tmp_path / "features.npy"
    told, _ = run_events(write_events(folder, data, path, FeatureSettings(side=2)))
    assert [event.path.name for event in told[-2:]] == ["features.npy", "features.json"]
    facts = json.loads(path.with_suffix(".json").read_text())
    this, pictures = gan.discriminator, store(digest=facts["data"])
    found = open_features(path, this, pictures, FeatureSettings(side=2))
    np.testing.assert_allclose(
        found, features.features(this, PICTURES, FeatureSettings(side=2)).numpy(), rtol=2e-3, atol=1e-6
    )
    for args, complaint in (
        ((discriminator(), pictures, FeatureSettings(side=2)), "of another run"),
        ((this, store(digest="other"), FeatureSettings(side=2)), "of other pictures"),
        ((this, store(PIXELS[:5], facts["data"]), FeatureSettings(side=2)), "wanted 5 rows"),
        ((this, pictures, FeatureSettings(side=3)), "made with"),
    ):
        with pytest.raises(RunError, match=complaint):
            open_features(path, *args)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(RunError, match="cannot be read as features"):
        open_features(path, this, pictures, FeatureSettings(side=2))


def test_a_features_file_that_cannot_be_finished_leaves_nothing(run, tmp_path):
    _, folder, data = run
    events = write_events(folder, data, tmp_path / "out" / "features.npy")
    while type(next(events)).__name__ != "Progress":
        pass
    events.close()
    assert list((tmp_path / "out").iterdir()) == []
    with pytest.raises(SettingsError, match=r"ends in '.npz'; wanted .npy"):
        run_events(write_events(folder, data, tmp_path / "features.npz"))
