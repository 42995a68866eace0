"""Count the SQL statements that a question or a page runs, so that their number cannot grow unseen."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from data.database import Database


@contextmanager
def counted_statements(database: Database, counts: Callable[[str], bool] = lambda _: True) -> Iterator[list[str]]:
    """Yield a list to which each statement of this block is added. counts: tells by a thread's name whether its statements count."""
    seen: list[str] = []

    def ran(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if counts(threading.current_thread().name):
            seen.append(" ".join(statement.split()))

    engines = (database.engine, database.inner_engine)
    for each in engines:
        event.listen(each, "before_cursor_execute", ran)
    try:
        yield seen
    finally:
        for each in engines:
            event.remove(each, "before_cursor_execute", ran)


def listed(statements: list[str]) -> str:
    """Return the statements for the message of a failed test."""
    return "\n".join(f"{number:3} {each[:110]}" for number, each in enumerate(statements, 1))
