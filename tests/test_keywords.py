"""Settings as keyword arguments: what type checkers, `help` and notebooks know of them."""

import inspect
import json
import subprocess
import sys

import pytest
from pydantic import BaseModel

import scumble
from conftest import REPOSITORY
from scumble import keywords
from scumble.settings import allowed

TAKES = {
    "stylize": (scumble.StyleSettings, keywords.StyleKeywords),
    "texture": (scumble.TextureSettings, keywords.TextureKeywords),
    "train": (scumble.GANSettings, keywords.GANKeywords),
}

SAMPLE = """
import scumble

scumble.stylize("photo.jpg", "painting.jpg", size=256, style_scale=0.5, content_layers={21: 1.0}, loss="gram")
scumble.stylize("photo.jpg", "painting.jpg", shares=(2, 1), style_layers={"relu1_1": 1}, init="start.png")
scumble.train("digits", "runs/digits", preset="dcgan", size=32, images=1000)
scumble.texture("painting.jpg", aspect=2).save("texture.png")
scumble.train("digits", "runs/digits").sample(range(4))[0].save("digit.png")
scumble.losses.content(scumble.gram(scumble.features("photo.jpg", [1, "relu2_1"])["relu1_1"]), None)  # wrong
scumble.stylize("photo.jpg", "painting.jpg", szie=256)  # wrong
scumble.stylize("photo.jpg", "painting.jpg", steps="many")  # wrong
scumble.stylize("photo.jpg", "painting.jpg", loss="gramm")  # wrong
scumble.stylize("photo.jpg", "painting.jpg", aspect=2)  # wrong
scumble.texture("painting.jpg", keep=2)  # wrong
scumble.train("digits", "runs/digits", preset="dcgna")  # wrong
scumble.train("digits", "runs/digits", images="many")  # wrong
scumble.features("photo.jpg", [1], backbone="alexnet")  # wrong
scumble.StyleSettings(szie=256)  # wrong
"""


def test_the_keywords_are_those_of_the_models():
    recipe = REPOSITORY / "recipes" / "keywords.py"
    if not recipe.exists():
        pytest.skip("needs the folder recipes, which packages do not hold")
    script = f"import runpy; print(runpy.run_path({str(recipe)!r})['module'](), end='')"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=120)
    written = (REPOSITORY / "src" / "scumble" / "keywords.py").read_text(encoding="utf-8")
    assert done.stdout == written, "the settings have changed: run python recipes/keywords.py"


@pytest.mark.parametrize(("model", "known"), TAKES.values())
def test_every_field_is_a_keyword(model: type[BaseModel], known):
    assert set(known.__annotations__) == set(model.model_fields)
    assert not known.__required_keys__


def test_a_type_checker_finds_wrong_names_and_types(tmp_path):
    (tmp_path / "sample.py").write_text(SAMPLE)
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "sample.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=250, check=False)
    found = {one["range"]["start"]["line"] for one in json.loads(done.stdout)["generalDiagnostics"]}
    assert found == {number for number, line in enumerate(SAMPLE.splitlines()) if line.endswith("# wrong")}


@pytest.mark.parametrize("name", TAKES)
def test_help_and_signature_have_every_setting(name):
    function, model = getattr(scumble, name), TAKES[name][0]
    told = " ".join((inspect.getdoc(function) or "").split())
    parameters = inspect.signature(function).parameters
    for field, info in model.model_fields.items():
        may_be = allowed(model.model_json_schema()["properties"][field])
        assert f"{field}: {info.description}; {may_be}" in told
        assert parameters[field].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[field].default == info.get_default()
    assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
