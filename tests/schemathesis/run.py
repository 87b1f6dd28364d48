"""schemathesis with every check, once as each of the demo clinic's four people, each on a clinic of its own."""

import collections
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from ..lab.demo import PEOPLE, Demo

ROOT = Path(__file__).resolve().parents[2]
FULL = os.environ.get("AFTERGLOW_FIGURES") == "full"
EXAMPLES = 60 if FULL else 8
LISTED = ("intentions", "sessions", "journal-entries", "mood-scores", "assessments", "home-doses", "prescriptions", "reminders", "notifications")


def ids(person, patient):
    """Ids of what the demo patient has, as far as the person may see it."""
    found = {}
    for resource in LISTED:
        answer = person.call("GET", f"/v1/patients/{patient}/{resource}")
        found[resource] = [item["id"] for item in answer.json()["items"]][:5] if answer.status_code == 200 else []
    answer = person.call("GET", "/v1/flags?limit=20")
    found["flags"] = [item["id"] for item in answer.json()["items"]] if answer.status_code == 200 else []
    found["instruments"] = ["phq-9", "gad-7"]
    return found


def main():
    passed = failed = 0
    answered, asked = set(), set()
    with tempfile.TemporaryDirectory(prefix="afterglow-schemathesis-") as folder:
        seeded = Demo(Path(folder) / "seeded")
        seeded.start()
        patient = seeded.person("patient").account["patient_id"]
        seeded.stop()
        for role in PEOPLE:
            server = Demo(Path(folder) / role, copy_of=seeded)
            server.start()
            try:
                counts = one_role(server, role, "me" if role == "patient" else patient, Path(folder))
            finally:
                server.stop()
            passed, failed = passed + counts[0], failed + counts[1]
            answered, asked = answered | counts[2], asked | counts[3]
    print(f"   all four: {len(answered)} of {len(asked)} operations answered 2xx")
    failed += len(answered) * 2 < len(asked)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


def one_role(server, role, patient, folder):
    """One run: how many cases passed and failed, which operations answered 2xx, which were asked."""
    junit, answers = folder / f"{role}.xml", folder / f"{role}.jsonl"
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": str(Path(__file__).with_name("hooks.py")),
        "SCHEMATHESIS_SERVER": server.url,
        "SCHEMATHESIS_ROLE": role,
        "SCHEMATHESIS_PATIENT": patient,
        "SCHEMATHESIS_IDS": json.dumps(ids(server.person(role), patient)),
        "SCHEMATHESIS_ANSWERS": str(answers),
    }
    command = ["schemathesis", "--config-file", str(ROOT / "tests/schemathesis.toml"), "run", f"{server.url}/openapi.json",
               "--checks", "all", "--max-examples", str(EXAMPLES), "--workers", "2", "--request-timeout", "20",
               "--continue-on-failure", "--report", "junit", "--report-junit-path", str(junit)]
    print(f"-- as the {role}", flush=True)
    done = subprocess.run(command, env=environment, check=False)
    cases = list(ElementTree.parse(junit).iter("testcase"))
    bad = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]

    statuses = collections.defaultdict(collections.Counter)
    for line in answers.read_text().splitlines():
        operation, status, _ = json.loads(line)
        statuses[operation][status] += 1
    good = [operation for operation, seen in statuses.items() if any(200 <= status < 300 for status in seen)]
    broken = [operation for operation, seen in statuses.items() if any(status >= 500 for status in seen)]
    total = sum(sum(seen.values()) for seen in statuses.values())
    print(f"   {role}: {total} requests, {len(good)} of {len(statuses)} operations answered 2xx, 5xx from {broken or 'none'}")
    for operation in sorted(statuses.keys() - set(good)):
        print(f"   no 2xx: {operation} {dict(statuses[operation])}")
    failed = len(bad) + bool(broken) + (done.returncode != 0 and not bad)
    return len(cases) - len(bad), failed, set(good), set(statuses)


if __name__ == "__main__":
    sys.exit(main())
