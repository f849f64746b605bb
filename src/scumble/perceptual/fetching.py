"""Fetching weights that are not on this machine: downloads go on where they broke off, and are checked.

We keep what is used of them as safetensors: VGG19's published files are 548 MB because they hold a classifier that
nobody here uses, and its convolutions alone are 80 MB.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import filelock
import safetensors.torch

from scumble import paths
from scumble.errors import WeightsError, reason
from scumble.events import Event, Noted, Progress, Started
from scumble.perceptual.catalogue import Entry, converted, find, partial_download, promised_digest
from scumble.perceptual.weights import SHAPES, checked, sha256_of, tensors_in

CHUNK_BYTES = 1 << 20
TIMEOUT_SECONDS = 30


def locate(entry: Entry) -> Generator[Event, None, Path]:
    """Find the weights on this machine, or download them; tells its progress, returns the file.

    Raises:
        WeightsError: if they are nowhere, and the network is off, unreachable or delivers another file.
    """
    found = find(entry)
    if found is not None:
        return found
    if paths.offline():
        raise WeightsError(
            f"weights {entry.name} are not on this machine, and SCUMBLE_OFFLINE is set", _how_to_get(entry)
        )
    return (yield from fetch(entry))


def fetch(entry: Entry) -> Generator[Event, None, Path]:
    """Download weights into the cache, check them, and keep those that are used; returns the new file.

    A broken download is kept and continued by the next call.

    Raises:
        WeightsError: if the server cannot be reached, breaks off, or delivers another file than the published one.
    """
    cache = paths.weights_cache()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(cache / f"{entry.name}.lock"):
            if already := converted(entry, cache):  # by another process, while we waited for the lock
                return already[0]
            yield from _download(entry, partial_download(entry))
            kept = _keep_used(entry, partial_download(entry))
    except OSError as error:
        raise WeightsError(f"weights {entry.name} cannot be kept in {cache}: {reason(error)}") from error
    yield Noted(f"{entry.name} is kept as {kept}")
    return kept


def _how_to_get(entry: Entry) -> str:
    nowhere = [f", which names {folder} now: there is no such folder" for folder in paths.missing_weights_folders()]
    return f"put {entry.published_file} into a folder that SCUMBLE_WEIGHTS names{''.join(nowhere[:1])}"


def _download(entry: Entry, partial: Path) -> Iterator[Event]:
    """Download the published file, continuing what a broken download left; its digest decides whether it is it."""
    job = f"download {entry.name}"
    have = partial.stat().st_size if partial.exists() else 0
    chunks = _chunks(entry, have)
    have, total = next(chunks, (have, have))
    yield Started(job, total, "bytes")
    with partial.open("ab" if have else "wb") as file:
        for chunk, _ in chunks:
            have += file.write(chunk)
            yield Progress(job, have, total)
    if have < total:
        raise _broke_off(entry)

    digest, promised = sha256_of(partial), promised_digest(Path(entry.published_file))
    if not digest.startswith(promised):
        partial.unlink()
        raise WeightsError(
            f"{entry.url} delivered a file with SHA-256 {digest[:8]}..., wanted {promised}...: thrown away"
        )


def _chunks(entry: Entry, have: int) -> Iterator[tuple[Any, int]]:
    """What the server sends: first (bytes we keep, bytes in all), then (chunk, its length); nothing if all is here.

    Turns every failure of the network, and of nothing else, into a WeightsError.
    """
    request = urllib.request.Request(entry.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            if response.status != http.HTTPStatus.PARTIAL_CONTENT:
                have = 0  # the server sends the whole file, whatever was asked for
            yield have, have + int(response.headers.get("Content-Length", 0))
            while chunk := response.read(CHUNK_BYTES):
                yield chunk, len(chunk)
    except urllib.error.HTTPError as error:
        # "Range not satisfiable": the last run broke off between the last byte and the check.
        if error.code != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise WeightsError(f"{entry.url} answers {error.code} {error.reason}", _how_to_get(entry)) from error
    except urllib.error.URLError as error:
        why = reason(error.reason) if isinstance(error.reason, OSError) else str(error.reason)
        raise WeightsError(f"{entry.url} cannot be reached: {why}", _how_to_get(entry)) from error
    except (http.client.HTTPException, OSError) as error:
        raise _broke_off(entry) from error


def _broke_off(entry: Entry) -> WeightsError:
    return WeightsError(f"the download of {entry.name} broke off", "run it again: it goes on from there")


def _keep_used(entry: Entry, published: Path) -> Path:
    """Turn the published file into one with the used weights alone, named after its own digest."""
    tensors = checked(tensors_in(published), published, SHAPES[entry.network]())
    data = safetensors.torch.save(
        {name: tensor.contiguous() for name, tensor in tensors.items()},
        metadata={"source": entry.published_file, "origin": entry.origin, "licence": entry.licence},
    )
    kept = paths.weights_cache() / f"{entry.name}-{hashlib.sha256(data).hexdigest()[:8]}.safetensors"
    paths.write_atomically(kept, data)
    published.unlink()
    return kept
