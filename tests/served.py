"""The page's server in a process of its own, spoken to byte by byte: what no client library would ever send."""

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import psutil

PATIENCE_SECONDS = 60


class Answer(NamedTuple):
    """A status, headers with small names, and a body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Server:
    """`scumble web`, with everything that it has said.

    Args:
        folder: for its home and its output.
        arguments: for the command line.
        environment: more variables.
    """

    def __init__(self, folder: Path, *arguments: str, **environment: str):
        self.home, self.said = folder / "home", folder / "said.txt"
        command = [sys.executable, "-m", "scumble", "web", "--home", str(self.home), "--port", "0", *arguments]
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, env=os.environ | {"OMP_NUM_THREADS": "1"} | environment
            )
        self.address = self._first_line()
        found = re.match(r"http://\[?([^/\]]+)\]?:(\d+)/", self.address)
        assert found is not None, self.address
        self.port = int(found[2])

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as ready:
            ready.register(self.process.stdout, selectors.EVENT_READ)
            assert ready.select(PATIENCE_SECONDS), "the server did not begin"
        line = self.process.stdout.readline().decode().strip()
        assert line, self.said.read_text()
        return line

    def connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)

    def send(self, data: bytes) -> bytes:
        """All that is answered to some bytes, until the server closes the connection."""
        with self.connected() as connection:
            connection.sendall(data)
            return read_all(connection)

    def ask(self, method: str, path: str, body: bytes = b"", host: str | None = None, **headers: str) -> Answer:
        """The answer to a request; headers have _ for -."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or f'127.0.0.1:{self.port}'}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        lines += [f"Content-Length: {len(body)}"] if body or method == "POST" else []
        return parsed(self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body))

    def memory(self) -> int:
        """Bytes that are in memory of the server alone."""
        return psutil.Process(self.process.pid).memory_info().rss

    def stop(self) -> int:
        """Its exit code, after Ctrl-C."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        finally:
            self.process.kill()
            assert self.process.stdout is not None
            self.process.stdout.close()


def read_all(connection: socket.socket) -> bytes:
    """What comes until the other side closes the connection, or breaks it off."""
    data = bytearray()
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionError:
        pass
    return bytes(data)


def parsed(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    if headers.get("transfer-encoding") == "chunked":
        body = dechunked(body)
    return Answer(int(first.split()[1]), headers, body)


def dechunked(data: bytes) -> bytes:
    whole = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        whole, data = whole + data[: int(size, 16)], data[int(size, 16) + 2 :]
    return whole


def form(*files: tuple[str, bytes], boundary: str = "edge") -> bytes:
    """The body of a form that sends files."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode() + data
        for name, data in files
    ]
    return b"\r\n".join([*parts, f"--{boundary}--\r\n".encode()])


FORM = "multipart/form-data; boundary=edge"
