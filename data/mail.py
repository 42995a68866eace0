"""Send mails through the SMTP server of the settings."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from core.errors import InvalidInput, Unavailable
from core.usage.alerts.ports import Attachment

TIMEOUT_S = 15.0
_PASSING = range(400, 500)
"""Replies of a server that may take the mail later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpMail:
    """Implements core.usage.alerts.ports.MailSender. An empty host: there is no mail server."""

    host: str
    port: int
    security: str
    """starttls, tls or none."""
    user: str
    password: str
    sender: str
    ca_file: str = ""

    @property
    def available(self) -> bool:
        return bool(self.host)

    def send(self, to: str, subject: str, text: str, attachments: Sequence[Attachment] = ()) -> None:
        if not self.available:
            raise InvalidInput("No mail server is set. An admin can set PORTAL_SMTP_HOST and PORTAL_SMTP_FROM.")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, to, " ".join(subject.split())
        message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=self.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        for each in attachments:
            main, _, sub = each.media_type.partition(";")[0].partition("/")
            charset = {"charset": "utf-8"} if main == "text" else None
            message.add_attachment(each.content, maintype=main, subtype=sub, filename=each.name, params=charset)
        try:
            self._deliver(message)
        except smtplib.SMTPAuthenticationError as problem:
            raise InvalidInput("The mail server does not accept the user or the password. Ask an admin.") from problem
        except smtplib.SMTPRecipientsRefused as problem:
            codes = [code for code, _ in problem.recipients.values()]
            self._refused(codes[0] if codes else 550, problem)
        except smtplib.SMTPResponseException as problem:
            self._refused(problem.smtp_code, problem)
        except smtplib.SMTPNotSupportedError as problem:
            raise InvalidInput("The mail server does not offer what PORTAL_SMTP_SECURITY or PORTAL_SMTP_USER needs.") from problem
        except (OSError, smtplib.SMTPException) as problem:
            reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else type(problem).__name__
            raise Unavailable("The mail server {host} cannot be reached ({reason}).", host=self.host, reason=reason) from problem

    def _deliver(self, message: EmailMessage) -> None:
        secure = ssl.create_default_context(cafile=self.ca_file or None)
        with (
            smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_S, context=secure)
            if self.security == "tls"
            else smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
        ) as server:
            if self.security == "starttls":
                server.starttls(context=secure)
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)

    def _refused(self, code: int, problem: Exception) -> None:
        if code in _PASSING:
            raise Unavailable("The mail server is busy ({code}).", code=code) from problem
        raise InvalidInput("The mail server refused the mail ({code}). Check the address.", code=code) from problem
