"""The import directions: words < material < arts < faces, no circles, and no torch before it is needed."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import scumble

PACKAGE = Path(__file__).parents[1] / "src" / "scumble"
PAINTED = Path(__file__).parents[1] / "docs" / "pictures" / "painted.jpg"

# From the bottom up. Parts of one layer do not import each other where they are faces or arts.
LAYERS = [
    {"errors", "events", "settings", "paths", "cores", "threads", "device", "jobs", "keywords", "notebook", "shared"},
    {"image", "perceptual", "data", "storage"},
    {"training"},
    {"style", "gan"},
    {"cli", "web", "losses"},
    {"__main__"},
]
MAX_MODULES_OF_FOLDER, MAX_LINES_OF_MODULE, MAX_LINES_OF_FUNCTION = 14, 300, 50
WITH_TORCH = {"scumble.device", "scumble.threads"}
STANDARD_WORDS = {"pydantic", "pydantic_core", "platformdirs", "PIL"}


def modules() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too, but not those for type checkers only."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def own_imports() -> dict[str, set[str]]:
    known = modules()
    return {name: {i for i in imports(path) if i in known and i != name} for name, path in known.items()}


def layer_of(module: str) -> int:
    part = module.split(".")[1]
    return next(height for height, parts in enumerate(LAYERS) if part in parts)


def test_every_part_has_a_layer():
    for name in modules():
        if name != "scumble":
            layer_of(name)


def test_nothing_imports_from_above():
    for name, imported in own_imports().items():
        for other in imported - {"scumble"}:
            if name == "scumble":
                continue
            part, other_part = name.split(".")[1], other.split(".")[1]
            if part == other_part:
                continue
            assert layer_of(other) <= layer_of(name), f"{name} imports {other}, which is above it"
            if layer_of(name) >= 3 and (name, other_part) != ("scumble.cli.web", "web"):
                assert layer_of(other) < layer_of(name), f"{name} imports {other}, which stands beside it"


def test_there_are_no_circles():
    graph = own_imports()
    done: set[str] = set()

    def visit(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"circle: {' -> '.join((*way, name))}"
        if name not in done:
            # A package's own __init__ holds only a docstring; importing it is no dependency.
            for other in graph[name] - {"scumble"}:
                visit(other, (*way, name))
            done.add(name)

    for name in graph:
        visit(name, ())


def test_words_import_nothing_heavy():
    for name, path in modules().items():
        if name != "scumble" and layer_of(name) == 0 and name not in WITH_TORCH:
            outside = {i.split(".")[0] for i in imports(path)} - set(sys.stdlib_module_names) - {"scumble"}
            assert outside <= STANDARD_WORDS, f"{name} imports {outside}"


def long_functions(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    functions = (node for node in nodes if isinstance(node, ast.FunctionDef))
    return {f.name for f in functions if (f.end_lineno or 0) - f.lineno >= MAX_LINES_OF_FUNCTION}


def test_modules_functions_and_folders_fit_in_a_head():
    known = modules()
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in known.items()}
    assert not {name for name, count in lines.items() if count > MAX_LINES_OF_MODULE}
    assert not {f"{name}.{f}" for name, path in known.items() for f in long_functions(path)}
    folders = Counter(path.parent.relative_to(PACKAGE).as_posix() for path in known.values() if path.stem != "__init__")
    assert not {folder for folder, count in folders.items() if count > MAX_MODULES_OF_FOLDER}


def run_without(heavy: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command line in a process of its own, which fails if one of these modules is imported by its end."""
    script = (
        "import sys, scumble.cli.app as app\n"
        "try: app.main(sys.argv[1:])\n"
        f"finally: assert not set({heavy!r}) & sys.modules.keys(), 'heavy'\n"
    )
    return subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["stylize", "--help"], ["stylize", "a", "b", "--steps", "-1"], ["nothing"]],
)
def test_help_and_usage_errors_do_not_import_torch(arguments):
    done = run_without(("torch", "numpy"), *arguments)
    assert "heavy" not in done.stderr
    assert done.returncode in (0, 2)


@pytest.mark.parametrize(
    "arguments",
    [
        ["models"],
        ["models", "fetch", "pocket"],
        ["models", "remove", "vgg19"],
        ["cache"],
        ["cache", "clear"],
        ["info", str(PAINTED)],
        ["gan", "presets"],
    ],
)
def test_lists_and_recipes_do_not_import_torch(arguments):
    done = run_without(("torch", "numpy"), *arguments)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("pictures", [["none.png", "style.png"], ["{content}", "none.png[2]"]])
def test_a_mistyped_name_is_told_before_torch_is_imported(pictures, content_file):
    done = run_without(("torch",), "stylize", *(name.format(content=content_file) for name in pictures))
    assert done.returncode == 1
    assert "heavy" not in done.stderr
    assert "none.png does not exist" in done.stderr.replace("[2]", "")


HEAVY = ("sympy", "scipy", "sklearn", "matplotlib", "pandas", "onnx", "torch._dynamo", "torch._inductor", "scumble.gan")
"""What takes a tenth of a second and more to import, and has no part in painting."""


def test_painting_imports_nothing_heavy_but_torch(content_file, style_file, tmp_path):
    output = str(tmp_path / "out.png")
    arguments = ("stylize", str(content_file), str(style_file), "-o", output, "--size", "32", "--steps", "1")
    done = run_without(HEAVY, *arguments)
    assert done.returncode == 0, done.stderr
    assert run_without(("torch",), *arguments, "--overwrite").returncode != 0  # what is looked for is found


def test_the_package_is_a_command():
    done = subprocess.run([sys.executable, "-m", "scumble", "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == scumble.__version__
