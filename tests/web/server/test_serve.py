"""The server as a process: how it begins and ends, how much memory it takes, and what it does with slow clients."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from conftest import encoded, run
from scumble.errors import ScumbleError
from scumble.web import serve
from scumble.web.settings import WebSettings
from served import FORM, PATIENCE_SECONDS, Server, form, parsed, read_all

IDLE_BYTES = 80_000_000


def test_an_idle_server_takes_less_than_80_megabytes_and_imports_nothing_that_computes(server):
    for path in ("/", "/jobs", "/api/jobs", "/api/forms/stylize", "/openapi.json", "/api/data", "/api/models"):
        assert server.ask("GET", path).status == 200, path
    assert server.ask("POST", "/api/uploads", form(("a.png", encoded(0))), content_type=FORM).status == 201
    assert server.memory() < IDLE_BYTES
    import psutil

    loaded = {path.path.rsplit("/")[-1] for path in psutil.Process(server.process.pid).memory_maps()}
    assert not {name for name in loaded if name.startswith(("libtorch", "_multiarray_umath"))}


def test_a_second_server_of_the_same_home_is_refused(server, capsys):
    assert run("web", "--home", server.home, "--port", 0) == 1
    assert f"running already: http://127.0.0.1:{server.port}/" in " ".join(capsys.readouterr().err.split())


def test_a_port_that_is_taken_is_told(tmp_path, server, capsys):
    assert run("web", "--home", tmp_path / "other", "--port", server.port) == 1
    error = capsys.readouterr().err
    assert f"port {server.port} of 127.0.0.1 cannot be used" in " ".join(error.split())
    assert "--port 0 finds a free one" in " ".join(error.split())


@pytest.mark.parametrize("address", ["203.0.113.7", "no.such.name.invalid", "x" * 300])
def test_an_address_that_is_not_ours_is_told(tmp_path, address, monkeypatch):
    settings = WebSettings(home=tmp_path, listen=address, token="0123456789abcdef", port=0)
    with pytest.raises(ScumbleError, match="cannot be used"), serve.listening(settings):
        pass


def test_a_home_that_cannot_be_written_to_is_told(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run("web", "--home", tmp_path / "file", "--port", 0) == 1
    assert "cannot be" in capsys.readouterr().err


def test_exposed_without_a_token_it_does_not_begin(tmp_path, capsys):
    assert run("web", "--home", tmp_path / "home", "--listen", "0.0.0.0") == 2
    assert "wanted a token beside it" in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "home").exists()


def test_what_people_paint_is_their_own_affair(server):
    assert server.home.stat().st_mode & 0o777 == 0o700


def test_folders_that_are_not_there_are_told(tmp_path, capsys):
    assert run("web", "--data", tmp_path / "none") == 2
    assert "wanted a folder that is there" in " ".join(capsys.readouterr().err.split())
    assert WebSettings(home="x", data=["."]).data == (Path.cwd(),)


def test_a_user_without_a_home_folder_still_has_one_for_the_page(monkeypatch):
    from scumble.web import settings

    def refuse(name):
        raise RuntimeError("no home")

    monkeypatch.setattr(settings.platformdirs, "user_data_dir", refuse)
    assert WebSettings().home.name == "web"


def test_where_packages_are_missing_their_name_is_told(monkeypatch, capsys):
    import sys

    monkeypatch.setitem(sys.modules, "scumble.web.serve", None)
    monkeypatch.setattr("scumble.cli.web.NEEDED", ("scumble.web.serve",))
    assert run("web", "--port", 0) == 1
    assert "pip install 'scumble[web]'" in capsys.readouterr().err


def test_the_address_has_the_token_and_a_host_that_can_be_asked_for(tmp_path):
    token = "0123456789abcdef"
    here = WebSettings(home=tmp_path)
    assert serve.address(here, 8282) == "http://127.0.0.1:8282/"
    assert serve.address(here.model_copy(update={"listen": "::1"}), 1) == "http://[::1]:1/"
    anywhere = WebSettings(home=tmp_path, listen="0.0.0.0", token=token)
    assert serve.address(anywhere, 80) == f"http://{socket.gethostname()}:80/?token={token}"


def test_with_a_token_it_is_served_and_nobody_else_gets_in(tmp_path, loopback):
    token = "0123456789abcdef"
    server = Server(tmp_path, "--token", token)
    try:
        assert server.address.endswith(f"/?token={token}")
        assert server.ask("GET", "/api/jobs").status == 401
        assert server.ask("GET", "/api/jobs", authorization=f"Bearer {token}").status == 200
    finally:
        assert server.stop() == 0
    assert server.said.read_text() == ""


@contextlib.contextmanager
def hurried(tmp_path, **seconds):
    """A server in a thread of this process, with less patience."""
    import asyncio
    import threading

    import uvicorn

    from scumble.web.app import create
    from web_client import NoWorkers

    with pytest.MonkeyPatch.context() as patch:
        for name, value in seconds.items():
            patch.setattr(serve, name, value)
        app = create(WebSettings(home=tmp_path / "home"))
        app.state.web.supervisor = NoWorkers()
        listening = socket.create_server(("127.0.0.1", 0))
        config = uvicorn.Config(app, http=serve.PatientProtocol, ws="none", log_level="error", access_log=False)
        server = serve.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            yield lambda: socket.create_connection(listening.getsockname(), PATIENCE_SECONDS), server
        finally:
            server.should_exit = True
            thread.join()


def test_who_asks_for_nothing_or_ever_so_slowly_is_sent_away(tmp_path, loopback):
    with hurried(tmp_path, ASKING_SECONDS=0.3) as (connect, _):
        with connect() as silent:
            assert read_all(silent) == b""
        with connect() as slow:
            with contextlib.suppress(ConnectionError):
                for _ in range(10_000):
                    slow.sendall(b"GET / HTTP/1.1\r\n" if _ == 0 else b"a: b\r\n")
                    time.sleep(0.05)  # more often than its patience lasts
            assert read_all(slow) == b""


def test_a_connection_is_kept_for_the_next_request(tmp_path, loopback):
    ask = b"GET /api/shelf HTTP/1.1\r\nHost: localhost\r\n"
    with hurried(tmp_path, ASKING_SECONDS=0.3) as (connect, _), connect() as kept:
        kept.sendall(ask + b"\r\n" + ask + b"Connection: close\r\n\r\n")
        assert read_all(kept).count(b"HTTP/1.1 200") == 2


def test_who_does_not_read_the_answer_is_sent_away(tmp_path, loopback):
    with hurried(tmp_path, READING_SECONDS=0.3) as (connect, server):
        app = server.config.app
        (app.state.web.settings.home / "jobs").mkdir(parents=True, exist_ok=True)
        with connect() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            ask = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
            with contextlib.suppress(ConnectionError):
                for _ in range(300):  # their answers are more than what lies on the way
                    deaf.sendall(ask)
            end = time.monotonic() + PATIENCE_SECONDS
            while server.server_state.connections and time.monotonic() < end:
                time.sleep(0.05)
            assert not server.server_state.connections


def test_nonsense_while_something_is_being_answered_ends_the_connection_quietly(server):
    with server.connected() as connection:
        head = f"POST /api/jobs HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nTransfer-Encoding: chunked\r\n\r\n"
        connection.sendall(head.encode() + b"zz\r\n")
        assert parsed(read_all(connection)).status == 400
    assert server.ask("GET", "/api/jobs").status == 200


def test_what_goes_away_in_the_middle_of_an_upload_leaves_nothing(server):
    before = sorted((server.home / "uploads").iterdir())
    body = form(("large.png", b"x" * 500_000))
    head = f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nContent-Type: {FORM}\r\n"
    with server.connected() as connection:
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:300_000])
    end = time.monotonic() + PATIENCE_SECONDS
    while sorted((server.home / "uploads").iterdir()) != before:
        assert time.monotonic() < end
        time.sleep(0.05)
