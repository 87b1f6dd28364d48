"""Phones that write without pause and remember what was acknowledged, so that it can be compared with what is there."""

import asyncio
import collections
import datetime
import random

import aiohttp

from ..lab.clients import uuid7


def instant(ago=0.0):
    """An instant some seconds ago, as a phone writes it."""
    return (datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=ago)).isoformat(timespec="milliseconds")


class Phone:
    """One phone of one patient. A write whose answer it did not get it repeats first, as it was, when it is back."""

    def __init__(self, patient, zone, seed):
        self.patient, self.zone, self.random = patient, zone, random.Random(seed)
        self.records = {}  # (resource, id) -> {version, body} as acknowledged, body None when deleted
        self.posts = {}  # Idempotency-Key -> (resource, request, status, ETag, answer)
        self.unanswered, self.acknowledged, self.repeated, self.sessions = None, 0, 0, 0
        self.wrong = []

    async def write_until(self, stop):
        """Writes until told to stop, or until the server is gone."""
        headers = {"Authorization": f"Bearer {self.patient.token}"}
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(self.patient.url, headers=headers, timeout=timeout) as http:
            while not stop.is_set():
                try:
                    await self._write(http)
                except (aiohttp.ClientError, ConnectionError, asyncio.TimeoutError):
                    return

    async def _write(self, http):
        again = self.unanswered is not None
        write = self.unanswered = self.unanswered or self._next()
        method, resource, id, body, headers = write
        path = f"/v1/patients/me/{resource}" + (f"/{id}" if id else "")
        async with http.request(method, path, json=body, headers=headers) as answer:
            text = await answer.text()
            if answer.status == 503:
                return  # Not done, or not known to be: the same again.
            self.unanswered = None
            if answer.status not in (200, 201, 204):
                self.wrong.append(f"{method} {path} {headers}: {answer.status} {text[:500]}")
                return
            self.acknowledged += 1
            self.repeated += again
            stored = await answer.json() if text else None
            self._remember(write, answer.status, answer.headers.get("ETag"), stored)

    def _remember(self, write, status, etag, stored):
        method, resource, id, body, headers = write
        if method == "POST":
            id = stored["id"]
            self.posts[headers["Idempotency-Key"]] = (resource, body, status, etag, stored)
        before = self.records.get((resource, id), {"version": 0})
        if stored and (stored["version"], etag) != (before["version"] + 1, f'"{stored["version"]}"'):
            self.wrong.append(f"{method} {resource}/{id}: version {stored['version']}, ETag {etag} after version {before['version']}")
        self.records[resource, id] = {"version": before["version"] + 1, "body": body if method != "DELETE" else None}

    def _next(self):
        """A new write: mostly new check-ins, some replaced, some deleted, now and then a form, or a session that asks for a reminder."""
        alive = [key for key, record in self.records.items() if key[0] == "mood-scores" and record["body"]]
        chance = self.random.random()
        if chance < 0.25 and alive:
            resource, id = self.random.choice(alive[-20:])
            match = {"If-Match": f'"{self.records[resource, id]["version"]}"'}
            return ("DELETE", resource, id, None, match) if chance < 0.07 else ("PUT", resource, id, self._mood(), match)
        if chance < 0.28 and self.sessions < 20:
            self.sessions += 1
            return "PUT", "sessions", uuid7(), self._session(), {}
        if 0.28 <= chance < 0.31:
            return "POST", "assessments", None, self._form(), {"Idempotency-Key": uuid7()}
        if chance < 0.6:
            return "POST", "mood-scores", None, self._mood(), {"Idempotency-Key": uuid7()}
        return "PUT", "mood-scores", uuid7(), self._mood(), {}

    def _mood(self):
        numbers = {name: self.random.randint(0, 10) for name in ("mood", "anxiety", "energy", "hope")}
        note = f"note {self.random.getrandbits(64):x}"
        return {"occurred_at": instant(self.random.uniform(0, 86400 * 20)), "time_zone": self.zone, **numbers, "note": note}

    def _form(self):
        answers = {str(number): self.random.randint(0, 3) for number in range(1, 10)}
        return {"occurred_at": instant(self.random.uniform(0, 3600)), "time_zone": self.zone, "instrument": "phq-9", "answers": answers}

    def _session(self):
        # Completed four hours ago: its journal reminder is due at once.
        return {"kind": "dosing", "state": "completed", "starts_at": instant(4 * 3600 - 1), "time_zone": self.zone, "setting": "clinic"}


def differences(sent, stored):
    """The members of a body that did not come back as they were sent (instants are compared as such)."""
    def same(name, value):
        if name in ("occurred_at", "starts_at"):
            return datetime.datetime.fromisoformat(value) == datetime.datetime.fromisoformat(stored[name])
        return stored.get(name) == value

    return [name for name, value in sent.items() if not same(name, value)]


def must_raise_a_flag(resource, body):
    """Whether what a phone wrote speaks of thoughts of being better off dead."""
    return resource == "assessments" and body["answers"]["9"] > 0


def verify(phones, rows):
    """Compares what the phones of each patient were told with what the server has: a list of everything wrong."""
    wrong = [fault for phone in phones for fault in phone.wrong]
    for patient in {phone.patient for phone in phones}:
        told = {key: record for phone in phones if phone.patient is patient for key, record in phone.records.items()}
        wrong += _compare(patient, told) + _audited(rows, told) + _raised(rows, told)
        for phone in phones:
            if phone.patient is patient:
                wrong += _repeat(phone)
    return wrong


def _compare(patient, told):
    wrong, there, since = [], {}, None
    while True:
        page = patient.call("GET", "/v1/patients/me/changes?limit=200" + (f"&since={since}" if since else ""), expect=200).json()
        for change in page["changes"]:
            key = change["resource"], change["id"]
            if key in there:
                wrong.append(f"{key} came twice")
            there[key] = change
        since = page["next"]
        if not page["has_more"]:
            break
    wrong += [f"{key} was acknowledged and is lost" for key in told.keys() - there.keys()]
    wrong += [f"{key} is there and nobody was told" for key in there.keys() - told.keys()]
    for key in told.keys() & there.keys():
        record, change = told[key], there[key]
        if change["version"] != record["version"] or change["deleted"] != (record["body"] is None):
            wrong.append(f"{key}: told version {record['version']} of {record['body']}, found {change}")
        elif record["body"] and (names := differences(record["body"], change["record"])):
            wrong.append(f"{key}: {names} differ")
    return wrong


def _audited(rows, told):
    """Each acknowledged version has one line in the audit log."""
    lines = collections.Counter((operation.rpartition("_")[0], id, version) for operation, id, version in rows.query(
        "SELECT operation, record_id, version FROM audit WHERE record_id IS NOT NULL AND version IS NOT NULL"))
    wrong = []
    for (resource, id), record in told.items():
        for version in range(1, record["version"] + 1):
            if (count := lines[resource.replace("-", "_"), id, version]) != 1:
                wrong.append(f"{resource}/{id} version {version}: {count} lines in the audit log")
    return wrong


def _raised(rows, told):
    """Each acknowledged record that must raise a flag is evidence of one."""
    evidence = {id for (id,) in rows.query("SELECT record_id FROM flag_evidence")}
    grave = [id for (resource, id), record in told.items() if record["body"] and must_raise_a_flag(resource, record["body"])]
    return [f"assessments/{id} is evidence of no flag" for id in grave if id not in evidence]


def _repeat(phone, most=25):
    """The same Idempotency-Key again must answer the same."""
    wrong = []
    for key, (resource, body, status, etag, stored) in phone.random.sample(sorted(phone.posts.items()), min(most, len(phone.posts))):
        answer = phone.patient.call("POST", f"/v1/patients/me/{resource}", body, Idempotency_Key=key)
        if (answer.status_code, answer.headers.get("ETag"), answer.json()) != (status, etag, stored):
            wrong.append(f"repeating {key}: {answer.status_code} {answer.headers.get('ETag')} {answer.text[:500]}")
    return wrong
