"""Requests of those who mean no good, or whose programs are broken: as many as are wanted, always the same.

Each is the bytes of one connection. Some are what is tried everywhere (paths that climb, names that point elsewhere,
two lengths for one body), some are made from the description of the interface, with what nobody should send in it.
"""

import itertools
import json
import random
import struct
import zlib
from collections.abc import Iterator
from typing import Any

CLIMBING = [
    "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/etc/passwd", "..%5c..%5cboot.ini",
    "....//....//etc/passwd", "%252e%252e%252fetc%252fpasswd", "..%c0%af..%c0%afetc/passwd", "/etc/passwd",
    "%2fetc%2fpasswd", "file:///etc/passwd", "a%00.jpg", "%ff%fe", "CON", "~root/.ssh/id_rsa", "a" * 5000,
    "%0d%0aX-Evil:%201", "{{7*7}}", "$(id)", "';--", "<script>1</script>", "%u2216", ".", "..", " ", "%20", "-",
]  # fmt: skip
UNDER = [
    "/", "/static/", "/api/uploads/", "/api/jobs/", "/api/jobs/20260101-000000-00000000/files/", "/api/data/",
    "/api/models/", "/api/labels/", "/api/forms/", "/jobs/", "/models/", "/labels/", "/words.js/",
]  # fmt: skip
HOSTS = [
    "evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example:{port}", "[::ffff:1.2.3.4]",
    "0x7f000001", "localhost,evil.example", "localhost evil.example", "..", "a" * 3000, "", "\xff",
]  # fmt: skip
ORIGINS = ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost", "chrome-extension://a", "\xff"]
VALUES: list[Any] = [
    None, True, -1, 0, 2**63, 10**400, 1e308, "", "x" * 70_000, "\ud800", "\x00", "../../etc/passwd", "/etc/passwd",
    "http://169.254.169.254/", "root:0/../..", "zip:../x", "job:..", "shelf:../waves", "labels:..", "builtin:..",
    "<img src=x onerror=alert(1)>", [], {}, [[]], {"a": {}}, ["x"] * 2000, {"__proto__": 1}, {"__class__": "x"},
]  # fmt: skip
JOB = "20260101-000000-00000000"


def requests(port: int, described: dict[str, Any], count: int, seed: int = 0) -> Iterator[tuple[bytes, bool]]:
    """So many connections' worth of bytes, and whether each is a whole request that has to be answered.

    Args:
        port: of the server.
        described: its interface, as OpenAPI has it.
        count: how many.
        seed: of the choices.
    """
    chance = random.Random(seed)
    kinds = itertools.cycle([climbing, rebinding, cross_site, oversized, forms, pictures, malformed, bodies, headers])
    for kind, _ in zip(kinds, range(count), strict=False):
        yield kind(chance, f"127.0.0.1:{port}", described), kind not in (oversized, forms, malformed)


def request(method: str, path: str, host: str, body: bytes | None = None, *lines: str) -> bytes:
    length = [] if body is None else [f"Content-Length: {len(body)}"]
    head = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, *length, "", ""]
    return "\r\n".join(head).encode("latin-1", "replace") + (body or b"")


def climbing(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    method = chance.choice(["GET", "GET", "HEAD", "DELETE", "PUT", "OPTIONS", "TRACE", "POST"])
    path = chance.choice(UNDER) + "/".join(chance.choices(CLIMBING, k=chance.randint(1, 3)))
    return request(method, path.replace(" ", "%20").replace("<", "%3c"), host)


def rebinding(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    other = chance.choice(HOSTS).format(port=host.rpartition(":")[2])
    twice = [f"Host: {other}"] if chance.random() < 0.3 else []
    return request("GET", chance.choice(UNDER), host if twice else other, None, *twice)


def cross_site(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    lines = [f"Origin: {chance.choice(ORIGINS)}", f"Sec-Fetch-Site: {chance.choice(['cross-site', 'same-site', 'x'])}"]
    path = chance.choice(["/api/jobs", "/api/uploads", f"/api/jobs/{JOB}/cancel", "/api/disk"])
    return request("POST", path, host, b"{}", *lines)


def oversized(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    path = chance.choice(["/api/jobs", "/api/uploads", "/api/preview", "/api/plan", "/api/disk"])
    match chance.randrange(6):
        case 0:  # a length that never comes
            return request("POST", path, host, None, "Content-Length: 99999999999", form_of("e")) + b"--e\r\n"
        case 1:
            return request("POST", path, host, None, "Transfer-Encoding: chunked") + b"ffffffffffffffff\r\n" + b"x" * 99
        case 2:
            return request("POST", path, host, b'"' + b"x" * (2 << 20) + b'"')
        case 3:
            return request("GET", "/" + "a" * 200_000, host)
        case 4:
            return request("GET", "/", host, None, *(f"X-{n}: {'y' * 500}" for n in range(1000)))
        case _:
            return request("POST", path, host, b"[" * 500_000)


def form_of(boundary: str) -> str:
    return f"Content-Type: multipart/form-data; boundary={boundary}"


def forms(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    name = chance.choice(CLIMBING)
    disposition = chance.choice(
        [
            f'Content-Disposition: form-data; name="files"; filename="{name}"',
            f"Content-Disposition: form-data; name=files; filename*=UTF-8''{name}",
            "Content-Disposition: form-data", "Content-Disposition: ;;;=;", ":", "\x00: \x00", "a: b\r\n" * 200,
            f'Content-Disposition: form-data; name="files"; filename="{"x" * 9000}"',
        ]
    )  # fmt: skip
    data = chance.choice([b"", b"x", chance.randbytes(3000), b"\r\n--e", b"--e--", b"\x89PNG\r\n\x1a\n"])
    end = chance.choice([b"\r\n--e--\r\n", b"\r\n--e", b"", b"\r\n--e\r\n" * 300])
    body = b"--e\r\n" + disposition.encode() + b"\r\n\r\n" + data + end
    if chance.random() < 0.3:
        body = body[: chance.randrange(len(body))]
    boundary = chance.choice(["e", "e", "e", "", "x" * 300, '"', "e; boundary=f"])
    path = chance.choice(["/api/uploads", "/api/uploads", "/api/data"])
    return request("POST", path, host, body, form_of(boundary))


def pictures(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    """Files that are none, or that claim to be far larger than they are."""
    data = chance.choice(
        [
            png(chance.choice([1, 60_000, 2**31 - 1]), chance.choice([0, 1, 60_000, 2**31 - 1]), chance.randbytes(50)),
            png(30_000, 30_000, bytes(2_000_000)),
            b"GIF89a" + struct.pack("<HH", 65_535, 65_535) + chance.randbytes(200),
            b"\xff\xd8\xff\xe0" + b"\xff\xda\x00\x02" * 500,
            b"II*\x00" + chance.randbytes(400),
            b"RIFF\xff\xff\xff\xffWEBP" + chance.randbytes(200),
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><svg>&x;</svg>",
            b"PK\x03\x04" + chance.randbytes(300),
            b"%!PS\n(id) (w) file", b"push graphic-context\nfill 'url(https://evil.example/x)'",
        ]
    )  # fmt: skip
    head = b'--e\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
    return request("POST", "/api/uploads", host, head + data + b"\r\n--e--\r\n", form_of("e"))


def png(width: int, height: int, pixels: bytes) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    text = zlib.compress(b"x" * 1_000_000)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), chunk(b"zTXt", b"scumble\x00\x00" + text),
            chunk(b"IDAT", zlib.compress(pixels)), chunk(b"IEND", b""),
        ]
    )  # fmt: skip


def malformed(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    """What is not HTTP, or not quite."""
    good = request("POST", "/api/jobs", host, b"{}")
    return chance.choice(
        [
            chance.randbytes(chance.randint(1, 3000)), b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\r\n" * 500,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
            b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
            f"CONNECT evil.example:443 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode(),
            good.replace(b"Content-Length: 2", b"Content-Length: 2\r\nContent-Length: 3"),
            good.replace(b"Content-Length: 2", b"Content-Length: -2"),
            good.replace(b"Content-Length: 2", b"Content-Length: 2\r\nTransfer-Encoding: chunked"),
            good.replace(b"Content-Length: 2", b"Transfer-Encoding: chunked").replace(b"{}", b"zz\r\n{}\r\n"),
            good.replace(b"POST /api", b"GET /static/style.css HTTP/1.1\r\n\r\nPOST /api"),
            good.replace(b"\r\n", b"\n"), good.replace(b"Host:", b"Host :"), good.replace(b"Host", b"H\x00st"),
            good[: chance.randrange(len(good))],
            request("GET", "/api/events", host, None, "Upgrade: websocket", "Sec-WebSocket-Version: 13").replace(
                b"Connection: close", b"Connection: Upgrade"
            ),
        ]
    )  # fmt: skip


def bodies(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    """Any request of the interface, with values that make no sense."""
    endless = "/api/events"
    path, methods = chance.choice(sorted(item for item in described["paths"].items() if item[0] != endless))
    method, told = chance.choice(sorted(methods.items()))
    for parameter in told.get("parameters", []):
        value = chance.choice([JOB, "0" * 64, "root:0", "builtin:digits", "shelf:none", *CLIMBING])
        path = path.replace(f"{{{parameter['name']}}}", value.replace(" ", "%20").replace("<", "%3c"))
    if method in ("get", "delete"):
        return request(method.upper(), f"{path}?side={chance.choice(['1', '-1', 'x', '9' * 9])}&after=x", host)
    reference = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
    names = described["components"]["schemas"][reference.rpartition("/")[2]]["properties"] if reference else ["x"]
    sensible = {"kind": "stylize", "settings": {}, "inputs": {"content": ["shelf:waves"], "style": ["shelf:ink"]}}
    value = {name: chance.choice([*VALUES, sensible.get(name)]) for name in names if chance.random() < 0.8}
    body = chance.choice([json.dumps(value), json.dumps(value)[:-1], json.dumps([value]), "NaN", '{"a": 1e999}'])
    return request("POST", path, host, body.encode(), "Content-Type: application/json")


def headers(chance: random.Random, host: str, described: dict[str, Any]) -> bytes:
    line = chance.choice(
        [
            "Range: bytes=" + ",".join(f"{n}-{n}" for n in range(1500)), "Range: bytes=9-1", "Range: x",
            "Range: bytes=-", f"Cookie: {'a=b; ' * 800}", 'Cookie: scumble-token="\\777', "Last-Event-ID: x",
            "Authorization: Bearer \xff",
            "If-Modified-Since: x", "If-None-Match: " + '"a",' * 1000, "Accept-Encoding: " + "x," * 2000, "Expect: 1-x",
            "Content-Type: ;", "X-Forwarded-Host: evil.example", "X-HTTP-Method-Override: DELETE", "Forwarded: for=x",
        ]
    )  # fmt: skip
    path = chance.choice(["/", "/api/uploads/shelf:waves", "/static/style.css", f"/api/jobs/{JOB}/events", "/api/jobs"])
    return request("GET", path, host, None, line)
