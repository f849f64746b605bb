"""Pictures that are given: kept once, whatever they are called, and within bounds."""

import io
import json

import pytest
from PIL import Image

from conftest import encoded, photograph
from scumble.image import recipe
from scumble.web import uploads
from scumble.web.app import create
from scumble.web.jobs import limits
from scumble.web.settings import WebSettings
from web_client import opened

SMALL = [encoded(seed, "PNG", (16, 12)) for seed in range(3)]


def sent(client, *files):
    return client.post("/api/uploads", files=[("files", file) for file in files])


def shown(client, id_, side=512):
    answer = client.get(f"/api/uploads/{id_}?side={side}")
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def test_pictures_are_kept_once_by_their_bytes_and_shown(client):
    answer = sent(client, ("lake.png", encoded(0)), ("sea.jpg", encoded(1, "JPEG")))
    assert answer.status_code == 201
    lake, sea = answer.json()
    assert lake == {
        "id": lake["id"], "type": "PNG", "width": 20, "height": 18, "recipe": None, "name": "lake.png",
        "bytes": len(encoded(0)),
    }  # fmt: skip
    assert sea["type"] == "JPEG"
    (again,) = sent(client, ("other.png", encoded(0))).json()
    assert again == lake | {"name": "other.png"}
    assert shown(client, lake["id"]).size == (20, 18)
    folder = client.app.state.web.settings.home / "uploads"
    assert (folder / lake["id"]).read_bytes() == encoded(0)
    assert len(list(folder.glob("*.json"))) == 2
    assert not list(folder.glob("*.part"))


def test_small_copies_are_made_when_they_are_asked_for(client):
    data = encoded(0, "PNG", (700, 300))
    (one,) = sent(client, ("wide.png", data)).json()
    assert shown(client, one["id"], 1).size == (128, 55)
    assert shown(client, one["id"], 129).size == (256, 110)
    assert shown(client, one["id"], 99999).size == (700, 300)
    for side in ("-1", "1e3", "", "٣", "999999"):
        answer = client.get(f"/api/uploads/{one['id']}?side={side}")
        assert (answer.status_code, answer.json()["field"]) == (400, "side")


def test_opacity_is_kept(client):
    file = io.BytesIO()
    clear = photograph(40, 30)
    clear.putalpha(100)
    clear.save(file, "PNG")
    (one,) = sent(client, ("clear.png", file.getvalue())).json()
    assert shown(client, one["id"]).mode == "RGBA"


def test_a_recipe_is_found_in_a_painted_picture(client, tmp_path):
    import numpy as np

    from scumble.image import files

    files.save(np.zeros((20, 30, 3), np.uint8), tmp_path / "painted.png", {"job": "stylize", "settings": {"size": 30}})
    (one,) = sent(client, ("painted.png", (tmp_path / "painted.png").read_bytes())).json()
    assert one["recipe"] == recipe.read(tmp_path / "painted.png")


def test_names_are_for_people_only(client):
    for given, kept in [
        ("../../../etc/passwd", "passwd"), ("C:\\dir\\a.png", "a.png"), ("", "picture"), ("/", "picture"),
        ("a\x00b\x1b.png", "ab.png"), ("x" * 500, "x" * 120), ("<img onerror=1>.png", "<img onerror=1>.png"),
    ]:  # fmt: skip
        assert uploads.shown(given) == kept


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "x.png is empty"),
        (b"no picture", "x.png is not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "x.png is an SVG drawing"),
        (encoded(0)[:300], "x.png"),
        (b"\x89PNG\r\n\x1a\n" + b"\xff" * 1000, "x.png"),
    ],
)
def test_what_is_no_picture_is_refused_in_words_and_leaves_nothing(client, data, words):
    answer = sent(client, ("x.png", data))
    assert answer.status_code == 422
    assert words in answer.json()["error"]
    assert str(client.app.state.web.settings.home) not in answer.text
    assert list((client.app.state.web.settings.home / "uploads").iterdir()) == []


@pytest.fixture
def bounded(tmp_path):
    bounds = {"max_upload_bytes": len(encoded(0)), "max_upload_pixels": 400, "max_uploads": 2}
    with opened(WebSettings(home=tmp_path / "bounded", **bounds)) as client:
        yield client


def test_bytes_pixels_and_files_are_bounded(bounded, monkeypatch):
    client = bounded
    assert sent(client, ("fits.png", encoded(0))).status_code == 201
    answer = sent(client, ("x.png", encoded(0) + b"1"))
    assert (answer.status_code, "larger than" in answer.json()["error"]) == (413, True)
    answer = sent(client, ("many.jpg", encoded(0, "JPEG", (64, 64))[: len(encoded(0))]))
    assert answer.status_code == 422
    monkeypatch.setattr(uploads, "MAX_FILES", 2)
    assert sent(client, *(("fits.png", encoded(0)) for _ in range(3))).status_code == 413


def test_the_oldest_that_no_job_needs_goes_first(bounded):
    client = bounded
    first, second = sent(client, ("0", encoded(0)), ("1", SMALL[1])).json()
    web = client.app.state.web
    web.uploads.in_use = lambda: {first["id"]}
    (third,) = sent(client, ("2", SMALL[2])).json()
    assert [web.uploads.find(one["id"]) is not None for one in (first, second, third)] == [True, False, True]
    assert not list((web.settings.home / "uploads").glob(f"{second['id']}*"))


def test_a_full_disk_is_told_before_anything_is_written(client):
    home = client.app.state.web.settings.home
    limits.write(home, limits.Limits(disk_bytes=0))
    answer = sent(client, ("a.png", encoded(0)))
    assert answer.status_code == 507
    assert "delete" in answer.json()["error"]


@pytest.mark.parametrize("id_", ["x", "0" * 63, "0" * 64, "G" * 64, "shelf:none", "%2e%2e", "0" * 64 + ".json"])
def test_an_id_is_one_or_there_is_nothing(client, id_):
    assert client.get(f"/api/uploads/{id_}").status_code in (400, 404)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/json", b"{}"),
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=", b"x"),
        (f"multipart/form-data; boundary={'x' * 1000}", b"x"),
        ("multipart/form-data; boundary=e", b""),
        ("multipart/form-data; boundary=e", b"--e"),
        ("multipart/form-data; boundary=e", b"--e\r\n\r\n"),
        ("multipart/form-data; boundary=e", b"\x00" * 10_000),
        ("multipart/form-data; boundary=e", b"--e\r\nContent-Disposition: form-data; filename=a\r\n\r\nabc"),
        ("multipart/form-data; boundary=e", b"--e\r\n" + b"a: b\r\n" * 100_000),
        ("multipart/form-data; boundary=e", b"--e\r\na: " + b"b" * 1_000_000),
        ("multipart/form-data; boundary=e", b"--e\r\nContent-Disposition: form-data; name=a\r\n\r\n" + b"b" * 10**6),
        ("multipart/form-data; boundary=e", b"--e\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n--e--\r\n"),
        ("multipart/form-data; boundary=e", b"--e--\r\n"),
    ],
)
def test_broken_forms_are_refused(client, kind, body):
    answer = client.post("/api/uploads", content=body, headers={"content-type": kind})
    assert answer.status_code in (400, 413, 415)
    assert answer.json()["error"]
    assert list((client.app.state.web.settings.home / "uploads").iterdir()) == []


@pytest.mark.parametrize("folder", limits.GIVEN)
def test_what_a_killed_server_left_is_removed(settings, folder):
    (settings.home / folder).mkdir(parents=True)
    (settings.home / folder / f"{'0' * 32}.part").write_bytes(b"half")
    create(settings)
    assert list((settings.home / folder).iterdir()) == []


def test_a_picture_that_ends_the_process_that_reads_it_costs_one_answer(client, monkeypatch):
    from scumble.web import looker

    monkeypatch.setattr(looker, "COMMAND", (looker.sys.executable, "-c", "import sys; sys.stdin.readline()"))
    answer = sent(client, ("crash.png", encoded(0)))
    assert answer.status_code == 422
    assert "crash.png could not be read" in answer.json()["error"]
    monkeypatch.undo()
    assert sent(client, ("fine.png", encoded(0))).status_code == 201


def test_metadata_that_was_spoiled_is_nothing(client):
    (one,) = sent(client, ("a.png", encoded(0))).json()
    (client.app.state.web.settings.home / "uploads" / f"{one['id']}.json").write_text("{")
    assert client.get(f"/api/uploads/{one['id']}").status_code == 404
    (again,) = sent(client, ("a.png", encoded(0))).json()
    assert json.dumps(again) == json.dumps(one)
