"""Write src/scumble/keywords.py: the settings as keyword arguments, as type checkers and editors read them.

    python recipes/keywords.py

Run it when a field of the settings is new, gone, or of another type; a test compares the file with the models.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from scumble.gan.settings import GANSettings
from scumble.gan.translation.settings import TranslationSettings
from scumble.style.settings import PaintSettings, StyleSettings, TextureSettings

FILE = Path(__file__).parents[1] / "src" / "scumble" / "keywords.py"

MODELS = {
    "PaintKeywords": (PaintSettings, None),
    "StyleKeywords": (StyleSettings, "PaintKeywords"),
    "TextureKeywords": (TextureSettings, "PaintKeywords"),
    "GANKeywords": (GANSettings, None),
    "TranslationKeywords": (TranslationSettings, None),
}

NUMBERS = "float | Sequence[float]"
LAYERS = "Mapping[str, float] | Mapping[int, float]"
TAKEN = {
    "PaintKeywords": {
        "bits": "Literal[8, 16]",
        "shares": f"{NUMBERS} | None",
        "style_scale": NUMBERS,
        "style_layers": f"{LAYERS} | None",
    },
    "StyleKeywords": {"content_layers": f"{LAYERS} | None"},
    "GANKeywords": {"channels": 'int | Literal["auto"]', "size": "int | str"},
    "TranslationKeywords": {"size": "int | str"},
}
"""What is taken where a value is looked at before it is checked, which its type does not tell."""

HEADER = '''"""The settings as keyword arguments, for type checkers and editors. Written by recipes/keywords.py."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict
'''


def module() -> str:
    """The text of the module."""
    classes = "".join(_class(name, *whose) for name, whose in MODELS.items())
    command = [sys.executable, "-m", "ruff", "format", "--line-length", "120", "-"]
    done = subprocess.run(command, input=HEADER + classes, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout


def _class(name: str, model: type[BaseModel], base: str | None) -> str:
    known = MODELS[base][0].model_fields if base else {}
    taken = TAKEN.get(name, {})
    lines = [
        f"    {field}: {taken.get(field) or _type_of(field, info)}\n"
        for field, info in model.model_fields.items()
        if field not in known
    ]
    doc = f'    """Those of `{model.__name__}`."""\n\n'
    return f"\n\nclass {name}({base or 'TypedDict'}, total=False):\n{doc}{''.join(lines)}"


def _type_of(field: str, info: FieldInfo) -> str:
    whole = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
    if any(isinstance(part, BeforeValidator) for part in _metadata(whole)):
        raise SystemExit(f"{field}: values are looked at before they are checked: say in TAKEN what is taken")
    return " | ".join(dict.fromkeys(_parts(whole)))


def _parts(kind: Any) -> Iterator[str]:
    """The members of a union, None last."""
    if get_origin(kind) is Annotated:
        yield from _parts(get_args(kind)[0])
    elif get_origin(kind) in (Union, UnionType):
        for member in sorted(get_args(kind), key=lambda member: member is NoneType):
            yield from _parts(member)
    elif get_origin(kind) is Literal:
        yield f"Literal[{', '.join(map(repr, get_args(kind)))}]"
    elif kind is NoneType:
        yield "None"
    elif kind is Path:
        yield from ("str", "Path")
    else:
        yield kind.__name__


def _metadata(kind: Any) -> Iterator[Any]:
    if get_origin(kind) is Annotated:
        yield from get_args(kind)[1:]
    for part in get_args(kind):
        yield from _metadata(part)


if __name__ == "__main__":
    FILE.write_text(module(), encoding="utf-8")
    print(FILE)
