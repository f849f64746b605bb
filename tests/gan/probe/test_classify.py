"""The probe as a function: what it is given reaches the job, and what the job returns comes back."""

import pytest

import scumble
from scumble.errors import SettingsError
from scumble.events import Noted
from scumble.gan.probe import protocol


def test_it_is_the_job_without_its_events(monkeypatch):
    given = []

    def events(*arguments):
        given.extend(arguments)
        yield Noted("on its way")
        return {"rows": []}

    monkeypatch.setattr(protocol, "classify_events", events)
    assert scumble.classify("run", "data", "out", semi=["other"], draws=3, side=2) == {"rows": []}
    run, data, output, settings, features_file, semi = given[:6]
    assert (run, data, output, features_file, semi) == ("run", "data", "out", None, ["other"])
    assert (settings.draws, settings.side) == (3, 2)
    with pytest.raises(SettingsError, match="draws"):
        scumble.classify("run", "data", draws=0)
