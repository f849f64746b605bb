"""The painter: the same picture by onnxruntime, by PyTorch, by the network as it was trained, whole and in pieces."""

import functools

import numpy as np
import pytest
import torch

from feedforward_material import numbers_of, picture, unlearnt_decoder
from scumble.perceptual.catalogue import CATALOGUE, POCKET_FILE
from scumble.perceptual.layers import min_side
from scumble.perceptual.vgg import VGG19
from scumble.perceptual.weights import read
from scumble.style.feedforward import painter, pieces, weights
from scumble.style.feedforward.moving import in_colours, maps_between, moved
from scumble.style.feedforward.network import Decoder
from scumble.style.feedforward.networks import Networks
from scumble.style.feedforward.onnx_networks import OnnxNetworks
from scumble.style.feedforward.shapes import CODE, COLOURS, LAYERS, STATISTICS
from scumble.style.feedforward.torch_networks import TorchNetworks
from scumble.style.losses.statistics import Statistics, covariance_of, moments
from scumble.style.objective.view import by_place

TOLERANCE = 1e-3


@pytest.fixture(autouse=True)
def decoder(monkeypatch) -> Decoder:
    """What is tested is true of all decoders."""
    network = unlearnt_decoder()
    monkeypatch.setattr(weights, "_decoder", lambda: numbers_of(network))
    return network


def painted(
    networks: Networks, photograph: np.ndarray, painting: np.ndarray, strength: float = 1.0, whole: bool = False
) -> np.ndarray:
    source = functools.partial(pieces.cut, photograph)
    sides = photograph.shape[0], photograph.shape[1]
    here, features = painter.known(networks, source, sides, painting=False)
    there, _ = painter.known(networks, functools.partial(pieces.cut, painting), (painting.shape[0], painting.shape[1]))
    way = painter.between(here, there, strength)
    decode = networks.decoder(there.code(), strength)
    result = np.full(photograph.shape, np.nan, np.float32)
    known = features if whole else None
    for place, pixels in painter.painted(networks, decode, source, sides, way, 0, known):
        assert np.isnan(result[place]).all()  # nothing is painted twice
        result[place] = pixels
    return result


@pytest.mark.parametrize("size", [(48, 64), (45, 70), (16, 19)])
@pytest.mark.parametrize("strength", [1.0, 0.3])
def test_both_runtimes_paint_the_same(size, strength):
    pair = picture(0, *size), picture(1, 40, 56)
    ours, theirs = (painted(networks, *pair, strength) for networks in (OnnxNetworks(), TorchNetworks()))
    assert np.abs(ours - pair[0]).max() > 0.05
    np.testing.assert_allclose(ours, theirs, atol=TOLERANCE)


def test_the_picture_is_the_one_that_was_trained(decoder, monkeypatch):
    for module in (pieces, painter):
        monkeypatch.setattr(module, "BORDER", 80)  # so far out that what is beyond it is not seen
    # Of middle colours, which are not held to [0, 1] on the way.
    photograph, painting = 0.3 + 0.4 * picture(0, 48, 64), 0.3 + 0.4 * picture(1, 40, 56)
    tensors = {n: t for n, t in read(POCKET_FILE, "pocket").tensors.items() if not n.startswith("heads.")}
    trunk = VGG19(tensors, CATALOGUE["pocket"].preprocessing, STATISTICS, padding="replicate")

    def seen(picture: np.ndarray) -> tuple[torch.Tensor, dict[str, Statistics]]:
        """With its border, of which nothing is counted."""
        height, width, border = *picture.shape[:2], pieces.BORDER
        around = pieces.cut(picture, *(range(-border, side + border) for side in (height, width)))
        found = {}
        for name, features in trunk.walk(torch.from_numpy(around), STATISTICS):
            first = border // min_side([name])
            found[name] = moments(by_place(features[:, :, first:-first, first:-first]))
        return torch.from_numpy(around), found

    with torch.no_grad():
        (around, here), (_, there) = seen(photograph), seen(painting)
        content, style = (torch.from_numpy(p).permute(2, 0, 1)[None] for p in (photograph, painting))
        described = [moments(by_place(style)), *there.values()]
        deviations = [covariance_of(statistics).diagonal().sqrt() for statistics in described]
        code = torch.cat([*(statistics["mean"] for statistics in described), *deviations])[None]
        features = moved(trunk, around, maps_between(here, there))
        base = torch.from_numpy(
            pieces.cut(
                in_colours(content, style, COLOURS)[0].permute(1, 2, 0).numpy(), range(-80, 128), range(-80, 144)
            )
        )
        noise = {places: torch.from_numpy(values) for places, values in pieces.drawn((48, 64), 0).items()}
        wanted = decoder(features, base, code, noise)[0, :, 80:-80, 80:-80].permute(1, 2, 0)
    np.testing.assert_allclose(painted(OnnxNetworks(), photograph, painting), wanted, atol=TOLERANCE)


def test_a_decoder_is_that_of_its_painting_whatever_another_thread_asks_for(monkeypatch):
    networks, folded, asked = OnnxNetworks(), weights.decoder, []

    def meanwhile(code: np.ndarray, strength: float) -> weights.Numbers:
        if not asked:
            asked.append(strength)
            networks.decoder(code, 0.5)  # as another thread would, before this one is made
        return folded(code, strength)

    monkeypatch.setattr(weights, "decoder", meanwhile)
    code = np.zeros(CODE)
    made = networks.decoder(code, 1.0)
    assert networks.decoder(code, 1.0) is made
    networks._made = None
    assert networks.decoder(code, 0.5) is not made


def test_no_strength_moves_nothing():
    photograph, painting = picture(0, 24, 24), picture(1, 24, 24)
    networks = OnnxNetworks()
    here, _ = painter.known(networks, functools.partial(pieces.cut, photograph), (24, 24))
    there, _ = painter.known(networks, functools.partial(pieces.cut, painting), (24, 24))
    way = painter.between(here, there, 0.0)
    for affine in (*way.features.values(), way.colours):
        np.testing.assert_allclose(affine.matrix, np.eye(len(affine.matrix)), atol=1e-12)
        np.testing.assert_allclose(affine.offset, 0, atol=1e-12)


@pytest.mark.parametrize("size", [(200, 312), (203, 317)])
def test_pieces_are_parts_of_the_whole(size, monkeypatch):
    pair, networks = (picture(0, *size), picture(1, 40, 56)), OnnxNetworks()
    whole = painted(networks, *pair, whole=True)
    monkeypatch.setattr(pieces, "LARGEST", 64)
    in_pieces = painted(networks, *pair)
    assert not np.isnan(in_pieces).any()
    np.testing.assert_allclose(in_pieces, whole, atol=2e-5)


def test_a_smaller_margin_would_show(monkeypatch):
    pair, networks = (picture(0, 200, 200), picture(1, 40, 56)), OnnxNetworks()
    whole = painted(networks, *pair, whole=True)
    monkeypatch.setattr(pieces, "LARGEST", 64)
    monkeypatch.setattr(pieces, "MARGIN", pieces.DECODED_MARGIN)
    assert np.abs(painted(networks, *pair) - whole).max() > 1e-3


def test_pieces_have_what_they_see_inside_the_picture():
    for piece in pieces.pieces((2000, 1208)):
        for core, decoded, around in zip(*piece, strict=True):
            assert (
                -pieces.BORDER <= around.start <= decoded.start <= core.start < core.stop <= decoded.stop <= around.stop
            )
            assert all(edge % pieces.STEP == 0 for span in (core, decoded, around) for edge in (span.start, span.stop))
            assert core.stop - core.start <= pieces.LARGEST + pieces.STEP


def test_a_cut_reflects_the_border():
    whole = np.arange(12, dtype=np.float32).reshape(3, 4, 1)
    np.testing.assert_array_equal(
        pieces.cut(whole, range(-1, 2), range(2, 6))[0, 0], [[6, 7, 6, 5], [2, 3, 2, 1], [6, 7, 6, 5]]
    )


def test_a_large_picture_is_known_by_its_windows(monkeypatch):
    """Of a picture that is everywhere the same, they know as much as is known of it as a whole."""
    wave = np.sin(np.arange(400) * 0.7)[:, None] * np.sin(np.arange(400) * 0.3)[None]
    even = np.repeat((0.5 + 0.4 * wave)[:, :, None], 3, axis=2).astype(np.float32)
    networks, source = OnnxNetworks(), functools.partial(pieces.cut, even)
    whole, _ = painter.known(networks, source, (400, 400))
    monkeypatch.setattr(painter, "LOOKED_AT", 300)
    monkeypatch.setattr(painter, "WINDOW", 104)
    known, features = painter.known(networks, source, (400, 400))
    assert features is None
    for name in LAYERS:
        scale = whole.features[name].mean.max()
        np.testing.assert_allclose(known.features[name].mean, whole.features[name].mean, atol=0.1 * scale)
    assert known.code().shape == (CODE,)


@pytest.mark.parametrize("at_once", [400, 300])
def test_what_does_not_count_has_no_part_in_what_is_known(at_once, monkeypatch):
    monkeypatch.setattr(painter, "LOOKED_AT", at_once)
    left, right = picture(0, 400, 200), 0.3 * picture(1, 400, 200)
    half = np.repeat(np.arange(400)[None] < 200, 400, axis=0).astype(np.float32)
    networks, changes = OnnxNetworks(), []
    for counts in (half, None):
        sources = (functools.partial(pieces.cut, np.concatenate([left, other], axis=1)) for other in (right, 1 - right))
        one, other = (painter.known(networks, source, (400, 400), counts)[0] for source in sources)
        if counts is not None:
            np.testing.assert_allclose(one.pixels.mean, other.pixels.mean)
        changes.append(np.abs(one.code() - other.code()).sum())
    assert changes[0] < 0.7 * changes[1]  # what a neuron at the edge sees beyond it
