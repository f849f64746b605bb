"""The pages of `--help`: what one will want first, and everything for who asks for it."""

import re

import pytest
from cyclopts import App

from conftest import run
from scumble.cli import commands as program
from scumble.cli import pages


def flags_of(command: str) -> set[str]:
    found: App = program.app
    for name in command.split():
        found = found[name]
    return {a.name for a in found.assemble_argument_collection() if a.show and a.name.startswith("--")}


def page(capsys, command: str, flag: str) -> str:
    assert run(*command.split(), flag) == 0
    return capsys.readouterr().out


def shown(text: str) -> set[str]:
    return set(re.findall(r"^│ (?:[ *]  )?(--[a-z0-9-]+)", text, re.MULTILINE))


@pytest.mark.parametrize("command", pages.USUAL)
def test_the_first_page_has_what_is_usual_and_the_second_has_every_flag(command, capsys):
    usual, every = set(pages.USUAL[command]), flags_of(command)
    assert usual <= every
    first = page(capsys, command, "--help")
    assert shown(first) == usual
    assert f"--help-all shows {len(every) - len(usual)} flags more." in first
    assert shown(page(capsys, command, "--help-all")) == every
    assert shown(page(capsys, command, "-h")) == usual  # whatever was asked for before


def test_what_is_usual_stands_in_the_order_in_which_one_will_want_it(capsys):
    first = page(capsys, "stylize", "--help")
    places = [first.index(f"│ {flag} ") for flag in pages.USUAL["stylize"]]
    assert places == sorted(places)


@pytest.mark.parametrize("command", ["", "gan", "compare"])
def test_pages_of_few_flags_are_whole(command, capsys):
    assert page(capsys, command, "--help") == page(capsys, command, "--help-all")
