"""Read e-mails: sender, date, subject, the text, and the names of what is attached."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

from core.plugins.hookspecs import FileReader, PluginRefusal, hookimpl

_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_INVISIBLE = re.compile(r"<(script|style)\b.*?</\1>", re.IGNORECASE | re.DOTALL)
_BREAK, _TAG = re.compile(r"<(?:br|/p|/div|/tr|/li|/h\d)\b[^>]*>", re.IGNORECASE), re.compile(r"<[^>]*>")


@hookimpl
def file_readers() -> list[FileReader]:
    return [FileReader(name="mail", endings=(".eml",), read=read)]


def read(name: str, content: bytes) -> str:
    """Return the text of an e-mail. The portal runs this in a separate process, so a hostile e-mail can only fail."""
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    if not any(mail[header] for header in _HEADERS):
        raise PluginRefusal(f"{name} is not an e-mail.")
    lines = [f"{header}: {mail[header]}" for header in _HEADERS if mail[header]]
    attached = [part.get_filename() or part.get_content_type() for part in mail.iter_attachments()]
    if attached:
        lines.append(f"Attached: {', '.join(attached)}")
    body = mail.get_body(preferencelist=("plain", "html"))
    text = body.get_content() if body is not None else ""
    if body is not None and body.get_content_subtype() == "html":
        text = unescape(_TAG.sub("", _BREAK.sub("\n", _INVISIBLE.sub("", text))))
    return "\n".join(lines) + "\n\n" + text.strip()
