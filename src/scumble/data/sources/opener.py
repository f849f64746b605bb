"""Where pictures to learn from come from: folders, zips, arrays, data sets of others, or our own code.

Nothing is ever unpacked to the disk, nothing pickled is ever opened.

| given as                | is                                                                                     |
|-------------------------|----------------------------------------------------------------------------------------|
| `FOLDER`                | all pictures below it; a picture's class is the name of the folder it lies in          |
| `FILE.zip`, `FILE.tar`  | the same inside a zip or a tar; `.tar.gz` and `.tgz` too                               |
| `FILE.npz`              | an array (N, H, W[, C]) and its labels; see `arrays.IMAGE_ARRAYS` for the names        |
| `FILE.npy`              | an array (N, H, W[, C])                                                                |
| `hf:owner/name[:split]` | a data set of the Hugging Face hub; the split is `train` unless given                  |
| `digits`                | 1,797 handwritten digits, 8x8 and grey, from scikit-learn                              |
| `shapes`                | 4,096 discs, squares and triangles, 64x64, drawn by our own code                       |
| `inverse:...`           | any of these, one half of the pictures as they are, the other inverted; `edges:...`    |

A folder or archive may hold a `dataset.json` as StyleGAN's data sets do: `{"labels": [["00000/img0.png", 6], ...]}`; it
then says the classes. Where folders are `train` and `test`, or the like, only the training part is used. A folder that
is called like a built-in set is the folder. Where some pictures have no class, as those in a folder `unlabelled`, the
others are few labels. Labels may also be given beside any of them: as a table, see `table`, or as pictures with
classes, see `beside`.
"""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from scumble.data.sources.arrays import from_npy, from_npz
from scumble.data.sources.beside import with_beside
from scumble.data.sources.builtin import digits, shapes
from scumble.data.sources.domains import DOMAINS, in_two_domains
from scumble.data.sources.folder import from_folder
from scumble.data.sources.hub import from_hub
from scumble.data.sources.names import SUFFIXES
from scumble.data.sources.source import Source, refuse_several
from scumble.data.sources.table import labelled
from scumble.data.sources.tar import from_tar
from scumble.data.sources.zip import from_zip
from scumble.errors import DataError, SettingsError, reason
from scumble.events import Noted

FILE_KINDS: dict[str, Callable[[Path, bool], Source]] = {
    ".zip": from_zip,
    ".tar": from_tar,
    ".tar.gz": from_tar,
    ".tgz": from_tar,
    ".npz": from_npz,
    ".npy": from_npy,
}
BUILT_IN: dict[str, Callable[[], Source]] = {"digits": digits, "shapes": shapes}


def open_source(given: str | Path, labels: str | Path | None = None, several: bool = True) -> Source:
    """The source that a name stands for; see the table above.

    Args:
        given: the name.
        labels: a table of labels, or more pictures with classes, in any of these forms; they take the place of any
            labels that the source has.
        several: whether a picture may have several labels.

    Raises:
        DataError: if there is nothing of that name, it holds no pictures, or it cannot be read; likewise of the labels;
            or if they are the source itself, or give a picture several labels where it may not have them.
        SettingsError: if the name is empty.

    Example:
        >>> source = open_source("digits")
        >>> len(source.items), source.items[0].label, source.items[0].load().size
        (1797, '0', (8, 8))
    """
    source = _opened(given)
    source = source if labels is None else _with_labels(source, given, labels)
    if not several:
        refuse_several(source)
    return source


def _with_labels(source: Source, given: str | Path, labels: str | Path) -> Source:
    path = Path(labels)
    if not (path.is_dir() or _kind_of(path) or str(labels).startswith("hf:")):
        return labelled(source, path)
    if path.exists() and Path(given).exists() and path.samefile(given):
        raise DataError(f"the labels {labels} are the data itself", "where its folders are classes, leave --labels out")
    return with_beside(source, _opened(labels))


def _opened(given: str | Path) -> Source:
    name = str(given)
    if not name.strip():
        raise SettingsError(f"data: got an empty name; wanted {_wanted()}")
    if _is_built_in(name):
        return BUILT_IN[name]()
    if name.startswith("hf:"):
        return from_hub(name)
    if (domain := _domain_of(name)) is not None:
        return in_two_domains(_opened(name.removeprefix(f"{domain}:")), domain)
    source = _from_path(Path(given), testing=False)
    if not source.items:
        held = "; ".join(event.message for event in source.told) or None
        raise DataError(f"{given} holds no pictures; wanted files such as {', '.join(SUFFIXES[:4])}", held)
    if name in BUILT_IN:
        note = Noted(f"{name} is the folder of that name here, and not the built-in pictures")
        return dataclasses.replace(source, told=(note, *source.told))
    return source


def open_testing_part(given: str | Path) -> Source | None:
    """The pictures that `open_source` leaves out because they are for testing; None where there are none.

    Raises:
        DataError: as with `open_source`.
    """
    name = str(given)
    if _is_built_in(name) or name.startswith("hf:"):
        return None
    if (domain := _domain_of(name)) is not None:
        there = open_testing_part(name.removeprefix(f"{domain}:"))
        return None if there is None else in_two_domains(there, domain)
    source = _from_path(Path(given), testing=True)
    return source if source.items else None


def _is_built_in(name: str) -> bool:
    return name in BUILT_IN and not Path(name).is_dir()


def _domain_of(name: str) -> str | None:
    """The word before the colon, if it names what is made of half of the pictures; a path of that name comes first."""
    word, colon, _ = name.partition(":")
    return word if colon and word in DOMAINS and not Path(name).exists() else None


def _wanted() -> str:
    return f"a folder, {', '.join(f'a {kind}' for kind in FILE_KINDS)}, hf:owner/name, {' or '.join(BUILT_IN)}"


def _from_path(path: Path, testing: bool) -> Source:
    try:
        return _from_files(path, testing)
    except (OSError, ValueError) as error:  # a name that the system refuses to look at
        raise DataError(f"{str(path)[:200]!r} cannot be read: {reason(error)}") from error


def _kind_of(path: Path) -> str | None:
    """The ending of `FILE_KINDS` that a file's name has."""
    return next((kind for kind in FILE_KINDS if path.name.lower().endswith(kind)), None)


def _from_files(path: Path, testing: bool) -> Source:
    if path.is_dir():
        return from_folder(path, testing)
    if not path.exists():
        raise DataError(f"{path} does not exist; wanted {_wanted()}")
    kind = _kind_of(path)
    if kind is not None and path.is_file():  # a pipe would never end
        return FILE_KINDS[kind](path, testing)
    raise DataError(f"{path} is a file that ends in {path.suffix or 'nothing'!r}; wanted {_wanted()}")
