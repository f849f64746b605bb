"""The feature cache: what is computed once, what is computed again, and the order of pictures."""

import dataclasses
import tracemalloc

import numpy as np
import pytest
import torch

import scumble
from gan_material import Projection, arrays, numbered
from scumble import GAN
from scumble.data.dataset import Dataset
from scumble.events import returned
from scumble.gan.evaluation import feature_cache

pytestmark = pytest.mark.usefixtures("one_thread")


def test_features_are_computed_once(monkeypatch):
    monkeypatch.setattr(feature_cache, "PIECE", 50)
    network, pictures = Projection(6), numbered(500)
    feature_network = network.embedding()
    first = returned(feature_cache.features(pictures, feature_network, 120))
    assert network.seen == 120
    again = returned(feature_cache.features(pictures, feature_network, 120))
    assert network.seen == 120
    assert np.array_equal(first.features, again.features)
    assert np.array_equal(first.features, feature_network.features(pictures.take(range(120))))
    network.seen = 0
    returned(feature_cache.features(pictures, feature_network, 180))  # 100 of which are kept in whole pieces
    assert network.seen == 80
    other = dataclasses.replace(feature_network, sha256="1" * 64)
    returned(feature_cache.features(pictures, other, 50))  # another network's weights
    assert network.seen == 130
    feature_cache.remove(pictures, feature_network)
    returned(feature_cache.features(pictures, feature_network, 50))
    assert network.seen == 180


def test_an_evaluation_that_was_killed_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(feature_cache, "PIECE", 50)
    network, pictures = Projection(6), numbered(500)
    feature_network = network.embedding()
    events = feature_cache.features(pictures, feature_network, 200)
    for event in events:
        if getattr(event, "done", 0) >= 100:
            break
    events.close()
    before = network.seen
    returned(feature_cache.features(pictures, feature_network, 200))
    assert (before, network.seen) == (100, 200)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_a_damaged_piece_is_made_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path))
    feature_network, pictures = Projection(6).embedding(), numbered(500)
    whole = returned(feature_cache.features(pictures, feature_network, 40)).features
    (piece,) = tmp_path.glob("features/*/*.npy")
    if damage is None:
        np.save(piece, whole[:-1])
    else:
        piece.write_bytes(damage)
    assert np.array_equal(returned(feature_cache.features(pictures, feature_network, 40)).features, whole)


def test_memory_does_not_grow_with_the_number_of_pictures(monkeypatch):
    monkeypatch.setattr(feature_cache, "PIECE", 100)
    monkeypatch.setattr(feature_cache, "KEPT_IN_MEMORY", 200)
    block = np.random.default_rng(0).integers(0, 256, (100, 1, 16, 16), dtype=np.uint8)
    pictures = feature_cache.PictureSet("block", "", None, (1, 16, 16), lambda numbers: block[: len(numbers)])

    def peak(count):
        tracemalloc.start()
        returned(feature_cache.features(pictures, Projection(64).embedding(), count))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few = peak(1000)
    feature_cache.remove(pictures, Projection(64).embedding())
    assert peak(10_000) < 1.1 * few  # float64 features of the others would be 4.6 MB


def test_real_pictures_come_in_a_mixed_order_without_repeats():
    pixels = np.arange(300).repeat(256).reshape(300, 1, 16, 16).astype(np.uint16)
    pictures = feature_cache.of_store(Dataset("pixels", pixels, None, (), "digest"))
    first = pictures.take(range(100))[:, 0, 0, 0]
    rest = pictures.take(range(100, 300))[:, 0, 0, 0]
    assert sorted([*first, *rest]) == list(range(300))
    assert first.std() > 60  # not the first hundred
    assert (pictures.at_most(50), pictures.at_most(1000)) == (50, 300)


def test_generated_pictures_are_those_of_their_seeds(tmp_path):
    gan = scumble.train(arrays(tmp_path / "x.npz"), tmp_path / "run", width=4, latent=8, batch=8, images=80)
    pictures = feature_cache.of_gan(gan, "run")
    expected = np.stack([np.asarray(picture) for picture in gan.sample(range(3, 6))])[:, None]
    assert np.array_equal(pictures.take(range(3, 6)), expected)
    other = GAN.from_pretrained(tmp_path / "run" / "model")
    assert feature_cache.of_gan(other, "model").digest == pictures.digest
    with torch.no_grad():
        next(other.generator.parameters()).add_(1e-3)
    assert feature_cache.of_gan(other, "model").digest != pictures.digest
