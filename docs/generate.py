"""What the site's build adds to the written pages: tables made from the code, and a look at what came out.

A page asks for generated text by a line such as `<!-- generate: settings stylize -->`; the names are those of
`GENERATED`. So every setting, range, default and description on the site is the one that the program has. Only the
command line and what `scumble` exports are looked at, so that the package may move its modules as it likes.

mkdocs calls the two functions whose names begin with `on_`; mkdocs.yml names this file under `hooks`.
"""

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docstring_parser
import griffe
from cyclopts import App
from mkdocs.exceptions import PluginError
from pydantic import BaseModel

import scumble
from scumble.cli.commands import app
from scumble.gan.translation.presets import PRESETS as TRANSLATION_PRESETS
from scumble.settings import allowed as in_words
from scumble.settings import figure

REQUEST = re.compile(r"^<!-- generate: (.+?) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """A page with every request replaced by what it asks for."""
    return REQUEST.sub(lambda request: _generated(request[1]), markdown)


def on_post_build(config: Any, **_: Any) -> None:
    """Stop the build where a page would ask another host for anything: the site has to work without a network."""
    if found := list(foreign(Path(config.site_dir))):
        raise PluginError("the site asks other hosts for files:\n" + "\n".join(found))


class Examples(griffe.Extension):
    """Our docstrings say `Example:`; mkdocstrings shows as code only what stands under `Examples:`."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of one docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^( *)Example:$", r"\1Examples:", obj.docstring.value, flags=re.MULTILINE)


def _generated(name: str) -> str:
    if name not in GENERATED:
        raise PluginError(f"nothing is generated under the name {name!r}; known: {', '.join(GENERATED)}")
    return GENERATED[name]()


# Commands.


def commands() -> Iterator[tuple[str, App]]:
    """Every command that does something, with its name: ("gan train", its app)."""
    yield from _commands_of(app, "")


def _commands_of(parent: App, above: str) -> Iterator[tuple[str, App]]:
    for name in parent:
        if not name.startswith("-"):
            command = parent[name]
            if command.default_command is not None:
                yield above + name, command
            yield from _commands_of(command, f"{above}{name} ")


def settings_of(command: str) -> type[BaseModel]:
    """The class whose fields are flags of a command."""
    return next(model for name, found in commands() if name == command for model in _settings(found))


def _settings(command: App) -> list[type[BaseModel]]:
    hints = [argument.hint for argument in command.assemble_argument_collection()]
    return [hint for hint in hints if isinstance(hint, type) and issubclass(hint, BaseModel)]


def _command_pages() -> str:
    return "\n".join(_described(name, command) for name, command in commands())


def _described(name: str, command: App) -> str:
    """A command: how it is called, what it does, its flags but for those that are settings."""
    doc = docstring_parser.parse(command.default_command.__doc__ or "")
    said = {parameter.arg_name: parameter.description for parameter in doc.params}
    models = _settings(command)
    fields = {field for model in models for field in model.model_fields}
    positional, rows = [], []
    for argument in command.assemble_argument_collection():
        shown = [flag for flag in argument.names if not flag.startswith(("--no-", "--empty-"))]
        if not argument.show or (argument.keys and argument.keys[0] in fields):
            continue
        meaning = argument.parameter.help or said.get(argument.field_info.name, "")
        if not shown[0].startswith("-"):
            word = shown[0] + "..." * argument.is_var_positional()
            positional.append(word if argument.required else f"[{word}]")
            rows.append([f"`{word}`", "", _cell(meaning)])
        else:
            flags = ", ".join(f"`{flag}`" for flag in shown)
            default = "required" if argument.required else _value(argument.field_info.default)
            choices = ", ".join(f"`{choice}`" for choice in argument.get_choices() or ())
            rows.append([flags, default, _cell(meaning) + f" ({choices})" * bool(choices)])
    lines = [f"## scumble {name}", "", f"    {' '.join(['scumble', name, *positional, '[FLAGS]'])}", ""]
    lines += [part for part in (doc.short_description, "", doc.long_description, "") if part is not None]
    lines += _table(["argument or flag", "default", "meaning"], rows) if rows else []
    lines += [f"\nAnd every setting of [`{model.__name__}`](settings.md), one flag a field." for model in models]
    return "\n".join([*lines, ""])


# Settings.


def settings_table(model: type[BaseModel], known: type[BaseModel] | None = None) -> str:
    """Every field as a row: its flag, default, what it may be, and what it does.

    Args:
        model: a class of settings.
        known: another class; fields that are the same there are left out.
    """
    schemas = model.model_json_schema()["properties"]
    before = known.model_json_schema()["properties"] if known else {}
    rows = [
        [f"`--{name.replace('_', '-')}`", _value(field.default), allowed(schemas[name]), _cell(field.description)]
        for name, field in model.model_fields.items()
        if schemas[name] != before.get(name)
    ]
    return "\n".join(_table(["flag", "default", "may be", "meaning"], rows))


def allowed(schema: Mapping[str, Any]) -> str:
    """What a value may be, in the words that errors have."""
    return "given or not" if schema.get("type") == "boolean" else in_words(schema, "`")


def _presets_of_stylize() -> str:
    """Where the presets that paint in steps differ: a row for each setting that one of them fills."""
    presets = {name: values for name, values in scumble.StyleSettings.PRESETS.items() if name != "instant"}
    filled = {name: scumble.StyleSettings.model_validate({"preset": name}) for name in presets}
    fields = dict.fromkeys(field for values in presets.values() for field in values)
    rows = [
        [f"`--{field.replace('_', '-')}`", *(_value(getattr(settings, field)) for settings in filled.values())]
        for field in fields
    ]
    return "\n".join(_table(["setting", *(f"`{name}`" for name in presets)], rows))


def _presets_of_training() -> str:
    """The timeline, as `scumble gan presets` lists it, with what each preset sets."""
    with contextlib.redirect_stdout(io.StringIO()) as written:
        app(["gan", "presets", "--json"], exit_on_error=False, print_error=False, result_action="return_value")
    rows = []
    for row in json.loads(written.getvalue())["presets"]:
        values = scumble.GANSettings.PRESETS[row["preset"]]
        flags = ", ".join(f"`--{name.replace('_', '-')} {value}`" for name, value in values.items())
        words = [str(row["year"]), row["paper"], _cell(row["news"]), flags or "the defaults", _cell(row["differs"])]
        rows.append([f"`{row['preset']}`", *words])
    return "\n".join(_table(["preset", "year", "paper", "what was new", "sets", "differs from the paper"], rows))


def _presets_of_translation() -> str:
    """The methods, as `scumble translate presets` lists them, with what each sets."""
    rows = []
    for name, preset in TRANSLATION_PRESETS.items():
        flags = ", ".join(f"`--{field.replace('_', '-')} {value}`" for field, value in preset.values.items())
        told = [preset.paper, preset.news, preset.learns_from, preset.published, preset.differs]
        rows.append([f"`{name}`", str(preset.year), *map(_cell, told), flags])
    columns = ["preset", "year", "paper", "what was new", "learns from", "reported", "differs from the paper", "sets"]
    return "\n".join(_table(columns, rows))


def _layers() -> str:
    """The weights of the layers, for each balance, network and family of losses."""
    rows = []
    for balance in ("subject", "plain"):
        for backbone in ("pocket", "vgg19-caffe"):
            for loss, family in (("gram", "`gram`, `covariance`"), ("wasserstein", "the others")):
                given = {"balance": balance, "backbone": backbone, "loss": loss, "style_weight": 1.0}
                settings = scumble.StyleSettings.model_validate(given)
                terms = settings.terms()._asdict()
                for name in ("style", "content", "transported", "leak"):
                    weights = ", ".join(f"{layer} {figure(weight)}" for layer, weight in terms[name].items())
                    if weights and (name == "style" or loss == "gram"):
                        rows.append([f"`{balance}`", backbone, name, family if name == "style" else "any", weights])
    return "\n".join(_table(["balance", "network", "term", "losses", "layers and weights"], rows))


GENERATED: dict[str, Callable[[], str]] = {
    "commands": _command_pages,
    "settings stylize": lambda: settings_table(scumble.StyleSettings),
    "settings texture": lambda: settings_table(scumble.TextureSettings, scumble.StyleSettings),
    "settings gan train": lambda: settings_table(scumble.GANSettings),
    "settings gan classify": lambda: settings_table(settings_of("gan classify")),
    "presets stylize": _presets_of_stylize,
    "presets gan train": _presets_of_training,
    "settings web": lambda: settings_table(settings_of("web")),
    "settings translate train": lambda: settings_table(scumble.TranslationSettings),
    "presets translate train": _presets_of_translation,
    "layers": _layers,
}


def _table(columns: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (columns, ["---"] * len(columns), *rows)]


def _value(value: Any) -> str:
    """A default as one would type it; nothing where there is none."""
    if value is None or value == () or type(value).__name__ == "PydanticUndefinedType":
        return ""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, tuple):
        return " ".join(map(_value, value))
    return f"`{value}`"


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


# What came out.

HOST = re.compile(r"^\s*(https?:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""", re.IGNORECASE)
LOADED = {"src", "srcset", "poster", "data"}
"""Attributes whose address a browser fetches by itself; of `href`, only that of a `link` is one."""


class _Page(HTMLParser):
    """Collects the addresses of other hosts that a page loads."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            loaded = name in LOADED or (name == "href" and tag in ("link", "image", "use"))
            if value and loaded and HOST.match(value):
                self.found.append(f"<{tag}> {value}")
            if name == "class" and "mermaid" in (value or "").split():
                self.found.append("a diagram, whose program the theme would fetch")

    def handle_data(self, data: str) -> None:
        if self.get_starttag_text() == "<style>":
            self.found += IN_STYLES.findall(data)


def foreign(site: Path) -> Iterator[str]:
    """What the files of a site would fetch from other hosts: "page: address"."""
    for path in sorted(site.rglob("*.html")):
        page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
        yield from (f"{path.relative_to(site)}: {address}" for address in page.found)
    for path in sorted(site.rglob("*.css")):
        for address in IN_STYLES.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: {address}"
