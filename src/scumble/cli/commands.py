"""The program's commands and their flags, as cyclopts reads them.

Commands are loaded when they are called, and they import the engine inside their bodies, so that `--help` and a
mistyped flag answer at once.
"""

from cyclopts import App, CoercionError, CycloptsError, Parameter, UnknownOptionError

from scumble import __version__
from scumble.cli import pages
from scumble.errors import NO_STANDARD_INPUT, SettingsError

NUMBERS = ("--shares", "--style-scale")
"""Flags that take one number each time, or all at once, with commas between."""

app = App(
    name="scumble",
    help="Make pictures with neural networks: paint photographs like paintings, train GANs and translators.",
    version=__version__,
    default_parameter=Parameter(negative_iterable=()),  # no --empty-style-scale beside --style-scale
    help_flags=pages.FLAGS,
)
app.command(
    "scumble.cli.style.commands:stylize",
    name="stylize",
    help="Paint a photograph in the style of a painting.",
    help_formatter=pages.Page("stylize"),
)
app.command(
    "scumble.cli.style.commands:batch",
    name="batch",
    help="Paint many photographs, each in every style.",
    help_formatter=pages.Page("batch"),
)
app.command(
    "scumble.cli.style.commands:texture",
    name="texture",
    help="Make a new picture of what a painting is made of.",
    help_formatter=pages.Page("texture"),
)
app.command("scumble.cli.compare:compare", name="compare", help="Compare painted pictures, side by side.")
app.command("scumble.cli.gan.app:app", name="gan", help="Train GANs on pictures, and draw new ones.")
app.command("scumble.cli.translate:app", name="translate", help="Turn one kind of picture into another, and learn to.")
app.command("scumble.cli.web:web", name="web", help="Open a page for all of this in the browser.")
app.command("scumble.cli.info:info", name="info", help="Show how a picture was made, or what is on this machine.")
app.command("scumble.cli.models:app", name="models", help="List, fetch and remove the networks' weights.")
app.command("scumble.cli.cache:app", name="cache", help="List and clear the cache of prepared pictures.")


def run(arguments: list[str]) -> None:
    """Run a command line.

    Raises:
        SettingsError: if it is none that is known.
        ScumbleError: as the command does.
    """
    pages.whole = pages.ALL in arguments
    try:
        app(one_by_one(arguments), exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise SettingsError(_usage(error)) from None


def one_by_one(arguments: list[str]) -> list[str]:
    """Flags that may be given several times, where their numbers came at once.

    Example:
        >>> one_by_one(["a.jpg", "--shares", "2,1"])
        ['a.jpg', '--shares', '2', '--shares', '1']
    """
    apart: list[str] = []
    for argument in arguments:
        flag, equals, values = argument.partition("=")
        if flag in NUMBERS and equals:
            apart += [f"{flag}={value}" for value in values.split(",")]
        elif apart and apart[-1] in NUMBERS:
            first, *others = argument.split(",")
            apart += [first, *(word for value in others for word in (apart[-1], value))]
        else:
            apart.append(argument)
    return apart


def _usage(error: CycloptsError) -> str:
    """What is wrong with a command line, in one line."""
    if isinstance(error, UnknownOptionError) and "-" in (error.token.keyword, error.token.value):
        what = "-: standard input is not read, and standard output not written to; wanted the name of a file"
        return f"{what} ({NO_STANDARD_INPUT})"
    if isinstance(error, CoercionError) and error.token is not None and error.target_type is not None:
        from pydantic import TypeAdapter

        from scumble.settings import allowed

        name = error.token.keyword or (error.argument.name if error.argument else "argument")
        wanted = allowed(TypeAdapter(error.target_type).json_schema())
        return f"{name.lstrip('-').lower()}: got {error.token.value!r}, wanted {wanted}"
    return " ".join(str(error).split())
