"""A mail host that keeps what it is given."""

import email
import email.policy
import re
import threading
import time

from aiosmtpd.controller import Controller

from .ports import free_port

INVITATION = r"/invitations/([A-Za-z0-9_-]+)"


class Message:
    """One message, as the host accepted it."""

    def __init__(self, sender, recipients, content):
        self.at = time.time()
        self.sender, self.recipients, self.content = sender, recipients, content
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        self.id, self.subject = parsed["Message-ID"], parsed["Subject"]
        self.headers = dict(parsed.items())
        body = parsed.get_body(("plain", "html"))
        self.text = body.get_content() if body else ""

    def code(self):
        """The code of the invitation that it carries."""
        found = re.search(INVITATION, self.text)
        return found and found.group(1)


class MailHost:
    """An SMTP server on a free port; `messages` grows under `arrived`."""

    def __init__(self, on_message=None):
        self.messages, self.arrived = [], threading.Condition()
        self._on_message = on_message
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, ready_timeout=30)
        self._controller.start()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802, the name that aiosmtpd calls
        message = Message(envelope.mail_from, envelope.rcpt_tos, envelope.original_content)
        with self.arrived:
            self.messages.append(message)
            self.arrived.notify_all()
        if self._on_message:
            self._on_message(message)
        return "250 OK"

    def to(self, address):
        """The messages to one address, oldest first."""
        return [message for message in self.messages if address in message.recipients]

    def wait_for(self, address, wanted=1, seconds=30):
        """The messages to an address, once there are as many as wanted."""
        with self.arrived:
            enough = self.arrived.wait_for(lambda: len(self.to(address)) >= wanted, timeout=seconds)
        if not enough:
            raise TimeoutError(f"{len(self.to(address))} of {wanted} messages to {address} within {seconds} s")
        return self.to(address)

    def close(self):
        self._controller.stop()
