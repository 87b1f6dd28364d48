"""The database and the mail host of one run of `tests/run`: prints their addresses and lasts until its input ends."""

import contextlib
import json
import signal
import sys

from .mail import MailHost
from .postgres import Postgres


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.ExitStack() as stack:
        mailbox = stack.enter_context(open(sys.argv[1], "w", encoding="utf-8"))

        def keep(message):
            line = {"to": message.recipients, "subject": message.subject, "text": message.text, "headers": message.headers}
            print(json.dumps(line), file=mailbox, flush=True)

        database = stack.enter_context(contextlib.closing(Postgres()))
        host = stack.enter_context(contextlib.closing(MailHost(keep)))
        print(database.url(), host.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
