"""Settings: presets that survive a typed flag, and one line for every mistake."""

import math
from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError

from scumble.data.about import About
from scumble.errors import SettingsError
from scumble.gan.facts import ClassifierFacts, GANFacts
from scumble.gan.settings import ClassifySettings, GANSettings
from scumble.settings import Settings, complaint
from scumble.style.painter import OPTIMIZERS
from scumble.style.provenance import settings_from_recipe
from scumble.style.resume import Stand
from scumble.style.settings import StyleSettings, TextureSettings
from scumble.training.facts import DataFacts

PHRASES = (
    "Input should", "valid", "greater than", "less than", "unable to", "match pattern", "finite", "\\d", "None",
    "Field",
)  # fmt: skip
"""Words of pydantic's, and Python's."""


class Brush(Settings):
    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {"plain": {}, "wet": {"width": 7, "medium": "oil"}}
    preset: str = Field("plain")
    width: int = Field(3, gt=0)
    medium: str = "ink"


def test_a_preset_fills_what_was_not_given():
    assert Brush(preset="wet").model_dump() == {"preset": "wet", "width": 7, "medium": "oil"}
    assert Brush(preset="wet", width=2).model_dump() == {"preset": "wet", "width": 2, "medium": "oil"}
    assert Brush(width=2).medium == "ink"


def test_a_value_equal_to_the_default_still_beats_the_preset():
    assert Brush(preset="wet", width=3).width == 3


def test_fields_set_are_those_that_were_given():
    assert Brush(preset="wet", width=2).model_fields_set == {"preset", "width"}


def test_given_values_win_over_a_recipe():
    recipe = Brush(preset="wet", medium="tempera").model_dump()
    assert Brush(width=5).filled_from(recipe).model_dump() == {
        "preset": "wet",
        "width": 5,
        "medium": "tempera",
    }


def test_a_given_preset_takes_the_place_of_a_recipes():
    recipe = Brush(preset="wet", width=9).model_dump()
    assert Brush(preset="plain").filled_from(recipe).model_dump() == Brush(preset="plain").model_dump()
    quick = StyleSettings(size=99).model_dump()
    assert StyleSettings(preset="fine").filled_from(quick) == StyleSettings(preset="fine", size=99)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"width": -1}, "width: got -1, wanted a whole number from 1"),
        ({"width": 0}, "width: got 0, wanted a whole number from 1"),
        ({"width": "wide"}, "width: got 'wide', wanted a whole number from 1"),
        ({"widht": 1}, "unknown setting 'widht'; did you mean 'width'?"),
    ],
)
def test_mistakes_are_told_in_one_line(values, message):
    with pytest.raises(SettingsError) as error:
        Brush(**values)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_every_setting_tells_what_it_may_be_in_words():
    """Whatever is given: in our words, not in those of the library that checks, and as the reference has them."""
    given = [
        None,
        -1,
        "x",
        "",
        float("nan"),
        math.inf,
        [],
        {},
        {"a": -1},
        {"a": "x"},
        [-1],
        10**30,
        1.5,
        b"x",
        object(),
    ]
    told = [
        (name, error)
        for kind in (StyleSettings, TextureSettings, GANSettings, ClassifySettings)
        for name in kind.model_fields
        for value in given
        if (error := refusal(kind, {name: value}))
    ]
    assert len(told) > 500
    for name, error in told:
        flag, _, wanted = error.partition(", wanted ")
        assert flag.startswith(name.replace("_", "-"))
        assert not [phrase for phrase in PHRASES if phrase in wanted], error


@pytest.mark.parametrize("record", [Stand, DataFacts, GANFacts, ClassifierFacts, About])
def test_records_in_files_are_refused_in_our_words(record):
    """Every field, with values of every kind: no word is that of the library that checks."""
    told = []
    for name in record.model_fields:
        for value in ("null", "-1", '"x"', "[]", "{}", '[["x"]]', '{"a": [1, {"b": null}]}', "1e999", "true"):
            try:
                record.model_validate_json(f'{{"{name}": {value}}}')
            except ValidationError as refused:
                told += [complaint(record, error) for error in refused.errors()]
    assert len(told) > 50
    for names, words in told:
        assert names[0] in record.model_fields
        got, _, wanted = words.partition(", wanted ")
        assert got.startswith("got ")
        assert wanted
        assert not [phrase for phrase in PHRASES if phrase in wanted], words


def test_what_lies_deep_in_a_record_is_found():
    with pytest.raises(ValidationError) as refused:
        GANFacts.model_validate_json('{"settings": {}, "data": {"shape": [3, 0, 64]}}')
    told = {".".join(names): words for names, words in (complaint(GANFacts, e) for e in refused.value.errors())}
    assert told["data.shape"] == "got 0, wanted a whole number from 1 to 65,536"
    assert told["data.name"] == "got nothing, wanted text"


def refusal(kind: type[Settings], values: dict[str, Any]) -> str:
    try:
        kind(**values)
    except SettingsError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"scales": 0}, "'auto' or a whole number from 1 to 64"),
        ({"scales": "0"}, "'auto' or a whole number from 1 to 64"),
        ({"strength": 2}, "a number from 0 to 1"),
        ({"averaging": 1}, "a number from 0, below 1"),
        ({"lr": 0}, "a number above 0, up to 1,000,000"),
        ({"coarse_steps": 0}, "a whole number from 1 to 1,000,000,000"),
        ({"style_scale": (1, 0)}, "a number above 0, up to 64"),
        ({"style_scale": ()}, "one or more: a number above 0, up to 64"),
        ({"style_layers": {"relu1_1": "x"}}, "a number from 0 to 1,000,000,000"),
        ({"bits": 12}, "8 or 16"),
        ({"init": 3}, "'matched', 'instant', 'content', 'noise', 'style' or a file"),
    ],
)
def test_what_is_wanted_is_the_whole_range(values, wanted):
    with pytest.raises(SettingsError) as error:
        StyleSettings(**values)
    assert str(error.value).endswith(f"wanted {wanted}")


def test_numbers_may_come_as_text():
    """As they do from a command line, for choices between numbers too."""
    assert StyleSettings.model_validate({"bits": "16", "size": "64"}).bits == 16


def test_names_that_are_no_names_are_unknown_settings():
    for name in ("a b", "", "1 2", "a-b"):
        with pytest.raises(SettingsError, match="unknown setting"):
            Brush.model_validate({name: 1})


@pytest.mark.parametrize(
    "values",
    [
        {"size": 0},
        {"steps": -3},
        {"style_scale": 0},
        {"keep": -1},
        {"lr": float("nan")},
        {"lr": 1e308},
        {"steps": 10**30},
        {"style_weight": float("inf")},
        {"preset": "impasto"},
        {"optimizer": "sgd"},
        {"bits": 12},
        {"style_layers": {}},
        {"style_layers": {"relu1_1": -1.0}},
        {"seed": -1},
        {"keep": 0, "style_weight": 0},
        {"keep": 0, "style_layers": {"relu1_1": 0}},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(SettingsError) as error:
        StyleSettings(**values)
    assert "\n" not in str(error.value)


def test_settings_and_tables_name_the_same_choices():
    from typing import get_args

    from scumble.perceptual.backbones import BACKBONES

    fields = StyleSettings.model_fields
    assert set(get_args(fields["optimizer"].annotation)) == set(OPTIMIZERS)
    assert set(get_args(fields["backbone"].annotation)) == set(BACKBONES)
    assert set(get_args(fields["preset"].annotation)) == set(StyleSettings.PRESETS)


def test_a_recipe_that_needs_a_file_says_so(tmp_path):
    made = StyleSettings(init=tmp_path / "start.png")
    recipe = {"job": "stylize", "settings": made.model_dump(mode="json")}
    assert recipe["settings"]["init"] == "start.png"  # no path of ours goes into a picture
    with pytest.raises(SettingsError, match=r"--init FILE"):
        settings_from_recipe(recipe, StyleSettings())
    assert settings_from_recipe(recipe, StyleSettings(init="noise")).init == "noise"


def test_a_form_is_told_by_examples():
    with pytest.raises(SettingsError) as raised:
        GANSettings(size="64,64")
    assert str(raised.value) == "size: got '64,64', wanted something like auto, 64 or 128x64"
    with pytest.raises(SettingsError) as raised:
        ClassifySettings(labelled="many")
    assert str(raised.value) == "labelled: got 'many', wanted something like 10 or 10,100,all"


@pytest.mark.parametrize("settings", [GANSettings, ClassifySettings, StyleSettings])
def test_every_pattern_has_examples(settings):
    for name, field in settings.model_fields.items():
        if any(getattr(each, "pattern", None) for each in field.metadata):
            for example in field.examples or [None]:
                settings(**{name: example})


def test_a_text_that_is_none_is_one_line():
    with pytest.raises(SettingsError, match="preset: got"):
        StyleSettings(preset="\ud800")
    with pytest.raises(SettingsError, match="settings: got"):
        StyleSettings(**{"\ud800": 1})


def test_what_a_file_holds_is_quoted_in_short():
    assert len(str(SettingsError("the file holds " + "a" * 10**6, "remove it"))) <= 1000
    assert str(SettingsError("the file holds " + "a" * 10**6, "remove it")).endswith("a (remove it)")


def test_layers_may_be_given_by_number():
    settings = StyleSettings.model_validate({"content_layers": {21: 1}, "style_layers": {"1": 1, "relu2_1": 2}})
    assert settings.content_layers == {"conv4_2": 1.0}
    assert settings.style_layers == {"relu1_1": 1.0, "relu2_1": 2.0}
    assert settings.layers() == ("conv4_2", "relu1_1", "relu2_1")
    for layers, words in (({"21": 1, "conv4_2": 2}, "conv4_2 twice"), ({4: 1}, "got 4, which is pool1")):
        with pytest.raises(SettingsError, match=words):
            StyleSettings.model_validate({"content_layers": layers})
    with pytest.raises(SettingsError, match="content-layers: got 7, wanted one or more by name"):
        StyleSettings.model_validate({"content_layers": 7})


def test_settings_show_what_was_given():
    assert repr(StyleSettings(size=99)) == str(StyleSettings(size=99)) == "StyleSettings(preset='quick', size=99)"
    assert repr(GANSettings(preset="dcgan")) == "GANSettings(preset='dcgan')"
    assert dict(GANSettings(preset="dcgan"))["norm"] == "batch"
