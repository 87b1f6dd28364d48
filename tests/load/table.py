"""The figures of one run, as a table to read and to paste, and which of them missed what they must reach."""

from typing import NamedTuple

HEAD = ("database", "what", "requests/s", "p50 ms", "p99 ms", "CPU µs server", "CPU µs database", "bare limit, CPU µs", "CPU ratio", "of its rate")


class Limit(NamedTuple):
    """The bare limit of a row: its CPU µs and rate, how many times that CPU is allowed, which share of that rate is due."""

    name: str
    cpu: float
    times: float | None = None
    rate: float | None = None
    share: float | None = None


class Table:
    """Rows in the order in which they were measured; the bare limits below; what must hold is counted."""

    def __init__(self, judged=True):
        self.rows, self.limits, self.judged, self.held, self.missed = [], [], judged, 0, []

    def must(self, holds, what):
        """One thing that must hold. A run too short to quote judges nothing."""
        if self.judged and holds:
            self.held += 1
        elif self.judged:
            self.missed.append(what)

    def row(self, database, what, figures, limit=None):
        whole = figures["cpu"] + (figures["database"] or 0)
        if limit and limit.times:
            self.must(whole <= limit.times * limit.cpu, f"{database}, {what}: CPU {whole / limit.cpu:.1f} × {limit.name}, at most {limit.times} ×")
        if limit and limit.share:
            share = figures["rate"] / limit.rate
            self.must(share >= limit.share, f"{database}, {what}: {share:.0%} of the rate of {limit.name}, at least {limit.share:.0%}")
        self.rows.append((
            database, what, f"{figures['rate']:,.0f}", f"{figures['p50']:.1f}", f"{figures['p99']:.1f}", f"{figures['cpu']:.0f}",
            "" if figures["database"] is None else f"{figures['database']:.0f}",
            f"{limit.name} {limit.cpu:.0f}" if limit else "", f"{whole / limit.cpu:.1f} ×" if limit else "",
            f"{figures['rate'] / limit.rate:.0%}" if limit and limit.rate else "",
        ))

    def bare(self, database, what, figures):
        self.limits.append((database, f"bare: {what}", f"{figures['rate']:,.0f}", "", "", f"{figures['cpu_us']:.0f}", "", "", "", ""))

    def print(self):
        rows = [HEAD, *self.rows, *self.limits]
        widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
        for at, row in enumerate(rows):
            print("| " + " | ".join(cell.ljust(width) if column < 2 else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths))) + " |")
            if at == 0:
                print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
        for missed in self.missed:
            print(f"missed: {missed}")
