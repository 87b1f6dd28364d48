"""A PostgreSQL of our own: temporary folder, free port, C locale, durable."""

import glob
import os
import shutil
import subprocess
import tempfile
import uuid

import psycopg

from .ports import free_port

USER = "afterglow"


def tool(name):
    """A program of the newest PostgreSQL of this machine."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"), key=lambda path: int(path.split("/")[4]))
    return found[-1] if found else shutil.which(name)


class Postgres:
    """One cluster. As root it runs as the user `postgres`, since PostgreSQL refuses root."""

    def __init__(self, settings=()):
        self.folder = tempfile.mkdtemp(prefix="afterglow-postgres-")
        self.data = f"{self.folder}/data"
        self.log = f"{self.folder}/log"
        self.port = free_port()
        self.settings = ["listen_addresses=127.0.0.1", f"port={self.port}", f"unix_socket_directories={self.folder}",
                         "max_connections=300", "shared_buffers=256MB", "fsync=on", "synchronous_commit=on", *settings]
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        if self.user:
            shutil.chown(self.folder, "postgres")
        self._run(tool("initdb"), "-D", self.data, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync")
        self.start()

    def _run(self, *command):
        environment = {**os.environ, "LC_ALL": "C"}
        done = subprocess.run([*self.user, *command], cwd="/", env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stdout}")

    def start(self):
        options = " ".join(f"-c {setting}" for setting in self.settings)
        self._run(tool("pg_ctl"), "-D", self.data, "-l", self.log, "-o", options, "-w", "start")

    def stop(self, mode="fast"):
        self._run(tool("pg_ctl"), "-D", self.data, "-m", mode, "-w", "stop")

    def close(self):
        """Stops it and takes its folder away."""
        self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def pid(self):
        with open(f"{self.data}/postmaster.pid", encoding="ascii") as file:
            return int(file.readline())

    def url(self, database="postgres"):
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self):
        """The URL of an empty database."""
        name = f"afterglow_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self.url(name)
