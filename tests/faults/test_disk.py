"""Disks that fail: a COMMIT whose fsync fails, a file system that is full. SQLite's own affair: PostgreSQL has its own tests."""

import asyncio
import contextlib
import os
import subprocess
import time
from pathlib import Path

from ..lab.clients import noon_zone, uuid7
from .phones import Phone, instant, verify
from .test_kill import everybody


@contextlib.contextmanager
def strace(server, *options):
    """Attaches strace to the running server with a fault to inject."""
    log = server.folder / "strace.log"
    command = ["strace", "-f", "-q", "-o", log, *options, "-p", str(server.pid())]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        tasks = Path(f"/proc/{server.pid()}/task")
        while not all("TracerPid:\t0" not in (task / "status").read_text() for task in tasks.iterdir()):
            assert tracer.poll() is None, tracer.stderr.read()
            time.sleep(0.01)
        yield log
        tracer.terminate()


def test_a_commit_that_fails_is_answered_503_and_ends_the_process(sqlite, say):
    """After a failed fsync nobody knows what is on disk: the group gets 503, the process ends, the restart tells the truth."""
    server = sqlite.server()
    phones = [Phone(patient, noon_zone(), number) for number, patient in enumerate(sqlite.clinic(server, 4).patients * 4)]
    asyncio.run(everybody(phones, seconds=1))
    patient, mood = phones[0].patient, phones[0]._mood()
    key = uuid7()
    with strace(server, "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO"):
        answer = patient.call("POST", "/v1/patients/me/mood-scores", mood, Idempotency_Key=key)
        assert answer.status_code == 503, answer.text
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert server.process.wait(120) != 0
    say(f"one COMMIT failed: {answer.status_code} {answer.json()['type']}, the process ended with {server.process.returncode}")
    server.start()

    # The same in the middle of everybody's writes: the tenth fsync from now.
    with strace(server, "-e", "trace=fdatasync,fsync", "-e", "inject=fdatasync,fsync:error=EIO:when=10+"):
        asyncio.run(everybody(phones, seconds=20))
        assert server.process.wait(120) != 0
    assert not sqlite.rows(server).gaps()
    assert not sqlite.rows(server).damage()
    server.start()
    # The first write above was refused: its repetition now decides, once.
    answers = [patient.call("POST", "/v1/patients/me/mood-scores", mood, expect=201, Idempotency_Key=key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    phones[0].posts[key] = ("mood-scores", mood, 201, answers[0].headers["ETag"], answers[0].json())
    phones[0].records["mood-scores", answers[0].json()["id"]] = {"version": 1, "body": mood}
    asyncio.run(everybody(phones, seconds=1))
    wrong = verify(phones, sqlite.rows(server))
    say(f"{sum(phone.acknowledged for phone in phones)} writes acknowledged around two failed COMMITs, {len(wrong)} faults")
    assert not wrong, "\n".join(wrong[:20])


def test_a_full_disk_refuses_writes_answers_reads_and_goes_on(sqlite, say):
    """A tmpfs of 24 MiB in a mount namespace of its own, filled up and freed again."""
    shell = 'mount -t tmpfs -o size=24m none "$0" && "$1" invite-admin --clinic Small --email a@b.example >"$0/link" && exec "$@"'
    folder = sqlite.folder / "small"
    folder.mkdir()
    server = sqlite.server(data=str(folder / "data"))
    server.wrapper = ("unshare", "--map-root-user", "--mount", "sh", "-c", shell, str(folder))
    server.pid = lambda: server.process.pid  # unshare and sh exec what follows
    server.start()
    inside = Path(f"/proc/{server.pid()}/root{folder}")
    server.run, server.start = (lambda *_: (inside / "link").read_text()), lambda: None
    patient = sqlite.clinic(server, 1).patients[0]
    write = lambda: patient.call("POST", "/v1/patients/me/mood-scores", mood(), Idempotency_Key=uuid7())  # noqa: E731
    kept = [write() for _ in range(20)]
    assert {answer.status_code for answer in kept} == {201}

    with open(inside / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"\0" * 4096):
            pass
    refused = []
    while len(refused) < 10:
        answer = write()
        (kept if answer.status_code == 201 else refused).append(answer)
    assert {answer.status_code for answer in refused} == {507}, refused[0].text
    assert {answer.headers["Content-Type"] for answer in refused} == {"application/problem+json"}
    lost = [at for at, answer in enumerate(kept) if patient.call("GET", f"/v1/patients/me/mood-scores/{answer.json()['id']}").status_code != 200]
    assert not lost, f"of {len(kept)} acknowledged records {lost} are not there"
    os.unlink(inside / "filler")
    began = time.monotonic()
    while (answer := write()).status_code != 201:
        assert time.monotonic() - began < 60, answer.text
    kept.append(answer)
    ids = {answer.json()["id"] for answer in kept}
    there = {change["id"] for change in patient.call("GET", "/v1/patients/me/changes?limit=200", expect=200).json()["changes"]}
    say(f"{len(refused)} writes refused with 507 on a full disk, {len(kept)} kept, writing again after {time.monotonic() - began:.2f} s")
    assert there == ids


def mood():
    return {"occurred_at": instant(), "time_zone": noon_zone(), "mood": 5, "note": "x" * 2000}
