"""Checkpoints of strangers: what is told of them is one line."""

import pytest
import safetensors.torch
import torch

from scumble.errors import RunError
from scumble.storage import checkpoint


@pytest.mark.parametrize("facts", ["{", "[" * 100_000, ""])
def test_facts_that_are_no_json_are_one_line(tmp_path, facts):
    path = tmp_path / "a.safetensors"
    path.write_bytes(safetensors.torch.save({"a": torch.ones(1)}, {"facts": facts}))
    with pytest.raises(RunError, match="cannot be read") as raised:
        checkpoint.read(path)
    assert "\n" not in str(raised.value)
