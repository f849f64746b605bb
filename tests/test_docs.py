"""The documentation: its commands parse, its Python runs, generated text is what the code says, and no host is asked.

Dead links and whatever else mkdocs complains about end the build itself: `make docs`.
"""

import importlib.util
import inspect
import re
import shlex
import subprocess
import sys
from pathlib import Path

import griffe
import pytest
from mkdocs.exceptions import PluginError

import scumble
from conftest import REPOSITORY, photograph
from scumble.cli import pages
from scumble.cli.commands import app, one_by_one

DOCS = REPOSITORY / "docs"
HISTORY = DOCS / "log.md"  # every command there is one of its day
PAGES = [REPOSITORY / "README.md", *sorted(set(DOCS.rglob("*.md")) - {HISTORY})]
FENCED = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OTHERS_FLAGS = {"--nproc-per-node", "--update"}


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = load(DOCS / "generate.py")


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def code_lines(page: Path) -> list[str]:
    """The lines of a page's fenced and indented blocks of code."""
    text = page.read_text(encoding="utf-8")
    fenced = [line for _, block in FENCED.findall(text) for line in block.splitlines()]
    return fenced + [line.strip() for line in FENCED.sub("", text).splitlines() if line.startswith("    ")]


def commands(page: Path) -> list[list[str]]:
    """The arguments of every command line of scumble among them, torchrun's and those after variables included."""
    found = []
    for line in code_lines(page):
        if match := re.match(r"(?:[A-Z_]+=\S+ )*(?:scumble|torchrun .* scumble\.cli\.app) (.*)", line):
            found.append(shlex.split(match[1], comments=True))
    return found


TYPED = [(name_of(page), command) for page in PAGES for command in commands(page)]


def test_commands_are_found():
    assert len(TYPED) > 60
    assert ("README.md", ["stylize", "photo.jpg", "painting.jpg", "-o", "painted.png"]) in TYPED


@pytest.mark.parametrize(("page", "command"), TYPED, ids=lambda value: value if isinstance(value, str) else None)
def test_commands_parse(page, command, monkeypatch):
    monkeypatch.setattr(Path, "is_dir", lambda path: True)  # their folders are a reader's
    app.parse_args(one_by_one(command), exit_on_error=False, print_error=False)


def test_commands_that_do_not_parse_are_noticed():
    for wrong in (["stylise", "a", "b"], ["stylize", "a", "b", "--kep", "3"], ["gan", "train", "photos/"]):
        with pytest.raises(Exception, match=r"(?i)unknown|requires|unused"):
            app.parse_args(wrong, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_flags_in_the_text_exist(page):
    arguments = [a for _, command in generate.commands() for a in command.assemble_argument_collection()]
    known = {flag for argument in arguments for flag in argument.names} | OTHERS_FLAGS | {*pages.FLAGS, "--version"}
    spans = re.findall(r"`([^`\n]+)`", FENCED.sub("", page.read_text(encoding="utf-8")))
    flags = {flag.partition(".")[0] for span in spans for flag in re.findall(r"(?<!\S)--[a-z][\w.-]*", span)}
    assert flags <= known


PYTHON = {
    name_of(page): blocks
    for page in PAGES
    if (blocks := [b for kind, b in FENCED.findall(page.read_text()) if kind == "python"])
}


@pytest.mark.parametrize("page", PYTHON)
def test_python_runs(page, tmp_path, monkeypatch, one_thread):
    """As it stands, one block after another, but with fewer steps: the jobs themselves are the real ones."""
    stylize, train = scumble.stylize, scumble.train
    few = {"steps": 1, "coarse_steps": 1}
    monkeypatch.setattr(scumble, "stylize", lambda *a, **given: stylize(*a, **given | few), raising=False)
    monkeypatch.setattr(scumble, "train", lambda *a, **given: train(*a, **given | {"images": 64}), raising=False)
    few_images = {"images": 8, "width": 4, "size": 32}
    translate = scumble.train_translator
    monkeypatch.setattr(
        scumble, "train_translator", lambda *a, **given: translate(*a, **given | few_images), raising=False
    )
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(("photo.jpg", "painting.jpg", "grey.jpg", *(f"photos/{n}.jpg" for n in range(20)))):
        Path(name).parent.mkdir(exist_ok=True)
        photograph(48, 40, seed=number).save(name)
    names: dict[str, object] = {}
    for block in PYTHON[page]:
        exec(compile(block.replace("steps=50", "steps=1"), page, "exec"), names)
    if page == "README.md":
        assert Path("painted.png").exists()
        assert Path("seed-7.png").exists()


def test_the_tour_runs(tmp_path):
    program = REPOSITORY / "examples" / "tour.py"
    done = subprocess.run(
        [sys.executable, program, "out", "64"], cwd=tmp_path, capture_output=True, text=True, timeout=290, check=False
    )
    assert done.returncode == 0, done.stderr
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made >= {"painted.png", "loose.png", "both.png", "texture.png", "digits", "digits-gan", "seven.png"}
    assert "did you mean 'size'?" in done.stdout
    shown = re.findall(r"tour\.py:(\w+)", (DOCS / "tour.md").read_text())
    assert shown == re.findall(r"\[start:(\w+)\]", program.read_text())  # the page shows all of it, in its order


def test_links_of_the_readme_lead_somewhere():
    text = (REPOSITORY / "README.md").read_text()
    targets = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r'src="([^"]+)"', text)
    assert len(targets) > 10
    assert [target for target in targets if not (REPOSITORY / target).exists()] == []


def test_every_public_name_is_in_the_reference():
    pages = "".join((DOCS / "reference" / name).read_text() for name in ("python.md", "settings.md"))
    names = {name for name in scumble.__all__ if name != "__version__"}
    assert {name for name in names if f"::: scumble.{name}\n" not in pages and f"## {name}\n" not in pages} == set()


# What is generated.


def test_ranges_are_told_in_words():
    assert generate.allowed({"type": "integer", "exclusiveMinimum": 0, "maximum": 64}) == (
        "a whole number from 1 to 64"
    )
    assert generate.allowed({"type": "integer", "minimum": 0, "exclusiveMaximum": 2**63}) == (
        "a whole number from 0, below 2^63"
    )
    assert generate.allowed({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}) == "`a` or `b`"
    assert generate.allowed({"anyOf": [{"const": "auto"}, {"type": "string", "format": "path"}]}) == "`auto` or a file"
    assert generate.allowed({"type": "array", "items": {"type": "number"}}) == "one or more: a number"


@pytest.mark.parametrize("command", ["stylize", "gan train", "gan classify"])
def test_every_setting_has_a_row(command):
    model = generate.settings_of(command)
    rows = [row.split(" | ") for row in generate.GENERATED[f"settings {command}"]().splitlines()[2:]]
    assert [row[0] for row in rows] == [f"| `--{name.replace('_', '-')}`" for name in model.model_fields]
    for row, field in zip(rows, model.model_fields.values(), strict=True):
        assert field.description
        assert row[3] == f"{field.description} |"


def test_a_texture_has_rows_for_what_is_its_own():
    rows = generate.GENERATED["settings texture"]().splitlines()[2:]
    assert [row.split()[1] for row in rows] == [
        *("`--preset`", "`--steps`", "`--coarse-steps`", "`--lr`", "`--momentum`", "`--averaging`", "`--aspect`")
    ]


def test_presets_have_the_values_that_they_fill():
    assert "| `--steps` | `25` | `200` | `500` |" in generate.GENERATED["presets stylize"]()
    rows = generate.GENERATED["presets gan train"]().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == list(scumble.GANSettings.PRESETS)
    assert "`--critic-steps 5`" in next(row for row in rows if row.startswith("| `wgan-gp`"))


def test_every_command_is_described():
    text = generate.GENERATED["commands"]()
    names = [name for name, _ in generate.commands()]
    assert {"stylize", "gan train", "models", "models fetch"} <= set(names)
    assert [line.removeprefix("## scumble ") for line in text.splitlines() if line.startswith("## ")] == names
    assert "| `--format` | `png` | of the pictures. (`png`, `jpg`, `webp`, `tif`) |" in text
    assert "scumble stylize [CONTENT] [STYLE] [MORE_STYLES...] [FLAGS]" in text


def test_requests_are_filled_and_unknown_ones_refused():
    filled = generate.on_page_markdown("before\n\n<!-- generate: settings texture -->\n\nafter")
    assert "| `--coarse-steps` |  |" in filled
    assert "| `--aspect` |  | a number from 0.0156 to 64 |" in filled
    assert filled.endswith("\n\nafter")
    with pytest.raises(PluginError, match="settings of everything"):
        generate.on_page_markdown("<!-- generate: settings of everything -->")


def test_examples_of_docstrings_are_shown_as_code():
    assert "Example:" in (inspect.getdoc(scumble.stylize) or "")  # our word for it; the site needs the other one
    module = griffe.visit("m", Path("m.py"), 'def f():\n    """Do.\n\n    Example:\n        >>> f()\n    """\n')
    generate.Examples().on_object(obj=module["f"])
    assert [section.kind.value for section in module["f"].docstring.parse("google")] == ["text", "examples"]


@pytest.mark.parametrize(
    "asks",
    [
        '<script src="https://cdn.example/a.js"></script>',
        '<script src="//cdn.example/a.js"></script>',
        '<link href="https://fonts.example/f" rel="stylesheet">',
        '<img src="http://pictures.example/p.png">',
        "<style>@import 'https://fonts.example/f.css';</style>",
        "<style>body { background: url(https://pictures.example/p.png) }</style>",
        '<pre class="mermaid"></pre>',
    ],
)
def test_pages_that_ask_other_hosts_are_refused(asks, tmp_path):
    (tmp_path / "page.html").write_text(f"<html>{asks}</html>")
    assert len(list(generate.foreign(tmp_path))) == 1
    with pytest.raises(PluginError, match=r"page\.html"):
        generate.on_post_build(type("Config", (), {"site_dir": tmp_path}))


def test_links_that_a_reader_follows_are_no_requests(tmp_path):
    (tmp_path / "page.html").write_text('<a href="https://arxiv.org/abs/1508.06576">paper</a><img src="p.png">')
    (tmp_path / "fine.css").write_text("a { background: url(data:image/svg+xml;x) }")
    assert list(generate.foreign(tmp_path)) == []
    (tmp_path / "bad.css").write_text("@font-face { src: url('https://fonts.example/f.woff2') }")
    assert list(generate.foreign(tmp_path)) == ["bad.css: https://fonts.example/f.woff2"]
