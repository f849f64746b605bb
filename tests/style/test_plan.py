"""Plans: as few tiles as the memory allows, a clear line where it allows none, smaller ones where it lied."""

import subprocess
import sys

import pytest
import torch

from conftest import CAFFE, PEAK, narrow_tensors
from scumble import device
from scumble.errors import ScumbleError
from scumble.events import Finished, Noted, Planned, Progress, as_json, returned
from scumble.perceptual.vgg import VGG19
from scumble.style import inputs as inputs_module
from scumble.style import plan as plan_module
from scumble.style import stages as stages_module
from scumble.style.balance import GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
from scumble.style.inputs import Inputs
from scumble.style.objective.objective import Objective
from scumble.style.objective.terms import Terms
from scumble.style.plan import GIB, MADE_READY, Cost, Plan, plan
from scumble.style.preparation.sources import Sources
from scumble.style.settings import StyleSettings
from scumble.style.stages import Stage
from scumble.style.stylize import paint_events, stylize_events

LAYERS = (*GATYS_CONTENT_LAYERS, *GATYS_STYLE_LAYERS)


def planned(tensors, size: tuple[int, int], gib: float, history: int = 0, loss: str = "gram") -> Plan:
    network = VGG19(tensors, CAFFE, LAYERS)
    terms = Terms(GATYS_CONTENT_LAYERS, {}, {}, GATYS_STYLE_LAYERS, False)
    return plan(network, terms, loss, size, [size], history, used=GIB // 2, allowed=round(gib * GIB))


def test_a_picture_that_fits_is_one_tile(tensors):
    roomy, tight = (planned(tensors, (1024, 1024), gib) for gib in (8, 3))
    for found in (roomy, tight):
        assert (found.tile_side, found.tiles, found.overhead) == (None, 1, 1.0)
    # 1,700 bytes a pixel were measured for VGG19's features and gradients on the CPU (docs/log.md).
    assert 1700 * 2**20 < tight.memory_bytes < 3 * GIB
    assert not tight.roomy
    # What is freed can be kept for later, where there is room for the holes that it has.
    assert roomy.roomy
    assert tight.memory_bytes + 1700 * 2**20 < roomy.memory_bytes < 8 * GIB


def test_less_memory_means_more_tiles_and_is_kept_to(tensors):
    plans = [planned(tensors, (4096, 3072), gib) for gib in (64, 16, 8, 5, 4)]
    assert [p.tiles for p in plans] == sorted(p.tiles for p in plans)
    assert plans[0].tiles == 1 < plans[-1].tiles
    for found, gib in zip(plans, (64, 16, 8, 5, 4), strict=True):
        assert found.memory_bytes <= gib * GIB
        assert found.overhead >= 3 / 2 or found.tiles == 1


def test_too_little_memory_for_the_smallest_tiles_is_told(tensors):
    with pytest.raises(
        ScumbleError, match=r"4096x3072 pixels need \d.\d GiB even in the smallest tiles; 1.0 GiB may be"
    ):
        planned(tensors, (4096, 3072), 1)


def test_tiles_that_are_only_looked_at_are_larger_where_they_may_be():
    network = VGG19(narrow_tensors(), CAFFE, LAYERS)
    picture = torch.rand(1, 3, 320, 320, generator=torch.Generator().manual_seed(0))
    for loss, pieces in (("gram", 4), ("histogram", 9)):
        layers = GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
        objective = Objective(network, picture, [picture], *layers, loss, tile_side=110)
        assert (len(objective.tiles), len(objective.view.glances(objective.size))) == (9, pieces)


def test_histograms_need_more_and_remembering_is_paid_for(tensors):
    assert (
        planned(tensors, (1024, 1024), 64, loss="histogram").memory_bytes
        > 1.5 * planned(tensors, (1024, 1024), 64).memory_bytes
    )
    remembering = planned(tensors, (1024, 1024), 64, history=50)
    assert remembering.history_bytes == 50 * 24 * 2**20
    scarce = planned(tensors, (1024, 1024), 2, history=50)
    assert 24 * 2**20 <= scarce.history_bytes < remembering.history_bytes


def test_no_room_is_kept_for_pairs_where_another_optimizer_enlarges(content_file, style_file, monkeypatch):
    for module in (stages_module, inputs_module):
        monkeypatch.setattr(module, "PAINTED_SIDE", 40)
    settings = StyleSettings(preset="gatys", backbone="pocket", size=80, steps=7, enlarge=True)
    inputs, placement = Inputs(Sources(content_file, [style_file]), settings), device.choose("cpu")
    networks = returned(stages_module.load(settings, placement))
    todo = stages_module.stages(settings, inputs.ladder)
    painted, enlarged = plan_module.planned(settings, inputs, todo, networks, placement)
    assert painted.history_bytes == 7 * 24 * 40 * 33
    assert enlarged.history_bytes == 0


def test_too_little_memory_is_told_before_any_work(content_file, style_file, weights_file, tmp_path):
    settings = StyleSettings(preset="gatys", size=40, steps=3, weights=weights_file, max_memory=0.01)
    told = []
    with pytest.raises(ScumbleError, match=r"max-memory: got 0.01 GiB, and \d.\d\d are taken before a picture is read"):
        told.extend(stylize_events(content_file, style_file, settings, tmp_path / "out.png"))
    assert not any(isinstance(event, Progress) for event in told)
    assert not (tmp_path / "out.png").exists()


def test_a_dry_run_tells_the_plan_in_words_and_numbers_and_does_nothing(
    content_file, style_file, weights_file, tmp_path
):
    settings = StyleSettings(preset="gatys", size=40, steps=50_000_000, weights=weights_file)
    sources, output = Sources(content_file, [style_file]), tmp_path / "out.png"
    events = list(paint_events(sources, settings, output, dry_run=True))
    assert all(isinstance(event, Noted) for event in events)
    told = events[-1]
    assert isinstance(told, Planned)
    assert told.message.startswith("40x33 pixels: about ")
    assert " h " in told.message
    assert (told.width, told.height, told.tiles) == (40, 33, 1)
    assert told.memory_bytes > 2**20
    assert told.seconds is not None
    assert told.seconds > 3600
    assert told.core_seconds is not None
    assert not output.exists()
    assert as_json(told)["event"] == "planned"
    assert as_json(told)["seconds"] == told.seconds


def test_what_is_short_is_not_timed_without_being_asked(content_file, style_file):
    events = stylize_events(content_file, style_file, StyleSettings(size=40, steps=1))
    told = next(event for event in events if isinstance(event, Planned))
    assert told.seconds is told.core_seconds is None
    assert told.message.endswith("GiB of memory")


def test_time_is_told_with_the_load_that_it_was_measured_at(content_file, style_file, weights_file, monkeypatch):
    """And what takes as long at every size is not multiplied by pixels."""
    monkeypatch.setattr(plan_module, "_cost", lambda *arguments: (Cost(4.0, 0.002), Cost(2.0, 0.001)))
    monkeypatch.setattr("os.getloadavg", lambda: (2.54, 0, 0), raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    settings = StyleSettings(preset="gatys", size=40, steps=90, weights=weights_file)
    told = list(paint_events(Sources(content_file, [style_file]), settings, None, dry_run=True))[-1]
    assert isinstance(told, Planned)
    of_core = (90 + MADE_READY) * (2.0 + 0.001 * 40 * 33)
    assert told.core_seconds == pytest.approx(of_core, abs=0.1)
    assert told.seconds == pytest.approx(2 * of_core, abs=0.1)
    minutes = [round(seconds / 60) for seconds in (2 * of_core, of_core)]
    words = f"about {minutes[0]} min at a load of 2.5 on 2 cores, {minutes[1]} min of one core"
    assert told.message.endswith(words)


def test_a_stage_that_may_end_early_is_reckoned_to_do_so():
    assert Cost(1.0, 0.0).of_stage(Stage((40, 30), "pocket", 200, "adam", tolerance=0.03), 1.0) < 100
    assert Cost(1.0, 0.0).of_stage(Stage((40, 30), "pocket", 200, "adam"), 1.0) > 200


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_where_an_allocation_fails_smaller_tiles_are_tried(monkeypatch, error):
    network = VGG19(narrow_tensors(), CAFFE, LAYERS, dtype=torch.float64)
    picture = torch.rand(1, 3, 300, 420, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    layers = GATYS_CONTENT_LAYERS, GATYS_STYLE_LAYERS
    whole = Objective(network, picture, [picture.flip(3)], *layers).value_and_gradient(picture / 2)
    walk = VGG19.walk

    def scarce(self, image, layers):
        if image.shape[2] * image.shape[3] > 90_000:
            raise error
        return walk(self, image, layers)

    monkeypatch.setattr(VGG19, "walk", scarce)
    objective = Objective(network, picture, [picture.flip(3)], *layers)
    found = objective.value_and_gradient(picture / 2)
    assert len(objective.tiles) > 1
    assert found.loss == pytest.approx(whole.loss, rel=1e-9)
    torch.testing.assert_close(found.gradient, whole.gradient)
    monkeypatch.setattr(VGG19, "walk", lambda *arguments: (_ for _ in ()).throw(error))
    with pytest.raises(type(error)):
        objective.value_and_gradient(picture)


def test_a_job_in_tiles_paints_the_same_picture(content_file, style_file, weights_file, tmp_path, monkeypatch):
    """All the way: a small allowance leads to tiles, and the losses are those of one tile."""
    settings = StyleSettings(size=192, steps=3, weights=weights_file, preset="fine", scales=1, sketch=0)
    whole = list(stylize_events(content_file, style_file, settings))
    monkeypatch.setattr(
        plan_module,
        "planned",
        lambda *arguments: [Plan(tile_side=96, tiles=4, history_bytes=0, memory_bytes=1, roomy=False, overhead=2)],
    )
    tiled = list(stylize_events(content_file, style_file, settings))
    assert "192x160 pixels in 4 tiles" in " ".join(event.message for event in tiled if isinstance(event, Noted))
    one, other = (next(e for e in events if isinstance(e, Finished)) for events in (whole, tiled))
    assert other.figures["loss"] == pytest.approx(one.figures["loss"], rel=1e-3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="units of the memory that was taken differ")
def test_a_painting_takes_no_more_memory_than_it_may(content_file, style_file, tmp_path):
    program = PEAK + ("from scumble.cli.app import main\ntry:\n    main()\nfinally:\n    print('took', peak())\n")
    given = ["--size", "1536", "--steps", "2", "--coarse-steps", "1", "--max-memory", "1"]
    command = [sys.executable, "-c", program, "stylize", content_file, style_file, "-o", tmp_path / "out.png", *given]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert GIB / 2 < int(done.stdout.split("took ")[1]) < GIB
