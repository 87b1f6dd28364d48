"""A mail host that does as it is told.

    python -m tests.lab.mail_script FOLDER plain|starttls|tls [USER PASSWORD]

Prints its port, then a line of JSON for every connection and every message that it took. Each line that it reads says
what it does with the next sender, recipient or text instead of taking it: `mail 550`, `rcpt 451`, `rcpt stall`,
`dot 550`, `dot hangup`. With TLS it makes an authority of its own: FOLDER/ca.pem. Lasts until its input ends.
"""

import asyncio
import collections
import email
import email.policy
import json
import ssl
import subprocess
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from .ports import free_port


def say(**line):
    print(json.dumps(line), flush=True)


def certificate(folder):
    """A server's certificate for localhost, by an authority that nobody else knows."""
    def openssl(*command):
        subprocess.run(["openssl", *command], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=Test",
            "-keyout", "ca.key", "-out", "ca.pem", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=keyCertSign")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "host.key", "-out", "host.csr")
    with open(f"{folder}/names", "w", encoding="ascii") as names:
        names.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("x509", "-req", "-in", "host.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "names", "-out", "host.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f"{folder}/host.pem", f"{folder}/host.key")
    return context


class Host:
    def __init__(self):
        self.told = {"mail": collections.deque(), "rcpt": collections.deque(), "dot": collections.deque()}

    def next(self, stage):
        return self.told[stage].popleft() if self.told[stage] else None

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802, as aiosmtpd calls it
        session.host_name = hostname
        say(hello=hostname)
        return responses

    async def handle_MAIL(self, _server, _session, envelope, address, options):  # noqa: N802
        if told := self.next("mail"):
            return f"{told} as told"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802
        told = self.next("rcpt")
        if told == "stall":
            await asyncio.sleep(3600)
        if told:
            return f"{told} as told"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        told = self.next("dot")
        if told and told != "hangup":
            return f"{told} as told"
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
        say(message=dict(message.items()), to=envelope.rcpt_tos, parts=parts, tls=server.transport.get_extra_info("ssl_object") is not None)
        if told == "hangup":
            server.transport.abort()
        return "250 OK"


def main():
    folder, security, *sign_in = sys.argv[1:]
    host, port = Host(), free_port()
    context = None if security == "plain" else certificate(folder)
    more = {"require_starttls": True, "tls_context": context} if security == "starttls" else {}
    if sign_in:
        wanted = LoginPassword(*(word.encode() for word in sign_in))
        more |= {"auth_required": True, "auth_require_tls": False,
                 "authenticator": lambda *words: AuthResult(success=words[-1] == wanted, handled=False)}
    own = {"ssl_context": context} if security == "tls" else {}
    controller = Controller(host, hostname="127.0.0.1", port=port, ready_timeout=30, **own, **more)
    controller.start()
    say(port=port)
    for line in sys.stdin:
        stage, told = line.split()
        host.told[stage].append(told)
        say(told=f"{stage} {told}")
    threading.Thread(target=controller.stop, daemon=True).start()


if __name__ == "__main__":
    main()
