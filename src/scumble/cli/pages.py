"""The pages of `--help`: of a command with many flags, those that one will want first, and with `--help-all` the rest.

Sixty flags on one page hide the ten that nearly everybody uses. What is usual stands here, command by command; what a
flag means, its default and its choices stand where they always do.
"""

from cyclopts.help import DefaultFormatter, HelpEntry, HelpPanel
from rich.console import Console, ConsoleOptions

ALL = "--help-all"
FLAGS = ("--help", "-h", ALL)

USUAL = {
    "stylize": (
        "--output", "--size", "--preset", "--keep", "--strength", "--colour", "--style-scale", "--mask", "--protect",
        "--recipe", "--dry-run", "--resume",
    ),
    "texture": ("--output", "--size", "--aspect", "--preset", "--style-scale", "--seed", "--dry-run", "--resume"),
    "batch": (
        "--style", "--style-mix", "--output", "--size", "--preset", "--keep", "--strength", "--colour", "--recursive",
        "--dry-run",
    ),
    "gan train": (
        "--run", "--preset", "--size", "--images", "--labels", "--condition", "--width", "--augment",
        "--evaluate-every", "--fresh",
    ),
    "translate train": (
        "--run", "--preset", "--pairs", "--direction", "--size", "--images", "--labels", "--width", "--weights",
        "--evaluate-every", "--fresh",
    ),
}  # fmt: skip
"""The flags that one will want, in the order in which one will."""

whole = False
"""Whether all of a page was asked for: set where the command line is read."""


class Page(DefaultFormatter):
    """The page of a command of `USUAL`, which cyclopts hands over panel by panel."""

    def __init__(self, command: str):
        super().__init__()
        self.usual = USUAL[command]

    def __call__(self, console: Console, options: ConsoleOptions, panel: HelpPanel) -> None:
        """Show a panel: that of the flags in two parts, of which the second may wait to be asked for."""
        if panel.title != "Parameters":
            super().__call__(console, options, panel)
            return
        places = {flag: place for place, flag in enumerate(self.usual)}

        def place(entry: HelpEntry) -> int | None:
            return next((places[name] for name in entry.names if name in places), None)

        wanted = sorted((entry for entry in panel.entries if place(entry) is not None), key=lambda e: place(e) or 0)
        others = [entry for entry in panel.entries if place(entry) is None]
        super().__call__(console, options, panel.copy(title="What you will want", entries=wanted))
        if whole:
            super().__call__(console, options, panel.copy(title="Everything else", entries=others))
        else:
            console.print(f"{ALL} shows {len(others)} flags more.")
