"""Finding, downloading, resuming, checking and refusing weights, against a server on this machine."""

import collections
import dataclasses
import hashlib
import http.server
import io
import threading

import pytest
import safetensors.torch
import torch

from scumble import device, paths
from scumble.errors import SettingsError, WeightsError
from scumble.events import Finished, Progress, Started
from scumble.perceptual import backbones, weights


class Server:
    """Serves one file, with ranges; can break off in the middle, ignore ranges, or answer with an error."""

    def __init__(self):
        self.data, self.break_after, self.ranges, self.status = b"", None, True, 200
        self.requests: list[str | None] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.requests.append(asked)
                if outer.status != 200:
                    self.send_error(outer.status)
                    return
                start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and outer.ranges else 0
                if start >= len(outer.data):
                    self.send_error(416)
                    return
                self.send_response(206 if start else 200)
                body = outer.data[start:]
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body if outer.break_after is None else body[: outer.break_after])

            def log_message(self, *arguments):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server(loopback, monkeypatch):
    monkeypatch.setenv("SCUMBLE_OFFLINE", "0")
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def published(tensors) -> bytes:
    """A file as torchvision publishes it: the convolutions and the classifier that nobody needs."""
    buffer = io.BytesIO()
    torch.save(tensors | {"classifier.0.weight": torch.zeros(1000)}, buffer)
    return buffer.getvalue()


@pytest.fixture
def entry(server, published, monkeypatch) -> weights.Entry:
    """A catalogue entry whose file the server has, under a name that promises its digest."""
    server.data = published
    digest = hashlib.sha256(published).hexdigest()[:8]
    port = server.http.server_address[1]
    entry = dataclasses.replace(weights.CATALOGUE["vgg19"], name="own", url=f"http://127.0.0.1:{port}/own-{digest}.pth")
    monkeypatch.setitem(weights.CATALOGUE, "own", entry)
    return entry


def finish(generator):
    """Run a generator of events; its return value and the events."""
    events = []
    while True:
        try:
            events.append(next(generator))
        except StopIteration as stop:
            return stop.value, events


def cache_names() -> set[str]:
    return {path.name for path in paths.weights_cache().iterdir() if path.suffix != ".lock"}


def test_a_download_is_converted_and_kept(entry, tensors):
    path, events = finish(weights.locate(entry))
    assert isinstance(events[0], Started)
    assert events[-2] == Progress("download own", events[0].total, events[0].total)
    assert not any(isinstance(event, Finished) for event in events)
    assert cache_names() == {path.name}
    read = weights.read(path)
    assert set(read.tensors) == {name for name in tensors if name.startswith("features")}
    assert all(torch.equal(read.tensors[name], tensors[name]) for name in read.tensors)
    assert path.stem.endswith(read.sha256[:8])


def test_inceptions_published_file_is_fetched_and_what_is_used_of_it_kept(
    server, inception_tensors, tmp_path, monkeypatch
):
    """In the form of 2019: no zip archive, counters of batches, and a bias that the Inception Score leaves out."""
    layers = [name.removesuffix("weight") for name in inception_tensors if name.endswith("bn.weight")]
    counters = {f"{layer}num_batches_tracked": torch.tensor(0) for layer in layers}
    buffer = io.BytesIO()
    state = collections.OrderedDict(inception_tensors | counters | {"fc.bias": torch.zeros(1008)})
    torch.save(state, buffer, _use_new_zipfile_serialization=False)
    server.data = buffer.getvalue()
    name = f"pt_inception-2015-12-05-{hashlib.sha256(server.data).hexdigest()[:8]}.pth"
    url = f"http://127.0.0.1:{server.http.server_address[1]}/{name}"
    entry = dataclasses.replace(weights.CATALOGUE["inception"], url=url)
    monkeypatch.setitem(weights.CATALOGUE, "inception", entry)

    path, _ = finish(weights.locate(entry))
    assert cache_names() == {path.name}
    kept = weights.read(path, entry.shapes())
    assert path.name == f"inception-{kept.sha256[:8]}.safetensors"
    assert set(kept.tensors) == set(safetensors.torch.load_file(path)) == set(inception_tensors)
    assert all(torch.equal(kept.tensors[name], tensor) for name, tensor in inception_tensors.items())

    # The published file itself serves as well, in whose place pytorch-fid leaves it, and is held to its digest.
    weights.remove(entry)
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    (tmp_path / name).write_bytes(server.data)
    found = weights.find(entry)
    assert found == tmp_path / name
    assert set(weights.read(found, entry.shapes()).tensors) == set(inception_tensors)
    found.write_bytes(server.data + b" ")
    with pytest.raises(WeightsError, match="it is damaged or another file"):
        weights.read(found, entry.shapes())


def test_inception_is_no_backbone():
    assert backbones.BACKBONES == ("pocket", "vgg19-caffe", "vgg19")
    with pytest.raises(SettingsError, match="backbone: got 'inception', wanted one of pocket, vgg19-caffe, vgg19$"):
        next(backbones.load("inception", ["relu1_1"], device.choose("cpu", "float32")))


def test_what_is_there_is_not_downloaded_again(entry, server):
    first, _ = finish(weights.locate(entry))
    second, events = finish(weights.locate(entry))
    third, _ = finish(weights.fetch(entry))
    assert first == second == third
    assert events == []
    assert len(server.requests) == 1


def test_a_broken_download_goes_on_where_it_broke(entry, server):
    server.break_after = 3_000_000
    with pytest.raises(WeightsError, match="broke off.*goes on from there"):
        finish(weights.fetch(entry))
    assert cache_names() == {entry.published_file + ".part"}
    server.break_after = None
    path, _ = finish(weights.fetch(entry))
    assert server.requests == [None, "bytes=3000000-"]
    assert cache_names() == {path.name}


def test_a_server_that_ignores_ranges_starts_over(entry, server):
    server.break_after = 3_000_000
    with pytest.raises(WeightsError):
        finish(weights.fetch(entry))
    server.break_after, server.ranges = None, False
    path, _ = finish(weights.fetch(entry))
    weights.read(path)


def test_a_download_that_broke_after_its_last_byte_is_used(entry, server, published):
    paths.weights_cache().mkdir(parents=True)
    (paths.weights_cache() / f"{entry.published_file}.part").write_bytes(published)
    path, _ = finish(weights.fetch(entry))
    assert cache_names() == {path.name}


def test_another_file_than_the_published_one_is_thrown_away(entry, server):
    server.data = b"<html>moved</html>" * 1000
    with pytest.raises(WeightsError, match="wanted .* thrown away"):
        finish(weights.fetch(entry))
    assert cache_names() == set()


def test_a_servers_refusal_is_told(entry, server):
    server.status = 404
    with pytest.raises(WeightsError, match=r"answers 404 .*SCUMBLE_WEIGHTS"):
        finish(weights.fetch(entry))


def test_no_network_is_told(entry, server, monkeypatch):
    unreachable = dataclasses.replace(entry, url="http://127.0.0.1:9/own-00000000.pth")
    with pytest.raises(WeightsError, match=r"cannot be reached: .*refused.*SCUMBLE_WEIGHTS"):
        finish(weights.fetch(unreachable))
    monkeypatch.setenv("SCUMBLE_OFFLINE", "1")
    with pytest.raises(WeightsError, match="SCUMBLE_OFFLINE is set"):
        finish(weights.locate(entry))


def test_removing_deletes_only_from_the_cache(entry, tmp_path, monkeypatch):
    path, _ = finish(weights.fetch(entry))
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    (tmp_path / path.name).write_bytes(path.read_bytes())
    assert weights.remove(entry) == [path]
    assert weights.find(entry) == tmp_path / path.name
    assert weights.remove(entry) == []


def test_the_search_goes_from_the_users_folders_to_torchs_cache(tmp_path, monkeypatch):
    caffe = weights.CATALOGUE["vgg19-caffe"]
    first, second = tmp_path / "first", tmp_path / "second"
    monkeypatch.setenv("SCUMBLE_WEIGHTS", f"{first}:{second}")
    folders = [first, second, *paths.weights_folders()[2:]]
    assert paths.weights_folders() == folders
    assert folders[2] == paths.weights_cache()
    assert weights.find(caffe) is None
    for folder in reversed(folders):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / caffe.published_file).write_bytes(b"")
        assert weights.find(caffe) == folder / caffe.published_file
    (first / "vgg19-caffe-features.safetensors").write_bytes(b"")
    assert weights.find(caffe) == first / "vgg19-caffe-features.safetensors"
    assert weights.find(weights.CATALOGUE["vgg19"]) is None  # the other set's files are not taken for its own


def test_files_that_are_no_weights_are_told_in_one_line(tmp_path, tensors):
    shapes_off = dict(tensors) | {"features.0.weight": torch.zeros(64, 3, 5, 5)}
    not_finite = dict(tensors) | {"features.2.bias": torch.full((64,), torch.nan)}
    missing = {name: tensor for name, tensor in tensors.items() if name != "features.34.bias"}
    for name, content in {"shapes": shapes_off, "nan": not_finite, "missing": missing}.items():
        safetensors.torch.save_file(content, tmp_path / f"{name}.safetensors")
    whole = (tmp_path / "shapes.safetensors").read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:100_000])
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "text.pth").write_text("no weights")
    integers = dict(tensors) | {"features.0.bias": torch.zeros(64, dtype=torch.int64)}
    safetensors.torch.save_file(integers, tmp_path / "integers.safetensors")
    torch.save(dict(tensors) | {"features.0.weight": tensors["features.0.weight"].to_sparse()}, tmp_path / "sparse.pth")
    with (tmp_path / "hole.pth").open("wb") as file:
        file.truncate(2**36)
    torch.save([1, 2, 3], tmp_path / "list.pth")
    (tmp_path / "vgg19-caffe-00000000.safetensors").write_bytes(whole)
    for name, message in [
        ("shapes.safetensors", r"features.0.weight of shape \(64, 3, 5, 5\); wanted \(64, 3, 3, 3\)"),
        ("nan.safetensors", "features.2.bias that are not finite"),
        ("missing.safetensors", "has no features.34.bias"),
        ("cut.safetensors", "damaged or of another kind"),
        ("empty.safetensors", "damaged or of another kind"),
        ("text.pth", "damaged or of another kind"),
        ("list.pth", "has no features.0.weight"),
        ("vgg19-caffe-00000000.safetensors", "has SHA-256 .* wanted 00000000"),
        ("none.safetensors", "there is no weights file"),
        (".", "there is no weights file"),
        ("integers.safetensors", "features.0.bias of type torch.int64"),
        ("sparse.pth", "has no features.0.weight"),
        ("hole.pth", "is larger than any"),
    ]:
        with pytest.raises(WeightsError, match=message) as error:
            weights.read(tmp_path / name)
        assert "\n" not in str(error.value)


def test_a_date_in_a_users_own_name_is_no_digest(tmp_path, weights_file):
    own = tmp_path / "portraits-20240131.safetensors"
    own.write_bytes(weights_file.read_bytes())
    assert weights.read(own).tensors


def test_a_pickle_that_runs_code_is_refused(tmp_path):
    class Evil:
        def __reduce__(self):
            return (print, ("code ran",))

    torch.save({"features.0.weight": Evil()}, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="damaged or of another kind"):
        weights.read(tmp_path / "evil.pth")


def test_unknown_names_are_refused():
    with pytest.raises(SettingsError, match="got 'vgg16', wanted one of pocket, vgg19-caffe, vgg19, inception"):
        weights.entry_named("vgg16")
