"""The notebook of the chapter runs from top to bottom, and is stored without what it once gave."""

import json
import re

import pytest

from conftest import REPOSITORY

NOTEBOOK = REPOSITORY / "examples" / "chapter.ipynb"


@pytest.fixture(scope="module")
def cells() -> list[dict]:
    return json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def run(monkeypatch, tmp_path, one_thread):
    """Runs cells in their order, in one namespace: what a kernel does with them, without one."""
    monkeypatch.chdir(REPOSITORY / "examples")
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))

    def run(cells: list[dict]) -> dict:
        names: dict = {"__name__": "__main__"}
        for number, cell in enumerate(cells):
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), f"cell {number}", "exec"), names)
        return names

    return run


def test_the_notebook_runs(cells, run, tmp_path):
    names = run(cells)
    assert names["BACKBONE"] == "pocket"
    assert names["painted"].size == (96, 64)
    assert (tmp_path / "digits" / "model").is_dir()


def test_the_plain_network_and_the_librarys_see_the_same(cells, run, caffe_weights, monkeypatch):
    """The part about style transfer, with the weights that its equalities are asserted with."""
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(caffe_weights.parent))
    end = next(number for number, cell in enumerate(cells) if cell["source"][0].startswith("# A DCGAN"))
    names = run(cells[:end])
    assert names["BACKBONE"] == "vgg19-caffe"
    assert set(names["seen"]) == {"relu1_1", "relu4_1", "conv4_2", "conv4_4"}
    assert names["settings"].content_layers == {"conv4_2": 1.0}


def test_it_is_stored_without_results(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 20
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_its_links_lead_somewhere(cells):
    text = "".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert links
    assert [link for link in links if not (NOTEBOOK.parent / link).exists()] == []
