"""What the search index holds about folders and files."""

from __future__ import annotations

from sqlalchemy import delete, insert, update

from core.chat.records import Message
from core.people.records import User
from data.database import Database
from data.index.documents import load_documents
from data.index.reconciler import Reconciler
from data.index.worker import IndexWorker
from data.search.port import Document
from data.search.words import FILE_NAMES
from data.tables import AttachmentTable, ConversationTable, FileTable
from data.transaction import Transaction
from tests.store import things
from tests.store.test_queue import MemoryIndex

_CONVERSATION, _FILE = ConversationTable.__table__.c, FileTable.__table__.c


def attach(database: Database, owner: User, message: Message, *names: str) -> None:
    """Store the rows alone, without index jobs."""
    with database.connect() as connection:
        sql = Transaction(connection)
        for place, name in enumerate(names):
            id = things.new_id()
            values = {"id": id, "user_id": owner.id, "conversation_id": message.conversation_id, "name": name, "size_bytes": 1}
            sql.write(insert(FileTable).values(**values, created_at=things.NOW))
            sql.write(insert(AttachmentTable).values(message_id=message.id, file_id=id, place=place))
        sql.commit()


def document(database: Database, kind: str, id: str) -> Document:
    with database.connect() as connection:
        [found] = load_documents(connection, {(kind, id): 1})
    return found


def test_a_message_is_found_by_the_names_of_its_files_and_a_chat_only_by_having_some(database: Database) -> None:
    ana = things.put_user(database)
    talk, asked, answered = things.put_exchange(database, ana, "What is in it?", title="Rates")
    other, _, _ = things.put_exchange(database, ana)
    attach(database, ana, asked, "报告.pdf", "a report.csv")
    found = document(database, "message", asked.id)
    assert (found.text, found.has_file) == (f"What is in it?\n{FILE_NAMES}报告.pdf\na report.csv", True)
    found = document(database, "conversation", talk.id)
    assert (found.text, found.has_file) == ("Rates", True)
    assert not document(database, "message", answered.id).has_file
    assert not document(database, "conversation", other.id).has_file


def test_a_file_that_waits_for_its_question_is_nowhere(database: Database) -> None:
    ana = things.put_user(database)
    talk, asked, _ = things.put_exchange(database, ana)
    with database.connect() as connection:
        sql = Transaction(connection)
        sql.write(insert(FileTable).values(id="f1", user_id=ana.id, name="report.csv", size_bytes=1, created_at=things.NOW))
        sql.commit()
    assert not document(database, "conversation", talk.id).has_file
    assert document(database, "message", asked.id).text == "What is a bond?"


def test_the_reconciler_notices_a_folder_and_files_that_the_index_missed(database: Database) -> None:
    memory = MemoryIndex()
    worker, reconciler = IndexWorker(database, memory), Reconciler(database, memory)  # type: ignore[arg-type]
    ana = things.put_user(database)
    talk, asked, answered = things.put_exchange(database, ana)
    assert worker.drain(5)
    with database.connect() as connection:
        connection.execute(update(ConversationTable).where(_CONVERSATION.id == talk.id).values(folder_id="f1"))
        connection.commit()
    assert reconciler.reconcile().outdated == 3
    assert worker.drain(5)
    assert {each.folder_id for each in memory.documents.values()} == {"f1"}
    attach(database, ana, asked, "report.csv")
    assert reconciler.reconcile().outdated == 2
    assert worker.drain(5)
    assert {each.id for each in memory.documents.values() if each.has_file} == {talk.id, asked.id}
    with database.connect() as connection:
        connection.execute(delete(FileTable).where(_FILE.user_id == ana.id))
        connection.commit()
    assert reconciler.reconcile().outdated == 2
    assert worker.drain(5)
    assert not any(each.has_file for each in memory.documents.values())
    assert memory.text(asked.id) == "What is a bond?"
    assert reconciler.reconcile().outdated == 0
    assert memory.documents["message", answered.id].folder_id == "f1"
