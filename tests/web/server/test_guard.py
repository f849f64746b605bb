"""Whom the server talks to: the names that it answers to, the pages that may ask it, and who knows the token."""

import asyncio

import pytest

from scumble.errors import SettingsError
from scumble.web import guard
from scumble.web.settings import WebSettings
from web_client import opened

TOKEN = "a-token-of-some-length"


def own(client, path="/api/jobs", **headers):
    return client.get(path, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize("host", ["127.0.0.1:8282", "localhost", "LOCALHOST:9", "[::1]:8282", "localhost.:8282"])
def test_it_answers_to_its_own_names_at_whatever_port_it_is_reached(client, host):
    assert own(client, host=host).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "evil.example:8282", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.7:8282",
        "0.0.0.0", "127.0.0.1@evil.example", "localhost:", "localhost:port", "", "[::1", "127.0.0.1:8282, localhost",
        "2130706433", "127.1",
    ],
)  # fmt: skip
def test_a_name_that_somebody_let_point_here_is_refused(client, host):
    answer = own(client, host=host)
    assert answer.status_code == 421
    assert "scumble" in answer.text


def test_pages_of_others_may_neither_read_nor_change_anything(client):
    for origin in ("https://evil.example", "http://127.0.0.1:3000", "http://localhost:8282", "null", "file://"):
        assert client.post("/api/jobs", json={}, headers={"origin": origin}).status_code == 403
        assert own(client, origin=origin).status_code == 403
    assert client.post("/api/jobs", json={}, headers={"origin": "http://127.0.0.1:8282"}).status_code == 400
    for site in ("cross-site", "same-site"):
        assert own(client, sec_fetch_site=site, sec_fetch_mode="no-cors", sec_fetch_dest="image").status_code == 403
        link = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document"}
        assert own(client, sec_fetch_site=site, **link).status_code == 403
        assert own(client, "/", sec_fetch_site=site, **link).status_code == 200
        assert own(client, "/", sec_fetch_site=site, sec_fetch_mode="navigate", sec_fetch_dest="iframe").is_error


def test_a_form_of_a_page_that_tells_no_referrer_comes_from_null(client):
    headers = {"origin": "null", "sec-fetch-site": "same-origin"}
    assert client.post("/api/jobs", json={}, headers=headers).status_code == 400


def test_every_answer_tells_browsers_to_trust_nothing_but_the_page_itself(client):
    for answer in (own(client), own(client, "/"), own(client, "/none"), own(client, host="evil.example")):
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers
        assert "server" not in answer.headers


def test_what_is_our_fault_is_told_to_the_log_alone(client, monkeypatch):
    def broken():
        raise RuntimeError("/home/somebody/secret")

    monkeypatch.setattr(client.app.state.web.queue, "jobs", broken)
    answer = own(client)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path", ["/static/..%2f..%2fapp.py", "/%00", "/a%0d%0ab", "/a%5cb", "/%2e%2e/x", "//x", "/a//b"]
)
def test_strange_addresses_lead_nowhere(client, path):
    assert client.get(f"http://127.0.0.1:8282{path}").status_code == 404


def test_where_others_can_come_in_there_is_a_token(tmp_path):
    with pytest.raises(SettingsError, match=r"listen: got '0.0.0.0'.* wanted a token beside it \(--token [\w-]{16,}\)"):
        WebSettings(home=tmp_path, listen="0.0.0.0")
    with pytest.raises(SettingsError, match="token"):
        WebSettings(home=tmp_path, listen="0.0.0.0", token="short")
    for here in ("localhost", "::1", "127.0.0.1"):
        WebSettings(home=tmp_path, listen=here)


@pytest.fixture
def exposed(tmp_path):
    settings = WebSettings(home=tmp_path, listen="0.0.0.0", token=TOKEN)
    with opened(settings, "http://192.168.0.7:8282") as client:
        yield client


def test_without_the_token_nothing_is_told(exposed):
    for path in ("/", "/api/jobs", "/static/style.css", "/none", "/api/jobs?token=", f"/api/jobs?token={TOKEN}x"):
        answer = exposed.get(path)
        assert answer.status_code == 401
        assert answer.text == "Open this page by the address that `scumble web` has printed, with its token.\n"
    assert exposed.post(f"/api/jobs?token={TOKEN}", json={}).status_code == 401
    for given in ("Basic x", "Bearer", "Bearer x", "Bearer \xff", f"Bearer {TOKEN}x"):
        assert exposed.get("/api/jobs", headers={"authorization": given.encode("latin-1")}).status_code == 401
    for given in ("scumble-token=x", "scumble-token", ";;=", 'scumble-token="\\303'):
        assert exposed.get("/api/jobs", headers={"cookie": given}).status_code == 401


def test_the_token_becomes_a_cookie_and_leaves_the_address(exposed):
    answer = exposed.get(f"/jobs?a=1&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/jobs?a=1")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert exposed.get("/api/jobs").status_code == 200  # the client keeps it


def test_a_program_sends_the_token_as_a_header(exposed):
    assert exposed.get("/api/jobs", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200


def test_where_others_can_come_in_numbers_are_names_and_those_of_others_still_not(exposed):
    headers = {"authorization": f"Bearer {TOKEN}"}
    for host in ("192.168.0.7:8282", "[fe80::1]:8282", "localhost"):
        assert exposed.get("/api/jobs", headers=headers | {"host": host}).status_code == 200
    assert exposed.get("/api/jobs", headers=headers | {"host": "evil.example"}).status_code == 421


def received(messages, seconds=0.05):
    """What a request's body looks like, where the client sends these and then nothing."""
    waiting = iter(messages)

    async def receive():
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    async def all_of_it():
        wait = guard.patient(receive, seconds)
        return [(await wait())["type"] for _ in range(len(messages) + 1)]

    return asyncio.run(all_of_it())


def test_a_request_that_stalls_is_over():
    piece = {"type": "http.request", "body": b"x", "more_body": True}
    assert received([piece]) == ["http.request", "http.disconnect"]


def test_a_request_that_trickles_is_over(monkeypatch):
    monkeypatch.setattr(guard, "LEAST_BYTES_PER_SECOND", 10**9)

    async def receive():
        await asyncio.sleep(0.001)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def until_it_is_over():
        wait = guard.patient(receive, 0.05)
        while (await wait())["type"] != "http.disconnect":
            pass

    asyncio.run(until_it_is_over())
