"""What `check` shows of data, for both kinds of training."""

import dataclasses
from typing import Any

from scumble.cli import report
from scumble.events import duration


def show(advice: Any, json_line: bool) -> None:
    """What a look at data has found, its warnings, and the commands that it proposes, with their times."""
    if json_line:
        report.data(dataclasses.asdict(advice))
        return
    report.table(["", ""], [[name, value] for name, value in advice.found.items()])
    for warning in advice.warnings:
        report.say(f"note: {warning}")
    for when, command in advice.commands.items():
        report.say(f"{when}, in about {duration(advice.figures['seconds'][when])}: {command}")
