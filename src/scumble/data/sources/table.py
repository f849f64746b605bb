"""A table of labels that comes with pictures: a row for each, or several, in one of the forms that people have them in.

| form                                                    | a picture's labels are                                 |
|---------------------------------------------------------|--------------------------------------------------------|
| `picture,class`                                         | the class; several in one cell with ; or a bar between |
| `picture,smiling,glasses,...`, cells 1 and 0, or 1, -1  | the names of the columns that say 1                    |
| several rows for a picture                              | those of all its rows                                  |

Cells are parted by commas, semicolons or tabs, as the first line has them, or, if it has none, by spaces, as in
CelebA's list_attr_celeba.txt. Which column names the pictures is seen from the names; of other columns, one that is
called class, labels, tags or the like goes before what else a table may hold. A picture is named by its path or the end
of it, with or without its ending. Where every picture turns out to have just one label, these are classes like any
others. Pictures that no row names have no class, and so have those whose cell for it is empty.
"""

import csv
import dataclasses
import io
import re
from collections.abc import Iterable
from pathlib import Path

from scumble.data.labels import SHOWN, Label, listed
from scumble.data.sources.source import Source, digest_of
from scumble.errors import DataError, reason
from scumble.events import Noted, Warned

MAX_BYTES = 1 << 30
YES, NO = {"1", "1.0", "true"}, {"0", "0.0", "-1", "-1.0", "false", ""}
CALLED_CLASSES = re.compile(r"\b(class(es)?|labels?|tags?|categor(y|ies))\b", re.IGNORECASE)
BETWEEN = re.compile(r"[;|]")


def labelled(source: Source, path: Path) -> Source:
    """The pictures of a source with the labels of a table.

    Raises:
        DataError: if the table cannot be read, names none of the pictures, or says nothing that can be understood.
    """
    header, rows = _read(path)
    index = _index(item.name for item in source.items)
    # A class called 3 is the name of 3.png as well, but of one picture only.
    named = [{_picture(row[column], index) for row in rows} - {None} for column in range(len(header))]
    of_pictures = max(range(len(header)), key=lambda column: len(named[column]))
    if not named[of_pictures]:
        got, wanted = rows[0][0], source.items[0].name
        raise DataError(
            f"{path} names no picture of {source.name}: its first row is {got!r}; wanted names like {wanted!r}"
        )
    if _picture(header[of_pictures], index) is not None:  # a table without names of its columns
        header, rows = [f"column {number}" for number in range(1, len(header) + 1)], [header, *rows]
    columns, are_flags = _label_columns(header, rows, of_pictures, path)
    found: dict[str, set[str]] = {}
    for row in rows:
        name = _picture(row[of_pictures], index)
        if name is not None:
            found.setdefault(name, set()).update(_labels_of(row, header, columns, are_flags))
    labels = _as_labels(found, are_flags, path)
    told = [*source.told, *_told(header, rows, index, of_pictures, columns, path), *_doubted(found, are_flags, path)]
    items = [dataclasses.replace(item, label=labels.get(item.name)) for item in source.items]
    digest = digest_of([source.digest, [item.label for item in items]])
    return dataclasses.replace(source, items=items, digest=digest, told=tuple(told))


# --- Reading --------------------------------------------------------------------------------------------------------


def _read(path: Path) -> tuple[list[str], list[list[str]]]:
    """The names of the columns, "" where one has none, and the rows, all as long."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            what = "is larger than tables of labels are" if path.is_file() else "is no file"
            what = what if path.exists() else "does not exist"
            raise DataError(
                f"{path} {what}; wanted a table of labels, such as labels.csv, or a folder of class folders"
            )
        text = _decoded(path.read_bytes())
        rows = [row for row in ([cell.strip() for cell in row] for row in _cells(text)) if any(row)]
    except (OSError, ValueError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as a table of labels: {reason(error)}") from error
    if rows and len(rows[0]) == 1 and rows[0][0].isdecimal():
        rows = rows[1:]  # how many pictures there are, above CelebA's table
    if len(rows) < 2:
        got = "holds nothing" if not rows else f"has a single row, {','.join(rows[0])[:60]!r}"
        raise DataError(f"{path} {got}; wanted the names of the columns, and a row for each picture")
    header, *rows = rows
    header = [""] * (len(rows[0]) == len(header) + 1) + header  # that of the pictures has no name there
    for number, row in enumerate(rows, 1):
        if len(row) != len(header) or len(header) < 2:
            raise DataError(
                f"{path}: row {number} has {len(row)} cells and the first line {len(header)}; wanted as many, 2 or more"
            )
    return header, rows


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")  # as spreadsheets in the west write


def _cells(text: str) -> Iterable[list[str]]:
    first = next((line for line in text.splitlines() if line.strip() and not line.strip().isdecimal()), "")
    mark = max(",;\t", key=first.count)
    return (
        csv.reader(io.StringIO(text, newline=""), delimiter=mark)
        if mark in first
        else map(str.split, text.splitlines())
    )


def _index(names: Iterable[str]) -> dict[str, str | None]:
    """By what a table may call it, the name of each picture; None where several are called so."""
    names = list(names)
    index: dict[str, str | None] = {}
    for name in names:
        parts = name.split("/")
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        for key in {*ends, *(end.rpartition(".")[0] or end for end in ends)}:
            index[key] = None if key in index else name
    return index | dict(zip(names, names, strict=True))


def _picture(cell: str, index: dict[str, str | None]) -> str | None:
    """The name of the picture that a cell names; None if there is none, or several."""
    return index.get(cell.replace("\\", "/").removeprefix("./"))


# --- Understanding --------------------------------------------------------------------------------------------------


def _label_columns(header: list[str], rows: list[list[str]], of_pictures: int, path: Path) -> tuple[list[int], bool]:
    """The columns that hold labels, and whether they say yes or no to one each."""
    others = [column for column in range(len(header)) if column != of_pictures]
    flags = [column for column in others if _is_flag(row[column] for row in rows)]
    called = [column for column in others if CALLED_CLASSES.search(header[column].replace("_", " "))]
    if len(flags) > 1 and (len(flags) == len(others) or not called):
        return flags, True
    if called or len(others) == 1:
        return (called or others)[:1], False
    wanted = "wanted one that is called class or labels, or several of 0 and 1"
    raise DataError(f"{path} has the columns {', '.join(header[:SHOWN])}; {wanted}")


def _is_flag(cells: Iterable[str]) -> bool:
    found = {cell.lower() for cell in set(cells)}
    return found <= YES | NO and found != {""}


def _labels_of(row: list[str], header: list[str], columns: list[int], are_flags: bool) -> list[str]:
    if are_flags:
        return [header[column] for column in columns if row[column].lower() in YES]
    return [part for part in map(str.strip, BETWEEN.split(row[columns[0]])) if part]


def _as_labels(found: dict[str, set[str]], are_flags: bool, path: Path) -> dict[str, Label]:
    """By picture: its class where all have one at most, else its labels, in order."""
    most = max(map(len, found.values()))
    if most < 2 and not (are_flags and any(not names for names in found.values())):
        return {picture: name for picture, names in found.items() for name in names}
    for name in sorted({name for names in found.values() for name in names}):
        if "," in name:
            raise DataError(
                f"{path} has the label {name!r}; wanted labels without commas, which part them on command lines"
            )
    return {picture: tuple(sorted(names)) for picture, names in found.items()}


def _told(
    header: list[str],
    rows: list[list[str]],
    index: dict[str, str | None],
    of_pictures: int,
    columns: list[int],
    path: Path,
) -> list[Noted | Warned]:
    """What of the table was passed over."""
    told: list[Noted | Warned] = []
    if unused := [name for column, name in enumerate(header) if column not in (of_pictures, *columns)]:
        told.append(Noted(f"{path.name}: passed over, as no labels, the columns {listed(unused)}"))
    if missing := [row[of_pictures] for row in rows if _picture(row[of_pictures], index) is None]:
        what = f"{len(missing):,} of {len(rows):,} rows of {path.name} name no picture, or several"
        told.append(Warned(f"{what}, the first: {missing[0]}"))
    return told


def _doubted(found: dict[str, set[str]], are_flags: bool, path: Path) -> list[Warned]:
    """That a few pictures have several labels, where most have one: two rows may disagree about a class."""
    several = {name: labels for name, labels in found.items() if len(labels) > 1}
    if are_flags or not several or 2 * len(several) > len(found):
        return []
    name, labels = next(iter(several.items()))
    what = f"{len(several):,} of {len(found):,} pictures of {path.name} have several labels"
    return [Warned(f"{what}, the first: {name}, {' and '.join(sorted(labels))}")]
