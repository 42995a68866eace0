"""Write a running portal's log lines to a file under the home and to standard error."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

from core.errors import StartFailed
from core.operations.log_lines import JsonLines, Masking, TextLines
from settings import Settings

FILE_BYTES, OLD_FILES = 10_000_000, 3


def write_logs(settings: Settings) -> None:
    """Log everything to the file. On standard error, people see warnings; JSON collectors get everything. Raises StartFailed."""
    terminal = logging.StreamHandler()
    if settings.log_format != "json":
        terminal.setLevel(logging.WARNING)
        # llama.cpp warns about peculiarities of every file; the log has these warnings.
        terminal.addFilter(lambda record: record.name != "llama.cpp" or record.levelno >= logging.ERROR)
        terminal.setFormatter(TextLines())
    else:
        terminal.setFormatter(JsonLines())
    file = _log_file(settings.home / "logs" / "portal.log")
    file.setFormatter(TextLines() if settings.log_format == "text" else JsonLines())
    for handler in (terminal, file):
        handler.addFilter(Masking())
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(settings.log_level)
    # These clients log each of their requests, several a second, with its address. The caller logs failures.
    for client in ("elastic_transport", "httpx", "httpcore"):
        logging.getLogger(client).setLevel(logging.ERROR)
    # It lists its own plugins when it is imported.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)


class _LogFile(RotatingFileHandler):
    """A log file whose lines go to standard error while its disk is full, so that none is lost."""

    def __init__(self, path: Path, **options: Any) -> None:
        super().__init__(path, **options)
        self._reported = False

    def handleError(self, record: logging.LogRecord) -> None:
        problem = sys.exc_info()[1]
        if not isinstance(problem, OSError) or sys.stderr is None:
            super().handleError(record)
            return
        if not self._reported:
            self._reported = True
            print(f"{self.baseFilename} cannot be written ({problem.strerror}); its lines come here until it can.", file=sys.stderr)
        print(self.format(record), file=sys.stderr)

    def flush(self) -> None:
        super().flush()
        self._reported = False

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def _log_file(path: Path) -> logging.Handler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _LogFile(path, maxBytes=FILE_BYTES, backupCount=OLD_FILES, encoding="utf-8")
    except OSError as problem:
        raise StartFailed(
            "The log {path} cannot be written ({reason}). Free some space, change its permissions, or set PORTAL_HOME to another folder.",
            path=path,
            reason=problem.strerror,
        ) from problem
