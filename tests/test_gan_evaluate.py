"""Evaluation: what figures are made of, what they are called, what is refused; and that real pictures rank best."""

import dataclasses
import itertools
import json
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits

import scumble
from scumble import GAN
from scumble.cli import app
from scumble.errors import DataError, SettingsError
from scumble.events import returned
from scumble.gan import evaluate, metrics, sets
from scumble.gan.evaluate import evaluate_events
from scumble.gan.metrics import Moments, frechet_distance, kernel_distance, neighbour_figures
from scumble.perceptual import embedding
from scumble.perceptual.embedding import EMBEDDINGS, Embedding

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"width": 4, "latent": 8, "batch": 8, "images": 80}


class Projection:
    """A stand-in for a network, with few features, that counts the pictures it has seen."""

    def __init__(self, width: int):
        self.matrix = torch.randn(3 * 256, width, generator=torch.Generator().manual_seed(0)) / 16
        self.seen = 0

    def __call__(self, pictures: torch.Tensor) -> torch.Tensor:
        self.seen += len(pictures)
        return pictures[:, :, :16, :16].flatten(1) @ self.matrix

    def embedding(self, name: str = "projection", classes: int = 5) -> Embedding:
        def probabilities(features: np.ndarray) -> np.ndarray:
            return torch.from_numpy(features[:, :classes]).double().softmax(1).numpy()

        width = self.matrix.shape[1]
        return Embedding(name, "0" * 64, "pool_3", width, None, self, probabilities, torch.device("cpu"))


@pytest.fixture
def projection(monkeypatch) -> Projection:
    """Any network that is asked for is this one."""
    network = Projection(6)

    def load(name, placement):
        yield from ()
        return network.embedding(name)

    monkeypatch.setattr(embedding, "load", load)
    return network


def arrays(path, count=64, seed=0, side=16, **more):
    pictures = np.random.default_rng(seed).integers(0, 256, (count, side, side), dtype=np.uint8)
    np.savez(path, x=pictures, **more)
    return path


def numbered(count, name="numbers"):
    """Pictures that can be told from each other."""

    def take(numbers):
        return np.stack([np.random.default_rng(n).integers(0, 256, (1, 16, 16), dtype=np.uint8) for n in numbers])

    return sets.PictureSet(name, "digest of " + name, count, (1, 16, 16), take)


def all_features(pictures, look, count):
    return look.features(pictures.take(range(count))).astype(np.float64)


# --- What figures are made of ---


def test_figures_of_pieces_are_those_of_all_pictures_at_once(monkeypatch):
    monkeypatch.setattr(sets, "PIECE", 70)
    monkeypatch.setattr(sets, "KEPT_IN_MEMORY", 150)
    look = Projection(6).embedding()
    real, generated = numbered(500, "real"), numbered(None, "generated")
    generated = dataclasses.replace(generated, take=lambda n: numbered(None).take(range(n.start + 900, n.stop + 900)))
    found = returned(evaluate.compare((real, generated), look, (200, 233), ("frechet", "kernel", "neighbours")))
    x, y = all_features(real, look, 200), all_features(generated, look, 233)
    one, other = Moments.of(x), Moments.of(y)
    whole = frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    assert found["frechet_distance"].value == pytest.approx(whole, rel=1e-9)
    assert found["kernel_distance"].value == pytest.approx(kernel_distance(x[:150], y[:150]), rel=1e-9)
    shares = neighbour_figures(x[:150], y[:150])
    assert [found[name].value for name in shares._fields] == pytest.approx(list(shares), rel=1e-12)


def test_what_was_looked_at_once_is_not_looked_at_again(monkeypatch):
    monkeypatch.setattr(sets, "PIECE", 50)
    network, pictures = Projection(6), numbered(500)
    look = network.embedding()
    first = returned(sets.points(pictures, look, 120))
    assert network.seen == 120
    again = returned(sets.points(pictures, look, 120))
    assert network.seen == 120
    assert np.array_equal(first.features, again.features)
    assert np.array_equal(first.features, look.features(pictures.take(range(120))))
    network.seen = 0
    returned(sets.points(pictures, look, 180))  # 100 of which are kept in whole pieces
    assert network.seen == 80
    other = dataclasses.replace(look, sha256="1" * 64)
    returned(sets.points(pictures, other, 50))  # another network's weights
    assert network.seen == 130
    sets.forget(pictures, look)
    returned(sets.points(pictures, look, 50))
    assert network.seen == 180


def test_an_evaluation_that_was_killed_goes_on_where_it_was(monkeypatch):
    monkeypatch.setattr(sets, "PIECE", 50)
    network, pictures = Projection(6), numbered(500)
    look = network.embedding()
    events = sets.points(pictures, look, 200)
    for event in events:
        if getattr(event, "done", 0) >= 100:
            break
    events.close()
    before = network.seen
    returned(sets.points(pictures, look, 200))
    assert (before, network.seen) == (100, 200)


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", None])
def test_a_damaged_piece_is_made_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path))
    look, pictures = Projection(6).embedding(), numbered(500)
    whole = returned(sets.points(pictures, look, 40)).features
    (piece,) = tmp_path.glob("features/*/*.npy")
    if damage is None:
        np.save(piece, whole[:-1])
    else:
        piece.write_bytes(damage)
    assert np.array_equal(returned(sets.points(pictures, look, 40)).features, whole)


def test_memory_does_not_grow_with_the_number_of_pictures(monkeypatch):
    monkeypatch.setattr(sets, "PIECE", 100)
    monkeypatch.setattr(sets, "KEPT_IN_MEMORY", 200)
    block = np.random.default_rng(0).integers(0, 256, (100, 1, 16, 16), dtype=np.uint8)
    pictures = sets.PictureSet("block", "", None, (1, 16, 16), lambda numbers: block[: len(numbers)])

    def peak(count):
        tracemalloc.start()
        returned(sets.points(pictures, Projection(64).embedding(), count))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few = peak(1000)
    sets.forget(pictures, Projection(64).embedding())
    assert peak(10_000) < 1.1 * few  # float64 features of the others would be 4.6 MB


def test_real_pictures_come_in_a_mixed_order_without_repeats():
    pixels = np.arange(300).repeat(256).reshape(300, 1, 16, 16).astype(np.uint16)
    pictures = sets.of_store(scumble_store(pixels))
    first = pictures.take(range(100))[:, 0, 0, 0]
    rest = pictures.take(range(100, 300))[:, 0, 0, 0]
    assert sorted([*first, *rest]) == list(range(300))
    assert first.std() > 60  # not the first hundred
    assert (pictures.at_most(50), pictures.at_most(1000)) == (50, 300)


def scumble_store(pixels):
    from scumble.data.dataset import Dataset

    return Dataset("pixels", pixels, None, (), "digest")


def test_generated_pictures_are_those_of_their_seeds(tmp_path):
    gan = scumble.train(arrays(tmp_path / "x.npz"), tmp_path / "run", **TINY)
    pictures = sets.of_gan(gan, "run")
    expected = np.stack([np.asarray(picture) for picture in gan.sample(range(3, 6))])[:, None]
    assert np.array_equal(pictures.take(range(3, 6)), expected)
    other = GAN.from_pretrained(tmp_path / "run" / "model")
    assert sets.of_gan(other, "model").digest == pictures.digest
    with torch.no_grad():
        next(other.generator.parameters()).add_(1e-3)
    assert sets.of_gan(other, "model").digest != pictures.digest


# --- What figures are called, and what is told with them ---


def test_only_what_inception_measures_is_called_fid(projection, tmp_path):
    data = arrays(tmp_path / "x.npz")
    other = arrays(tmp_path / "y.npz", seed=1)
    for network in EMBEDDINGS:
        found = returned(evaluate_events(other, data, network))
        names = [figure.name for figure in found.figures]
        shares = ["precision", "recall", "density", "coverage"]
        if network == "inception":
            assert names == ["fid", "kid", *shares, "inception_score"]
        else:
            assert names == ["frechet_distance", "kernel_distance", *shares]
        for figure in found.figures:
            told = found.described(figure)
            assert told.startswith(f"{network} pool_3, 16x16, ")
            assert told.endswith("64 of y.npz")
            assert ("64 real (x.npz, train split)" in told) == (figure.name != "inception_score")


def test_a_run_is_measured_with_its_averaged_generator_and_leaves_nothing(projection, tmp_path, monkeypatch):
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path / "home"))
    data = arrays(tmp_path / "x.npz")
    for ema, words in ((10_000, "averaged generator"), (0, "generator as trained")):
        run = tmp_path / f"run{ema}"
        scumble.train(data, run, ema=ema, **TINY)
        found = scumble.evaluate(run, data, pictures=100, measures=["kernel"])
        (figure,) = found.figures
        assert (figure.real, figure.generated) == (64, 100)
        assert f"100 of {run} at 80 images, {words}" in found.described(figure)
    assert len(list((tmp_path / "home" / "features").iterdir())) == 1  # of the real pictures alone


def test_the_split_chooses_the_pictures_for_testing(projection, tmp_path):
    test = np.random.default_rng(5).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    data = arrays(tmp_path / "x.npz", x_test=test)
    np.savez(tmp_path / "copy.npz", x=test)
    measured = {split: scumble.evaluate(tmp_path / "copy.npz", data, split=split) for split in ("train", "test")}
    distances = {split: found.figures[0].value for split, found in measured.items()}
    assert distances["test"] == pytest.approx(0, abs=1e-6)
    assert distances["train"] > 0.1
    figure = measured["test"].figures[0]
    assert "40 real (x.npz, test split)" in measured["test"].described(figure)


def test_measures_may_be_chosen(projection, tmp_path):
    data = arrays(tmp_path / "x.npz")
    found = scumble.evaluate(data, data, measures=["neighbours", "frechet"])
    assert [figure.name for figure in found.figures][:2] == ["frechet_distance", "precision"]
    assert set(evaluate.MEASURES) == {"frechet", *metrics.MEASURES}


# --- What is refused ---


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"pictures": 6}, "frechet by pocket takes 20 pictures of each kind or more; got 6 real"),
        ({"pictures": 11, "measures": ["neighbours"]}, "neighbours by pocket takes 12 pictures"),
        ({"pictures": 3, "measures": ["kernel"]}, "kernel by pocket takes 4 pictures"),
        ({"pictures": 19, "network": "inception", "measures": ["inception"]}, "inception by inception takes 20"),
        ({"split": "test"}, "has no pictures for testing; wanted"),
    ],
)
def test_too_few_pictures_are_refused_with_the_number_that_it_takes(projection, tmp_path, settings, told):
    data = arrays(tmp_path / "x.npz")
    with pytest.raises(DataError, match=told) as caught:
        scumble.evaluate(data, data, **settings)
    assert projection.seen == 0
    assert ("fewer features" in str(caught.value)) == told.startswith("frechet")


def test_the_frechet_distance_takes_more_pictures_than_there_are_features(tmp_path):
    data = arrays(tmp_path / "x.npz", count=128)
    with pytest.raises(DataError, match="frechet by pocket takes 129 pictures of each kind or more; got 128 real"):
        scumble.evaluate(data, data)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"pictures": 0}, "pictures: got 0, wanted 1 to"),
        ({"measures": ["inception"]}, "measures: got inception with network pocket"),
        ({"measures": ["fid"]}, "measures: got 'fid', wanted some of frechet"),
        ({"measures": []}, "measures: got none"),
        ({"network": "resnet"}, "network: got 'resnet', wanted one of pocket"),
    ],
)
def test_what_does_not_exist_is_refused(tmp_path, settings, told):
    data = arrays(tmp_path / "x.npz")
    with pytest.raises(SettingsError, match=told):
        scumble.evaluate(data, data, **settings)


def test_pictures_of_other_sizes_or_colours_are_refused(projection, tmp_path):
    grey, large = arrays(tmp_path / "grey.npz"), arrays(tmp_path / "large.npz", side=20)
    colour = np.random.default_rng(1).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8)
    np.savez(tmp_path / "colour.npz", x=colour)
    scumble.train(grey, tmp_path / "run", **TINY)
    for data, told in ((large, "20x20 grey"), (tmp_path / "colour.npz", "16x16 colour")):
        with pytest.raises(DataError, match=f"has pictures of 16x16 grey, and {data.name} of {told}"):
            scumble.evaluate(tmp_path / "run", data)
    # A run that was told its size has all pictures brought to it, as in its training.
    scumble.train(large, tmp_path / "sized", size=16, **TINY)
    assert scumble.evaluate(tmp_path / "sized", large, measures=["kernel"], pictures=64).figures[0].real == 64


# --- The command ---


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


def test_the_command_prints_a_table_or_json(projection, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = arrays(tmp_path / "x.npz")
    scumble.train(data, tmp_path / "run", **TINY)
    assert run("gan", "evaluate", "run", "x.npz", "--pictures", "50") == 0
    captured = capsys.readouterr()
    title, *rows = captured.out.splitlines()
    assert title.split()[:4] == ["figure", "value", "95%", "interval"]
    assert [row.split("  ")[0] for row in rows] == [
        *("Frechet distance", "kernel distance"),
        *("precision", "recall", "density", "coverage"),
    ]
    for row in rows:
        assert "pocket pool_3, 16x16, 50 real (x.npz, train split), 50 of run at 80 images, averaged generator" in row
    assert "look at" in captured.err
    chosen = ("--pictures", "30", "--measures", "kernel", "--network", "inception")
    assert run("gan", "evaluate", "run/model", "x.npz", *chosen, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["network"] == "inception"
    assert found["averaged"] is True
    assert [figure["name"] for figure in found["figures"]] == ["kid"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere", "x.npz"], 1, "nowhere is no run and no model's folder; as pictures: nowhere does not exist"),
        (["x.npz", "nowhere"], 1, "nowhere does not exist; wanted a folder"),
        (["x.npz", "x.npz", "--network", "vgg"], 2, "network"),
        (["x.npz", "x.npz", "--measures", "fid"], 2, "measures"),
        (["x.npz", "x.npz", "--network", "inception"], 1, "weights inception are not on this machine"),
        (["x.npz", "x.npz"], 1, "frechet by pocket takes 129 pictures"),
    ],
)
def test_bad_input_is_one_line(arguments, code, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arrays(tmp_path / "x.npz")
    assert run("gan", "evaluate", *arguments) == code
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


# --- With the package's own network: real pictures first ---


def test_pocket_ranks_held_out_pictures_before_missing_classes_blur_and_noise(tmp_path):
    bunch = load_digits()
    pixels, labels = (bunch.images * 255 / 16).astype(np.uint8).repeat(2, 1).repeat(2, 2), bunch.target
    real, held_out = pixels[::4], pixels[1::4]
    rest, of_rest = np.concatenate([pixels[2::4], pixels[3::4]]), np.concatenate([labels[2::4], labels[3::4]])
    blurred = np.stack([np.asarray(Image.fromarray(x).filter(ImageFilter.GaussianBlur(1.5))) for x in held_out])
    kinds = {
        "held_out": held_out,
        "half": rest[of_rest < 5],
        "blurred": blurred,
        "noise": np.random.default_rng(0).integers(0, 256, held_out.shape, dtype=np.uint8),
    }
    np.savez(tmp_path / "real.npz", x=real)
    found = {}
    for name, kind in kinds.items():
        np.savez(tmp_path / f"{name}.npz", x=kind)
        figures = scumble.evaluate(tmp_path / f"{name}.npz", tmp_path / "real.npz").figures
        found[name] = {figure.name: figure for figure in figures}
    distances = [found[name]["frechet_distance"] for name in kinds]
    for better, worse in itertools.pairwise(distances):
        assert better.value + better.margin < worse.value - worse.margin
    held_out, half, blurred = (found[name] for name in ("held_out", "half", "blurred"))
    assert half["recall"].value + half["recall"].margin < held_out["recall"].value - held_out["recall"].margin
    assert abs(half["precision"].value - held_out["precision"].value) < 0.1
    assert blurred["precision"].value < 0.5 * held_out["precision"].value
