"""One run of all figures on one machine: the demo clinic on SQLite and on PostgreSQL, each row beside its bare limit."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from ..lab.clients import PASSWORD, Client, uuid7
from ..lab.demo import Demo
from ..lab.mail import MailHost
from ..lab.postgres import Postgres
from ..lab.server import Server, binary
from . import cpu
from .pgbench import unit as pgbench_unit
from .table import Limit, Table

SMOKE = "--smoke" in sys.argv
SECONDS = 1 if SMOKE else 8
PATIENTS = 4 if SMOKE else 50
TURNS = 1 if SMOKE else 3
HERE = Path(__file__).parent
LIMITS = os.environ["AFTERGLOW_LIMITS"]


class Bench:
    """A demo clinic under load: its server, its people, its database."""

    def __init__(self, name, folder, mail, cluster=None):
        self.name, self.folder, self.cluster = name, folder, cluster
        self.key = base64.b64encode(os.urandom(32)).decode()
        database = {"database_url": cluster.new_database(), "master_key": self.key} if cluster else {}
        self.server = Demo(folder, smtp_url=mail.url, log="warn", **database)
        self.seconds_to_first_answer = self.server.start(300)
        self.patient, self.therapist = self.server.person("patient"), self.server.person("therapist")
        self.prescriber = self.server.person("prescriber")
        self.others = [self._invite(mail, number) for number in range(PATIENTS)]

    def _invite(self, mail, number):
        address = f"load-{number}@{self.name.lower()}.example"  # both clinics share one mail host
        invitation = {"email": address, "kind": "patient", "display_name": f"Load {number}", "time_zone": "Europe/Berlin",
                      "locale": "en-US", "country": "US", "primary_member_id": self.prescriber.account["id"]}
        self.prescriber.call("POST", "/v1/invitations", invitation, expect=201, Idempotency_Key=uuid7())
        return Client(self.server.url).accept(mail.wait_for(address)[-1].code(), PASSWORD)

    def tokens(self, people, ids=None):
        """A file of access tokens, fresh ones, so that none expires in a row."""
        lines = [f"{person.refresh().token} {ids[at] if ids else ''}" for at, person in enumerate(people)]
        path = self.folder / "tokens"
        path.write_text("\n".join(lines) + "\n")
        return path

    def load(self, kind, clients, people, ids=None, patient="me"):
        """One row: its rate, its latencies, and the CPU of server and database for each request."""
        command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "--latency", "--timeout", "20s", "-s", str(HERE / "requests.lua"),
                   self.server.url, "--", kind, str(self.tokens(people, ids)), patient]
        server, database = cpu.of(self.server.pid()), self._database()
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        server, database = cpu.of(self.server.pid()) - server, self._database() - database
        row = json.loads(done.stdout.rpartition("JSON ")[2])
        if row["bad"] or not row["requests"]:
            raise SystemExit(f"{self.name}, {kind}: {row}\n{done.stdout}\n{self.server.tail()}")
        each = 1e6 / row["requests"]
        return {"rate": row["requests"] / row["seconds"], "p50": row["p50_ms"], "p99": row["p99_ms"],
                "cpu": server * each, "database": database * each if self.cluster else None}

    def _database(self):
        return cpu.of_cluster(self.cluster.pid()) if self.cluster else 0.0

    def data(self):
        return self.folder / "data"


def limit(*words):
    done = subprocess.run([LIMITS, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"limits {words}: {done.stderr}")
    return json.loads(done.stdout)


def mean(rows):
    """One row of several of the same kind."""
    return {name: rows[0][name] and sum(row[name] for row in rows) / len(rows) for name in rows[0]}


def measure(bench, table):
    """All rows of one database."""
    echo = bench.load("echo", 64, [bench.patient])
    table.row(bench.name, "echo, 64 clients", echo)
    writes = {clients: bench.load("write", clients, bench.others) for clients in (1, 16)}
    # By turns: what else the machine does meanwhile falls on both.
    turns = [(bench.load("write", 64, bench.others), bench.load("write", 64, bench.others[:1])) for _ in range(TURNS)]
    writes[64], one = (mean(rows) for rows in zip(*turns))
    newest = [person.call("GET", "/v1/patients/me/mood-scores?limit=1", expect=200).json()["items"][0]["id"] for person in bench.others]
    read = bench.load("read", 64, bench.others, newest)
    page = bench.load("page", 64, [bench.patient])
    caseload = bench.load("caseload", 1, [bench.therapist])

    patient = bench.patient.account["patient_id"]
    if bench.cluster:
        bench.server.stop()
        unit = pgbench_unit(bench.cluster, bench.server.settings["AFTERGLOW_DATABASE_URL"], SECONDS)
        before = cpu.of_cluster(bench.cluster.pid())
        bare_page = limit("page", bench.server.settings["AFTERGLOW_DATABASE_URL"], SECONDS, patient, bench.key)
        # What the database does for it counts in the rows too.
        bare_page["cpu_us"] += (cpu.of_cluster(bench.cluster.pid()) - before) * 1e6 / bare_page["count"]
    else:
        bench.server.stop()
        copy = bench.folder / "copy"
        shutil.copytree(bench.data(), copy)
        unit, bare_page = limit("unit", copy, SECONDS, 64), limit("page", copy, SECONDS, patient)

    bare_echo = echo["cpu"] + (echo["database"] or 0)
    bare = bare_echo + unit["cpu_us"]
    for clients, row in writes.items():
        # What must be reached is said of 64 clients; fewer share their COMMITs among fewer.
        due = {"times": 4.5, "share": 0.4} if clients == 64 and not bench.cluster else {"times": 4.5} if clients == 64 else {}
        due = Limit("echo + unit", bare, rate=unit["rate"], **due)
        table.row(bench.name, f"write a mood score, {clients} client{'s'[: clients > 1]}, {PATIENTS} patients", row, due)
    table.row(bench.name, "write a mood score, 64 clients, one patient", one, Limit("echo + unit", bare, rate=unit["rate"]))
    slower = one["rate"] / writes[64]["rate"]
    table.must(slower >= 0.9, f"{bench.name}: one patient's 64 phones write at {slower:.0%} of the rate of {PATIENTS} patients")
    table.row(bench.name, "read a record, 64 clients", read, Limit("echo", bare_echo, times=8))
    table.row(bench.name, "timeline page of 50, 64 clients", page, Limit("page", bare_page["cpu_us"], times=6))
    table.row(bench.name, "caseload of 50 × 1 year, 1 client", caseload)
    table.must(caseload["p99"] <= 10, f"{bench.name}, caseload: p99 {caseload['p99']:.1f} ms, at most 10 ms")
    table.bare(bench.name, "unit" + (", pgbench, 64 clients" if bench.cluster else ", rusqlite, groups of 64"), unit)
    table.bare(bench.name, "page" + (", sqlx" if bench.cluster else ", rusqlite"), bare_page)


def idle(folder, mail, table):
    """What an empty service takes: from start to first answer, of memory, of disk for its program."""
    server = Server(folder, smtp_url=mail.url, log="warn")
    try:
        server.start()  # makes its files and keys
        server.stop()
        seconds = server.start()
        status = Path(f"/proc/{server.pid()}/status").read_text(encoding="ascii")
        memory = int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024
    finally:
        server.kill()
    size = Path(binary()).stat().st_size / 2**20
    print(f"serve, SQLite: first answer after {seconds:.2f} s, {memory:.0f} MiB idle, a binary of {size:.0f} MiB")
    table.must(seconds <= 0.3, f"start to first answer {seconds:.2f} s, at most 0.3 s")
    table.must(memory <= 60, f"idle memory {memory:.0f} MiB, at most 60 MiB")
    table.must(size <= 60, f"binary {size:.0f} MiB, at most 60 MiB")


def main():
    table = Table(judged=not SMOKE)
    with tempfile.TemporaryDirectory(prefix="afterglow-load-") as folder, closing(MailHost()) as mail, closing(Postgres()) as cluster:
        idle(Path(folder) / "idle", mail, table)
        for name, database in (("SQLite", None), ("PostgreSQL", cluster)):
            bench = Bench(name, Path(folder) / name, mail, database)
            try:
                print(f"{name}: a demo clinic answered after {bench.seconds_to_first_answer:.1f} s", flush=True)
                table.must(bench.seconds_to_first_answer <= 5, f"{name}: the demo answered after {bench.seconds_to_first_answer:.1f} s, at most 5 s")
                measure(bench, table)
            finally:
                bench.server.kill()
    table.print()
    measured = len(table.rows) + len(table.limits)
    print(f"{measured + table.held} passed, {len(table.missed)} failed")
    return len(table.missed) > 0


if __name__ == "__main__":
    sys.exit(main())
