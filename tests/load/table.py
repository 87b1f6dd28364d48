"""The figures of one run, as a table to read and to paste."""

HEAD = ("database", "what", "requests/s", "p50 ms", "p99 ms", "CPU µs server", "CPU µs database", "bare limit, CPU µs", "CPU ratio", "of its rate")


class Table:
    """Rows in the order in which they were measured; the bare limits below."""

    def __init__(self):
        self.rows, self.limits = [], []

    def __len__(self):
        return len(self.rows) + len(self.limits)

    def row(self, database, what, figures, limit=None, limit_cpu=None, limit_rate=None):
        whole = figures["cpu"] + (figures["database"] or 0)
        self.rows.append((
            database, what, f"{figures['rate']:,.0f}", f"{figures['p50']:.1f}", f"{figures['p99']:.1f}", f"{figures['cpu']:.0f}",
            "" if figures["database"] is None else f"{figures['database']:.0f}",
            f"{limit} {limit_cpu:.0f}" if limit else "", f"{whole / limit_cpu:.1f} ×" if limit else "",
            f"{figures['rate'] / limit_rate:.0%}" if limit_rate else "",
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
