"""What people write lies sealed: nobody finds it in the files, and nobody can move it to another row."""

import base64
import os
import subprocess
from pathlib import Path

from ..lab.clients import noon_zone, uuid7
from ..lab.postgres import tool
from .phones import instant

SECRETS = {}


def secret(name):
    """A sentence that is nowhere else."""
    return SECRETS.setdefault(name, f"The {name} of heron {os.urandom(6).hex()} is nobody's business")


def records():
    """One record of every kind that holds free text, each text a sentence to search for."""
    at = {"occurred_at": instant(), "time_zone": noon_zone()}
    return {
        "intentions": {**at, "text": secret("intention"), "visibility": "private"},
        "journal-entries": {**at, "body": secret("journal body"), "title": secret("title"), "visibility": "shared",
                            "prompts": [{"prompt": secret("prompt"), "answer": secret("answer")}],
                            "themes": [secret("theme")], "feelings": [secret("feeling")], "body_areas": [secret("body area")]},
        "mood-scores": {**at, "mood": 3, "note": secret("mood note")},
        "sessions": {"kind": "integration", "state": "completed", "starts_at": instant(3600), "time_zone": noon_zone(),
                     "setting": "telehealth", "notes": secret("session notes")},
        "home-doses": {**at, "amount_mg": 50, "route": "sublingual", "note": secret("dose note")},
    }


def test_no_file_shows_what_people_wrote(lab, say):
    """Every sentence, name and address is searched in the database's files, its dump, the keys and the logs."""
    server = lab.server()
    clinic = lab.clinic(server, 1)
    patient = clinic.patients[0]
    patient.call("PATCH", "/v1/patients/me", {"display_name": secret("name"), "phone": "+1 202 555 0147"}, expect=200,
                 If_Match=patient.call("GET", "/v1/patients/me", expect=200).headers["ETag"])
    for resource, body in records().items():
        made = patient.call("POST", f"/v1/patients/me/{resource}", body, expect=201, Idempotency_Key=uuid7())
        changed = patient.call("PUT", f"/v1/patients/me/{resource}/{made.json()['id']}", {**body, **again(body)}, expect=200,
                               If_Match=made.headers["ETag"])
        patient.call("GET", f"/v1/patients/me/{resource}/{changed.json()['id']}", expect=200)
        # A bad request must not bring the text into a log either.
        patient.call("POST", f"/v1/patients/me/{resource}", {**body, "unknown": secret("unknown field")}, Idempotency_Key=uuid7())
    clinic.therapist.call("GET", f"/v1/patients/{patient.account['patient_id']}/timeline", expect=200)

    words = [*SECRETS.values(), "+1 202 555 0147", patient.address, clinic.mark, patient.token, patient.signed_in["refresh_token"]]
    places, size = 0, 0
    for name, content in everything(lab, server):
        places, size = places + 1, size + len(content)
        found = [word for word in words if any(form in content for form in forms(word))]
        assert not found, f"{name} shows {found}"
    say(f"{lab.kind}: {len(words)} words searched in {places} files, {size >> 10} KiB: none found")
    assert places >= 4


def again(body):
    """A change to make a second version."""
    member = next(name for name in ("text", "body", "note", "notes") if name in body)
    return {member: secret(f"second {member}")}


def forms(word):
    """The word as it would look in a file: plain, in hex (a dump's bytea), in base64 at each offset."""
    plain = word.encode()
    yield from (plain, plain.hex().encode(), plain.hex().upper().encode(), word.encode("utf-16-le"))
    for offset in range(3):
        yield base64.b64encode(b"\0" * offset + plain)[4 if offset else 0 : -4]


def everything(lab, server):
    """Name and bytes of every file that the server or its database wrote."""
    for path in sorted(Path(server.folder).rglob("*")):
        if path.is_file():
            yield str(path), path.read_bytes()
    if lab.kind == "postgres":
        dump = subprocess.run([tool("pg_dump"), server.settings["AFTERGLOW_DATABASE_URL"]], capture_output=True, check=True)
        yield "pg_dump", dump.stdout
        lab.rows(server).change("CHECKPOINT")
        for path in Path(lab.postgres.data).rglob("*"):
            if path.is_file():
                yield str(path), path.read_bytes()
        yield "the log of PostgreSQL", Path(lab.postgres.log).read_bytes()


def test_sealed_values_that_were_changed_never_come_back_as_text(lab, say):
    """Exchanged between rows, kinds, patients; cut short; set back to an older version: 500, no text, and the others are served."""
    server = lab.server()
    one, other = lab.clinic(server, 2).patients
    rows, changed = lab.rows(server), 0
    note = lambda who, resource, body: who.call("POST", f"/v1/patients/me/{resource}", body, expect=201, Idempotency_Key=uuid7()).json()["id"]  # noqa: E731
    kinds = records()
    untouched = note(one, "mood-scores", kinds["mood-scores"])

    def spoiled(who, resource, id, what):
        nonlocal changed
        answer = who.call("GET", f"/v1/patients/me/{resource}/{id}")
        assert answer.status_code == 500, f"{what}: {answer.status_code} {answer.text}"
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert not [word for word in SECRETS.values() if word in answer.text], what
        who.call("GET", "/v1/patients/me", expect=200)
        changed += 1

    take = "UPDATE record SET sealed = (SELECT sealed FROM record WHERE patient_id = ? AND id = ?) WHERE patient_id = ? AND id = ?"
    me, them = one.account["patient_id"], other.account["patient_id"]
    for what, source_owner, source in (
        ("another row of the patient", one, "mood-scores"),
        ("another kind", one, "journal-entries"),
        ("another patient", other, "mood-scores"),
    ):
        source_id = note(source_owner, source, kinds[source])
        target = note(one, "mood-scores", kinds["mood-scores"])
        assert rows.change(take, source_owner.account["patient_id"], source_id, me, target) == 1
        spoiled(one, "mood-scores", target, what)
        source_owner.call("GET", f"/v1/patients/me/{source}/{source_id}", expect=200)

    for what, sql in (
        ("cut short by a byte", "UPDATE record SET sealed = substr(sealed, 1, length(sealed) - 1) WHERE patient_id = ? AND id = ?"),
        ("cut to four bytes", "UPDATE record SET sealed = substr(sealed, 1, 4) WHERE patient_id = ? AND id = ?"),
        ("emptied", "UPDATE record SET sealed = substr(sealed, 1, 0) WHERE patient_id = ? AND id = ?"),
    ):
        target = note(other, "journal-entries", kinds["journal-entries"])
        assert rows.change(sql, them, target) == 1
        spoiled(other, "journal-entries", target, what)

    target = note(one, "mood-scores", kinds["mood-scores"])
    one.call("PUT", f"/v1/patients/me/mood-scores/{target}", {**kinds["mood-scores"], "mood": 9, "note": secret("newer note")}, expect=200, If_Match='"1"')
    back = "UPDATE record SET sealed = (SELECT sealed FROM record_version WHERE patient_id = ? AND id = ? AND version = 1) WHERE patient_id = ? AND id = ?"
    assert rows.change(back, me, target, me, target) == 1
    spoiled(one, "mood-scores", target, "set back to version 1")

    one.call("GET", f"/v1/patients/me/mood-scores/{untouched}", expect=200)
    text = server.log.read_text(errors="replace")
    assert not [word for word in SECRETS.values() if word in text]
    assert text.count("ERROR") >= changed, "each is an alarm in the log"
    say(f"{lab.kind}: {changed} sealed values changed, each answered 500 without text, each logged as an error")
