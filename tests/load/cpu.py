"""CPU seconds of processes, from /proc: of one, of a PostgreSQL with all its children."""

import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


def _fields(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return None


def of(pid):
    """User and system seconds of a process, all its threads."""
    fields = _fields(pid)
    return (int(fields[11]) + int(fields[12])) / TICK if fields else 0.0


def of_cluster(pid):
    """The same of a PostgreSQL: its postmaster, its children, and those that have ended."""
    own = _fields(pid)
    total = sum(int(own[at]) for at in (11, 12, 13, 14)) / TICK
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split():
        total += of(child)
    return total
