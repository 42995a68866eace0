"""Mask log lines, and format them as JSON for programs or as text for people."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from core.operations.log_context import FIELDS, logged_fields
from core.operations.masking import mask

_PLAIN = logging.Formatter()


class Masking(logging.Filter):
    """Masks each record once and adds the log context of the thread that wrote it. Belongs on every handler.

    Message and arguments are joined first, because a secret may be in either or span both.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if hasattr(record, "whose"):
            return True
        record.whose = logged_fields()
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # The arguments do not fit the message. This is a bug, but the line should not be lost.
            message = str(record.msg)
        record.msg, record.args = mask(message), None
        if record.exc_info:
            record.exc_text = mask(_PLAIN.formatException(record.exc_info))
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = mask(record.exc_text)
        return True


def entry(record: logging.LogRecord) -> dict[str, str]:
    """Return the fields of a record that went through Masking."""
    whose: dict[str, str] = getattr(record, "whose", {})
    fields = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "message": str(record.msg),
        **{name: whose[name] for name in FIELDS if name in whose},
        "thread": record.threadName or "",
    }
    return fields | {"exception": record.exc_text} if record.exc_text else fields


class JsonLines(logging.Formatter):
    """Formats each record as one JSON object on a line."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(entry(record), ensure_ascii=False)


class TextLines(logging.Formatter):
    """Formats time, level, logger, message and log context. Continuation lines are indented, so that lines cannot be forged."""

    def format(self, record: logging.LogRecord) -> str:
        fields = entry(record)
        whose = " ".join(f"{name}={fields[name]}" for name in FIELDS if name in fields)
        line = f"{fields['time']} {fields['level']} {fields['logger']}: {fields['message']}{f' [{whose}]' if whose else ''}"
        return "\n    ".join([*line.splitlines(), *fields.get("exception", "").splitlines()])
