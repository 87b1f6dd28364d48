"""Clients of the server over plain HTTP: signing in, founding a clinic, inviting its people."""

import base64
import datetime
import hashlib
import hmac
import os
import re
import struct
import time
import uuid
import zoneinfo

import requests

from .mail import INVITATION

PASSWORD = "correct horse battery staple"


def uuid7():
    """A UUIDv7, as a phone makes one."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    return str(uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62))


def one_time_code(secret, at=None):
    """The TOTP of a base32 secret (RFC 6238, six digits, 30 s)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time() if at is None else at) // 30), hashlib.sha1)
    offset = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 10**6:06}"


class From(requests.adapters.HTTPAdapter):
    """Sends from one of this machine's loopback addresses."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args, **more):
        super().init_poolmanager(*args, source_address=(self.address, 0), **more)


class Client:
    """One signed-in person (or nobody yet)."""

    def __init__(self, url, source=None):
        self.url, self.session, self.signed_in = url, requests.Session(), None
        if source:
            self.session.mount("http://", From(source))

    def call(self, method, path, body=None, expect=None, **headers):
        """One request; headers are written `If_Match="…"`."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.session.request(method, self.url + path, json=body, headers=headers, timeout=60)
        if expect and answer.status_code != expect:
            raise AssertionError(f"{method} {path}: {answer.status_code} instead of {expect}: {answer.text[:2000]}")
        return answer

    def enter(self, answer):
        """Takes the tokens that a sign-in answered."""
        self.signed_in = answer.json()
        self.session.headers["Authorization"] = f"Bearer {self.signed_in['access_token']}"
        return self

    def login(self, email, password, **more):
        return self.enter(self.call("POST", "/v1/auth/login", {"email": email, "password": password, **more}, expect=200))

    def refresh(self):
        token = self.signed_in["refresh_token"]
        return self.enter(self.call("POST", "/v1/auth/refresh", {"refresh_token": token}, expect=200))

    def accept(self, code, password=PASSWORD):
        return self.enter(self.call("POST", f"/v1/invitations/{code}/accept", {"password": password}, expect=200))

    def add_second_factor(self):
        secret = self.call("POST", "/v1/auth/mfa", {}, expect=200).json()["secret"]
        self.call("POST", "/v1/auth/mfa/confirm", {"otp": one_time_code(secret)}, expect=204)
        return self

    @property
    def token(self):
        return self.signed_in["access_token"]

    @property
    def account(self):
        return self.signed_in["account"]


class Clinic:
    """A clinic of its own on a server that it starts: an admin, a therapist, as many patients as asked for."""

    def __init__(self, server, mail):
        self.server, self.mail, self.mark = server, mail, uuid.uuid4().hex[:8]
        link = server.run("invite-admin", "--clinic", "Harbour Clinic", "--email", f"admin-{self.mark}@clinic.example", "--name", "Ada Admin")
        server.start()
        self.admin = Client(server.url).accept(re.search(INVITATION, link).group(1)).add_second_factor()
        self.therapist = self._member("therapist")
        self.patients = []

    def _join(self, address):
        return Client(self.server.url).accept(self.mail.wait_for(address)[-1].code())

    def _member(self, role):
        address = f"{role}-{self.mark}@clinic.example"
        self.invite(self.admin, email=address, kind="member", roles=[role], display_name=f"Thea {role.title()}")
        return self._join(address).add_second_factor()

    @staticmethod
    def invite(who, **invitation):
        return who.call("POST", "/v1/invitations", invitation, expect=201, Idempotency_Key=uuid7()).json()

    def add_patients(self, count, **more):
        """Invites patients of the therapist; each accepts and is signed in."""
        for number in range(len(self.patients), len(self.patients) + count):
            address = f"patient-{number}-{self.mark}@home.example"
            person = {"display_name": f"Pat Number {number}", "time_zone": noon_zone(), "locale": "en-US", "country": "US", **more}
            self.invite(self.therapist, email=address, kind="patient", primary_member_id=self.therapist.account["id"], **person)
            patient = self._join(address)
            patient.address = address
            self.patients.append(patient)
        return self.patients[-count:]


ZONES = """Pacific/Honolulu America/Anchorage America/Los_Angeles America/Denver America/Chicago America/New_York
America/Halifax America/Sao_Paulo Atlantic/South_Georgia Atlantic/Azores Europe/London Europe/Berlin Europe/Athens
Europe/Moscow Asia/Dubai Asia/Karachi Asia/Dhaka Asia/Bangkok Asia/Singapore Asia/Tokyo Australia/Sydney
Pacific/Noumea Pacific/Auckland""".split()


def noon_zone():
    """A zone in which it is about noon now, far from quiet hours and from midnight."""
    return min(ZONES, key=lambda zone: abs(datetime.datetime.now(zoneinfo.ZoneInfo(zone)).hour - 12))
