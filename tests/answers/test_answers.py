"""Every real PHQ-9 of NHANES 2017–2018, and every worked case, through a running server on both databases.

What is expected is computed here, from the published rules, without a line of the server's code.
"""

import collections
import csv
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..faults.phones import instant
from ..lab.clients import Client, noon_zone, uuid7

DATA = Path(__file__).resolve().parents[1] / "data"
BANDS = {
    "phq-9": [(0, "minimal"), (5, "mild"), (10, "moderate"), (15, "moderately-severe"), (20, "severe")],
    "phq-2": [(0, "negative"), (3, "positive")],
    "gad-7": [(0, "minimal"), (5, "mild"), (10, "moderate"), (15, "severe")],
}


def band(instrument, total):
    return [name for lowest, name in BANDS[instrument] if lowest <= total][-1]


def expected(answers):
    """The score of a PHQ-9 (nine answers of 0 to 3, None for an unanswered item), and the rule that it must raise."""
    missing = [str(number) for number, answer in enumerate(answers, 1) if answer is None]
    total = sum(answer for answer in answers if answer is not None)
    status = "complete" if not missing else "partial" if len(missing) == 1 and "9" not in missing else "invalid"
    score = {
        "status": status,
        "total": total if status == "complete" else None,
        "estimate": int(total * 9 / 8 + 0.5) if status == "partial" else None,
        "bounds": [total, total + 3 * len(missing)],
        "band": band("phq-9", total) if status == "complete" else None,
        "band_of_lower_bound": band("phq-9", total),
        "missing": missing,
    }
    rule = "SI-04" if answers[8] is None else {0: None, 1: "SI-01"}.get(answers[8], "SI-02")
    return score, rule


WORDS = ["Not at all", "Several days", "More than half the days", "Nearly every day"]


def flag_of(form, rule, answers, total):
    """The flag of somebody's first form: how grave it is, and what it says that it rests on."""
    if rule == "SI-04":
        detail = "PHQ-9 item 9 has no answer, and none before."
    else:
        said = f"PHQ-9 total {total}" if total is not None else "PHQ-9 incomplete"
        detail = f"{answers[8]} of 3, “{WORDS[answers[8]]}”. Before: none. {said}."
    return {"rule": rule, "severity": "watch" if rule == "SI-04" else "urgent", "state": "open", "evidence": [("assessments", form, detail)]}


def real_answers():
    with open(DATA / "phq9-nhanes-2017-2018.csv", newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            answers = [int(row[f"item{number}"]) if row[f"item{number}"] else None for number in range(1, 10)]
            yield answers, int(row["difficulty"]) if row["difficulty"] else None


def form(instrument, answers, **more):
    numbered = {str(number): answer for number, answer in enumerate(answers, 1) if answer is not None}
    return {"occurred_at": instant(), "time_zone": noon_zone(), "instrument": instrument, "answers": numbered, **more}


def test_all_real_phq_9_answers(lab, say):
    """2,547 people, each a patient of their own: totals, bands and states as computed, and exactly the flags that are due."""
    server = lab.server()
    clinic = lab.clinic(server, 0)
    own = threading.local()

    def therapist():
        if not hasattr(own, "client"):
            own.client = Client(server.url)
            own.client.session.headers["Authorization"] = f"Bearer {clinic.therapist.token}"
        return own.client

    def one(numbered):
        number, (answers, difficulty) = numbered
        invitation = {"email": f"respondent-{number}@survey.example", "kind": "patient", "display_name": f"Respondent {number}",
                      "time_zone": noon_zone(), "locale": "en-US", "country": "US", "primary_member_id": clinic.therapist.account["id"]}
        patient = clinic.invite(therapist(), **invitation)["patient_id"]
        body = form("phq-9", answers, answered_by="clinician", **({} if difficulty is None else {"difficulty": difficulty}))
        made = therapist().call("POST", f"/v1/patients/{patient}/assessments", body, expect=201, Idempotency_Key=uuid7()).json()
        score, rule = expected(answers)
        flag = flag_of(made["id"], rule, answers, score["total"]) if rule else None
        return patient, flag, score["status"], [] if agree(made["score"], score) else [(answers, made["score"], score)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(one, enumerate(real_answers())))
    wrong = [difference for *_, differences in results for difference in differences]
    assert not wrong, wrong[:5]
    states = collections.Counter(status for _, _, status, _ in results)
    assert states == {"complete": 2536, "partial": 5, "invalid": 6}

    due = {patient: flag for patient, flag, *_ in results if flag}
    raised, cursor = [], ""
    while cursor is not None:
        page = clinic.therapist.call("GET", f"/v1/flags?limit=200{cursor}", expect=200).json()
        raised += [(flag["patient_id"], seen(flag)) for flag in page["items"]]
        cursor = f"&cursor={page['next_cursor']}" if page["next_cursor"] else None
    rules = collections.Counter(flag["rule"] for _, flag in raised)
    say(f"{lab.kind}: {len(results)} forms ({dict(states)}), {len(raised)} flags ({dict(rules)})")
    assert rules == {"SI-01": 73, "SI-02": 24, "SI-04": 4}
    assert dict(raised) == due
    assert len(raised) == len(due)


def seen(flag):
    """As much of a flag as is expected."""
    evidence = [(one["resource"], one["id"], one["detail"]) for one in flag["evidence"]]
    return {"rule": flag["rule"], "severity": flag["severity"], "state": flag["state"], "evidence": evidence}


def agree(found, score):
    """Absent and null are the same."""
    return all(found.get(name) == value for name, value in score.items())


def test_all_worked_cases_of_the_three_questionnaires(lab, say):
    """PHQ-9, PHQ-2 and GAD-7 of vectors.json: the same score, or refused and nothing stored."""
    server = lab.server()
    patient = lab.clinic(server, 1).patients[0]
    counts = collections.Counter()
    for name in ("PHQ-9", "PHQ-2", "GAD-7"):
        for case in json.loads((DATA / "vectors.json").read_text())["scoring"][name]:
            before = len(stored(patient))
            answer = patient.call("POST", "/v1/patients/me/assessments", form(name.lower(), case["input"]), Idempotency_Key=uuid7())
            wanted = case["expected"]
            if wanted["status"] == "rejected":
                assert answer.status_code == 422, case
                assert answer.json()["errors"], case
                assert len(stored(patient)) == before, case
            else:
                assert answer.status_code == 201, (case, answer.text)
                assert agree(answer.json()["score"], on_the_wire(wanted)), (case, answer.json()["score"])
            counts[name] += 1
    say(f"{lab.kind}: {dict(counts)} worked cases agree")


def on_the_wire(wanted):
    """A vector's expectation in the words of the API."""
    kebab = lambda value: value.replace("_", "-") if isinstance(value, str) else value  # noqa: E731
    names = {"prorated": "estimate", "bandLower": "band_of_lower_bound"}
    left_out = ("phq2", "item9", "rule")
    score = {names.get(name, name): kebab(value) for name, value in wanted.items() if name not in left_out}
    score["missing"] = [str(number) for number in wanted["missing"]]
    return score


def stored(patient):
    return patient.call("GET", "/v1/patients/me/assessments?limit=200", expect=200).json()["items"]
