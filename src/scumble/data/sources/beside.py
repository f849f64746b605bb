"""A few labelled pictures beside many without labels: a folder of class folders, or whatever else has classes.

People copy pictures into a folder for each class, or move them there. A copy that kept its name is known by its bytes
and learnt from once: the picture among the others gets its class.
"""

import dataclasses
from collections import Counter

from scumble.data.labels import numbered, why_no_classes
from scumble.data.sources.source import Item, Source, digest_of
from scumble.errors import DataError, ImageError
from scumble.events import Noted


def with_beside(source: Source, few: Source) -> Source:
    """The pictures of a source, without the classes that they may have there, and those of another with theirs.

    Raises:
        DataError: if the other has no classes, or one picture in two of them.
    """
    labels = [item.label for item in few.items]
    if numbered(labels)[0] is None:
        why = why_no_classes(labels, [item.name for item in few.items])
        raise DataError(f"{few.name} has no classes ({why}); wanted a folder for each class, with some pictures")
    names = Counter(_last(item) for item in (*source.items, *few.items))
    labelled: dict[tuple[str, str], Item] = {}
    for item in few.items:
        first = labelled.setdefault(_identity(item, names), item)
        if first.label != item.label:
            raise DataError(f"{few.name}: {first.name} and {item.name} are one picture in two classes; wanted one")
    asked = {name for name, _ in labelled}
    both = {n: key for n, item in enumerate(source.items) if _last(item) in asked for key in [_identity(item, names)]}
    same = {n: labelled[key].label for n, key in both.items() if key in labelled}
    items = [dataclasses.replace(item, label=same.get(n)) for n, item in enumerate(source.items)]
    here = {both[n] for n in same}
    others = [item for key, item in labelled.items() if key not in here]
    items += [dataclasses.replace(item, name=f"{few.name}/{item.name}") for item in others]
    digest = digest_of([source.digest, few.digest, [item.label for item in items]])
    note = f"{few.name}: {len(labelled):,} labelled pictures; {len(here):,} of them lie in {source.name} too"
    return dataclasses.replace(source, items=items, digest=digest, told=(*source.told, *few.told, Noted(note)))


def _last(item: Item) -> str:
    return item.name.rpartition("/")[2]


def _identity(item: Item, names: Counter[str]) -> tuple[str, str]:
    """The last part of its name, and a digest of its bytes where several are called so, else its whole name."""
    last = _last(item)
    if names[last] < 2:
        return last, item.name
    try:
        return last, item.load().sha256
    except ImageError:  # said when all are read
        return last, item.name
