"""The kinds of jobs: what is refused before anything is queued, and that all of them are known to the library."""

import inspect
import subprocess
import sys

import pytest

from scumble import jobs
from scumble.errors import SettingsError
from scumble.settings import Settings
from scumble.web.jobs import kinds


def test_every_kind_has_settings_and_roles():
    for name, kind in kinds.KINDS.items():
        assert name in jobs.JOBS
        assert issubclass(jobs.load(kind.settings), Settings)
        assert all(least <= most for least, most in kind.roles.values())
        if jobs.JOBS[name].settings is not None:
            assert jobs.JOBS[name].settings == kind.settings


def test_options_are_what_the_functions_take():
    functions = {name: jobs.load(jobs.JOBS[name].events) for name in ("evaluate", "nearest", "project")}
    for name, function in functions.items():
        for option, field in jobs.load(kinds.KINDS[name].settings).model_fields.items():
            assert inspect.signature(function).parameters[option].default == field.default


@pytest.mark.parametrize("kind", ["unknown", "stylize"])
def test_what_cannot_begin_is_refused_in_words(kind, tmp_path):
    with pytest.raises(SettingsError, match="wanted"):
        kinds.begin(kind, {}, {}, tmp_path, "cpu")


@pytest.mark.parametrize(
    ("kind", "settings", "inputs", "words"),
    [
        ("paint", {}, {}, "kind: got 'paint', wanted one of stylize"),
        ("stylize", {}, {}, "content: got 0, wanted 1"),
        ("stylize", {}, {"content": ["a"]}, "style: got 0, wanted 1 to 8"),
        ("stylize", {}, {"content": ["a"], "style": ["b"] * 9}, "style: got 9, wanted 1 to 8"),
        ("stylize", {}, {"content": ["a"], "style": ["b"], "x": []}, "inputs: got 'x', wanted content"),
        ("stylize", {"sise": 64}, {"content": ["a"], "style": ["b"]}, "unknown setting 'sise'; did you mean 'size'"),
        ("stylize", {"size": -1}, {"content": ["a"], "style": ["b"]}, "size: got -1"),
        ("stylize", {"init": "/etc/passwd"}, {"content": ["a"], "style": ["b"]}, "init: got a file's name"),
        ("texture", {"weights": "x"}, {"style": ["b"]}, "weights: got a file's name"),
        ("train", {"nodes": 2}, {"data": ["digits"]}, "nodes: got 2"),
        ("evaluate", {"network": "x"}, {"model": ["m"], "data": ["digits"]}, "network: got 'x'"),
        ("report", {"output": "/tmp/x"}, {"model": ["m"]}, "unknown setting 'output'"),
    ],
)
def test_what_cannot_become_a_job_is_refused_in_words(kind, settings, inputs, words):
    with pytest.raises(SettingsError) as refused:
        kinds.check(kind, settings, inputs)
    assert words in str(refused.value)


def test_the_server_s_part_needs_no_torch():
    script = (
        "import sys\n"
        "from scumble.web.jobs import kinds, supervisor\n"
        "from scumble.web.live import client\n"
        "assert not {'torch', 'numpy'} & sys.modules.keys()\n"
        "for kind in kinds.KINDS.values(): kinds.jobs.load(kind.settings)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
