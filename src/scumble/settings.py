"""The base of every job's settings: written once, they become flags, a web form, a recipe and the reference page.

A preset is a dictionary of values that fills the fields nobody set: `StyleSettings(preset="gatys", steps=50)` is the
preset with one value changed, in Python, on the command line and in a recipe alike. Nothing heavy is imported here, so
that `--help` stays fast.
"""

import difflib
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from scumble.errors import SettingsError

Function = TypeVar("Function", bound=Callable[..., Any])


class Settings(BaseModel):
    """Frozen settings of a job; those with presets have a field `preset`.

    Unknown names and bad values raise `SettingsError`, in one line.

    `model_fields_set` names the fields that the caller gave, not those that a preset filled.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    PRESETS: ClassVar[dict[str, dict[str, Any]]] = {}

    @model_validator(mode="wrap")
    @classmethod
    def _fill_from_preset(cls, given: Any, validate: Callable[[Any], Self]) -> Self:
        if isinstance(given, cls):
            return given
        preset = given.get("preset", cls.model_fields["preset"].default if "preset" in cls.model_fields else None)
        try:
            # Jobs share presets, and not every job has all of their fields.
            filled = {
                name: value for name, value in cls.PRESETS.get(str(preset), {}).items() if name in cls.model_fields
            }
            settings = validate(filled | given)
        except ValidationError as error:
            raise SettingsError(cls._explain(error.errors()[0])) from None
        settings.__pydantic_fields_set__.intersection_update(given)
        return settings

    @classmethod
    def _explain(cls, error: ErrorDetails) -> str:
        """One line for pydantic's first complaint: the flag, what was got, what was wanted."""
        if error["type"] == "extra_forbidden":
            name = str(error["loc"][0])
            close = difflib.get_close_matches(name, cls.model_fields, n=1)
            return f"unknown setting {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        (first, *rest), words = complaint(cls, error)
        return f"{'.'.join((first.replace('_', '-'), *rest))}: {words}"

    def __repr_args__(self) -> Iterator[tuple[str, Any]]:
        """What the caller gave, and the preset: the rest follows from them, and `dict(settings)` has it all."""
        shown = {"preset", *self.model_fields_set}
        yield from ((name, getattr(self, name)) for name in type(self).model_fields if name in shown)

    def __str__(self) -> str:
        return repr(self)

    def filled_from(self, recipe: dict[str, Any]) -> Self:
        """These settings over a recipe's: what the caller gave wins, the recipe fills the rest.

        A preset that the caller gave takes the place of the recipe's: of all fields that presets have values for, the
        recipe's are dropped.

        Raises:
            SettingsError: if the recipe holds names or values that this version does not know.
        """
        given = self.model_dump(include=self.model_fields_set)
        if "preset" in given:
            of_presets = {name for values in self.PRESETS.values() for name in values}
            recipe = {name: value for name, value in recipe.items() if name not in of_presets}
        return type(self)(**(recipe | given))


def complaint(record: type[BaseModel], error: ErrorDetails) -> tuple[list[str], str]:
    """Where a record is wrong, by the names on the way there, and what was got and wanted.

    Every complaint of pydantic's that a user meets comes through here. The words are made from what the field may be,
    not from what pydantic says of the value, so that there are some for each of its kinds of errors.

    Args:
        record: the class that was to be made.
        error: one of the complaints.

    Example:
        >>> class Brush(BaseModel):
        ...     width: int
        >>> try:
        ...     Brush.model_validate({"width": "wide"})
        ... except ValidationError as refused:
        ...     complaint(Brush, refused.errors()[0])
        (['width'], "got 'wide', wanted a whole number")
    """
    schema = record.model_json_schema()
    names, place = _place_in(schema, error["loc"], schema.get("$defs", {}))
    got = "nothing" if error["type"] == "missing" else _shown(error["input"])
    # A validator of ours says what it wanted; pydantic puts two words before it.
    own = error["msg"].removeprefix("Value error, ") if error["type"] == "value_error" else None
    return names or ["settings"], f"got {got}, wanted {own or allowed(place)}"


def takes(settings: type[Settings]) -> Callable[[Function], Function]:
    """Tell what a function takes by `**settings`: `help` lists the fields, and a notebook completes their names."""

    def told(function: Function) -> Function:
        schemas = settings.model_json_schema()["properties"]
        fields = [f"{n}: {field.description}; {allowed(schemas[n])}" for n, field in settings.model_fields.items()]
        lines = [textwrap.fill(field, 116, initial_indent=" " * 4, subsequent_indent=" " * 8) for field in fields]
        title = "Settings, of which a preset fills those that it has values for:"
        function.__doc__ = "\n".join([inspect.getdoc(function) or "", "", title, *lines])
        signature = inspect.signature(function)
        named = [one for one in signature.parameters.values() if one.kind is not one.VAR_KEYWORD]
        named += [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=field.get_default())
            for name, field in settings.model_fields.items()
        ]
        function.__signature__ = signature.replace(parameters=named)  # pyright: ignore[reportFunctionMemberAccess]
        return function

    return told


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."


def one_or_more(values: Any) -> Any:
    """What a field of several numbers takes for them: one alone, or a text with commas between.

    Example:
        >>> one_or_more("2,1"), one_or_more(0.5)
        (['2', '1'], (0.5,))
    """
    if isinstance(values, str):
        return values.split(",")
    return (values,) if isinstance(values, int | float) else values


def allowed(schema: Mapping[str, Any], quote: str = "'") -> str:
    """What a value may be, in words, from its JSON schema: errors and the reference say the same.

    Args:
        schema: of one field.
        quote: what stands around words to be typed as they are.

    Example:
        >>> allowed({"anyOf": [{"const": "auto"}, {"type": "integer", "exclusiveMinimum": 0, "maximum": 64}]})
        "'auto' or a whole number from 1 to 64"
    """
    return _one_of([words for one in schema.get("anyOf", [schema]) for words in _choices(one, quote)])


def _one_of(words: Sequence[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def _choices(schema: Mapping[str, Any], quote: str) -> list[str]:
    """The words for each of a schema's values where it lists them, else for all of them."""
    if "enum" in schema or "const" in schema:
        choices = schema.get("enum") or [schema["const"]]
        return [f"{quote}{choice}{quote}" if isinstance(choice, str) else str(choice) for choice in choices]
    return [] if schema.get("type") == "null" else [_kind(schema, quote)]


def _kind(schema: Mapping[str, Any], quote: str) -> str:
    match schema.get("type"):
        case "integer" | "number":
            return _range(schema)
        case "array" if "items" in schema:
            return f"one or more: {allowed(schema['items'], quote)}"
        case "array":
            return f"{len(schema['prefixItems'])} values"
        case "object" if isinstance(schema.get("additionalProperties"), dict):
            return f"one or more by name: {allowed(schema['additionalProperties'], quote)}"
        case "object":
            return "names and values"
        case "boolean":
            return "true or false"
        case _ if "pattern" in schema:
            # Examples tell more than a regular expression.
            examples = [str(example) for example in schema.get("examples", [])]
            return f"something like {_one_of(examples)}" if examples else "another text"
        case "string":
            return "a file" if schema.get("format") == "path" else "text"
        case _:  # another record, or whatever there is
            return "names and values" if "$ref" in schema else "a value"


def _range(schema: Mapping[str, Any]) -> str:
    """A number's range; whole numbers above 0 begin with 1."""
    whole = schema["type"] == "integer"
    low, high = schema.get("minimum"), schema.get("maximum")
    if whole and "exclusiveMinimum" in schema:
        low = schema["exclusiveMinimum"] + 1
    begin = f" from {figure(low)}" if low is not None else ""
    if "exclusiveMinimum" in schema and not whole:
        begin = f" above {figure(schema['exclusiveMinimum'])}"
    end = "" if high is None else f" to {figure(high)}" if low is not None else f", up to {figure(high)}"
    if "exclusiveMaximum" in schema:
        end = f", below {figure(schema['exclusiveMaximum'])}"
    return f"{'a whole number' if whole else 'a number'}{begin}{end}"


def figure(value: float) -> str:
    """A limit or a weight as people write it.

    Example:
        >>> figure(65536), figure(2**63), figure(1 / 64)
        ('65,536', '2^63', '0.0156')
    """
    if value == int(value):
        power = int(value).bit_length() - 1
        return f"2^{power}" if power > 30 and value == 2**power else f"{int(value):,}"
    return f"{value:.3g}"


def _place_in(
    schema: Mapping[str, Any], way: Sequence[int | str], records: Mapping[str, Any]
) -> tuple[list[str], Mapping[str, Any]]:
    """The names on the way into a record, and the schema of the value that lies there."""
    names = []
    for part in way:
        options = [records.get(str(one.get("$ref")).rpartition("/")[2], one) for one in schema.get("anyOf", [schema])]
        inside = next((found for one in options if (found := _inside(one, part)) is not None), None)
        if inside is not None:  # else it is no part, but which of several types was tried
            schema = inside
            names += [part] if isinstance(part, str) else []
    return names, schema


def _inside(schema: Mapping[str, Any], part: int | str) -> Mapping[str, Any] | None:
    """The schema of one part of a record, of a value by name, or of one of several."""
    if isinstance(part, int):
        return next(iter(schema.get("prefixItems", ())[part : part + 1]), schema.get("items"))
    others = schema.get("additionalProperties")
    return schema.get("properties", {}).get(part, others if isinstance(others, dict) else None)
