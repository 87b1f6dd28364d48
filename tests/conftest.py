"""Fixtures of the suites outside the server: a laboratory for each database."""

import base64
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.lab.clients import Clinic  # noqa: E402
from tests.lab.mail import MailHost  # noqa: E402
from tests.lab.postgres import Postgres  # noqa: E402
from tests.lab.rows import Rows  # noqa: E402
from tests.lab.server import Server  # noqa: E402

FULL = os.environ.get("AFTERGLOW_FIGURES") == "full"


@pytest.fixture(scope="session")
def figures():
    """`figures(quick, full)`: the number that this run asks for."""
    return lambda quick, full: full if FULL else quick


@pytest.fixture
def say():
    """Says what a test did, with the time since it began."""
    began = time.monotonic()
    return lambda text: print(f"   {time.monotonic() - began:6.1f} s  {text}", flush=True)


@pytest.fixture(scope="session")
def postgres():
    cluster = Postgres()
    yield cluster
    cluster.close()


@pytest.fixture
def mail():
    host = MailHost()
    yield host
    host.close()


class Laboratory:
    """Servers on one kind of database with one mail host; all are gone at the end of the test."""

    def __init__(self, kind, postgres, mail):
        self.kind, self.postgres, self.mail, self.servers = kind, postgres, mail, []
        self.folder = Path(tempfile.mkdtemp(prefix="afterglow-test-"))

    def server(self, **more):
        own = {"mail_from": "Afterglow <no-reply@afterglow.example>", "smtp_url": self.mail.url}
        if self.kind == "postgres":
            own["database_url"] = self.postgres.new_database()
            own["master_key"] = base64.b64encode(os.urandom(32)).decode()
        server = Server(self.folder / f"server-{len(self.servers)}", **{**own, **more})
        self.servers.append(server)
        return server

    def clinic(self, server, patients):
        """A clinic with that many patients, on a server that this starts."""
        clinic = Clinic(server, self.mail)
        clinic.add_patients(patients)
        return clinic

    @staticmethod
    def rows(server):
        return Rows(server)

    def close(self):
        for server in self.servers:
            server.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgres"])
def lab(request, mail):
    cluster = request.getfixturevalue("postgres") if request.param == "postgres" else None
    laboratory = Laboratory(request.param, cluster, mail)
    yield laboratory
    laboratory.close()


@pytest.fixture
def sqlite(mail):
    laboratory = Laboratory("sqlite", None, mail)
    yield laboratory
    laboratory.close()
