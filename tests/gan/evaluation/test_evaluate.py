"""Evaluation: what figures are made of, what they are called, what is refused; and that real pictures rank best."""

import dataclasses
import itertools
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits

import scumble
from gan_material import Projection, arrays, looked_at_by, numbered
from scumble.cli import app
from scumble.errors import DataError, SettingsError
from scumble.events import Warned, returned
from scumble.gan.evaluation import evaluate, feature_cache, intervals
from scumble.gan.evaluation.evaluate import evaluate_events
from scumble.gan.evaluation.frechet import Moments, frechet_distance
from scumble.gan.evaluation.kernel import kernel_distance
from scumble.gan.evaluation.neighbours import neighbour_figures
from scumble.perceptual.embedding import EMBEDDINGS

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"width": 4, "latent": 8, "batch": 8, "images": 80}


@pytest.fixture
def projection(monkeypatch) -> Projection:
    """Any network that is asked for is this one."""
    return looked_at_by(Projection(6), monkeypatch)


def all_features(pictures, feature_network, count):
    return feature_network.features(pictures.take(range(count))).astype(np.float64)


# --- What figures are made of ---


def test_figures_of_pieces_are_those_of_all_pictures_at_once(monkeypatch):
    monkeypatch.setattr(feature_cache, "PIECE", 70)
    monkeypatch.setattr(feature_cache, "KEPT_IN_MEMORY", 150)
    feature_network = Projection(6).embedding()
    real, generated = numbered(500, "real"), numbered(None, "generated")
    generated = dataclasses.replace(generated, take=lambda n: numbered(None).take(range(n.start + 900, n.stop + 900)))
    found = returned(
        evaluate.compare((real, generated), feature_network, (200, 233), ("frechet", "kernel", "neighbours"))
    )
    x, y = all_features(real, feature_network, 200), all_features(generated, feature_network, 233)
    one, other = Moments.of(x), Moments.of(y)
    whole = frechet_distance(one.mean, one.covariance, other.mean, other.covariance)
    mean, variance = x[:150].mean(0), x[:150].var(0).sum()
    assert found["frechet_distance"].value == pytest.approx(whole / variance, rel=1e-9)
    kernel = kernel_distance(*((some[:150] - mean) / np.sqrt(variance / 6) for some in (x, y)))
    assert found["kernel_distance"].value == pytest.approx(kernel, rel=1e-9)
    shares = neighbour_figures(x[:150], y[:150])
    assert [found[name].value for name in shares._fields] == pytest.approx(list(shares), rel=1e-12)


# --- What figures are called, and what is told with them ---


def test_only_what_inception_measures_is_called_fid(projection, tmp_path):
    data = arrays(tmp_path / "x.npz")
    other = arrays(tmp_path / "y.npz", seed=1)
    for network in EMBEDDINGS:
        found = returned(evaluate_events(other, data, network))
        names = [figure.name for figure in found.figures]
        shares = ["precision", "recall", "density", "coverage", "near_copies"]
        if network == "inception":
            assert names == ["fid", "kid", *shares, "inception_score"]
        else:
            assert names == ["frechet_distance", "kernel_distance", *shares]
        assert [figure.name for figure in found.others] == names
        told = found.conditions()
        assert told.startswith(f"{network} pool_3, 16x16, 32 real (x.npz, train split), 32 of y.npz; other real")
        assert ("variance" in told) == (network != "inception")


def test_a_run_is_measured_with_its_averaged_generator_and_leaves_nothing(projection, tmp_path, monkeypatch):
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path / "home"))
    data = arrays(tmp_path / "x.npz")
    for ema, words in ((10_000, "averaged generator"), (0, "generator as trained")):
        run = tmp_path / f"run{ema}"
        scumble.train(data, run, ema=ema, **TINY)
        found = scumble.evaluate(run, data, pictures=100, measures=["kernel"])
        (figure,) = found.figures
        assert (figure.real, figure.generated) == (64, 100)
        assert f"100 of {run} at 80 images, {words}" in found.conditions()
    assert len(list((tmp_path / "home" / "features").iterdir())) == 1  # of the real pictures alone


def test_the_split_chooses_the_pictures_for_testing(projection, tmp_path):
    test = np.random.default_rng(5).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    data = arrays(tmp_path / "x.npz", x_test=test)
    np.savez(tmp_path / "copy.npz", x=test)
    measured = {split: scumble.evaluate(tmp_path / "copy.npz", data, split=split) for split in ("train", "test")}
    distances = {split: found.figures[0].value for split, found in measured.items()}
    assert distances["test"] == pytest.approx(0, abs=1e-6)
    assert distances["train"] > 0.1
    assert "20 real (x.npz, test split)" in measured["test"].conditions()


def test_measures_may_be_chosen(projection, tmp_path):
    data = arrays(tmp_path / "x.npz")
    found = scumble.evaluate(data, data, measures=["neighbours", "frechet"])
    assert [figure.name for figure in found.figures][:2] == ["frechet_distance", "precision"]
    assert set(evaluate.MEASURES) == {"frechet", *intervals.MEASURES}
    assert found.verdict is not None
    assert scumble.evaluate(data, data, measures=["kernel"]).verdict is None


# --- Scale, and other real pictures ---


def test_distances_mean_the_same_whatever_the_units_of_the_features(projection, tmp_path, monkeypatch):
    data, other = arrays(tmp_path / "x.npz", 200), arrays(tmp_path / "y.npz", 200, seed=1)
    once = scumble.evaluate(other, data)
    monkeypatch.setenv("SCUMBLE_HOME", str(tmp_path / "another"))
    projection.matrix *= 7
    for one, seven in zip(once.figures, scumble.evaluate(other, data).figures, strict=True):
        assert one.value == pytest.approx(seven.value, rel=1e-4)


def test_one_picture_again_and_again_has_a_distance_of_one_or_more(projection, tmp_path):
    data = arrays(tmp_path / "x.npz", 200)
    mean = np.load(data)["x"].mean(0).round().astype(np.uint8)
    np.savez(tmp_path / "mean.npz", x=np.tile(mean, (200, 1, 1)))
    found = scumble.evaluate(tmp_path / "mean.npz", data)
    assert found.figures[0].value == pytest.approx(1, abs=0.1)
    assert found.verdict is not None
    assert found.verdict.kind in ("collapsed", "early")
    alike = scumble.evaluate(data, tmp_path / "mean.npz").figures
    assert all(np.isfinite(one.value) for one in alike)


def test_other_real_pictures_are_those_that_come_next(projection, tmp_path):
    data = arrays(tmp_path / "x.npz", 200)
    found = scumble.evaluate(arrays(tmp_path / "y.npz", 100, seed=1), data, pictures=60)
    features = projection.embedding().features
    pictures = np.load(data)["x"][feature_cache.shuffled(200), None]
    expected = neighbour_figures(features(pictures[:60]), features(pictures[60:120]))
    measured = {one.name: one for one in found.others}
    assert [measured[name].value for name in expected._fields] == pytest.approx(list(expected))
    assert (measured["recall"].real, measured["recall"].generated) == (60, 60)


@pytest.mark.parametrize(
    ("pictures", "real", "others"), [(None, 100, 100), (30, 30, 30), (150, 150, 100), (1000, 200, 100)]
)
def test_where_too_few_are_left_one_half_is_measured_against_the_other(projection, tmp_path, pictures, real, others):
    data = arrays(tmp_path / "x.npz", 200)
    found = scumble.evaluate(arrays(tmp_path / "y.npz", 1000, seed=1), data, pictures=pictures, measures=["kernel"])
    assert (found.figures[0].real, found.others[0].real, found.others[0].generated) == (real, others, others)


def test_figures_for_which_too_few_are_left_are_missing(projection, tmp_path):
    data = arrays(tmp_path / "x.npz", 30)
    found = scumble.evaluate(data, data)  # half of them would be too few for the Fréchet distance
    assert found.figures[0].real == 30
    assert [one.name for one in found.others] == [one.name for one in found.figures if one.name != "frechet_distance"]
    few = arrays(tmp_path / "few.npz", 17)
    assert scumble.evaluate(few, few, measures=["neighbours"]).others == []


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


def test_grey_and_coloured_pictures_are_not_compared(projection, tmp_path):
    grey = arrays(tmp_path / "grey.npz")
    np.savez(tmp_path / "colour.npz", x=np.random.default_rng(1).integers(0, 256, (64, 16, 16, 3), dtype=np.uint8))
    scumble.train(grey, tmp_path / "run", **TINY)
    with pytest.raises(DataError, match=r"has pictures of 16x16 grey, and colour.npz of 16x16 colour; wanted the same"):
        scumble.evaluate(tmp_path / "run", tmp_path / "colour.npz")


def warnings_of(*arguments, **given) -> tuple[evaluate.Evaluation, list[str]]:
    events, told = evaluate_events(*arguments, **given), []
    try:
        while True:
            event = next(events)
            told += [event.message] if isinstance(event, Warned) else []
    except StopIteration as end:
        return end.value, told


def test_pictures_of_other_sizes_are_brought_to_the_gans_or_to_the_smaller(projection, tmp_path):
    small, large = arrays(tmp_path / "small.npz"), arrays(tmp_path / "large.npz", side=20)
    scumble.train(small, tmp_path / "run", **TINY)
    for one, other in ((tmp_path / "run", large), (small, large), (large, small)):
        found, [warning] = warnings_of(one, other, measures=["kernel"], pictures=64)
        assert warning.endswith("they are compared at 16x16, and the figures are of that size alone")
        assert found.resize == "16x16"
        assert (found.figures[0].real, found.figures[0].generated) == (64, 64)
    # A run that was told its size has all pictures brought to it, as in its training.
    scumble.train(large, tmp_path / "sized", size=16, **TINY)
    assert warnings_of(tmp_path / "sized", large, measures=["kernel"], pictures=64)[1] == []


def test_unequal_numbers_are_told_with_their_bias(projection, tmp_path):
    few, many = arrays(tmp_path / "few.npz", 40), arrays(tmp_path / "many.npz", 160, seed=1)
    found, [warning] = warnings_of(many, few, pictures=1000)
    distance = found.figures[0]
    bias = distance.of_half - distance.value
    assert bias > 0
    told = f"40 real and 160 generated pictures; of the Fréchet distance of {distance.value:.4g}, about {bias:.2g}"
    assert warning.startswith(told)
    assert warnings_of(many, many)[1] == warnings_of(many, few)[1] == []  # by default, there are as many of each
    assert "Fréchet" not in warnings_of(many, few, measures=["kernel"], pictures=1000)[1][0]


def test_intervals_end_at_what_is_possible(projection, tmp_path):
    dark, bright = tmp_path / "dark.npz", tmp_path / "bright.npz"
    for path, first in ((dark, 0), (bright, 200)):
        np.savez(path, x=np.random.default_rng(0).integers(first, first + 50, (40, 16, 16), dtype=np.uint8))
    figures = [*scumble.evaluate(dark, bright).figures, *scumble.evaluate(dark, dark).figures]
    for one in figures:
        assert one.low <= one.value <= one.high
        if one.name != "kernel_distance":
            assert one.low >= 0
        if one.name in ("precision", "recall", "coverage"):
            assert one.high <= 1
    assert [one for one in figures if one.value - one.margin < one.low or one.value + one.margin > one.high]


# --- The command ---


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as exit_:
        app.main([str(argument) for argument in arguments])
    return int(exit_.value.code or 0)


def test_the_command_prints_a_table_or_json(projection, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    data = arrays(tmp_path / "x.npz")
    scumble.train(data, tmp_path / "run", **TINY)
    assert run("gan", "evaluate", "run", "x.npz", "--pictures", "32") == 0
    captured = capsys.readouterr()
    title, *rows, conditions, verdict = captured.out.splitlines()
    assert title.split()[:4] == ["figure", "value", "95%", "interval"]
    assert "other real pictures" in title
    assert [row.split("  ")[0] for row in rows] == [
        *("Fréchet distance", "kernel distance"),
        *("precision", "recall", "density", "coverage", "near copies"),
    ]
    assert conditions.startswith("measured with: pocket pool_3, 16x16, 32 real (x.npz, train split), 32 of run at 80")
    assert verdict.startswith("verdict: ")
    assert "features of" in captured.err
    chosen = ("--pictures", "30", "--measures", "kernel", "--network", "inception")
    assert run("gan", "evaluate", "run/model", "x.npz", *chosen, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["network"] == "inception"
    assert found["averaged"] is True
    assert [figure["name"] for figure in found["figures"]] == ["kid"]
    assert [figure["name"] for figure in found["others"]] == ["kid"]
    assert found["verdict"] is None
    assert run("gan", "evaluate", "run/model", "x.npz", "--json") == 0
    verdict = json.loads(capsys.readouterr().out)["verdict"]
    assert verdict.keys() == {"kind", "text"}


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
