"""The whole job on tiny pictures: what comes out, what repeats, what is saved when it is stopped."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

import scumble
from conftest import REPOSITORY, photograph
from scumble import device
from scumble.errors import DivergedError, ImageError, ScumbleError, SettingsError
from scumble.events import Finished, Noted, Planned, Preview, Progress, Saved, Started, Warned, as_json
from scumble.image import recipe
from scumble.style import outputs
from scumble.style.objective.objective import Objective
from scumble.style.provenance import settings_from_recipe
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.style.stylize import stylize_events


def opened(path) -> Image.Image:
    with Image.open(path) as image:
        return image.copy()


@pytest.fixture
def settings() -> StyleSettings:
    return StyleSettings(size=40, steps=4, backbone="pocket")


def test_the_picture_has_the_asked_size_and_looks_more_like_the_painting(weights_file):
    content, style = photograph(60, 45), photograph(36, 44, seed=1)
    painted = scumble.stylize(content, style, size=40, steps=30, style_weight=1e6, preset="gatys", weights=weights_file)
    assert painted.size == (40, 30)
    assert painted.mode == "RGB"

    def distance(picture: Image.Image) -> float:
        colours = np.asarray(picture, float).mean((0, 1)) - np.asarray(style, float).mean((0, 1))
        return float(np.abs(colours).mean())

    assert distance(painted) < 0.5 * distance(content)


def test_paths_pictures_and_arrays_give_the_same(settings, content_file, style_file):
    given = settings.model_dump(include={"size", "steps", "backbone"})
    from_files = scumble.stylize(content_file, str(style_file), **given)
    content, style = opened(content_file), opened(style_file)
    assert scumble.stylize(content, style, **given) == from_files
    assert scumble.stylize(np.asarray(content), np.asarray(style) / 255, **given) == from_files


def test_events_tell_the_whole_story(settings, content_file, style_file, tmp_path):
    output = tmp_path / "out.png"
    events = list(stylize_events(content_file, style_file, settings, output))
    assert [type(event) for event in events] == [Noted, Noted, Planned, Started, *[Progress] * 4, Saved, Finished]
    finished = events[-1]
    assert finished.outputs == [output]
    assert finished.figures["evaluations"] == 4
    # The last evaluation is that of the average, which is the picture.
    assert finished.figures["loss"] == [event.loss for event in events if isinstance(event, Progress)][-1]
    assert opened(output).tobytes() == finished.picture.tobytes()
    assert as_json(finished)["outputs"] == [str(output)]
    assert "picture" not in as_json(finished)


def test_losses_are_those_of_the_objective(settings, content_file, style_file):
    chosen = StyleSettings(**settings.model_dump() | {"init": "content"})
    events = list(stylize_events(content_file, style_file, chosen))
    first = next(event for event in events if isinstance(event, Progress))
    assert first.terms["content relu4_2"] == 0  # it starts from the content
    assert first.loss == pytest.approx(sum(first.terms.values()))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("init", ["matched", "content", "noise", "style"])
def test_a_recipe_repeated_gives_the_same_bytes(settings, content_file, style_file, tmp_path, suffix, init):
    first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
    chosen = StyleSettings(**settings.model_dump() | {"init": init, "seed": 7, "optimizer": "adam", "steps": 3})
    list(stylize_events(content_file, style_file, chosen, first))
    made = recipe.read(first)
    repeated = settings_from_recipe(made, StyleSettings())
    events = list(stylize_events(content_file, style_file, repeated, second, repeated=made))
    assert not [event for event in events if isinstance(event, Warned)]
    assert second.read_bytes() == first.read_bytes()


def test_a_picture_of_format_1_is_repeated_with_the_losses_it_was_made_with(content_file, style_file):
    """Painted by the program as it was before content and style had a balance; see the changelog."""
    old = REPOSITORY / "tests" / "pictures" / "format-1.png"
    made = recipe.read(old)
    assert made["format_version"] == 1
    settings = settings_from_recipe(made, StyleSettings())
    *_, finished = stylize_events(content_file, style_file, settings)
    assert finished.figures["terms"] == pytest.approx(made["result"]["terms"], rel=1e-3)
    with Image.open(old) as picture:
        apart = np.asarray(finished.picture, int) - np.asarray(picture.convert("RGB"), int)
    assert np.abs(apart).max() <= 2
    weighed = made | {"settings": made["settings"] | {"content_weight": 3.0}}
    assert settings_from_recipe(weighed, StyleSettings()).keep == 3
    assert settings_from_recipe(made, StyleSettings(preset="quick")).balance == "subject"  # as asked
    texture = {"job": "texture", "format_version": 1, "settings": {"size": 64, "steps": 50}}
    assert settings_from_recipe(texture, TextureSettings()).coarse_steps is None


def test_a_recipe_holds_what_made_the_picture_and_no_paths(settings, content_file, style_file, tmp_path):
    list(stylize_events(content_file, style_file, settings, tmp_path / "out.png"))
    made = recipe.read(tmp_path / "out.png")
    assert made["settings"]["steps"] == 4
    assert made["inputs"]["content"]["name"] == "content.png"
    assert len(made["inputs"]["weights"]["sha256"]) == 64
    assert made["versions"]["torch"] == torch.__version__
    assert made["result"]["evaluations"] == 4
    assert made["result"]["loss"] > 0
    assert str(tmp_path) not in str(made)


def test_repeating_with_other_inputs_or_versions_is_told(settings, content_file, style_file, tmp_path):
    list(stylize_events(content_file, style_file, settings, tmp_path / "out.png"))
    made = recipe.read(tmp_path / "out.png")
    made["versions"]["torch"] = "1.0"
    events = list(stylize_events(style_file, style_file, settings, repeated=made))
    notes = [event.message for event in events if isinstance(event, Noted)]
    assert "content: style.png; in the recipe content.png" in notes  # no mistake: that is what recipes are for
    warnings = [event.message for event in events if isinstance(event, Warned)]
    assert len([text for text in warnings if text.startswith("the recipe was made with torch 1.0")]) == 1


def test_another_seed_is_other_noise_and_the_same_seed_the_same(content_file, style_file):
    one, same, other = (
        scumble.stylize(content_file, style_file, size=32, steps=2, init="noise", seed=seed, backbone="pocket")
        for seed in (1, 1, 2)
    )
    assert one == same != other


def test_a_start_from_a_file(settings, content_file, style_file, tmp_path):
    photograph(80, 66, seed=5).save(tmp_path / "start.png")
    from_file = StyleSettings(**settings.model_dump() | {"init": tmp_path / "start.png", "steps": 1})
    *_, finished = stylize_events(content_file, style_file, from_file)
    start = np.asarray(photograph(80, 66, seed=5).resize(finished.picture.size, Image.Resampling.BICUBIC), float)
    assert np.abs(np.asarray(finished.picture) - start).mean() < 2


def test_opacity_is_kept_and_hidden_colours_do_not_matter(settings, style_file, tmp_path):
    image = photograph(48, 40).convert("RGBA")
    alpha = np.zeros((40, 48), np.uint8)
    alpha[:, 24:] = 255
    results = []
    for hidden in (0, 255):
        pixels = np.array(image)
        pixels[..., 3] = alpha
        pixels[alpha == 0, :3] = hidden
        Image.fromarray(pixels).save(tmp_path / "content.png")
        output = tmp_path / f"{hidden}.png"
        *_, finished = stylize_events(tmp_path / "content.png", style_file, settings, output)
        assert finished.picture.mode == opened(output).mode == "RGBA"
        results.append(np.asarray(finished.picture))
    assert np.array_equal(results[0], results[1])
    opacity = results[0][..., 3]
    assert (opacity[:, :18] == 0).all()
    assert (opacity[:, 22:] == 255).all()


def test_16_bits_are_saved_on_request(settings, content_file, style_file, tmp_path):
    import tifffile

    chosen = StyleSettings(**settings.model_dump() | {"bits": 16})
    list(stylize_events(content_file, style_file, chosen, tmp_path / "out.tif"))
    pixels = tifffile.imread(tmp_path / "out.tif")
    assert pixels.dtype == np.uint16
    assert len(np.unique(pixels % 257)) > 100  # more than 8 bits stretched to 16
    with pytest.raises(SettingsError, match="cannot hold 16 bits"):
        next(stylize_events(content_file, style_file, chosen, tmp_path / "out.jpg"))


def test_stopping_saves_the_best_picture_so_far(settings, content_file, style_file, tmp_path):
    settings = StyleSettings(**settings.model_dump() | {"optimizer": "lbfgs", "averaging": 0.0})
    output = tmp_path / "out.png"
    events = stylize_events(content_file, style_file, settings, output)
    for event in events:
        if isinstance(event, Progress) and event.done == 2:
            break
    events.close()
    assert recipe.read(output)["result"]["evaluations"] == 2
    again = settings_from_recipe(recipe.read(output), StyleSettings())
    list(stylize_events(content_file, style_file, again, tmp_path / "again.png"))
    assert (tmp_path / "again.png").read_bytes() == output.read_bytes()


def test_formats_that_cannot_hold_the_picture_are_refused_before_any_work(settings, style_file, tmp_path):
    photograph(1700, 20).save(tmp_path / "long.png")
    wide = StyleSettings(**settings.model_dump() | {"size": 17000})
    with pytest.raises(SettingsError, match="would have 17000 pixels on a side; its format holds 16383"):
        next(stylize_events(tmp_path / "long.png", style_file, wide, tmp_path / "out.webp"))


def test_an_interruption_while_computing_saves_too(settings, content_file, style_file, tmp_path, monkeypatch):
    _break_evaluation(monkeypatch, 4, lambda found: (_ for _ in ()).throw(KeyboardInterrupt))
    output = tmp_path / "out.png"
    with pytest.raises(KeyboardInterrupt):
        list(stylize_events(content_file, style_file, settings, output))
    assert recipe.read(output)["result"]["evaluations"] == 3


def _break_evaluation(monkeypatch, first: int, answer) -> None:
    plain, count = Objective.value_and_gradient, 0

    def broken(self, canvas):
        nonlocal count
        count += 1
        found = plain(self, canvas)
        return answer(found) if count >= first else found

    monkeypatch.setattr(Objective, "value_and_gradient", broken)


def test_a_loss_that_breaks_for_good_keeps_the_last_good_picture(
    settings, content_file, style_file, tmp_path, monkeypatch
):
    _break_evaluation(monkeypatch, 3, lambda found: found._replace(loss=math.nan))
    output = tmp_path / "out.png"
    longer = StyleSettings(**settings.model_dump() | {"steps": 60})
    events = []

    def follow():
        for event in stylize_events(content_file, style_file, longer, output):
            events.append(event)

    with pytest.raises(DivergedError):
        follow()
    assert any(isinstance(event, Warned) and "last good picture" in event.message for event in events)
    assert math.isfinite(recipe.read(output)["result"]["loss"])


def test_previews_are_written_while_it_runs(settings, content_file, style_file, tmp_path, monkeypatch):
    monkeypatch.setattr(outputs, "PREVIEW_SECONDS", 0.0)
    preview = tmp_path / "preview.jpg"
    events = list(stylize_events(content_file, style_file, settings, preview=preview))
    previews = [event for event in events if isinstance(event, Preview)]
    assert [event.done for event in previews] == [0, 1, 2, 3, 4]  # the first by one pass
    assert opened(preview).size == previews[0].picture.size == (40, 33)


def test_a_preview_that_cannot_be_written_does_not_end_the_job(
    settings, content_file, style_file, tmp_path, monkeypatch
):
    monkeypatch.setattr(outputs, "PREVIEW_SECONDS", 0.0)
    folder = tmp_path / "previews"
    folder.mkdir()
    events = stylize_events(content_file, style_file, settings, preview=folder / "p.png")
    seen = []
    for event in events:
        seen.append(event)
        if isinstance(event, Preview):
            (folder / "p.png").unlink()
            folder.rmdir()
    assert [type(event) for event in seen].count(Preview) == 1
    assert any(isinstance(event, Warned) and "no more previews" in event.message for event in seen)
    assert isinstance(seen[-1], Finished)


def test_no_input_is_overwritten(settings, content_file, style_file, tmp_path):
    output = tmp_path / "out.png"
    (tmp_path / "x").mkdir()
    weights = tmp_path / "weights.png"
    weights.write_bytes(b"")
    chosen = StyleSettings(**settings.model_dump() | {"weights": weights})
    for path in (content_file, style_file, weights):
        with pytest.raises(ImageError, match="is also an input"):
            next(stylize_events(content_file, style_file, chosen, path))
        with pytest.raises(ImageError, match="is also an input"):
            next(stylize_events(content_file, style_file, chosen, output, preview=path))
    with pytest.raises(SettingsError, match="the output .* itself"):
        next(stylize_events(content_file, style_file, settings, output, tmp_path / "x" / ".." / "out.png"))


@pytest.mark.parametrize("broken", [None, [], "text", 3])
@pytest.mark.parametrize("part", ["settings", "inputs", "computed", "versions"])
def test_recipes_that_somebody_edited_do_no_harm(settings, content_file, style_file, tmp_path, part, broken):
    made = {"job": "stylize", "settings": {"steps": 1}, "inputs": {"content": 1}, part: broken}
    repeated = settings_from_recipe(made, settings)
    events = list(stylize_events(content_file, style_file, repeated, repeated=made))
    assert isinstance(events[-1], Finished)


def test_more_pixels_than_any_memory_holds_are_refused(settings, content_file, style_file):
    huge = StyleSettings(**settings.model_dump() | {"size": 60000})
    with pytest.raises(ImageError, match="worked at as 60000x50000: more than 178 million"):
        next(stylize_events(content_file, style_file, huge))


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: ...")])
def test_too_little_memory_is_told_in_one_line(settings, content_file, style_file, monkeypatch, error):
    def fail(*arguments):
        raise error

    monkeypatch.setattr(Objective, "value_and_gradient", fail)
    with pytest.raises(ScumbleError, match="not enough memory.*smaller --size"):
        list(stylize_events(content_file, style_file, settings))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1, 1), "thin.png is 1x1 pixels; relu5_1 needs 16x16"),
        ((15, 900), "thin.png is 15x900 pixels; relu5_1 needs 16x16"),
        ((20, 900), "thin.png is 20x900 pixels, worked at as 1x40; relu5_1 needs 16x16"),
    ],
)
def test_pictures_too_small_for_the_network_are_refused(settings, style_file, tmp_path, size, message):
    photograph(*size).save(tmp_path / "thin.png")
    with pytest.raises(ImageError, match=message):
        next(stylize_events(tmp_path / "thin.png", style_file, settings))


def test_a_style_too_small_for_the_network_is_refused(settings, content_file, tmp_path):
    photograph(15, 900).save(tmp_path / "thin.png")
    with pytest.raises(ImageError, match="thin.png is 15x900 pixels; relu5_1 needs 16x16"):
        next(stylize_events(content_file, tmp_path / "thin.png", settings))
    tiny_strokes = StyleSettings(**settings.model_dump() | {"style_scale": 0.2})
    with pytest.raises(ImageError, match="content.png is .* worked at as 8x7"):
        next(stylize_events(content_file, content_file, tiny_strokes))


def test_small_pictures_work_with_shallow_layers(settings, tmp_path, style_file):
    photograph(8, 8).save(tmp_path / "small.png")
    shallow = {"content_layers": {"relu2_1": 1.0}, "style_layers": {"relu1_1": 1.0}, "size": 8}
    chosen = StyleSettings(**settings.model_dump() | shallow)
    *_, finished = stylize_events(tmp_path / "small.png", style_file, chosen)
    assert finished.picture.size == (8, 8)


def test_unknown_layers_and_devices_are_refused(content_file, style_file):
    for values, message in [
        ({"style_layers": {"relu9_9": 1.0}}, "layer: got 'relu9_9'"),
        ({"device": "abacus"}, "device: got 'abacus', wanted one that is here: auto"),
        ({"device": "cuda:99"}, "device: got 'cuda:99'"),
    ]:
        with pytest.raises(SettingsError, match=message):
            list(stylize_events(content_file, style_file, StyleSettings(backbone="pocket", **values)))


def test_average_pooling_and_bfloat16_run(settings, content_file, style_file):
    for change in ({"pooling": "average"}, {"precision": "bfloat16"}):
        *_, finished = stylize_events(content_file, style_file, StyleSettings(**settings.model_dump() | change))
        assert math.isfinite(finished.figures["loss"])


def test_a_styles_transparency_is_told_of(content_file, style_file, settings):
    Image.open(style_file).convert("RGBA").save(style_file)
    events = list(stylize_events(content_file, style_file, settings))
    assert not [event for event in events if isinstance(event, Warned)]
    with Image.open(style_file) as picture:
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        picture.save(style_file)
    (warned,) = (e for e in stylize_events(content_file, style_file, settings) if isinstance(e, Warned))
    assert warned.message == "style.png: its style is that of the 50% of it that is not transparent"


# --- Odd pictures ---------------------------------------------------------------------------------------------------


def warnings_of(content, style, settings) -> list[str]:
    return [event.message for event in stylize_events(content, style, settings) if isinstance(event, Warned)]


def test_what_is_odd_about_a_picture_is_told_in_one_warning(settings, content_file, style_file, tmp_path):
    data = content_file.read_bytes()
    (tmp_path / "cut.png").write_bytes(data[:-12])
    assert warnings_of(tmp_path / "cut.png", style_file, settings) == ["cut.png: its end is missing"]
    pages = [photograph(48, 40, seed=n) for n in (1, 2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])
    (told,) = warnings_of(content_file, tmp_path / "pages.tif", settings)
    assert "pages.tif: holds 2 pictures, of which the first is taken" in told
    assert warnings_of(content_file, f"{tmp_path / 'pages.tif'}[2]", settings) == []


def test_pictures_of_which_nothing_is_seen_are_told(settings, style_file):
    values = np.asarray(photograph(48, 40))
    clear = np.dstack([values, np.zeros(values.shape[:2], np.uint8)])
    for content, style in ((clear, style_file), (values, clear)):
        with pytest.raises(ImageError, match="is transparent all over"):
            list(stylize_events(content, style, settings))
    (told,) = warnings_of((values / 255).round().astype(np.uint8), style_file, settings)
    assert "nearly black" in told
    (told,) = warnings_of((values * 16.0).astype(np.uint16), style_file, settings)
    assert "taken as those of 12 bits" in told


def test_memory_holds_for_the_pictures_that_are_read(settings, style_file, tmp_path):
    photograph(3000, 2500).save(tmp_path / "large.png")
    little = settings.model_copy(update={"max_memory": device.used_bytes() / 2**30 + 0.01})
    with pytest.raises(ImageError, match="large.png has 3000x2500 pixels, which take .* raise --max-memory"):
        list(stylize_events(tmp_path / "large.png", style_file, little))
