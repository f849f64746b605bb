"""A run's folder: lines of figures that anybody may have edited."""

import json

from scumble.storage.run import Run


def test_lines_that_are_none_of_ours_are_left_out(tmp_path):
    ours = [{"images": 8, "loss": 0.5, "warnings": ["overfitting"]}, {"images": 16, "loss": 2}]
    others = [
        {"loss": 1.0}, {"images": "8"}, {"images": -8}, {"images": 8.5}, {"images": 8, "loss": "a"}, [8], 8, None,
        {"images": 8, "loss": float("nan")}, {"images": 8, "loss": float("inf")}, {"images": 8, "loss": [1.0]},
    ]  # fmt: skip
    lines = [json.dumps(row) for row in (ours[0], *others, ours[1])]
    lines += ["{", "[" * 100_000, '{"images": ' + "9" * 5000 + "}", '{"images": 24, "lo']
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    assert Run(tmp_path).metrics() == ours
