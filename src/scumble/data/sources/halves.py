"""Pictures that are two side by side, as published pairs are kept: a source of left halves, and one of right halves."""

import dataclasses

from scumble.data.sources.source import Item, Opened, Source, digest_of
from scumble.image.files import Picture


def halves_of(source: Source) -> tuple[Source, Source]:
    """The left halves of a source's pictures and the right ones, in the same order; they have no classes."""
    left, right = (
        Source(
            f"{source.name} ({half})",
            [_half(item, half) for item in source.items],
            digest_of([source.digest, half]),
            source.told if half == "left" else (),
        )
        for half in ("left", "right")
    )
    return left, right


def _half(item: Item, half: str) -> Item:
    def look() -> Opened:
        opened = item.opened()
        width, height = opened.size()
        left = 0 if half == "left" else width // 2

        def load() -> Picture:
            picture = opened.load()
            box = (left, 0, left + width // 2, height)
            alpha = picture.alpha and picture.alpha.crop(box)
            return dataclasses.replace(picture, rgb=picture.rgb.crop(box), alpha=alpha, numbers=None)

        raw = opened.raw
        if raw is not None:
            whole = raw.read
            read = lambda: whole()[:, left : left + width // 2]  # noqa: E731
            raw = dataclasses.replace(raw, size=(width // 2, height), read=read)
        return Opened(lambda: (width // 2, height), raw, load)

    return Item(f"{item.name} ({half})", None, lambda: look().load(), look=look)
