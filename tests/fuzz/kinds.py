"""What a kind of files is: good ones, a way to spoil them, and what reads them."""

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz.mutations import mutated

Files = dict[str, bytes]
"""What a folder holds: bytes by name."""


class Kind(NamedTuple):
    """One kind of file.

    good: folders that are read without a complaint.
    spoil: one of them, spoiled.
    read: reads what is in the folder, as the program would.
    """

    good: list[Files]
    spoil: Callable[[Files, Random], Files]
    read: Callable[[Path], None]


def one_spoiled(good: list[Files], among: Callable[[str], bool] = bool) -> Callable[[Files, Random], Files]:
    """One file of the folder is spoiled, now and then two; only those whose names are `among` them."""
    everything = [data for held in good for data in held.values()]

    def spoil(held: Files, random: Random) -> Files:
        names = list(filter(among, held))
        chosen = random.sample(names, min(len(names), random.choice((1, 1, 1, 2))))
        others = [data for data in everything if len(data) < 200_000]
        return held | {name: mutated(held[name], others, random) for name in chosen}

    return spoil
