"""Mails through a real SMTP server: with TLS and a sign-in, refused, busy, and gone."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509

from core.errors import InvalidInput, Unavailable
from data.mail import SmtpMail
from samples.servers.ports import free_port
from samples.servers.tls_proxy import Authority


class Inbox:
    """Keeps what it gets. `reply` answers each recipient."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []
        self.reply = "250 OK"

    async def handle_RCPT(self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        if self.reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.reply

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:
        self.got.append(envelope)
        return "250 OK"


def mail(port: int, **changes: Any) -> SmtpMail:
    plain = dict(host="127.0.0.1", port=port, security="none", user="", password="", sender="portal@corp.example")
    return SmtpMail(**plain | changes)


@pytest.fixture
def started() -> Iterator[Callable[..., tuple[Inbox, int]]]:
    running: list[Controller] = []

    def start(**options: Any) -> tuple[Inbox, int]:
        inbox = Inbox()
        controller = Controller(inbox, hostname="127.0.0.1", port=free_port(), ready_timeout=60, **options)
        controller.start()
        running.append(controller)
        return inbox, controller.port

    yield start
    for each in running:
        each.stop()


def test_a_mail_arrives_with_its_text_in_any_language(started: Callable[..., tuple[Inbox, int]]) -> None:
    inbox, port = started()
    mail(port).send("ops@corp.example", "[High] 错误 fires\nBcc: x@y.example", "Now: 38.5 %\n警报\n")
    [envelope] = inbox.got
    message = message_from_bytes(envelope.original_content or b"", policy=default)
    assert envelope.rcpt_tos == ["ops@corp.example"] and envelope.mail_from == "portal@corp.example"
    assert message["Subject"] == "[High] 错误 fires Bcc: x@y.example" and message["Bcc"] is None
    assert message["Auto-Submitted"] == "auto-generated" and "警报" in message.get_content()


def test_a_sign_in_goes_over_tls_alone(started: Callable[..., tuple[Inbox, int]], tmp_path: Path) -> None:
    authority = Authority("Test CA")
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    authority.sign(tmp_path / "own", x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "own.pem", tmp_path / "own.key")

    def known(server: Any, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"portal", b"secret"), handled=False)

    inbox, port = started(tls_context=context, require_starttls=True, authenticator=known, auth_required=True)
    signed_in = {"security": "starttls", "user": "portal", "password": "secret", "ca_file": str(tmp_path / "ca.pem")}
    mail(port, **signed_in).send("ops@corp.example", "Errors fires", "text")
    assert len(inbox.got) == 1
    with pytest.raises(InvalidInput, match="does not accept the user or the password"):
        mail(port, **signed_in | {"password": "wrong"}).send("ops@corp.example", "Errors fires", "text")
    with pytest.raises(Unavailable, match="cannot be reached"):
        mail(port, **signed_in | {"ca_file": ""}).send("ops@corp.example", "Errors fires", "text")
    assert len(inbox.got) == 1


def test_a_refused_address_is_for_good_and_a_busy_server_is_not(started: Callable[..., tuple[Inbox, int]]) -> None:
    inbox, port = started()
    inbox.reply = "550 no such user"
    with pytest.raises(InvalidInput, match=r"refused the mail \(550\)"):
        mail(port).send("gone@corp.example", "Errors fires", "text")
    inbox.reply = "451 later"
    with pytest.raises(Unavailable, match=r"busy \(451\)"):
        mail(port).send("ops@corp.example", "Errors fires", "text")


def test_a_server_that_is_gone_and_one_that_was_never_set() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1 cannot be reached"):
        mail(free_port()).send("ops@corp.example", "Errors fires", "text")
    nowhere = mail(25, host="")
    assert not nowhere.available
    with pytest.raises(InvalidInput, match="PORTAL_SMTP_HOST"):
        nowhere.send("ops@corp.example", "Errors fires", "text")
