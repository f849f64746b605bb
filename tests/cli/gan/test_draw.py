"""Commands that draw: seeds as they are typed."""

import pytest

from scumble.cli.gan.draw import parse_seeds
from scumble.errors import SettingsError


def test_seeds_are_numbers_and_ranges():
    assert parse_seeds("3,7,20-22") == [3, 7, 20, 21, 22]
    assert parse_seeds("5") == [5]
    for text in ("", "a", "1-", "-3", "4-2", "1,,2", "0-99999999", "1.5"):
        with pytest.raises(SettingsError, match="seeds: got"):
            parse_seeds(text)
