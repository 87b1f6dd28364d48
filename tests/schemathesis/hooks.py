"""Who schemathesis is in this run, whose records it asks for, and what was answered."""

import json
import os
import random
import sys
from pathlib import Path

import schemathesis
from schemathesis.core.parameters import ParameterLocation

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.clients import PASSWORD, Client, uuid7  # noqa: E402

URL, ROLE = os.environ["SCHEMATHESIS_SERVER"], os.environ["SCHEMATHESIS_ROLE"]
PATIENT, IDS = os.environ["SCHEMATHESIS_PATIENT"], json.loads(os.environ["SCHEMATHESIS_IDS"])
ANSWERS = open(os.environ["SCHEMATHESIS_ANSWERS"], "a", encoding="utf-8", buffering=1)  # noqa: SIM115, for the whole run
ENDS_SIGN_IN = ["/v1/auth/logout", "/v1/auth/refresh"]


class SignIn:
    """A token of the role; where a test may end it, one that nobody else uses."""

    def get(self, _case, _context):
        return Client(URL, source="127.0.0.2").login(f"{ROLE}@demo.example", PASSWORD).token

    def set(self, case, token, _context):
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {token}"}


schemathesis.auth(refresh_interval=240).skip_for(path=ENDS_SIGN_IN)(SignIn)
schemathesis.auth(refresh_interval=None).apply_to(path=ENDS_SIGN_IN)(SignIn)


class Known:
    """What a client knows by having asked: the version of a record that it is about to change."""

    client = None

    @classmethod
    def etag(cls, path):
        for _ in range(2):
            cls.client = cls.client or Client(URL, source="127.0.0.2").login(f"{ROLE}@demo.example", PASSWORD)
            answer = cls.client.call("GET", path)
            if answer.status_code != 401:
                return answer.headers.get("ETag")
            cls.client = None
        return None


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Where nothing is meant to be wrong: the patient whom the role may see, half of the ids those of records that are
    there, half of the changes of the version that is there, a new key for each new record, no invented cursor."""
    if case.meta is None:
        return
    draw = random.Random(case.id)
    if case.headers and case.headers.get("If-Match") == "":
        del case.headers["If-Match"]
    path = case.path_parameters or {}
    if not case.meta.is_negative_at(ParameterLocation.PATH):
        known = next((ids for part, ids in IDS.items() if f"/{part}/{{" in case.operation.path), [])
        for name in path:
            if name == "patient":
                path[name] = PATIENT
            elif known and draw.random() < 0.5:
                path[name] = draw.choice(known)
    if case.query and not case.meta.is_negative_at(ParameterLocation.QUERY):
        # Nor are rules between two parameters, which a schema cannot say, nor empty values, meant to be broken.
        made_up = ("cursor", "since", "to") if case.operation.path.endswith("/occurrences") else ("cursor", "since")
        case.query = {name: value for name, value in case.query.items() if name not in made_up and value != ""}
    if case.meta.is_negative_at(ParameterLocation.HEADER) or case.headers is None:
        return
    if "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = uuid7()
    changes = case.method in ("PUT", "PATCH", "DELETE") and case.operation.headers.get("If-Match")
    if changes and draw.random() < 0.5 and (etag := Known.etag(case.formatted_path)):
        case.headers["If-Match"] = etag


@schemathesis.hook
def after_call(_context, case, response):
    print(json.dumps([case.operation.label, response.status_code, response.headers.get("content-type", [""])[0]]), file=ANSWERS)
