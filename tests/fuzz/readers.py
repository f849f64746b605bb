"""The kinds of files that strangers may have made: good small ones of each, and what is asked of those that read them.

A reader may change nothing outside the folder that it is given, and raises nothing but a ScumbleError.
"""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import torch
from safetensors.torch import save as as_safetensors

from conftest import photograph
from fuzz import sources
from fuzz.kinds import Files, Kind, one_spoiled
from fuzz.mutations import mutated_json
from fuzz.pictures import PICTURES, variants
from fuzz.sources import TINY, noise
from gan_material import untrained_gan
from scumble import GAN, Classifier, GANSettings
from scumble.cli.info import info
from scumble.data import dataset
from scumble.data.sources.opener import open_source
from scumble.device import Placement
from scumble.errors import RunError, ScumbleError
from scumble.events import Progress, returned
from scumble.gan import plots, running, train
from scumble.gan.facts import ClassifierFacts, GANFacts, ProbeFacts
from scumble.gan.probe.data import ProbeData
from scumble.gan.probe.features import rows
from scumble.gan.probe.linear import Linear, Scaling
from scumble.gan.probe.table import table
from scumble.gan.probe.trials import Trial, Trials
from scumble.gan.settings import ClassifySettings, FeatureSettings
from scumble.gan.tasks.latent import LatentGAN
from scumble.image import encode, files, recipe
from scumble.image.metadata import NOTHING
from scumble.perceptual import backbones, weights
from scumble.storage import checkpoint
from scumble.storage.run import Run
from scumble.style.batch import Pair, Style, is_finished
from scumble.style.inputs import Sources
from scumble.style.provenance import differences, settings_from_recipe
from scumble.style.resume import Unfinished
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import paint_events
from scumble.training import continuation


def make(name: str, place: Path) -> Kind:
    """A kind by its name; `place` is an empty folder for what it takes to make the good ones."""
    return KINDS[name](place)


# --- Pictures -------------------------------------------------------------------------------------------------------


def _pictures(kind: str) -> Callable[[Path], Kind]:
    def made(_: Path) -> Kind:
        good = [{"picture": data} for data in variants(kind)]
        return Kind(good, one_spoiled(good), _read_picture)

    return made


def _read_picture(place: Path) -> None:
    path = place / "picture"
    with contextlib.suppress(ScumbleError):  # what cannot be measured may still be refused otherwise
        files.size_of(path.read_bytes(), "picture")
    picture = files.load(path)
    assert picture.rgb.mode == "RGB"
    assert picture.rgb.size == picture.size
    assert picture.alpha is None or picture.alpha.size == picture.size


# --- Recipes --------------------------------------------------------------------------------------------------------

MADE_BY = {
    "job": "stylize",
    "settings": StyleSettings(style_layers={"relu1_1": 1.0}).model_dump(mode="json"),
    "inputs": {role: {"name": f"{role}.png", "sha256": "0" * 64} for role in ("content", "style", "weights")},
    "computed": {"device": "cpu", "precision": "float32", "threads": 1, "tiles": 1},
    "versions": recipe.versions(),
    "result": {"loss": 1.0, "terms": {"relu1_1": 1.0}, "evaluations": 90},
}


def _recipes(place: Path) -> Kind:
    texts = [MADE_BY, MADE_BY | {"job": "texture", "settings": TextureSettings().model_dump(mode="json")}]
    texts = [recipe.to_text(made_by) for made_by in texts]
    good = [_with_recipe(text, suffix) for text in texts for suffix in (".png", ".jpg", ".webp", ".tif")]
    spoil_file = one_spoiled(good)

    def spoil(held: Files, random: Random) -> Files:
        if random.random() < 0.3:
            return spoil_file(held, random)
        text = random.choice(texts).encode()
        for _ in range(random.choice((1, 1, 2, 3))):
            text = mutated_json(text, random)
        while True:
            with contextlib.suppress(Exception):  # JPEG holds short ones only, TIFF plain ones
                return _with_recipe(text.decode(errors="replace"), random.choice((".png", ".png", *encode.WRITERS)))

    return Kind(good, spoil, _read_recipe)


def _with_recipe(text: str, suffix: str) -> Files:
    made = io.BytesIO()
    encode.WRITERS[suffix](np.asarray(photograph(20, 18)), made, text, NOTHING)
    return {"picture.png": made.getvalue()}


def _read_recipe(place: Path) -> None:
    path = place / "picture.png"
    with contextlib.redirect_stdout(io.StringIO()):
        info(path)
        info(path, json=True)
    made_by = recipe.read(path)
    for given in (StyleSettings(), TextureSettings()):
        with contextlib.suppress(ScumbleError):
            settings_from_recipe(made_by, given)
    for event in differences(made_by, MADE_BY):
        assert "\n" not in str(event)
    with contextlib.suppress(ScumbleError):
        is_finished(Pair(path, Style(path.stem, (path,)), path), StyleSettings())


# --- Runs, models and checkpoints -----------------------------------------------------------------------------------

CPU = Placement(torch.device("cpu"), torch.float32, "")


def _run(place: Path) -> Path:
    """The folder of a tiny training that is finished."""
    np.savez(place / "noise.npz", x=noise())
    for _ in train.train_events(place / "noise.npz", place / "run", TINY):
        pass
    return place / "run"


def _held(folder: Path, *names: str) -> Files:
    return {name: (folder / name).read_bytes() for name in names}


def _settings(place: Path) -> Kind:
    good = [_held(_run(place), "settings.json", "metrics.jsonl")]
    spoil_file = one_spoiled(good)

    def spoil(held: Files, random: Random) -> Files:
        return held | (spoil_file(held, random) if random.random() < 0.3 else {
            "settings.json": mutated_json(held["settings.json"], random)
        })  # fmt: skip

    return Kind(good, spoil, _read_settings)


def _read_settings(place: Path) -> None:
    run = Run(place)
    assert run.exists()
    for row in run.metrics():
        assert row["images"] >= 0
    facts = GANFacts.of_run(run)
    assert facts is not None
    now = facts.model_copy(update={"settings": running.continued(GANSettings(), facts, run).model_dump(mode="json")})
    list(continuation.differences(run, facts, now))


MODELS = ("gan", "dcgan", "sndcgan", "sngan", "rpgan", "cgan", "acgan", "sgan", "projection")


def _models(place: Path) -> Kind:
    good = []
    for preset in MODELS:
        untrained_gan(preset, (3, 16, 20)).save_pretrained(place / preset)
        good.append(_held(place / preset, "settings.json", "model.safetensors"))
    return Kind(good, one_spoiled(good), _read_model)


def _read_model(place: Path) -> None:
    gan = GAN.from_pretrained(place, "cpu")
    assert len(gan.sample([0])) == 1


def _classifiers(place: Path) -> Kind:
    good = []
    for preset in ("dcgan", "sndcgan"):
        gan = untrained_gan(preset, (1, 16, 16))
        settings = FeatureSettings(device="cpu")
        found = next(rows(gan.discriminator, noise()[:, None], settings)).astype(np.float32)
        linear = Linear(np.zeros((3, found.shape[1]), np.float32), np.zeros(3, np.float32), 1.0, 1.0)
        known = ProbeFacts(
            classes=("a", "b", "c"), features=settings.model_dump(), kind="svm", c=1.0, temperature=1.0,
            labelled=9, tested=9, accuracy=0.5, made_of="0" * 64,
        )  # fmt: skip
        facts = ClassifierFacts(**dict(gan.facts), classifier=known)
        made = Classifier(gan.discriminator, Scaling.of(found), linear, facts)
        made.save_pretrained(place / preset)
        good.append(_held(place / preset, "settings.json", "model.safetensors"))
    return Kind(good, one_spoiled(good), _read_classifier)


def _read_classifier(place: Path) -> None:
    classifier = Classifier.from_pretrained(place, "cpu")
    assert len(classifier.predict([photograph(20, 18)])) == 1


def _checkpoints(place: Path) -> Kind:
    run = _run(place)
    numbers = checkpoint.numbers_in(run / "checkpoints")
    name = f"checkpoints/{numbers[-1]:012}.safetensors"
    good = [_held(run, "settings.json", name)]
    facts = GANFacts.read_from(run)
    data = returned(dataset.prepare(open_source(place / "noise.npz"), None, None))
    game = LatentGAN(TINY, data, facts.flip, CPU)
    spoil_file = one_spoiled(good)

    def spoil(held: Files, random: Random) -> Files:
        return held | {name: spoil_file({name: held[name]}, random)[name]}

    def read(folder: Path) -> None:
        with contextlib.suppress(ScumbleError):
            GAN.from_pretrained(folder, "cpu").sample([0])
        trainer = game.trainer(facts.known_by)
        found, complaints = checkpoint.newest(folder / "checkpoints", trainer.restored)
        if found is None:
            raise RunError(complaints[0])
        found.train_step()
        found.take_figures()

    return Kind(good, spoil, read)


def _unfinished(place: Path) -> Kind:
    """The states of paintings that were stopped, with each of the optimizers."""
    settings = {
        name: StyleSettings(
            optimizer=name, size=32, steps=12, scales=2, coarse_steps=4, device="cpu", averaging=0.8 * (name == "adam")
        )
        for name in ("adam", "lbfgs")
    }
    layers = settings["adam"].layers()
    networks = {"pocket": returned(backbones.load("pocket", layers, CPU, padding="replicate"))}
    photo, painting = np.asarray(photograph(32, 30)), np.asarray(photograph(30, 32, 1))

    def events(name: str, output: Path, resume: bool):
        sources = Sources(photo, [painting])
        return paint_events(sources, settings[name], output, resume=resume, networks=networks)

    good = []
    for name in settings:
        for stop in (2, 8):
            output = place / f"{name}.png"
            with contextlib.closing(events(name, output, resume=False)) as job:
                next(event for event in job if isinstance(event, Progress) and event.done >= stop)
            good.append({f"{name}.png.unfinished": Unfinished(output, {}).path.read_bytes()})
            Unfinished(output, {}).remove()

    def read(folder: Path) -> None:
        (path,) = folder.iterdir()
        before = path.read_bytes()
        output = folder / path.name.removesuffix(".unfinished")
        try:
            with contextlib.closing(events(output.stem, output, resume=True)) as job:
                next(event for event in job if isinstance(event, Progress))
        except ScumbleError:
            assert path.read_bytes() == before, "a state that was refused was touched"
            raise

    return Kind(good, one_spoiled(good), read)


def _weights(place: Path) -> Kind:
    tensors = {"features.0.weight": torch.randn(4, 3, 3, 3), "features.0.bias": torch.randn(4)}
    good = [{"weights.safetensors": as_safetensors(tensors)}]
    for new in (True, False):
        made = io.BytesIO()
        torch.save(tensors, made, _use_new_zipfile_serialization=new)
        good.append({"weights.pth": made.getvalue()})
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}

    def read(folder: Path) -> None:
        (path,) = folder.iterdir()
        weights.checked(weights.tensors_in(path), path, shapes)

    return Kind(good, one_spoiled(good), read)


# --- What plots are drawn from ---------------------------------------------------------------------------------------


def _figures(place: Path) -> Kind:
    """The log of a run: curves are drawn of it."""
    good = [_held(_run(place), "settings.json", "metrics.jsonl")]
    row = json.loads(good[0]["metrics.jsonl"].splitlines()[0])
    watched = {name: 0.5 for curves in (plots.WATCHED | plots.EVALUATIONS).values() for name in curves}
    rows = [row | watched | {"images": images, "warnings": ["odd"]} for images in (8, 16, 24)]
    good.append(good[0] | {"metrics.jsonl": "".join(json.dumps(row) + "\n" for row in rows).encode()})
    return Kind(good, one_spoiled(good, lambda name: name == "metrics.jsonl"), _draw_curves)


def _draw_curves(place: Path) -> None:
    if _is_new(Run(place).metrics()):
        plots.write_curves(place, place / "curves.svg")


_drawn: set[str] = set()


def _is_new(figures: object) -> bool:
    """Whether these were not drawn yet: it takes half a second, and most of what is spoiled changes no figure."""
    text = repr(figures)
    is_new = text not in _drawn
    _drawn.add(text)
    return is_new


PROBED = ClassifySettings(labelled="1", draws=2, device="cpu")
TRIALS = [Trial("discriminator", 1, draw) for draw in range(2)]


def _probes(place: Path) -> Kind:
    """The results of a probe that goes on: a table is made of them, and drawn."""
    log = Trials(place / "classifier", "key", 2)
    for trial in TRIALS:
        log.add(trial, np.array([[5, 1], [2, 4]]))
    good = [_held(place / "classifier", "trials.jsonl")]
    return Kind(good, one_spoiled(good), _draw_table)


def _draw_table(place: Path) -> None:
    labels = np.arange(12) % 2
    data = ProbeData(noise(12)[:, None], labels, labels, noise(12)[:, None], labels, ("a", "b"), "")
    log = Trials(place, "key", 2)
    for trial in TRIALS:
        if trial not in log.results:  # as the job does
            log.add(trial, np.array([[6, 0], [0, 6]]))
    found = table(TRIALS, log.results, [], data, PROBED)
    if _is_new(found):
        plots.write_classification(found, place / "table.png")


KINDS: dict[str, Callable[[Path], Kind]] = {
    **{f"pictures: {kind}": _pictures(kind) for kind in PICTURES},
    "recipes": _recipes,
    "settings": _settings,
    "models": _models,
    "classifiers": _classifiers,
    "weights": _weights,
    "checkpoints": _checkpoints,
    "unfinished": _unfinished,
    "figures": _figures,
    "probes": _probes,
    "zips": sources.zips,
    "tars": sources.tars,
    "folders": sources.folders,
    "arrays": sources.arrays,
    "caches": sources.caches,
}
