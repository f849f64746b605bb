"""What the tests of the server share."""

import pytest

from scumble.web.settings import WebSettings
from served import Server
from web_client import opened


@pytest.fixture
def settings(tmp_path):
    return WebSettings(home=tmp_path / "home")


@pytest.fixture
def client(settings):
    with opened(settings) as client:
        yield client


@pytest.fixture(scope="module")
def server(tmp_path_factory, loopback):
    """A server in a process of its own, which ends well."""
    one = Server(tmp_path_factory.mktemp("server"))
    yield one
    code = one.stop()
    said = one.said.read_text()
    assert "Traceback" not in said, said
    assert code == 0, said
