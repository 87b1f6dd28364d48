"""The bare unit on PostgreSQL: the statements of one check-in as scripts of pgbench, 64 clients over all patients."""

import re
import subprocess
import tempfile
from pathlib import Path

import psycopg

from ..lab.postgres import tool
from . import cpu

NEWEST = "(SELECT record_id FROM audit WHERE operation = 'mood_scores_create' ORDER BY id DESC LIMIT 1)"
# What differs from row to row; everything else is as a real write left it.
VARYING = {
    "record": {"patient_id": "{patient}", "id": ":id", "seq": ":seq", "occurred_at": ":at"},
    "measurement": {"patient_id": "{patient}", "record_id": ":id", "occurred_at": ":at"},
    "idempotency": {"owner_id": "{patient}", "account_id": "{patient}", "key": ":id", "record_id": ":id"},
    "audit": {"patient_id": "{patient}", "record_id": ":id"},
}
SCRIPT = """\\set at 1000000 * random(1000000000, 1700000000)
BEGIN;
SAVEPOINT unit;
SELECT time_zone FROM patient WHERE id = {patient};
SELECT fingerprint FROM idempotency WHERE owner_id = {patient} AND account_id = {patient} AND key = :client_id;
UPDATE patient SET seq = seq + 1 WHERE id = {patient} RETURNING seq, gen_random_uuid() AS id \\gset
{record}
{measurement}
SELECT occurred_at, record_id, day, value FROM measurement WHERE patient_id = {patient} AND series = 0
  AND occurred_at BETWEEN :at - 1468800000000 AND :at + 1468800000000;
{idempotency}
{audit}
RELEASE unit;
COMMIT;
"""


def unit(cluster, url, seconds):
    """Units a second, and the database's CPU µs for each."""
    with psycopg.connect(url) as connection, tempfile.TemporaryDirectory() as folder:
        command = [tool("pgbench"), "-n", "-M", "prepared", "-c", "64", "-j", "1", "-T", str(seconds), url]
        for number, script in enumerate(_scripts(connection)):
            file = Path(folder) / f"{number}.sql"
            file.write_text(script)
            command[1:1] = ["-f", str(file)]
        before = cpu.of_cluster(cluster.pid())
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        spent = cpu.of_cluster(cluster.pid()) - before
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    count = int(re.search(r"transactions actually processed: (\d+)", done.stdout).group(1))
    rate = float(re.search(r"tps = ([\d.]+)", done.stdout).group(1))
    return {"rate": rate, "cpu_us": spent * 1e6 / count}


def _scripts(connection):
    """One script for each patient, since pgbench has no ids to draw from."""
    inserts = {table: _insert(connection, table) for table in VARYING}
    owners = "SELECT DISTINCT p.id FROM idempotency i JOIN patient p ON p.id = i.owner_id"
    for (patient,) in connection.execute(owners).fetchall():
        quoted = f"'{patient}'"
        yield SCRIPT.format(patient=quoted, **{table: insert.format(patient=quoted) for table, insert in inserts.items()})


def _insert(connection, table):
    """The statement that writes a copy of the newest row under other ids."""
    key = "id" if table == "record" else "record_id"
    columns = [name for (name,) in connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
        " AND is_identity = 'NO' ORDER BY ordinal_position", (table,))]
    quoted = ", ".join(f"quote_nullable({name}::text)" for name in columns)
    values = connection.execute(f"SELECT {quoted} FROM {table} WHERE {key} = {NEWEST} LIMIT 1").fetchone()
    # A colon before a word would be a variable of pgbench, a brace one of ours.
    literals = [value.replace(":", ": ").replace("{", "{{").replace("}", "}}") for value in values]
    written = [VARYING[table].get(name, literal) for name, literal in zip(columns, literals)]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(written)});"
