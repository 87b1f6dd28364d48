"""Clients that are slow, or send far too much."""

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from ..lab.clients import uuid7
from .test_disk import mood

HEADERS, BODY = 10, 30  # seconds that the server grants
PATIENCE = 300  # seconds after which a connection is one that is never closed, on the slowest machine


def test_slow_clients_are_cut_off_and_disturb_nobody(sqlite, figures, say):
    """Half-sent headers, half-sent bodies, drips of both, silence: each is closed in its time while others are served."""
    each = figures(10, 100)
    server = sqlite.server()
    patient = sqlite.clinic(server, 1).patients[0]
    head = (f"POST /v1/patients/me/mood-scores HTTP/1.1\r\nHost: afterglow\r\nAuthorization: Bearer {patient.token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {uuid7()}\r\nContent-Length: 1000\r\n").encode()
    kinds = {
        "nothing at all": ((b"", b""), HEADERS),  # who opens a connection has something to ask
        "half a header": ((head, b""), HEADERS),
        "a header, drop by drop": ((b"GET / HTTP/1.1\r\nX-Slow: ", b"a"), HEADERS),
        "half a body": ((head + b"\r\n{", b""), BODY),
        "a body, drop by drop": ((head + b"\r\n{", b" "), BODY),
    }
    with ThreadPoolExecutor(len(kinds) * each + 1) as pool:
        slow = {kind: [pool.submit(lasts, server.url, *how) for _ in range(each)] for kind, (how, _) in kinds.items()}
        times = []
        while not all(one.done() for ones in slow.values() for one in ones):
            began = time.monotonic()
            patient.call("POST", "/v1/patients/me/mood-scores", mood(), expect=201, Idempotency_Key=uuid7())
            times.append(time.monotonic() - began)
            time.sleep(0.05)
    slowest = sorted(times)[int(len(times) * 0.99)]
    for kind, (_, granted) in kinds.items():
        lasted = [one.result() for one in slow[kind]]
        say(f"{each} × {kind}: closed after {min(lasted):.1f} to {max(lasted):.1f} s")
        assert granted <= min(lasted) and max(lasted) < PATIENCE, kind
    say(f"{len(times)} other writes meanwhile, p99 {slowest * 1000:.0f} ms")
    assert slowest < HEADERS, "somebody waited for a slow client to be cut off"


def lasts(url, first, then):
    """Seconds until the server ends a connection that sends `first`, then a drop each half second."""
    address, began = urlsplit(url), time.monotonic()
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.settimeout(0.5)
        connection.sendall(first)
        while time.monotonic() - began < PATIENCE:
            try:
                if not connection.recv(4096):
                    break
            except TimeoutError:
                try:
                    connection.sendall(then)
                except OSError:
                    break
            except OSError:
                break
    return time.monotonic() - began


def test_bodies_that_are_far_too_large_answer_413_and_cost_no_memory(sqlite, say):
    """3 MiB with an honest length, 3 MiB in chunks, 64 MiB in chunks: 413 by counted bytes, and nothing is stored."""
    server = sqlite.server()
    patient = sqlite.clinic(server, 1).patients[0]
    before = resident(server)
    huge = json.dumps({**mood(), "note": "x" * (3 << 20)}).encode()
    answers = {
        "3 MiB": post(server, patient, huge),
        "3 MiB in chunks": post(server, patient, (huge[at : at + 65536] for at in range(0, len(huge), 65536))),
        "64 MiB in chunks": post(server, patient, (b" " * 65536 for _ in range(1024))),
        "100,000 levels": post(server, patient, b"[" * 100_000),
    }
    grown = (resident(server) - before) >> 20
    say(f"{', '.join(f'{name}: {status}' for name, status in answers.items())}; memory grew by {grown} MiB")
    assert set(answers.values()) == {413}
    assert grown < 64
    assert patient.call("GET", "/v1/patients/me/mood-scores", expect=200).json()["items"] == []


def post(server, patient, content):
    """The status of one POST; a server that answers before it has read all may close the connection on us."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"Authorization": f"Bearer {patient.token}", "Content-Type": "application/json", "Idempotency-Key": uuid7()}
    try:
        connection.request("POST", "/v1/patients/me/mood-scores", content, headers, encode_chunked=not isinstance(content, bytes))
    except (BrokenPipeError, ConnectionResetError):
        pass  # It has answered already: the answer waits to be read.
    answer = connection.response_class(connection.sock, method="POST")
    answer.begin()
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status


def resident(server):
    with open(f"/proc/{server.pid()}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096
