"""The demo clinic, with a password that we know."""

import shutil

from .clients import PASSWORD, Client
from .server import Server

PEOPLE = ("patient", "therapist", "prescriber", "admin")


class Demo(Server):
    """`afterglow demo` on a folder of its own; `copy_of` starts from what another one has seeded."""

    def __init__(self, folder, copy_of=None, **settings):
        super().__init__(folder, **settings)
        data = self.folder / "data"
        if copy_of:
            shutil.copytree(copy_of.folder / "data", data)
        self.command = ("demo", "--port", str(self.port), "--data", str(data), "--password", PASSWORD)

    def person(self, role):
        """One of the four people, signed in. Sign-ins are counted by address: ours is not the tests'."""
        return Client(self.url, source="127.0.0.2").login(f"{role}@demo.example", PASSWORD)
