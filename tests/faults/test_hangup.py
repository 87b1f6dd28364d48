"""Clients that hang up in the middle of a write."""

import asyncio
import json
import random
import socket
import struct
from urllib.parse import urlsplit

from ..lab.clients import noon_zone, uuid7
from .phones import instant

AT_ONCE = 32


def test_clients_that_hang_up_in_mid_write(lab, figures, say):
    """A write happens once or not at all, whatever the client sees of it; the same Idempotency-Key then always agrees."""
    count, seed = figures(200, 2000), random.randrange(2**32)
    server = lab.server()
    patients = lab.clinic(server, 4).patients
    chance = random.Random(seed)
    writes = [(chance.choice(patients), uuid7(), body(chance), chance.random(), chance.choice([0, chance.uniform(0, 0.01), chance.uniform(0, 0.3), None])) for _ in range(count)]

    async def all_of_them():
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(write):
            async with gate:
                await hang_up(server.url, *write)

        await asyncio.gather(*map(one, writes))

    asyncio.run(all_of_them())
    before = [stored(patient) for patient in patients]
    for patient, key, mood, _, _ in writes:
        first, second = (patient.call("POST", "/v1/patients/me/mood-scores", mood, expect=201, Idempotency_Key=key) for _ in range(2))
        assert (first.json(), first.headers["ETag"]) == (second.json(), second.headers["ETag"]), key
    done = sum(map(len, before))
    say(f"{lab.kind}: {count} clients hung up, {done} of their writes had been done, seed {seed}")
    assert 0 < done < count, "the moments were not mixed"
    for patient in patients:
        wanted = sorted(mood["note"] for owner, _, mood, _, _ in writes if owner is patient)
        assert sorted(item["note"] for item in stored(patient)) == wanted
    assert not lab.rows(server).gaps()
    # The connections that were cut left nothing behind: a write is seen by every reader at once.
    for _ in range(20):
        mood = body(chance)
        id = patients[0].call("POST", "/v1/patients/me/mood-scores", mood, expect=201, Idempotency_Key=uuid7()).json()["id"]
        assert patients[0].call("GET", f"/v1/patients/me/mood-scores/{id}", expect=200).json()["note"] == mood["note"]


def body(chance):
    return {"occurred_at": instant(), "time_zone": noon_zone(), "mood": chance.randint(0, 10), "note": f"{chance.getrandbits(64):x}"}


async def hang_up(url, patient, key, mood, how, delay):
    """Sends a POST and cuts the connection: inside the request, some milliseconds after it, or in the answer; some with a reset."""
    content = json.dumps(mood).encode()
    head = (f"POST /v1/patients/me/mood-scores HTTP/1.1\r\nHost: afterglow\r\nAuthorization: Bearer {patient.token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\nContent-Length: {len(content)}\r\n\r\n").encode()
    whole = head + content
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    if how < 0.5:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.write(whole[: int(len(whole) * how * 5)] if how < 0.2 else whole)
    await writer.drain()
    if delay is not None or how < 0.2:
        await asyncio.sleep(delay or 0)
    else:
        await reader.read(1)
    writer.transport.abort() if how < 0.5 else writer.close()


def stored(patient):
    found, cursor = [], ""
    while cursor is not None:
        page = patient.call("GET", f"/v1/patients/me/mood-scores?limit=200{cursor}", expect=200).json()
        found += page["items"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    return found
