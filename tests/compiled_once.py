"""Compile each SQL statement once, not once for each engine.

SQLAlchemy keeps compiled statements by engine. Nearly every test opens a database of its own, so compiling took a third of the REST tests.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, event


class Statements(dict[Any, Any]):
    """Compiled statements of one kind of database. The first part of SQLAlchemy's key is the engine's dialect; here all are alike."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: Any, statement: Any) -> None:
        super().__setitem__(key[1:], statement)


_statements: dict[str, Statements] = {}


@event.listens_for(Engine, "engine_connect")
def share_statements(connection: Connection) -> None:
    """Share the statements of databases that are not encrypted: a statement keeps the dialect it was compiled for, and so its keys."""
    if getattr(connection.dialect, "portal_sealer", None) is None:
        connection.execution_options(compiled_cache=_statements.setdefault(connection.dialect.name, Statements()))
