"""What the tests of the server share."""

import pytest
from starlette.testclient import TestClient

from scumble.web.app import create
from scumble.web.settings import WebSettings
from served import Server


@pytest.fixture
def settings(tmp_path):
    return WebSettings(home=tmp_path / "home")


@pytest.fixture
def client(settings):
    """A client of the application in this process; its workers are not started."""
    return TestClient(create(settings), base_url="http://127.0.0.1:8282", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory, loopback):
    """A server in a process of its own, which ends well."""
    one = Server(tmp_path_factory.mktemp("server"))
    yield one
    code = one.stop()
    said = one.said.read_text()
    assert "Traceback" not in said, said
    assert code == 0, said
