"""kill -9 of the server under write load, again and again."""

import asyncio
import random
import threading
import time

from ..lab.clients import noon_zone
from .phones import Phone, must_raise_a_flag, verify

PATIENTS, PHONES_EACH = 4, 4


def test_kill_9_under_write_load(lab, figures, say):
    """Every acknowledged write is there with its audit line and the flag that it must raise, the counters have no gap, no
    reminder is sent twice for one slot."""
    kills, seed = figures(20, 50), random.randrange(2**32)
    server = lab.server()
    clinic = lab.clinic(server, PATIENTS)
    phones = [Phone(patient, noon_zone(), seed + number) for number, patient in enumerate(clinic.patients * PHONES_EACH)]
    rows, chance, starts = lab.rows(server), random.Random(seed), []
    say(f"{lab.kind}: {kills} kills under {len(phones)} phones of {PATIENTS} patients, seed {seed}")

    for kill in range(1, kills + 1):
        life = chance.uniform(0.1, 1.2)
        killer = threading.Timer(life, server.kill)
        killer.start()
        asyncio.run(everybody(phones, seconds=life + 20))
        killer.join()
        assert not rows.gaps(), f"after kill {kill}"
        assert not rows.damage(), f"after kill {kill}"
        starts.append(server.start())
        if kill % 100 == 0:
            for patient in clinic.patients:
                patient.refresh()
    asyncio.run(everybody(phones, seconds=1))

    # What was being handed over when the server died stays leased for as long as a mail host may think, then is `unknown`.
    undecided = figures([], ["sending"])
    wrong = verify(phones, rows) + reminders(clinic, lab.mail, phones, ["scheduled", *undecided], figures(60, 900))
    acknowledged, repeated = (sum(getattr(phone, name) for phone in phones) for name in ("acknowledged", "repeated"))
    say(f"{acknowledged} writes acknowledged, {repeated} of them on the second try; slowest start {max(starts):.2f} s")
    assert not rows.gaps()
    assert not wrong, "\n".join(wrong[:20])
    assert acknowledged > kills * 10
    forms = [body for phone in phones for (resource, _), record in phone.records.items() if (body := record["body"]) and must_raise_a_flag(resource, body)]
    assert forms, "nobody wrote anything grave"


async def everybody(phones, seconds):
    """All phones write for so long, or until the server is gone."""
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await asyncio.gather(*(phone.write_until(stop) for phone in phones))


def reminders(clinic, mail, phones, open_states, seconds):
    """Waits until no due reminder is in these states, then counts what arrived against what was to be sent."""
    wrong, messages = [], 0
    for patient in clinic.patients:
        # The wait for the one before may have taken longer than an access token lasts.
        patient.refresh()
        sessions = sum(phone.sessions for phone in phones if phone.patient is patient)
        until = time.monotonic() + seconds
        while waiting := [n for n in notifications(patient) if n["state"] in open_states and n["kind"] == "journal"]:
            if time.monotonic() > until:
                wrong.append(f"{len(waiting)} reminders of {patient.address} had no end after {seconds} s: {waiting[0]}")
                break
            time.sleep(0.5)
            patient.refresh()
        ours = [n for n in notifications(patient) if n["kind"] == "journal"]
        sent = [n for n in ours if n["state"] == "sent"]
        arrived = [message for message in mail.to(patient.address) if not message.code()]
        messages += len(arrived)
        if len({(n["local_date"], n["slot"]) for n in ours}) != len(ours):
            wrong.append(f"{patient.address}: one slot twice in {ours}")
        if len({message.id for message in arrived}) != len(arrived):
            wrong.append(f"{patient.address}: one message came twice")
        if not len(sent) <= len(arrived) <= len(ours) <= sessions:
            wrong.append(f"{patient.address}: {len(arrived)} arrived, {len(sent)} sent, {len(ours)} slots, {sessions} sessions")
    print(f"             {messages} reminders arrived, each once")
    if not messages:
        wrong.append("no reminder arrived at all")
    return wrong


def notifications(patient):
    found, cursor = [], ""
    while cursor is not None:
        page = patient.call("GET", f"/v1/patients/me/notifications?limit=200{cursor}", expect=200).json()
        found += page["items"]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    return found
