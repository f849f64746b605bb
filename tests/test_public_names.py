"""The names of the package: what type checkers see, what is listed and what is loaded are the same."""

import ast
import importlib
from pathlib import Path

import pytest

import scumble


def seen_by_type_checkers() -> dict[str, str]:
    """Each name and the module that it is imported from, where nothing but a type checker reads it."""
    tree = ast.parse(Path(scumble.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    return {a.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names}


def test_the_list_holds_what_type_checkers_see():
    assert set(scumble.__all__) == {*seen_by_type_checkers(), "__version__"}
    assert dir(scumble) == sorted(scumble.__all__)


@pytest.mark.parametrize(("name", "module"), seen_by_type_checkers().items())
def test_a_public_name_is_what_its_module_has(name, module):
    home = importlib.import_module(module)
    expected = getattr(home, name) if hasattr(home, name) else importlib.import_module(f"{module}.{name}")
    assert getattr(scumble, name) is expected
