"""Labels by clicking: saved at once, undone, and a table that the library reads."""

import hashlib
import io
import json
import zipfile

import pytest
from PIL import Image

from scumble.data.sources.opener import open_source
from scumble.errors import SettingsError
from scumble.web.gan import labels, places, sorting

JOB = "20260102-030405-0123abcd"


@pytest.fixture
def name(client):
    made = client.post("/api/labels", json={"data": "root:0/squares"})
    assert made.status_code == 201
    name = made.json()["id"]
    client.post(f"/api/labels/{name}/classes", json={"classes": ["dark", "light"]})
    return name


def put(client, name, picture, of_class):
    return client.post(f"/api/labels/{name}/labels", json={"picture": picture, "class": of_class})


def test_a_set_shows_pictures_of_the_data(client, name, settings):
    found = client.get(f"/api/labels/{name}").json()
    assert found["name"] == "squares"
    assert sorted(found["pictures"]) == sorted(item.name for item in open_source(settings.data[0] / "squares").items)
    small = client.get(f"/api/labels/{name}/pictures/3")
    assert Image.open(io.BytesIO(small.content)).size == (160, 160)
    assert client.get(f"/api/labels/{name}/pictures/12").status_code == 404


def test_labels_are_saved_at_once_and_a_training_reads_them(client, name, settings):
    pictures = client.get(f"/api/labels/{name}").json()["pictures"]
    wanted = {number: int(picture.startswith("light")) for number, picture in enumerate(pictures[:6])}
    saved = [put(client, name, number, of_class).json() for number, of_class in wanted.items()]
    assert saved[-1]["labelled"] == 6
    table = places.resolve(f"labels:{name}", settings)
    source = open_source(settings.data[0] / "squares", table)
    found = {item.name: item.label for item in source.items if item.label is not None}
    assert found == {picture: picture.split("/")[0] for picture in pictures[:6]}
    assert client.get(f"/api/labels/{name}/labels.csv").content == labels.table(labels.read(settings.home, name))


def test_a_label_can_be_changed_and_taken_back(client, name):
    put(client, name, 0, 0)
    assert put(client, name, 0, 1).json()["counts"] == [0, 1]
    assert put(client, name, 0, None).json()["counts"] == [0, 0]
    assert client.get(f"/api/labels/{name}").json()["labels"] == {}


@pytest.mark.parametrize(("picture", "of_class"), [(12, 0), (-1, 0), ("0", 0), (True, 0), (0, 2), (0, "dark"), (0, -1)])
def test_labels_of_what_is_not_there_are_refused(client, name, picture, of_class):
    answer = put(client, name, picture, of_class)
    assert answer.status_code == 400
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "classes", [["a", "a"], ["", "b"], ["a", " "], ["x" * 61], ["a\nb"], [str(n) for n in range(51)], "ab", None]
)
def test_bad_names_of_classes_are_refused(client, name, classes):
    assert client.post(f"/api/labels/{name}/classes", json={"classes": classes}).status_code == 400


def test_a_class_with_pictures_cannot_be_taken_away(client, name):
    put(client, name, 0, 1)
    assert client.post(f"/api/labels/{name}/classes", json={"classes": ["dark"]}).status_code == 400
    renamed = client.post(f"/api/labels/{name}/classes", json={"classes": ["dark", "bright"]}).json()
    assert (renamed["classes"], renamed["counts"]) == (["dark", "bright"], [0, 1])


def test_sets_are_listed_and_removed(client, name):
    (found,) = client.get("/api/labels").json()
    assert found["id"] == name
    assert "pictures" not in found
    assert client.delete(f"/api/labels/{name}").status_code == 204
    assert client.get("/api/labels").json() == []
    assert client.get(f"/api/labels/{name}").status_code == 400


@pytest.mark.parametrize("name", ["x", "..", "0123456789abcdef", "0123456789ABCDEF"])
def test_unknown_sets_are_refused(settings, name):
    with pytest.raises(SettingsError, match="not there"):
        labels.read(settings.home, name)


def test_labels_of_no_data_are_refused(client):
    for data in ("root:0/nothing", "/etc", None, 3):
        assert client.post("/api/labels", json={"data": data}).status_code == 400
    assert client.post("/api/labels", json=[]).status_code == 400


def test_a_complaint_does_not_tell_where_a_folder_lies(client, settings):
    (settings.data[0] / "empty").mkdir()
    answer = client.post("/api/labels", json={"data": "root:0/empty"})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("empty holds no pictures")


def test_what_a_job_has_sorted_is_shown(client, settings):
    sorting.rows.cache_clear()
    result = settings.home / "jobs" / JOB / "result"
    result.mkdir(parents=True)
    facts = {"kind": "label", "inputs": {"data": ["root:0/squares"]}}
    (result.parent / "job.json").write_text(json.dumps(facts))
    lines = ["picture,class,probability,probability of dark", "dark/0.png,dark,0.9,0.9", "dark/2.png,dark,0.6,0.6"]
    (result / "labels.csv").write_text("\r\n".join([*lines, "light/1.png,light,0.7,0.3", ""]))
    dark, light = client.get(f"/api/sorted/{JOB}").json()
    assert (dark["name"], dark["count"], light["count"]) == ("dark", 2, 1)
    assert dark["pictures"][1] == {"number": 1, "name": "dark/2.png", "probability": 0.6}
    assert client.get(f"/api/sorted/{JOB}/pictures/2").headers["content-type"] == "image/jpeg"
    assert client.get(f"/api/sorted/{JOB}/pictures/3").status_code == 404
    assert client.get(f"/api/sorted/{JOB}/labels.csv").text.startswith("picture,class")
    assert client.get("/api/sorted/20260102-030405-00000000").status_code == 400


def archive_of(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return file.getvalue()


def test_an_archive_is_kept_once_under_its_name(client, settings):
    picture = io.BytesIO()
    Image.new("RGB", (8, 8)).save(picture, "PNG")
    archive = archive_of({"a.png": picture.getvalue()})
    answer, again = (client.post("/api/data", files={"files": ("../cats of mine.zip", archive)}) for _ in range(2))
    assert answer.status_code == 201, answer.text
    assert again.json() == answer.json()
    path = places.resolve(answer.json()["id"], settings)
    assert path.endswith("/cats of mine.zip")
    assert len(open_source(path).items) == 1
    assert [one["name"] for one in client.get("/api/data").json()["sets"]] == ["digits", "shapes", "cats of mine.zip"]
    assert client.delete(f"/api/data/{answer.json()['id']}").status_code == 204
    assert len(client.get("/api/data").json()["sets"]) == 2


@pytest.mark.parametrize("name", ["\U0001f3a8.zip", ".zip", "..", "ä" * 300 + ".zip"])
def test_an_archive_is_found_whatever_it_was_called_and_even_if_keeping_it_was_cut_short(client, settings, name):
    archive = archive_of({"a.png": b""})
    (settings.home / "data" / hashlib.sha256(archive).hexdigest()).mkdir(parents=True)
    answer = client.post("/api/data", files={"files": (name, archive)})
    assert places.resolve(answer.json()["id"], settings).endswith(".zip")


@pytest.mark.parametrize("name", ["builtin:digits", "root:0", "root:0/squares", "zip:..", "zip:" + "0" * 64])
def test_nothing_but_uploaded_archives_can_be_removed(client, settings, name):
    assert client.delete(f"/api/data/{name}").status_code == 400
    assert (settings.data[0] / "squares").is_dir()


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no archive", archive_of({}), archive_of({"a.txt": b"words"})])
def test_what_is_no_archive_of_pictures_is_refused(client, settings, content):
    answer = client.post("/api/data", files={"files": ("x.zip", content)})
    assert answer.status_code == 422
    assert answer.json()["error"]
    assert list((settings.home / "data").iterdir()) == []
