import numpy as np
import pytest
import torch
from torch import nn

from conftest import photographs
from scumble import Translator
from scumble.errors import DataError
from scumble.events import Noted, Warned, returned
from scumble.gan.translation.data import open_translation
from scumble.gan.translation.evaluation import best_model, evaluate, measure
from scumble.gan.translation.evaluation.evaluate import evaluate_events, evaluation_of
from scumble.gan.translation.evaluation.probe import Probe, other_targets
from scumble.gan.translation.facts import TranslationFacts
from scumble.gan.translation.kinds.table import KINDS
from scumble.gan.translation.settings import TranslationSettings
from scumble.storage.run import Run
from scumble.training.facts import DataFacts
from translation_material import png

pytestmark = pytest.mark.usefixtures("one_thread")

TINY = {"size": "16", "width": 4, "patch_layers": 1, "jitter": 1.0}


class Made(nn.Module):
    """A network that does what a function says."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.nothing = nn.Parameter(torch.zeros(1))

    def forward(self, pictures, *told):
        return self.function(pictures, *told)


class FromFunction(Translator):
    """A translator that does what a function says, whatever networks its kind has."""

    def __init__(self, pictures, settings, function):
        data = DataFacts(name="x", count=9, shape=pictures.shapes.b, classes=pictures.classes, digest=pictures.digest)
        plain, shape = settings.model_dump(mode="json"), pictures.shapes.a
        self.facts = TranslationFacts(settings=plain, data=data, versions={}, threads=1, shape_a=shape, images_seen=7)
        self.settings, self.kind, self.direction, self.samples = settings, KINDS[settings.kind], "forward", None
        self.network = Made(function).eval()
        self.networks = {"generator": self.network}

    def save_pretrained(self, folder):
        folder.mkdir()
        self.facts.write_to(folder)


@pytest.fixture
def many(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, picture in enumerate(photographs(60, 24, 24)):
        (folder / f"{number:02}.png").write_bytes(png(np.asarray(picture)))
    return folder


def opened_for(data, labels=None, **given):
    settings = TranslationSettings.model_validate(TINY | given)
    return returned(open_translation(data, settings, KINDS[settings.kind], labels)), settings


def evaluated(translator, pictures):
    eyes = returned(measure.eyes_for(pictures, evaluate.device.choose("cpu", "float32")))
    return returned(evaluation_of(translator, pictures, eyes, "it"))


def test_the_truth_itself_is_perfect_and_ahead_of_every_baseline(many):
    pictures, settings = opened_for(many, pairs="night")
    truth = pictures.withheld(6)

    def know(given):
        return torch.stack([truth["b"][(truth["a"] - one).abs().mean((1, 2, 3)).argmin()] for one in given])

    found = evaluated(FromFunction(pictures, settings, know), pictures)
    assert set(found.figures) == {"l1", "psnr", "ssim", "perceptual", "kernel_distance"}
    assert (found.figures["l1"].value, found.figures["ssim"].value) == (0, pytest.approx(1))
    assert set(found.baselines) == {"identity", "regression", "nearest"}
    assert (found.criterion, found.lower_is_better, found.pictures) == ("perceptual", True, 6)
    assert all(found.ahead[name]["l1"] for name in found.baselines)
    assert found.baselines["regression"]["l1"].value < found.baselines["identity"]["l1"].value
    assert "6 withheld pictures of photos, 16x16" in found.conditions()


def test_a_translator_that_does_nothing_is_the_baseline_identity(many):
    pictures, settings = opened_for(many, pairs="blur")
    found = evaluated(FromFunction(pictures, settings, lambda given: given), pictures)
    for name, one in found.figures.items():
        if name != "kernel_distance":
            assert one.value == pytest.approx(found.baselines["identity"][name].value, rel=0.05), name


def test_without_truth_the_look_of_the_set_is_measured(tmp_path):
    for side, shift in (("A", 0), ("B", 90)):
        (tmp_path / side).mkdir()
        for number, picture in enumerate(photographs(60, 16, 16)):
            pixels = (np.asarray(picture).astype(int) // 2 + shift).astype(np.uint8)
            (tmp_path / side / f"{number + shift:03}.png").write_bytes(png(pixels))
    pictures, settings = opened_for(tmp_path, preset="cyclegan")
    lifted = FromFunction(pictures, settings, lambda given: given + 90 / 127.5)
    found = evaluated(lifted, pictures)
    assert found.criterion == "kernel_distance"
    assert set(found.figures) == {"kernel_distance", "kept"}
    assert found.figures["kernel_distance"].value < found.baselines["identity"]["kernel_distance"].value
    assert found.figures["kept"].value == pytest.approx(90 / 255, abs=0.01)


def test_results_in_holes_are_measured_in_them(many):
    pictures, settings = opened_for(many, preset="context-encoder")
    found = evaluated(FromFunction(pictures, settings, lambda given, mask: given), pictures)
    assert {"l1_in_holes", "psnr_in_holes"} <= set(found.figures)
    assert found.figures["l1_in_holes"].value == pytest.approx(
        found.baselines["identity"]["l1_in_holes"].value, rel=0.05
    )


@pytest.fixture
def classes(tmp_path):
    for name, band in (("red", 0), ("green", 1), ("blue", 2)):
        (tmp_path / "classes" / name).mkdir(parents=True)
        for number, picture in enumerate(photographs(30, 16, 16)):
            pixels = np.asarray(picture) // 3
            pixels[..., band] += 150
            (tmp_path / "classes" / name / f"{number}.png").write_bytes(png(pixels))
    return tmp_path / "classes"


def test_a_probe_tells_whether_results_are_of_the_class_that_was_asked_for(classes):
    pictures, settings = opened_for(classes, preset="stargan")
    assert pictures.classes == ("blue", "green", "red")

    def paint(given, target):
        tint = torch.stack([torch.eye(3)[2 - one.argmax()] for one in target])[:, :, None, None]
        return (given.mean(1, keepdim=True) - 0.6).clamp(-1, 1) + 300 / 255 * tint

    right = evaluated(FromFunction(pictures, settings, paint), pictures)
    lazy = evaluated(FromFunction(pictures, settings, lambda given, target: given), pictures)
    assert right.criterion == "right_target"
    assert not right.lower_is_better
    assert right.figures["right_target"].value > 0.9
    assert right.baselines["real pictures"]["right_target"].value > 0.9
    assert lazy.figures["right_target"].value < 0.1
    assert lazy.figures["kept"].value < 0.003


def test_targets_are_classes_that_a_picture_has_not():
    labels = torch.tensor([0, 1, 2, 0, 1])
    assert not (other_targets(labels, 3).argmax(1) == labels).any()
    several = torch.tensor([[1.0, 0, 0], [1, 1, 0]])
    assert ((other_targets(several, 3) != several).sum(1) == 1).all()


def test_a_probe_of_several_labels_counts_each():
    probe = Probe(np.zeros(1), np.ones(1), np.array([[0.0, -1.0], [1.0, 0.0]]), True)
    assert probe.is_right(np.array([[2.0], [-2.0]]), torch.tensor([[1.0, 0], [1, 0]])).tolist() == [1, 0.5]


def test_a_code_of_style_is_measured_by_how_much_it_changes(tmp_path, many):
    pictures, settings = opened_for(many, preset="munit", pairs="grey", latent=3)
    wild = evaluated(
        FromFunction(pictures, settings, lambda given, code: given.expand(-1, 3, -1, -1) * code[:, :, None, None]),
        pictures,
    )
    dull = evaluated(FromFunction(pictures, settings, lambda given, code: given.expand(-1, 3, -1, -1)), pictures)
    assert wild.figures["diversity"].value > 0.05 > dull.figures["diversity"].value
    assert dull.figures["diversity"].value < 1e-6


def test_a_run_is_evaluated_on_what_it_has_not_learnt_from(grey_run, photos, many):
    events = evaluate_events(grey_run, photos, device_name="cpu")
    seen = []
    while True:
        try:
            seen.append(next(events))
        except StopIteration as end:
            found = end.value
            break
    assert not any(isinstance(event, Warned) for event in seen)
    assert found.pictures == 4
    assert "at 80 images" in found.subject
    others = list(evaluate_events(grey_run, many, device_name="cpu"))
    assert any(isinstance(event, Warned) and "is not what was trained on" in event.message for event in others)


def test_pictures_of_other_channels_are_refused(grey_run, tmp_path):
    for number, picture in enumerate(photographs(20)):
        picture.convert("L").save(tmp_path / f"{number}.png")
    with pytest.raises(DataError, match="goes from 1 channels to 1; wanted 1 to 3"):
        list(evaluate_events(grey_run, tmp_path, device_name="cpu"))


# --- The best model -------------------------------------------------------------------------------------------------


def test_the_best_model_is_kept_and_others_are_not(many, tmp_path):
    pictures, settings = opened_for(many, pairs="blur", evaluate_every=8, images=24, batch=4)
    judge = returned(best_model.evaluator(settings, pictures))
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    assert [judge.is_due(images, 4, run) for images in (0, 4, 8, 12, 16, 24)] == [False, False, True, False, True, True]
    kept = []
    for noise in (0.5, 0.1, 0.3):
        translator = FromFunction(pictures, settings, lambda given, by=noise: given + by * torch.sin(37 * given))
        figures = returned(judge.evaluate(translator))
        kept.append(judge.keep(translator, figures, run))
        best = TranslationFacts.read_from(run.best).evaluation.figures["perceptual"]
        assert best == min(best, figures["withheld_perceptual"])
    assert all(isinstance(event, Noted) for event in kept)
    assert [event.message.endswith("the best so far") for event in kept] == [True, True, False]


def test_a_loss_of_the_same_name_is_no_evaluation(many, tmp_path):
    pictures, settings = opened_for(many, pairs="blur", evaluate_every=8, images=24, batch=4)
    judge, run = returned(best_model.evaluator(settings, pictures)), Run(tmp_path / "run")
    run.folder.mkdir()
    (run.folder / "metrics.jsonl").write_text('{"images": 8, "l1": 0.5}\n')
    assert judge.is_due(8, 4, run)
    (run.folder / "metrics.jsonl").write_text('{"images": 8, "withheld_l1": 0.5}\n')
    assert not judge.is_due(8, 4, run)


def test_bands_without_truth_are_not_measured(tmp_path):
    import tifffile

    for side in ("A", "B"):
        (tmp_path / side).mkdir()
        for number in range(20):
            values = np.random.default_rng(number).integers(0, 255, (16, 16, 5), dtype=np.uint8)
            tifffile.imwrite(tmp_path / side / f"{number}.tif", values, photometric="minisblack", planarconfig="contig")
    pictures, settings = opened_for(tmp_path, preset="cyclegan")
    with pytest.raises(DataError, match="nothing measures pictures of 5 channels"):
        returned(best_model.evaluator(settings, pictures))
    pictures, settings = opened_for(tmp_path, preset="pix2pix")
    found = evaluated(FromFunction(pictures, settings, lambda given: given), pictures)
    assert found.criterion == "l1"
    assert set(found.figures) == {"l1", "psnr", "ssim"}
