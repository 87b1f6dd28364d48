"""What the database itself holds, read past the server."""

import shutil
import sqlite3
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import psycopg


class Rows:
    """Statements on the database of one server, of either kind; ids come back as text."""

    def __init__(self, server):
        self.url = server.settings.get("AFTERGLOW_DATABASE_URL")
        self.file = Path(server.settings["AFTERGLOW_DATA"]) / "afterglow.db"

    def query(self, sql):
        """The rows of one statement. An SQLite file is copied first: opening the real one would mend it for the server."""
        if self.url:
            with psycopg.connect(self.url) as connection:
                return [tuple(map(_plain, row)) for row in connection.execute(sql)]
        with tempfile.TemporaryDirectory() as folder:
            for name in ("afterglow.db", "afterglow.db-wal"):
                if (self.file.parent / name).exists():
                    shutil.copy(self.file.parent / name, folder)
            with closing(sqlite3.connect(f"{folder}/afterglow.db")) as connection:
                return [tuple(map(_plain, row)) for row in connection.execute(sql)]

    def change(self, sql, *values):
        """One statement that changes rows; how many. Ids are given as text, placeholders as `?`."""
        if self.url:
            values = [uuid.UUID(value) if _is_id(value) else value for value in values]
            with psycopg.connect(self.url) as connection:
                return connection.execute(sql.replace("?", "%s"), values).rowcount
        values = [uuid.UUID(value).bytes if _is_id(value) else value for value in values]
        with closing(sqlite3.connect(self.file, timeout=30)) as connection:
            count = connection.execute(sql, values).rowcount
            connection.commit()
            return count

    def gaps(self):
        """Patients whose record versions are not numbered 1…seq, each number once (none, if all is well)."""
        numbers = {}
        for patient, seq in self.query("SELECT patient_id, seq FROM record UNION ALL SELECT patient_id, seq FROM record_version"):
            numbers.setdefault(patient, []).append(seq)
        counters = dict(self.query("SELECT id, seq FROM patient"))
        return {
            patient: f"counter {seq}, versions {_ranges(sorted(numbers.get(patient, [])))}"
            for patient, seq in counters.items()
            if sorted(numbers.get(patient, [])) != list(range(1, seq + 1))
        }

    def damage(self):
        """What SQLite's own check finds wrong (PostgreSQL has none to ask)."""
        found = [] if self.url else self.query("PRAGMA integrity_check")
        return [line for (line,) in found if line != "ok"]


def _plain(value):
    if isinstance(value, uuid.UUID):
        return str(value)
    return str(uuid.UUID(bytes=value)) if isinstance(value, bytes) and len(value) == 16 else value


def _is_id(value):
    return isinstance(value, str) and len(value) == 36 and value.count("-") == 4


def _ranges(numbers):
    """`1-4 6 6 9-12`: short enough to read in a failure."""
    parts = []
    for number in numbers:
        if parts and parts[-1][1] + 1 == number:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return " ".join(f"{first}-{last}" if first != last else f"{first}" for first, last in parts)
