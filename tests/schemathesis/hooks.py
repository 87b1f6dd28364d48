"""Who schemathesis is in this run, whose records it asks for, and what was answered."""

import json
import os
import sys
from pathlib import Path

import schemathesis

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.lab.clients import PASSWORD, Client  # noqa: E402

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


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """The patient is the one that the role may see; half of the ids are those of records that are there."""
    if not path_parameters:
        return path_parameters
    if "patient" in path_parameters:
        path_parameters["patient"] = PATIENT
    known = next((ids for part, ids in IDS.items() if f"/{part}/{{" in context.operation.path), [])
    for name in path_parameters:
        if name != "patient" and known and (draw := sum(map(ord, str(path_parameters[name])))) % 2:
            path_parameters[name] = known[draw // 2 % len(known)]
    return path_parameters


@schemathesis.hook
def map_query(_context, query):
    """A cursor is what the server gave, nothing that one could make up."""
    return {name: value for name, value in query.items() if name not in ("cursor", "since")} if query else query


@schemathesis.hook
def after_call(_context, case, response):
    print(json.dumps([case.operation.label, response.status_code, response.headers.get("content-type", [""])[0]]), file=ANSWERS)
