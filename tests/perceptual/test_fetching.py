"""Fetching: downloads, whole and broken, from a server on this machine."""

import collections
import dataclasses
import hashlib
import http.server
import io
import threading

import pytest
import safetensors.torch
import torch

from scumble import paths
from scumble.errors import WeightsError
from scumble.events import Finished, Progress, Started
from scumble.perceptual import fetching, weights
from scumble.perceptual.catalogue import CATALOGUE, Entry, find, remove


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
def entry(server, published, monkeypatch) -> Entry:
    """A catalogue entry whose file the server has, under a name that promises its digest."""
    server.data = published
    digest = hashlib.sha256(published).hexdigest()[:8]
    port = server.http.server_address[1]
    entry = dataclasses.replace(CATALOGUE["vgg19"], name="own", url=f"http://127.0.0.1:{port}/own-{digest}.pth")
    monkeypatch.setitem(CATALOGUE, "own", entry)
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
    path, events = finish(fetching.locate(entry))
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
    entry = dataclasses.replace(CATALOGUE["inception"], url=url)
    monkeypatch.setitem(CATALOGUE, "inception", entry)

    path, _ = finish(fetching.locate(entry))
    assert cache_names() == {path.name}
    kept = weights.read(path, entry.network)
    assert path.name == f"inception-{kept.sha256[:8]}.safetensors"
    assert set(kept.tensors) == set(safetensors.torch.load_file(path)) == set(inception_tensors)
    assert all(torch.equal(kept.tensors[name], tensor) for name, tensor in inception_tensors.items())

    # The published file itself serves as well, in whose place pytorch-fid leaves it, and is held to its digest.
    remove(entry)
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    (tmp_path / name).write_bytes(server.data)
    found = find(entry)
    assert found == tmp_path / name
    assert set(weights.read(found, entry.network).tensors) == set(inception_tensors)
    found.write_bytes(server.data + b" ")
    with pytest.raises(WeightsError, match="it is damaged or another file"):
        weights.read(found, entry.network)


def test_what_is_there_is_not_downloaded_again(entry, server):
    first, _ = finish(fetching.locate(entry))
    second, events = finish(fetching.locate(entry))
    third, _ = finish(fetching.fetch(entry))
    assert first == second == third
    assert events == []
    assert len(server.requests) == 1


def test_a_broken_download_goes_on_where_it_broke(entry, server):
    server.break_after = 3_000_000
    with pytest.raises(WeightsError, match="broke off.*goes on from there"):
        finish(fetching.fetch(entry))
    assert cache_names() == {entry.published_file + ".part"}
    server.break_after = None
    path, _ = finish(fetching.fetch(entry))
    assert server.requests == [None, "bytes=3000000-"]
    assert cache_names() == {path.name}


def test_a_server_that_ignores_ranges_starts_over(entry, server):
    server.break_after = 3_000_000
    with pytest.raises(WeightsError):
        finish(fetching.fetch(entry))
    server.break_after, server.ranges = None, False
    path, _ = finish(fetching.fetch(entry))
    weights.read(path)


def test_a_download_that_broke_after_its_last_byte_is_used(entry, server, published):
    paths.weights_cache().mkdir(parents=True)
    (paths.weights_cache() / f"{entry.published_file}.part").write_bytes(published)
    path, _ = finish(fetching.fetch(entry))
    assert cache_names() == {path.name}


def test_another_file_than_the_published_one_is_thrown_away(entry, server):
    server.data = b"<html>moved</html>" * 1000
    with pytest.raises(WeightsError, match="wanted .* thrown away"):
        finish(fetching.fetch(entry))
    assert cache_names() == set()


def test_a_servers_refusal_is_told(entry, server):
    server.status = 404
    with pytest.raises(WeightsError, match=r"answers 404 .*SCUMBLE_WEIGHTS"):
        finish(fetching.fetch(entry))


def test_no_network_is_told(entry, server, monkeypatch):
    unreachable = dataclasses.replace(entry, url="http://127.0.0.1:9/own-00000000.pth")
    with pytest.raises(WeightsError, match=r"cannot be reached: .*refused.*SCUMBLE_WEIGHTS"):
        finish(fetching.fetch(unreachable))
    monkeypatch.setenv("SCUMBLE_OFFLINE", "1")
    with pytest.raises(WeightsError, match="SCUMBLE_OFFLINE is set"):
        finish(fetching.locate(entry))


def test_removing_deletes_only_from_the_cache(entry, tmp_path, monkeypatch):
    path, _ = finish(fetching.fetch(entry))
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    (tmp_path / path.name).write_bytes(path.read_bytes())
    assert remove(entry) == [path]
    assert find(entry) == tmp_path / path.name
    assert remove(entry) == []
