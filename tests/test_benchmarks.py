"""The benchmark that tells where each second goes: what it counts to what, and a small run of it."""

import re
import subprocess
import sys
from typing import NamedTuple

import pytest

from conftest import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
seconds = pytest.importorskip("seconds", reason="needs the folder benchmarks, which packages do not hold")


class Operator(NamedTuple):
    name: str
    cpu_parent: "Operator | None" = None
    self_cpu_time_total: float = 1e6


EVALUATION = Operator("evaluation")
MOMENTS = Operator("_MomentsBackward", EVALUATION)
RECTIFIED = Operator("_Rectified", EVALUATION)
BACK = Operator("_RectifiedBackward", EVALUATION)


@pytest.mark.parametrize(
    ("operator", "part"),
    [
        (EVALUATION, seconds.PYTHON),
        (Operator("mkldnn::_convolution_pointwise", RECTIFIED), "convolutions, forward"),
        (Operator("aten::copy_", RECTIFIED), "convolutions, forward"),
        (Operator("aten::relu_", RECTIFIED), "activations"),
        (Operator("aten::convolution_backward", BACK), "convolutions, back"),
        (Operator("aten::threshold_backward", BACK), "activations"),
        (Operator("aten::mm", MOMENTS), "statistics"),
        (Operator("aten::_linalg_eigh", Operator("TraceOfRoot", EVALUATION)), "roots"),
        (Operator("aten::max_pool2d_with_indices", EVALUATION), "pooling"),
        (Operator("aten::_adaptive_avg_pool2d", EVALUATION), "resizing"),
        (Operator("aten::mm", Operator("optimiser", EVALUATION)), "optimiser"),
        (Operator("aten::copy_", EVALUATION), "copies"),
        (Operator("aten::mul", EVALUATION), seconds.REST),
    ],
)
def test_operators_count_to_what_they_are_a_part_of(operator, part):
    assert seconds.part_of(operator) == part
    assert part in seconds.PARTS
    assert seconds.seconds_of_parts([operator, operator]) == {part: 2.0}


def test_a_small_run_fills_the_tables_of_a_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("".join(f"<!-- {name} -->\n<!-- end of {name} -->\n" for name in ("start", "sizes", "parts")))
    command = [sys.executable, REPOSITORY / "benchmarks" / "seconds.py", "--size", "64", "--isa", "avx2"]
    subprocess.run([*map(str, command), "--page", str(page)], check=True, capture_output=True, timeout=120)
    text = page.read_text()
    assert re.search(r"^\| part of all evaluations \| AVX2, float32, s \| share \|$", text, re.MULTILINE) or (
        "DEFAULT" in text  # another kind of processor
    )
    assert re.search(r"^\| 64x48 \| \d+ \| [\d.]+ \| \d+ \| [\d.]+ \|$", text, re.MULTILINE)
    shares = [int(share) for share in re.findall(r"\| (\d+)% \|", text)]
    assert len(shares) == len(seconds.PARTS)
    assert sum(shares) == pytest.approx(100, abs=len(shares) / 2)


def test_half_a_pair_is_refused():
    command = [sys.executable, str(REPOSITORY / "benchmarks" / "seconds.py"), "photo.jpg"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "wanted two pictures or none" in done.stderr


translation = pytest.importorskip("translation", reason="needs the folder benchmarks, which packages do not hold")


@pytest.mark.parametrize("kind", translation.SETTINGS)
def test_translation_has_the_losses_of_the_programs_written_plainly(kind):
    found = list(translation.losses(kind, 16, 4, patch_layers=1))
    assert len(found) == 6
    for name, ours, plain in found:
        # In float64; the library's slopes have 1e-12 added to their squares, since a root has no gradient at 0.
        assert ours == pytest.approx(plain, rel=1e-7 if kind == "dualgan" else 1e-10), name
    assert len({ours for _, ours, _ in found}) == 6
