"""Forms are made of the settings classes: whatever those allow, and nothing else."""

import subprocess
import sys

import pytest

from scumble.errors import SettingsError
from scumble.jobs import JOBS, load
from scumble.settings import Settings
from scumble.web import forms
from scumble.web.jobs import kinds
from scumble.web.words import CHOICES, HELP, LABELS, WORDS

KINDS = [kind for kind, job in JOBS.items() if job.settings is not None]
PAINTING = sorted(forms.PAINTING)


def settings_of(kind: str) -> type[Settings]:
    return load(str(JOBS[kind].settings))


def fields_of(kind: str) -> dict[str, dict]:
    return {field["name"]: field for group in forms.form(kind)["groups"] for field in group["fields"]}


def test_every_kind_of_job_has_a_name_for_people():
    assert WORDS["job"]["kinds"].keys() == kinds.KINDS.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_every_setting_is_there_once_and_no_file_of_this_machine_is_asked_for(kind):
    names = [field["name"] for group in forms.form(kind)["groups"] for field in group["fields"]]
    assert len(names) == len(set(names))
    missing = set(settings_of(kind).model_fields) - set(names)
    assert missing <= {"weights", "init"}
    assert "/" not in str([field.get("choices") for field in fields_of(kind).values()])


@pytest.mark.parametrize("kind", PAINTING)
def test_the_six_usual_settings_of_painting_are_in_front_and_the_rest_is_folded(kind):
    first, *others = forms.form(kind)["groups"]
    assert not first["folded"]
    assert len(first["fields"]) in (5, 6)
    assert all(group["folded"] and group["title"] for group in others)


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_label_and_help_that_speaks_of_no_flags_and_a_default_that_the_class_has(kind):
    plain = settings_of(kind)()
    for name, field in fields_of(kind).items():
        assert field["label"][0].isupper() or name == "lr"
        assert field["help"], name
        if kind in forms.PAINTING:
            assert "--" not in field["help"], name
        value = getattr(plain, name)
        if name not in plain.PRESETS.get(str(getattr(plain, "preset", None)), {}):
            assert field["default"] == (list(value) if isinstance(value, tuple) else value), name


@pytest.mark.parametrize("kind", PAINTING)
def test_what_a_form_offers_is_taken(kind):
    settings = settings_of(kind)
    for name, field in fields_of(kind).items():
        offered = [choice["value"] for choice in field.get("choices", [])] + [field["default"]]
        offered += [field[end] for end in ("minimum", "maximum") if end in field and field["type"] == "integer"]
        slider = field.get("slider")
        offered += [slider["minimum"], slider["maximum"]] if slider else []
        for value in offered:
            settings(**{name: value})


@pytest.mark.parametrize("kind", PAINTING)
def test_what_lies_beyond_a_forms_limits_is_refused(kind):
    settings = settings_of(kind)
    for name, field in fields_of(kind).items():
        for end, beyond in (("minimum", -1), ("maximum", 1)):
            if end in field and name != "seed":
                with pytest.raises(SettingsError):
                    settings(**{name: field[end] + beyond})


@pytest.mark.parametrize("kind", KINDS)
def test_presets_hold_values_of_fields(kind):
    for preset, values in forms.form(kind)["presets"].items():
        assert values.keys() <= fields_of(kind).keys(), preset


@pytest.mark.parametrize("kind", KINDS)
def test_what_does_not_count_with_a_preset_is_refused_with_it(kind):
    settings = settings_of(kind)
    for preset, names in forms.form(kind)["only"].items():
        assert {"preset", "size"} <= set(names)
        for name in names:
            settings(**({name: fields_of(kind)[name]["default"]} | {"preset": preset}))
        with pytest.raises(SettingsError, match="keep"):
            settings.model_validate({"preset": preset, "keep": 2.0})


@pytest.mark.parametrize("kind", ["evaluate", "no such job", "../train"])
def test_a_job_without_settings_has_no_form(kind):
    with pytest.raises(KeyError):
        forms.form(kind)


def test_words_of_forms_are_of_settings_that_there_are():
    known = {name for kind in KINDS for name in settings_of(kind).model_fields}
    of_painting = {name for kind in PAINTING for name in settings_of(kind).model_fields}
    grouped = {
        name for groups in (forms.TOGETHER, forms.TOGETHER_IN_TRAINING) for names in groups.values() for name in names
    }
    assert {*LABELS, *grouped} <= known
    assert {*HELP, *CHOICES, *forms.SLIDERS} <= of_painting
    for kind, names in forms.USUAL.items():
        assert set(names) <= fields_of(kind).keys()


def test_forms_are_made_without_torch_and_numpy():
    script = (
        "import sys; from scumble.web import forms; forms.form('stylize'); print({'torch', 'numpy'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
