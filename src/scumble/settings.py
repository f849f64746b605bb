"""The base of every job's settings: written once, they become flags, a web form, a recipe and the reference page.

A preset is a dictionary of values that fills the fields nobody set: `StyleSettings(preset="gatys", steps=50)` is the
preset with one value changed, in Python, on the command line and in a recipe alike. Nothing heavy is imported here, so
that `--help` stays fast.
"""

import difflib
from collections.abc import Callable
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from scumble.errors import SettingsError


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
        # A choice between types is written into the place too ("init", "literal[...]"): only names are of interest.
        place = [str(part) for part in error["loc"]] or ["settings"]
        first, *rest = [part for part in place if part.isidentifier()] or place[:1]
        if error["type"] == "extra_forbidden":
            close = difflib.get_close_matches(first, cls.model_fields, n=1)
            return f"unknown setting {first!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        wanted = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        name = ".".join((first.replace("_", "-"), *rest))
        return f"{name}: got {_shown(error['input'])}, wanted {wanted}"

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


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
