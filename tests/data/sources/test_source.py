"""Going through all items of a source."""

import warnings

import pytest

from scumble.data.sources.source import Item, Source, for_each
from scumble.errors import ImageError
from scumble.events import Progress


@pytest.mark.parametrize("count", [1, 3, 450, 1001])
def test_every_item_is_looked_at_once_and_progress_is_told_in_steps_of_half_a_percent(count):
    items = [Item(str(number), None, lambda: pytest.fail("decoded")) for number in range(count)]
    seen, before, events = [], list(warnings.filters), []

    def look(item: Item) -> None:
        seen.append(item.name)
        if item.name == "2":
            raise ImageError("damaged")

    going = for_each(Source("photos", items, ""), "look", look)
    while True:
        try:
            events.append(next(going))
        except StopIteration as end:
            unreadable = end.value
            break
        assert list(warnings.filters) == before  # whoever hears of it finds its own
    assert seen == [item.name for item in items]
    assert unreadable == ([("2", "damaged")] if count > 2 else [])
    step = max(1, count // 200)
    done = [event.done for event in events if isinstance(event, Progress)]
    assert done == [number for number in range(1, count + 1) if number % step == 0 or number == count]
