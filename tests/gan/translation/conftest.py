"""What the tests of translation share: tiny photographs, and a run on them."""

from pathlib import Path

import pytest

from conftest import photographs
from scumble.gan.translation.settings import TranslationSettings
from scumble.gan.translation.train import train_translator_events
from scumble.threads import few_threads
from translation_material import SHORT


@pytest.fixture(scope="session")
def photos(tmp_path_factory) -> Path:
    """A folder of 24 photographs in colour."""
    folder = tmp_path_factory.mktemp("photos") / "photos"
    folder.mkdir()
    for number, picture in enumerate(photographs(24)):
        picture.save(folder / f"{number:02}.png")
    return folder


@pytest.fixture(scope="session")
def grey_run(photos, tmp_path_factory) -> Path:
    """A run of a few steps from grey to colour."""
    folder = tmp_path_factory.mktemp("translation")
    # On one thread, as whatever is compared to it to the bit.
    with pytest.MonkeyPatch.context() as patch, few_threads(1):
        patch.setenv("SCUMBLE_HOME", str(folder / "cache"))
        list(train_translator_events(photos, folder / "run", TranslationSettings.model_validate(SHORT)))
    return folder / "run"
