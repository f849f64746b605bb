"""What `info` says of a picture in a sentence, whatever anybody has written into its recipe."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import run
from scumble.cli.info import sentence
from scumble.image import files
from scumble.style.settings import StyleSettings, TextureSettings


def made(job: str, names: dict[str, str], **settings: Any) -> dict[str, Any]:
    kind = TextureSettings if job == "texture" else StyleSettings
    given = kind.model_validate(settings).model_dump(mode="json")
    return {"job": job, "settings": given, "inputs": {role: {"name": name} for role, name in names.items()}}


LAKE = {"content": "the lake.jpg", "style": "turner.tif", "weights": "pocket"}


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        (made("stylize", LAKE, size=77), "the lake in the style of turner: preset quick"),
        (made("stylize", LAKE, preset="fine"), "the lake in the style of turner: preset fine"),
        (
            made("stylize", LAKE | {"style 2": "b.png", "mask": "m.png"}, shares=(2, 1), keep=3),
            "the lake in the style of turner and b: preset quick with shares 2.0,1.0 and keep 3.0",
        ),
        (
            made("stylize", LAKE, steps=1, lr=2, keep=2, sketch=1, finish=2, seed=3, colour="match"),
            "the lake in the style of turner: preset quick with steps 1, seed 3, lr 2.0, sketch 1, finish 2 and 2 more",
        ),
        (made("texture", {"style": "turner.tif"}, aspect=2), "a texture of turner: preset quick with aspect 2.0"),
        ({"job": "preview"}, "a preview of a painting"),
        ({"job": "contact sheet"}, "a contact sheet"),
        ({"gan": "digits", "seeds": [1, 2, 3]}, "3 pictures by a GAN of digits"),
        ({"gan": "digits", "seeds": [1], "class": "7"}, "a picture by a GAN of digits"),
        ({"gan": "digits", "arithmetic": [[1], [2], [3]]}, "latent arithmetic by a GAN of digits"),
        ({"gan": "digits", "by": "pocket", "latent": [0.5]}, "a projection by a GAN of digits"),
        ({}, "a picture made by scumble"),
    ],
)  # fmt: skip
def test_a_picture_is_told_in_a_sentence(recipe, told):
    assert sentence(recipe) == told


@pytest.mark.parametrize("job", ["stylize", "texture"])
@pytest.mark.parametrize("inputs", [None, [], {"content": None, "style": 3}, {"style": {"name": ["a"] * 99}}])
@pytest.mark.parametrize("settings", [None, [], {"preset": []}, {"preset": "of tomorrow", "keep": {"a": "b"}}])
def test_what_anybody_has_written_is_no_end_of_it(job, inputs, settings):
    assert sentence({"job": job, "inputs": inputs, "settings": settings})


def test_the_size_is_that_of_the_picture_and_the_rest_is_for_who_asks(tmp_path, capsys):
    def told(*arguments: str | Path) -> str:
        assert run("info", tmp_path / "a.png", *arguments) == 0
        return capsys.readouterr().out

    recipe = made("stylize", LAKE) | {"result": {"stopped": True}}
    files.save(np.zeros((8, 12, 3), np.uint8), tmp_path / "a.png", recipe)
    line = "the lake in the style of turner: preset quick, 12 x 8 pixels; stopped before its end\n"
    assert told() == line
    assert told("--all").startswith(line)
    assert "settings optimizer" in told("--all")
    assert json.loads(told("--json"))["inputs"] == recipe["inputs"]
