"""Previews and plans: what is answered for tiny pictures, and what is refused."""

import base64
import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from scumble.errors import ImageError, SettingsError
from scumble.events import returned
from scumble.web.live import pictures, plan, preview


@pytest.fixture
def inputs(tmp_path):
    given = {}
    for number, role in enumerate(("content", "style")):
        coarse = np.random.default_rng(number).integers(0, 256, (5, 6, 3), dtype=np.uint8)
        path = tmp_path / f"{number:064x}"
        Image.fromarray(coarse).resize((96, 80), Image.Resampling.BICUBIC).save(path, "PNG")
        given[role] = [str(path)]
    return given


def test_a_preview_is_a_painted_picture(inputs):
    request = {"settings": {"strength": 0.5, "preset": "fine"}, "inputs": inputs, "side": 64}
    answer = returned(preview.preview(request))
    picture = Image.open(io.BytesIO(base64.b64decode(answer["picture"])))
    assert picture.format == "JPEG"
    assert picture.size == (answer["width"], answer["height"]) == (64, 53)


def test_a_preview_follows_the_strength(inputs):
    def made(strength):
        request = {"settings": {"strength": strength}, "inputs": inputs, "side": 64}
        data = base64.b64decode(returned(preview.preview(request))["picture"])
        return np.asarray(Image.open(io.BytesIO(data))).astype(float)

    with Image.open(inputs["content"][0]) as content:
        photograph = np.asarray(content.resize((64, 53))).astype(float)
    far, near = (np.abs(made(strength) - photograph).mean() for strength in (1.0, 0.0))
    assert near < 10 < far


def test_a_plan_tells_size_memory_and_time(inputs):
    answer = returned(plan.plan({"kind": "stylize", "settings": {"size": 72}, "inputs": inputs}))
    assert (answer["width"], answer["height"]) == (72, 60)
    assert answer["memory_bytes"] > 2**20
    assert answer["seconds"] > 0
    assert answer["text"].startswith("72x60 pixels")
    texture = {"kind": "texture", "settings": {"size": 64}, "inputs": {"style": inputs["style"]}}
    assert returned(plan.plan(texture))["width"] == 64


def test_a_network_that_is_not_here_is_told_of(inputs):
    answer = returned(plan.plan({"kind": "stylize", "settings": {"preset": "fine"}, "inputs": inputs}))
    assert answer == {"width": None, "height": None, "memory_bytes": None, "seconds": None, "text": plan.NOT_HERE}


@pytest.mark.parametrize("ask", [preview.preview, plan.plan])
def test_what_is_wrong_is_told_without_places(inputs, ask, tmp_path):
    def asked(settings, others):
        return returned(ask({"kind": "stylize", "settings": settings, "inputs": inputs | others}))

    with pytest.raises(SettingsError, match="strength: got 2"):
        asked({"strength": 2}, {})
    with pytest.raises(SettingsError, match="init: got a file"):
        asked({"init": "/etc/passwd"}, {})
    with pytest.raises(SettingsError, match="style: got 0"):
        asked({}, {"style": []})
    (tmp_path / ("f" * 64)).write_bytes(b"no picture")
    with pytest.raises(ImageError, match="the style") as refused:
        asked({}, {"style": [str(tmp_path / ("f" * 64))]})
    assert "fff" not in str(refused.value)
    assert str(tmp_path) not in str(refused.value)


def test_only_pictures_are_planned(inputs):
    with pytest.raises(SettingsError, match="wanted stylize or texture"):
        returned(plan.plan({"kind": "check", "settings": {}, "inputs": {"data": ["digits"]}}))


def test_small_copies_are_kept(inputs):
    assert pictures.small(inputs["content"][0], 48) is pictures.small(inputs["content"][0], 48)
    assert pictures.small(inputs["content"][0], 48).size == (48, 40)


@pytest.mark.parametrize("colour", ["style", "content", "match"])
def test_a_preview_knows_colours_and_masks(inputs, tmp_path, colour):
    mask = Image.new("L", (96, 80))
    mask.paste(255, (48, 0, 96, 80))
    mask.save(tmp_path / "mask.png")
    request = {"settings": {"colour": colour}, "inputs": inputs | {"mask": [str(tmp_path / "mask.png")]}, "side": 64}
    data = base64.b64decode(returned(preview.preview(request))["picture"])
    painted = np.asarray(Image.open(io.BytesIO(data))).astype(float)
    with Image.open(inputs["content"][0]) as content:
        photograph = np.asarray(content.resize((64, 53))).astype(float)
    left, right = (np.abs(painted - photograph)[:, part].mean() for part in (slice(0, 24), slice(40, 64)))
    assert left < right


def test_a_preview_needs_no_torch(inputs):
    script = (
        "import sys, json\n"
        "from scumble.events import returned\n"
        "from scumble.web.live.preview import preview\n"
        "returned(preview({'settings': {}, 'inputs': json.loads(sys.argv[1]), 'side': 64}))\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script, json.dumps(inputs)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_preset_of_one_pass_is_planned(inputs):
    answer = returned(plan.plan({"kind": "stylize", "settings": {"preset": "instant", "size": 72}, "inputs": inputs}))
    assert (answer["width"], answer["height"]) == (72, 60)
    assert answer["seconds"] >= 0  # a tenth of one is the least that is told
