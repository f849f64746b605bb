"""The recipe for a GPU, in small and on the CPU: what it keeps, and that a stage which fails stops no other."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import REPOSITORY
from scumble.gan.presets import PRESETS

sys.path.insert(0, str(REPOSITORY / "recipes"))
gpu = pytest.importorskip("gpu", reason="needs the folder recipes, which packages do not hold")


pytestmark = pytest.mark.timeout(900)


def results(folder: Path, *flags: str, **environment: str) -> tuple[int, dict, str]:
    """The exit code of `gpu.sh --short`, the run that it has written, and what it printed."""
    machine = {"PYTHON": sys.executable, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    data, work = folder.parent / "noise.npz", folder.parent / "work"
    np.savez(data, x=np.random.default_rng(0).integers(0, 256, (220, 16, 16, 3), dtype=np.uint8))
    done = subprocess.run(
        [REPOSITORY / "recipes" / "gpu.sh", folder, "--short", "--data", data, "--work", work, *flags],
        env=os.environ | machine | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (folder / "results.json").exists(), done.stderr
    return done.returncode, json.loads((folder / "results.json").read_text())[-1], done.stdout


def test_every_stage_keeps_what_it_has_found(tmp_path, weights_file):
    shutil.copy(weights_file, tmp_path / "vgg19-caffe-features.safetensors")
    code, run, printed = results(tmp_path / "out", SCUMBLE_WEIGHTS=str(tmp_path))
    stages = run["stages"]
    assert code == 0, printed
    assert {name: stage["status"] for name, stage in stages.items()} == dict.fromkeys(gpu.STAGES, "done")
    assert run["short"]
    assert {"device", "torch", "cuda", "python"} <= run["machine"].keys()

    rows = {name: stage["rows"] for name, stage in stages.items()}
    assert {row["outcome"] for row in rows["tests"]} == {"passed", "skipped"}
    assert [(row["preset"], row["precision"]) for row in rows["speed"]] == [
        (preset, precision) for preset in PRESETS for precision in ("float32", "tf32", "bfloat16")
    ]
    assert all(row["images_per_second"] > 0 and row["finite"] for row in rows["speed"])
    assert [(row["preset"], row["size"], row["start"]) for row in rows["stylize"]] == [
        (preset, 64, start) for preset in ("quick", "fine") for start in ("cold", "warm")
    ]
    assert all(row["seconds"] > 0 and row["loss"] > 0 for row in rows["stylize"])
    found = {row["what"]: row for row in rows["gan"]}
    assert found["trained"]["images"] == 256
    assert found["frechet_distance"]["generated"] == 200
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"results.json", "table.md", "tests.txt", "gan"}
    assert (tmp_path / "out" / "gan" / "samples.png").exists()

    assert (tmp_path / "out" / "table.md").read_text() in printed
    assert "| preset | float32 | tf32 | bfloat16 |" in printed
    again = subprocess.run(
        [sys.executable, REPOSITORY / "recipes" / "gpu.py", "--table", tmp_path / "out" / "results.json"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert again.stdout == (tmp_path / "out" / "table.md").read_text()


def test_a_stage_that_fails_is_reported_and_stops_no_other(tmp_path):
    """There are no weights of VGG19 here, and nothing is fetched."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "results.json").write_text('[{"when": "before"}]')
    code, run, printed = results(folder, "--only", "stylize", "gan")
    assert code == 1
    stages = run["stages"]
    assert {name: stage["status"] for name, stage in stages.items()} == {"stylize": "failed", "gan": "done"}
    assert next(row["error"] for row in stages["stylize"]["rows"] if "error" in row).startswith("WeightsError: ")
    assert [row["start"] for row in stages["stylize"]["rows"] if row["preset"] == "quick"] == ["cold", "warm"]
    assert "### stylize: failed after" in printed
    assert json.loads((folder / "results.json").read_text())[0] == {"when": "before"}  # no run loses another


def test_a_process_that_hangs_is_cut_off_and_one_that_dies_is_reported(tmp_path, monkeypatch):
    (tmp_path / "work_that_fails.py").write_text(
        "import os, time\n"
        "def hangs():\n    yield {'first': 1}\n    time.sleep(600)\n"
        "def dies():\n    yield {'first': 1}\n    os._exit(7)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import work_that_fails

    started = time.monotonic()
    assert list(gpu.alone(work_that_fails.hangs, 3)) == [{"first": 1}, {"cut": "its 3 seconds were over"}]
    assert time.monotonic() - started < 30
    assert list(gpu.alone(work_that_fails.dies, 60)) == [{"first": 1}, {"error": "its process ended with 7"}]


def test_a_stage_whose_time_is_over_is_cut_and_keeps_its_rows(tmp_path):
    kept = gpu.Results(tmp_path / "results.json", True, {"card": "none"})

    def rows():
        yield {"value": float("nan")}
        on_disk = json.loads((tmp_path / "results.json").read_text())[-1]
        assert on_disk["stages"]["speed"] | {"seconds": 0} == {"status": "cut", "seconds": 0, "rows": [{"value": None}]}
        assert on_disk["machine"] == {"card": "none"}
        yield {"cut": "its 3 seconds were over"}

    assert kept.take("speed", rows())["status"] == "cut"
