"""Jobs as the interface has them: added once, looked at, stopped, moved; their files, their forms, their limits."""

import io
import json

import pytest
from PIL import Image

from conftest import encoded, photograph
from scumble.web.jobs import folder
from scumble.web.jobs.kinds import KINDS
from web_client import opened


@pytest.fixture
def pictures(client):
    """The ids of a photograph and a painting."""
    files = [("files", ("lake", encoded(0))), ("files", ("sea.png", encoded(1)))]
    return [one["id"] for one in client.post("/api/uploads", files=files).json()]


@pytest.fixture
def wanted(pictures):
    """A job that can be added."""
    content, style = pictures
    inputs = {"content": [content], "style": [style, "shelf:waves"]}
    return {"kind": "stylize", "title": "lake", "settings": {"size": 64, "steps": 3}, "inputs": inputs}


def added(client, wanted, **headers):
    answer = client.post("/api/jobs", json=wanted, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_job_is_added_and_told_of(client, wanted):
    job = added(client, wanted)
    assert {"kind": "stylize", "title": "lake", "settings": {"size": 64, "steps": 3}}.items() <= job.items()
    assert job["inputs"] == wanted["inputs"]
    assert (job["state"], job["progress"]) == ("queued", None)
    assert client.get(f"/api/jobs/{job['id']}").json() == job
    assert client.get("/api/jobs").json() == [job]
    names = [file["name"] for file in job["files"]]
    assert sorted(names) == ["inputs/lake.png", "inputs/sea.png", "inputs/waves.jpg"]
    assert str(client.app.state.web.settings.home) not in json.dumps(job)


def test_sent_again_with_the_same_key_it_is_added_once(client, wanted):
    job = added(client, wanted, **{"Idempotency-Key": "k"})
    again = client.post("/api/jobs", json=wanted, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, job["id"])
    assert added(client, wanted, **{"Idempotency-Key": "other"})["id"] != job["id"]
    assert len(client.get("/api/jobs").json()) == 2


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"kind": "paint"}, "kind", "wanted one of"),
        ({"settings": {"size": 0}}, "size", "got 0, wanted"),
        ({"settings": {"sizes": 64}}, None, "did you mean 'size'"),
        ({"settings": {"weights": "/etc/passwd"}}, "weights", "file's name"),
        ({"settings": []}, "settings", "wanted names and values"),
        ({"inputs": {}}, "content", "got 0, wanted 1"),
        ({"inputs": {"content": "x"}}, "content", "wanted"),
        ({"inputs": {"content": ["../../etc/passwd"], "style": ["shelf:waves"]}}, None, "not there"),
        ({"inputs": {"content": ["/etc/passwd"], "style": ["shelf:waves"]}}, None, "not there"),
        ({"inputs": {"content": ["root:0/../../etc"], "style": ["shelf:waves"]}}, None, "not there"),
        ({"inputs": {"content": ["http://evil.example/a.png"], "style": ["shelf:waves"]}}, None, "not there"),
        ({"inputs": {"content": ["0" * 64], "style": ["shelf:waves"]}}, "content", "not there any more"),
        ({"inputs": {"content": ["shelf:../x"], "style": ["shelf:waves"]}}, None, "shelf has no"),
        ({"run": "/tmp"}, None, "unknown name 'run'"),
        ({"title": "x" * 1000}, "title", "wanted"),
    ],
)
def test_what_cannot_become_a_job_is_refused_by_its_field(client, wanted, change, field, words):
    answer = client.post("/api/jobs", json=wanted | change)
    assert answer.status_code == 400
    assert answer.json()["field"] == field
    assert words in answer.json()["error"]
    assert client.get("/api/jobs").json() == []


@pytest.mark.parametrize("body", [b"{", b"[1]", b"1", b"\xff", b"[" * 100_000, b'{"kind": NaN}', b'{"a": 1e999}'])
def test_what_is_no_json_is_refused(client, body):
    answer = client.post("/api/jobs", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_request_has_an_end(client):
    answer = client.post("/api/jobs", content=b" " * (2 << 20))
    assert answer.status_code == 413


def test_a_job_is_paused_moved_resumed_cancelled_repeated_and_deleted(client, wanted):
    first, second, third = (added(client, wanted)["id"] for _ in range(3))
    assert client.post(f"/api/jobs/{first}/pause").json()["state"] == "paused"
    assert client.post(f"/api/jobs/{first}/resume").json()["state"] == "queued"
    client.post(f"/api/jobs/{third}/move", json={"before": first})
    client.post(f"/api/jobs/{first}/move", json={"before": None})
    assert [job["id"] for job in client.get("/api/jobs").json()] == [third, second, first]
    assert client.post(f"/api/jobs/{first}/cancel").json()["state"] == "cancelled"
    refused = client.post(f"/api/jobs/{first}/cancel")
    assert (refused.status_code, refused.json()["field"]) == (409, None)
    other = client.post(f"/api/jobs/{first}/again", json={"settings": {"size": 96}})
    assert (other.status_code, other.json()["settings"]) == (201, {"size": 96})
    assert other.json()["inputs"] == wanted["inputs"]
    assert client.post(f"/api/jobs/{first}/again", json={"settings": {"size": 0}}).status_code == 400
    assert client.delete(f"/api/jobs/{first}").status_code == 204
    assert client.get(f"/api/jobs/{first}").status_code == 404


@pytest.mark.parametrize(
    "id_", ["x", "20260101-000000-00000000", "%2e%2e", "%2e%2e%2fjobs", "20260101-000000-0000000G"]
)
def test_a_job_that_is_not_there(client, id_):
    for path in ("", "/files/preview.jpg", "/events"):
        assert client.get(f"http://127.0.0.1:8282/api/jobs/{id_}{path}").status_code == 404
    for action in ("pause", "resume", "cancel"):
        assert client.post(f"http://127.0.0.1:8282/api/jobs/{id_}/{action}").status_code in (404, 405)


def with_file(client, wanted, name, data):
    job = added(client, wanted)["id"]
    path = client.app.state.web.settings.home / "jobs" / job / "result" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return job, next(file["url"] for file in client.get(f"/api/jobs/{job}").json()["files"] if file["kind"] == "result")


def test_files_are_those_that_the_job_lists(client, wanted):
    job, url = with_file(client, wanted, "lake..in\u202fblue?.png", encoded(2))
    answer = client.get(url)
    assert (answer.content, answer.headers["content-type"]) == (encoded(2), "image/png")
    assert "attachment" in client.get(f"{url}?download").headers["content-disposition"]
    for name in (
        "job.json",
        "state.json",
        "events.jsonl",
        "result/none",
        "result",
        "",
        "..%2f..%2fjob.json",
        "%2fetc/passwd",
    ):
        assert client.get(f"http://127.0.0.1:8282/api/jobs/{job}/files/{name}").status_code == 404


def test_large_files_are_sent_in_pieces_and_those_that_have_gone_are_said_to_be(client, wanted, monkeypatch):
    from scumble.web.api import files

    monkeypatch.setattr(files, "AT_ONCE_BYTES", 10)
    _, url = with_file(client, wanted, "a.png", encoded(2))
    answer = client.get(url)
    assert (answer.content, answer.headers["accept-ranges"]) == (encoded(2), "bytes")

    monkeypatch.setattr(folder.JobFolder, "file", lambda job, name: job.path / "gone.png")
    for address in (url, f"{url}?side=128"):
        assert client.get(address).status_code == 404


def test_small_pictures_are_made_for_galleries_and_again_when_the_file_changes(client, wanted):
    _, url = with_file(client, wanted, "large.png", encoded(2, "PNG", (600, 400)))
    small = Image.open(io.BytesIO(client.get(f"{url}?side=200").content))
    assert (small.size, small.format) == ((256, 171), "JPEG")
    path = next(client.app.state.web.settings.home.glob("jobs/*/result/large.png"))
    photograph(300, 600).save(path)
    assert Image.open(io.BytesIO(client.get(f"{url}?side=200").content)).size == (128, 256)


def test_nothing_that_could_run_is_opened_as_a_part_of_the_page(client, wanted):
    _, url = with_file(client, wanted, "a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>")
    answer = client.get(url)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert "attachment" in answer.headers["content-disposition"]
    _, url = with_file(client, wanted, "report.html", b"<script>1</script>")
    policy = client.get(url).headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert "script" not in policy


def test_forms_are_there_for_every_kind_or_said_not_to_be(client):
    for kind in KINDS:
        answer = client.get(f"/api/forms/{kind}")
        assert answer.status_code in (200, 404)
    assert client.get("/api/forms/stylize").json()["groups"]
    assert client.get("/api/forms/none").status_code == 404


def test_limits_are_told_and_set(client, wanted):
    added(client, wanted)
    disk = client.get("/api/disk").json()
    assert disk["total"] > 0
    changed = client.post("/api/disk", json={"waiting": 1}).json()
    assert changed["limits"] == disk["limits"] | {"waiting": 1}
    full = client.post("/api/jobs", json=wanted)
    assert (full.status_code, "wait" in full.json()["error"]) == (507, True)
    assert client.post("/api/disk", json={"waiting": 0}).json()["field"] == "waiting"


def test_jobs_outlive_the_server(client, wanted, settings):
    job = added(client, wanted)
    with opened(settings) as other:
        assert other.get("/api/jobs").json() == [job]


def test_an_upload_that_a_job_has_is_in_use(client, wanted, pictures):
    assert client.app.state.web.uploads.in_use() == set()
    added(client, wanted)
    assert client.app.state.web.uploads.in_use() == set(pictures)
