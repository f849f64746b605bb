"""Stages: a sketch by the small network, all scales, and VGG19's last word."""

from itertools import combinations

import pytest
import safetensors.torch
import torch
from scipy.stats import spearmanr

import scumble
from conftest import photograph, run
from scumble import device
from scumble.errors import SettingsError, WeightsError
from scumble.events import Finished, Noted, Progress
from scumble.image import files, recipe
from scumble.image.sizes import fit_longer_side
from scumble.image.tensors import resize, to_tensor
from scumble.perceptual import backbones, pocket, weights
from scumble.perceptual.catalogue import POCKET_FILE
from scumble.style import inputs as inputs_module
from scumble.style import painter
from scumble.style import stages as stages_module
from scumble.style.balance import GATYS_STYLE_LAYERS
from scumble.style.inputs import Inputs
from scumble.style.losses.style import STYLE_LOSSES
from scumble.style.objective.objective import Objective
from scumble.style.preparation.sources import Sources
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings
from scumble.style.stages import Stage, stages
from scumble.style.stylize import stylize_events


@pytest.fixture
def vgg19_here(tensors, tmp_path, monkeypatch):
    """Random weights where VGG19's are looked for."""
    folder = tmp_path / "weights"
    folder.mkdir()
    safetensors.torch.save_file(tensors, folder / "vgg19-caffe-features.safetensors")
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(folder))


def network(name: str):
    loading = backbones.load(name, pocket.FEATURES, device.choose("cpu", "float32"))
    while True:
        try:
            next(loading)
        except StopIteration as stop:
            return stop.value.network


def test_a_sketch_goes_through_all_scales_and_the_backbone_and_the_finish_stay_at_the_last():
    settings = StyleSettings(preset="fine", backbone="vgg19", steps=7, sketch=5, finish=3)
    assert stages(settings, [(20, 10), (40, 20)]) == [
        Stage((20, 10), "pocket", 5, "adam", 1.0, 0.8, 0.5, 0.05, ahead=256 / 20),
        Stage((40, 20), "pocket", 5, "adam", 1.0, 0.8, 0.5, 0.05, ahead=256 / 40),
        Stage((40, 20), "vgg19", 7, "adam", 1.0, 0.8, 0.5, 0.05, ahead=256 / 40),
        Stage((40, 20), "vgg19-caffe", 3, "lbfgs", ahead=256 / 40),
    ]
    assert [stage.backbone for stage in stages(settings.model_copy(update={"sketch": 0}), [(20, 10), (40, 20)])] == [
        "vgg19",
        "vgg19",
        "vgg19-caffe",
    ]


def test_small_pictures_are_held_to_the_photograph_as_stages_of_that_size_are():
    """What is no smaller than 256 pixels is worked towards itself."""
    for side, ahead in ((128, 2.0), (181, 256 / 181), (256, 1.0), (512, 1.0), (4096, 1.0)):
        (only,) = stages(StyleSettings(), [(side, side // 2)])
        assert only.ahead == ahead
    of_larger = stages(StyleSettings(), [(128, 64), (181, 90), (256, 128)])
    assert [stage.ahead for stage in of_larger] == [2.0, 256 / 181, 1.0]


@pytest.mark.parametrize("given", [{"sketch": 0}, {"backbone": "pocket"}, {"content_layers": {"relu3_2": 1}}])
def test_no_sketch_where_it_is_not_wanted_of_no_use_or_cannot_be_made(given):
    (only,) = stages(StyleSettings(**{"preset": "gatys", "sketch": 50} | given), [(20, 10)])
    assert only.steps == 500
    sketch, _ = stages(StyleSettings(preset="gatys", sketch=50), [(20, 10)])
    assert sketch == Stage((20, 10), "pocket", 50, "lbfgs", ahead=256 / 20)


def test_the_preset_gatys_is_the_papers_method_alone():
    """500 evaluations of VGG19 by L-BFGS, from the photograph, of nothing but content and Gram matrices."""
    settings = StyleSettings(preset="gatys")
    (only,) = stages(settings, [(20, 10)])
    assert only == Stage((20, 10), "vgg19-caffe", 500, "lbfgs", ahead=256 / 20)
    assert (settings.init, settings.loss, settings.scales) == ("content", "gram", 1)
    assert settings.range_weight == settings.variation_weight == 0
    terms = settings.terms()
    assert terms.content == {"relu4_2": 1.0}
    assert list(terms.style) == ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]
    assert not terms.transported
    assert not terms.leak


# --- Enlarging ------------------------------------------------------------------------------------------------------


@pytest.fixture
def painted_at_32(monkeypatch):
    for module in (stages_module, inputs_module):
        monkeypatch.setattr(module, "PAINTED_SIDE", 32)


def test_a_picture_to_be_enlarged_is_painted_as_one_of_that_size_and_gone_over_once(painted_at_32):
    whole = StyleSettings(preset="fine", backbone="vgg19", steps=7, sketch=5, finish=3)
    alone = stages(whole, [(16, 8), (32, 16)])
    *painted, last = stages(whole.model_copy(update={"enlarge": True}), [(16, 8), (32, 16), (90, 45)])
    assert painted == alone
    assert last == Stage((90, 45), "pocket", stages_module.ENLARGING["steps"], "adam", 1.0, 0.8, 0.5)


def test_no_more_than_that_size_is_painted_as_ever(painted_at_32, content_file, style_file):
    settings = StyleSettings(size=32, enlarge=True)
    ladder = Inputs(Sources(content_file, [style_file]), settings).ladder
    assert ladder == Inputs(Sources(content_file, [style_file]), StyleSettings(size=32)).ladder
    assert stages(settings, ladder) == stages(StyleSettings(size=32), ladder)


def test_layers_that_the_small_network_has_not_are_enlarged_by_the_one_that_has(painted_at_32):
    settings = StyleSettings(preset="gatys", content_layers={"relu3_2": 1}, enlarge=True)
    assert [stage.backbone for stage in stages(settings, [(32, 16), (90, 45)])] == ["vgg19-caffe"] * 2


def test_what_leaves_no_room_for_painting_smaller_is_painted_whole(painted_at_32, style_file):
    settings = StyleSettings(size=200, enlarge=True)
    ladder = Inputs(Sources(photograph(200, 20), [style_file]), settings).ladder  # 32 x 3: too little for relu5_1
    assert ladder == [(200, 20)]
    assert [stage.steps for stage in stages(settings, ladder)] == [settings.steps]


@pytest.mark.usefixtures("vgg19_here")
@pytest.mark.parametrize("preset", ["quick", "fine", "gatys"])
def test_the_first_stages_paint_the_picture_of_that_size_to_the_last_bit(
    preset, painted_at_32, content_file, style_file, tmp_path
):
    settings = {"preset": preset, "steps": 3, "scales": 2}
    small = list(stylize_events(content_file, style_file, StyleSettings(size=32, **settings)))
    large = list(stylize_events(content_file, style_file, StyleSettings(size=80, enlarge=True, **settings)))
    losses = [[e.loss for e in events if isinstance(e, Progress)] for events in (small, large)]
    assert losses[1][: len(losses[0])] == losses[0]
    assert len(losses[1]) == len(losses[0]) + stages_module.ENLARGING["steps"]
    finished = large[-1]
    assert isinstance(finished, Finished)
    assert finished.picture.size == (80, 67)


def test_an_enlarged_texture_fills_its_size(painted_at_32, style_file):
    assert scumble.texture(style_file, size=72, steps=2, enlarge=True).size == (72, 72)


def test_enlarging_is_in_the_recipe_and_a_flag(painted_at_32, content_file, style_file, tmp_path):
    arguments = (content_file, style_file, "-o", tmp_path / "out.png", "--size", 72, "--steps", 1)
    assert run("stylize", *arguments, "--enlarge") == 0
    assert recipe.read(tmp_path / "out.png")["settings"]["enlarge"] is True
    assert settings_from_recipe(recipe.read(tmp_path / "out.png"), StyleSettings()).enlarge
    assert run("stylize", *arguments, "--no-enlarge") == 0
    assert recipe.read(tmp_path / "out.png")["settings"]["enlarge"] is False


@pytest.mark.usefixtures("vgg19_here")
def test_a_sketch_that_cannot_be_made_is_told_of(content_file, style_file):
    settings = StyleSettings(preset="gatys", content_layers={"relu3_2": 1}, size=32, steps=2, sketch=5)
    told = [event.message for event in stylize_events(content_file, style_file, settings) if isinstance(event, Noted)]
    assert "no sketch: pocket has no relu3_2" in told


@pytest.mark.usefixtures("vgg19_here")
def test_all_stages_are_gone_through_and_written_down(content_file, style_file, tmp_path):
    settings = StyleSettings(preset="gatys", size=48, scales=2, steps=4, sketch=14, finish=2)
    output = tmp_path / "out.png"
    events = list(stylize_events(content_file, style_file, settings, output))
    progress = [event for event in events if isinstance(event, Progress)]
    assert len(progress) == 2 * 14 + 4 + 2
    # Costs are pixels, and a seventh of them for pocket: 2 / 2 + 2 + 4 + 2, but for the rounding of sizes.
    assert progress[-1].done == progress[-1].total == 9
    assert [event.message for event in events if isinstance(event, Noted)][-4:] == [
        "stylize: 34x28 pixels with pocket, 1 of 4",
        "stylize: 48x40 pixels with pocket, 2 of 4",
        "stylize: 48x40 pixels with vgg19-caffe, 3 of 4",
        "stylize: 48x40 pixels with vgg19-caffe, 4 of 4",
    ]
    made = recipe.read(output)["inputs"]
    assert made["weights"]["name"] == "vgg19-caffe"
    assert made["weights pocket"]["sha256"] == weights.read(POCKET_FILE, "pocket").sha256


@pytest.mark.usefixtures("vgg19_here")
def test_a_finish_keeps_the_weights_and_a_sketch_has_its_own(content_file, style_file, monkeypatch):
    given = []
    made = painter.Objective

    def noted(network, content, styles, content_layers, style_layers, *others):
        given.append(style_layers)
        return made(network, content, styles, content_layers, style_layers, *others)

    monkeypatch.setattr(painter, "Objective", noted)
    quick = StyleSettings(size=32, steps=1, finish=1)
    fine = StyleSettings(preset="fine", size=32, steps=1, sketch=1)
    for settings in (quick, fine):
        list(stylize_events(content_file, style_file, settings))
    assert given[:2] == [quick.terms("pocket").style] * 2
    assert given[2:] == [fine.terms("pocket").style, fine.terms("vgg19-caffe").style]
    assert given[2] != given[3]


def test_a_finish_after_adam_may_remember_its_moves(content_file, style_file, monkeypatch):
    """Adam needs no memory, but the finish is L-BFGS's, with a step of its own."""
    given = []
    make = painter.OPTIMIZERS["lbfgs"]
    monkeypatch.setitem(
        painter.OPTIMIZERS, "lbfgs", lambda stage, size: given.append((stage.lr, size)) or make(stage, size)
    )
    settings = StyleSettings(size=32, steps=1, lr=0.5)
    list(stylize_events(content_file, style_file, settings))
    assert given == []
    monkeypatch.setattr(stages_module, "FINISHES", "pocket")
    list(stylize_events(content_file, style_file, settings.model_copy(update={"finish": 30})))
    assert given == [(1.0, 30 * 24 * 32 * 27)]


def test_the_small_network_needs_nothing_from_anywhere(content_file, style_file):
    picture = scumble.stylize(content_file, style_file, backbone="pocket", size=32, steps=2)
    assert picture.size == (32, 27)


def test_a_network_that_is_not_there_is_told_of_before_the_work(content_file, style_file, tmp_path):
    events = stylize_events(content_file, style_file, StyleSettings(backbone="pocket", finish=5), tmp_path / "out.png")
    with pytest.raises(WeightsError, match="vgg19-caffe are not on this machine"):
        assert not any(isinstance(event, Progress) for event in events)
    assert not (tmp_path / "out.png").exists()


def test_layers_that_the_small_network_does_not_have_are_refused(content_file, style_file):
    with pytest.raises(SettingsError, match="layer: got 'relu3_2', wanted one of pocket's: relu1_1, relu2_1"):
        scumble.stylize(content_file, style_file, backbone="pocket", content_layers={"relu3_2": 1.0}, size=32)


def test_the_small_networks_file_is_small_and_whole():
    assert POCKET_FILE.stat().st_size < 2.5e6
    assert set(weights.read(POCKET_FILE, "pocket").tensors) == set(pocket.parameter_shapes())


@pytest.mark.parametrize("loss", ["gram", "wasserstein", "histogram"])
def test_its_distances_are_vgg19s(loss, material, caffe_weights, monkeypatch):
    """In order and in size, over all pairs of some paintings that it was not trained on."""
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(caffe_weights.parent))
    style = STYLE_LOSSES[loss]
    paths = sorted((material / "data" / "pairs" / "style").iterdir())
    pictures = [files.load(path) for path in paths]
    distances = {}
    for name in ("pocket", "vgg19-caffe"):
        looking = network(name)
        seen = [looking(resize(to_tensor(p), fit_longer_side(p.size, 160)), GATYS_STYLE_LAYERS) for p in pictures]
        for layer in GATYS_STYLE_LAYERS:
            found = [style.statistics(features[layer][0].flatten(1).mT, None) for features in seen]
            distances[name, layer] = [
                style.distance(one, style.complete(other)).item() for one, other in combinations(found, 2)
            ]
    for layer in GATYS_STYLE_LAYERS:
        ours, theirs = distances["pocket", layer], distances["vgg19-caffe", layer]
        assert spearmanr(ours, theirs)[0] > 0.75, layer
        assert 0.2 < sum(ours) / sum(theirs) < 1.2, layer


@pytest.mark.parametrize(
    ("side", "backbone", "there", "expected"),
    [
        (64, "pocket", 8, 1),
        (200, "pocket", 2, 1),
        (200, "pocket", 8, 8),
        (512, "pocket", 2, 2),
        (48, "vgg19", 2, 1),
        (96, "vgg19", 2, 2),
        (512, "vgg19", 64, 64),
        (9999, "vgg19", 1, 1),
    ],
)
def test_small_pictures_are_the_work_of_one_thread(side, backbone, there, expected):
    assert Stage((side, side), backbone, 1, "lbfgs").threads(there) == expected


def test_a_small_picture_is_looked_at_by_one_thread_and_its_caller_has_its_own_number(
    content_file, style_file, monkeypatch
):
    before, inside, plain = torch.get_num_threads(), [], Objective.value_and_gradient

    def looked(self, canvas):
        inside.append(torch.get_num_threads())
        return plain(self, canvas)

    monkeypatch.setattr(Objective, "value_and_gradient", looked)
    monkeypatch.setattr("scumble.device.allowed", lambda: None)
    torch.set_num_threads(3)
    try:
        outside = [
            torch.get_num_threads() for _ in stylize_events(content_file, style_file, StyleSettings(size=40, steps=2))
        ]
    finally:
        torch.set_num_threads(before)
    assert set(inside) == {1}
    assert set(outside) == {3}
