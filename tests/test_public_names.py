"""The names of the package: what type checkers see, what is listed and what is loaded are the same."""

import ast
import importlib
from pathlib import Path

import pytest

import scumble


def seen_by_type_checkers() -> dict[str, tuple[str, str]]:
    """Each name; the module that it is imported from, and its name there; where nothing but a type checker reads it."""
    tree = ast.parse(Path(scumble.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {a.asname or a.name: (str(node.module), a.name) for node in imports for a in node.names}


def test_the_list_holds_what_type_checkers_see():
    assert set(scumble.__all__) == {*seen_by_type_checkers(), "__version__"}
    assert dir(scumble) == sorted(scumble.__all__)


@pytest.mark.parametrize(("name", "origin"), seen_by_type_checkers().items())
def test_a_public_name_is_what_its_module_has(name, origin):
    module, there = origin
    home = importlib.import_module(module)
    expected = getattr(home, there) if hasattr(home, there) else importlib.import_module(f"{module}.{there}")
    assert getattr(scumble, name) is expected


def test_names_are_loaded_from_where_type_checkers_see_them():
    seen = {name: {module, f"{module}.{there}"} for name, (module, there) in seen_by_type_checkers().items()}
    assert {name for name, homes in seen.items() if scumble._HOMES[name] not in homes} == set()
    assert set(scumble._HOMES) == set(seen)
