"""The server under test: started on a free port, asked whether it is ready, stopped, killed."""

import http.client
import os
import signal
import subprocess
import time
from pathlib import Path

from .ports import free_port

ROOT = Path(__file__).resolve().parents[2]


def binary():
    """The program to test: `AFTERGLOW_BINARY`, or the release build."""
    return os.environ.get("AFTERGLOW_BINARY", str(ROOT / "target/release/afterglow"))


class Server:
    """One `afterglow` process on one data folder, started as often as a test likes."""

    def __init__(self, folder, command=("serve",), wrapper=(), **settings):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "server.log"
        self.port = free_port()
        self.command, self.wrapper, self.process = command, wrapper, None
        self.settings = {"AFTERGLOW_LISTEN": f"127.0.0.1:{self.port}", "AFTERGLOW_DATA": str(self.folder / "data"),
                         **{f"AFTERGLOW_{name.upper()}": value for name, value in settings.items() if value}}

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def environment(self):
        """Our own environment without its AFTERGLOW_ names: they belong to other suites."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("AFTERGLOW_")}
        return {**own, **self.settings}

    def run(self, *command):
        """One command of the program, to its end; its output."""
        done = subprocess.run([binary(), *command], env=self.environment(), capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, seconds=60):
        """Starts it and returns the seconds until it was ready."""
        began = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self.wrapper, binary(), *self.command], env=self.environment(),
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        while not self.ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with {self.process.returncode}:\n{self.tail()}")
            if time.monotonic() - began > seconds:
                self.kill()
                raise TimeoutError(f"not ready after {seconds} s:\n{self.tail()}")
            time.sleep(0.01)
        return time.monotonic() - began

    def ready(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def tail(self, lines=40):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def pid(self):
        """The server's own process, under whatever it was wrapped in."""
        pid = self.process.pid
        if self.wrapper:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                pid = int(file.read().split()[0])
        return pid

    def kill(self):
        """kill -9, and wait until it is gone."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid(), signal.SIGKILL)
            self.process.wait()

    def stop(self, seconds=30):
        """SIGTERM, and wait for the graceful end."""
        if self.process and self.process.poll() is None:
            os.kill(self.pid(), signal.SIGTERM)
            self.process.wait(seconds)
        return self.process and self.process.returncode
