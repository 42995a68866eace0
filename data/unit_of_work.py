"""The store's unit of work over SQLAlchemy."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from sqlalchemy import Connection

from core.unit_of_work import (
    AuditRows,
    ConversationRows,
    FeedbackRows,
    FileRows,
    FolderRows,
    GenerationRows,
    MessageRows,
    RetentionRows,
    SessionRows,
    TurnRows,
    UserRows,
)
from data.database import Database
from data.rows.audit import SqlAuditRows
from data.rows.conversations import SqlConversationRows
from data.rows.feedback import SqlFeedbackRows
from data.rows.files import SqlFileRows
from data.rows.folders import SqlFolderRows
from data.rows.generations import SqlGenerationRows
from data.rows.messages import SqlMessageRows
from data.rows.retention import SqlRetentionRows
from data.rows.sessions import SqlSessionRows
from data.rows.turns import SqlTurnRows
from data.rows.users import SqlUserRows
from data.transaction import Transaction


class SqlUnitOfWork:
    """One transaction; implements core.unit_of_work.UnitOfWork. Use it once, in a `with`, on one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> Self:
        self._connection: Connection = self._database.connect()
        transaction = Transaction(self._connection)
        self._transaction = transaction
        self.users: UserRows = SqlUserRows(transaction)
        self.sessions: SessionRows = SqlSessionRows(transaction)
        self.conversations: ConversationRows = SqlConversationRows(transaction)
        self.messages: MessageRows = SqlMessageRows(transaction)
        self.turns: TurnRows = SqlTurnRows(transaction)
        self.files: FileRows = SqlFileRows(transaction)
        self.folders: FolderRows = SqlFolderRows(transaction)
        self.generations: GenerationRows = SqlGenerationRows(transaction, self._database.usage_days)
        self.feedback: FeedbackRows = SqlFeedbackRows(transaction)
        self.audit: AuditRows = SqlAuditRows(transaction)
        self.retention: RetentionRows = SqlRetentionRows(transaction)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # Closing gives the connection back to the pool, which rolls back what was not committed.
        self._connection.close()

    def commit(self) -> None:
        """Raises Unavailable where the store cannot write now; nothing is saved then."""
        self._transaction.commit()
        if self._transaction.announced:
            self._database.jobs_queued.set()
