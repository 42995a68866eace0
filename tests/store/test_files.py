"""Files in the store, on SQLite and on PostgreSQL: added, shown with their questions, and deleted with their chats."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from core.chat.records import Message
from core.errors import Conflict
from core.knowledge.files import MAX_WAITING, Files
from core.knowledge.ports import OnQueuePosition
from core.operations.records import LegalHold
from core.people.records import User
from data.database import Database, open_database
from data.migrate import migrate
from data.repositories.knowledge.files import PART_BYTES, PARTS_AT_ONCE
from data.tables import AttachmentTable, FilePartTable, FileTable, IndexJobTable
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import later, put_exchange, put_file, put_user

AT_ONCE = PART_BYTES * PARTS_AT_ONCE


class SlowReader:
    """Reads no document before so many are being read."""

    def __init__(self, readers: int) -> None:
        self._all_here = threading.Barrier(readers, timeout=30)

    def text(self, name: str, content: bytes, person: str = "", on_queue_position: OnQueuePosition | None = None) -> str:
        self._all_here.wait()
        return name


def test_of_several_documents_that_are_read_at_the_same_moment_only_as_many_wait_as_may(database: Database) -> None:
    ana, bo = put_user(database), put_user(database, things.user("bo"))
    for _ in range(MAX_WAITING - 2):
        put_file(database, ana)
    files = Files(lambda: SqlUnitOfWork(database), lambda: things.NOW, SlowReader(7), 1_000_000)

    def upload(person: User) -> bool:
        try:
            files.upload(person, "report.pdf", b"%PDF-1.7")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(7) as at_once:
        kept = list(at_once.map(upload, [bo, *[ana] * 6]))
    assert kept[0] and sum(kept[1:]) == 2
    with SqlUnitOfWork(database) as work:
        assert len(work.files.waiting(ana.id)) == MAX_WAITING and len(work.files.waiting(bo.id)) == 1


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1, AT_ONCE, 3 * AT_ONCE - 7])
def test_a_content_of_any_size_comes_back_as_it_was(database: Database, size: int) -> None:
    ana = put_user(database)
    content, other = os.urandom(size), os.urandom(size)
    file, beside = put_file(database, ana, content), put_file(database, ana, other)
    with SqlUnitOfWork(database) as work:
        assert work.files.get(file.id) == file
        assert work.files.content(file.id) == content
        assert work.files.content(beside.id) == other
        assert work.files.get("unknown") is None
        assert work.files.content("unknown") == b""
    with database.connect() as connection:
        sizes = connection.scalars(select(func.length(FilePartTable.content))).all()
    assert all(each <= PART_BYTES + 1 for each in sizes)


def test_messages_are_read_with_their_files_in_the_persons_order(database: Database) -> None:
    ana = put_user(database)
    talk, asked, answered = put_exchange(database, ana)
    edited = things.question(talk, "And now?")
    first, second, third = (replace(put_file(database, ana), conversation_id=talk.id) for _ in range(3))
    with SqlUnitOfWork(database) as work:
        work.files.attach(asked.id, talk.id, [third.id, first.id, third.id])
        work.messages.add(edited)
        work.files.attach(edited.id, talk.id, [first.id, second.id])  # another version of the question shows one of them again
        work.files.attach(answered.id, talk.id, [])
        work.commit()
    with SqlUnitOfWork(database) as work:
        whole = work.messages.of_conversation(talk.id)
        assert [each.files for each in whole] == [(third, first), (), (first, second)]
        assert [work.messages.get(each.id) for each in whole] == whole
        by_ids = work.messages.by_ids(ana.id, [edited.id, answered.id])
        assert {each.id: each.files for each in by_ids} == {edited.id: (first, second), answered.id: ()}


def test_the_files_of_a_transcript_cost_one_query_and_those_of_nothing_none(database: Database) -> None:
    ana = put_user(database)
    talk, asked, _ = put_exchange(database, ana)
    for _ in range(5):
        put_file(database, ana, shown_by=asked)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _k, statement, *_: statements.append(statement))
    with SqlUnitOfWork(database) as work:
        work.messages.of_conversation(talk.id)
        assert len(statements) == 2
        work.messages.of_conversation("unknown")
        work.messages.by_ids(ana.id, [])
        work.messages.get("unknown")
        assert len(statements) == 4


def test_attaching_announces_the_message_and_the_conversation(database: Database) -> None:
    ana = put_user(database)
    talk, asked, _ = put_exchange(database, ana)
    file = put_file(database, ana)
    with database.connect() as connection:
        before = connection.scalar(select(func.max(IndexJobTable.number)))
    with SqlUnitOfWork(database) as work:
        work.files.attach(asked.id, talk.id, [file.id])
        work.commit()
    with database.connect() as connection:
        jobs = connection.execute(select(IndexJobTable.kind, IndexJobTable.document_id).where(IndexJobTable.number > before)).all()
    assert {tuple(job) for job in jobs} == {("message", asked.id), ("conversation", talk.id)}


def test_a_file_of_another_chat_or_of_none_any_more_is_a_conflict(database: Database) -> None:
    ana = put_user(database)
    (talk, asked, _), (other, elsewhere, _) = put_exchange(database, ana), put_exchange(database, ana)
    taken, waiting = put_file(database, ana, shown_by=elsewhere), put_file(database, ana)
    for ids in ([waiting.id, taken.id], [waiting.id, "gone"]):
        with pytest.raises(Conflict), SqlUnitOfWork(database) as work:
            work.files.attach(asked.id, talk.id, ids)
    with SqlUnitOfWork(database) as work:
        assert work.files.get(waiting.id) == waiting
        assert [each.files for each in work.messages.of_conversation(other.id)] == [(taken,), ()]
        assert [each.files for each in work.messages.of_conversation(talk.id)] == [(), ()]


def test_of_two_chats_that_reach_for_a_file_at_once_one_gets_it(database: Database) -> None:
    ana = put_user(database)
    asked = [put_exchange(database, ana)[1] for _ in range(2)]
    for _ in range(5):
        file = put_file(database, ana)
        both, refused = threading.Barrier(2), []

        def reach(question: Message, file_id: str = file.id, both: threading.Barrier = both, refused: list[str] = refused) -> None:
            with SqlUnitOfWork(database) as work:
                both.wait(60)
                try:
                    work.files.attach(question.id, question.conversation_id, [file_id])
                except Conflict:
                    refused.append(question.conversation_id)
                    return
                work.commit()

        threads = [threading.Thread(target=reach, args=(question,)) for question in asked]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert len(refused) == 1
        with SqlUnitOfWork(database) as work:
            owner = work.files.get(file.id)
            assert owner is not None
            assert {owner.conversation_id, *refused} == {each.conversation_id for each in asked}


def test_a_waiting_file_can_be_taken_back_and_one_with_a_chat_stays(database: Database) -> None:
    ana, bo = put_user(database), put_user(database, things.user("bo"))
    _, asked, _ = put_exchange(database, ana)
    young, old = put_file(database, ana, at=later(minutes=2)), put_file(database, ana, at=later(minutes=1))
    bos, shown = put_file(database, bo), put_file(database, ana, shown_by=asked)
    with SqlUnitOfWork(database) as work:
        assert work.files.waiting(ana.id) == [old, young]
        for each in (old, shown):
            work.files.remove_waiting(each.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.files.waiting(ana.id) == [young]
        assert work.files.waiting(bo.id) == [bos]
        assert work.files.content(old.id) == b""
        assert work.files.content(shown.id) == b"1;2;3"


def test_files_that_wait_too_long_are_found_oldest_first_but_none_under_a_hold(database: Database) -> None:
    ana, bo = put_user(database), put_user(database, things.user("bo"))
    _, asked, _ = put_exchange(database, ana)
    put_file(database, ana, shown_by=asked)
    young, old, bos = put_file(database, ana, at=later(hours=2)), put_file(database, ana), put_file(database, bo, at=later(hours=1))
    with SqlUnitOfWork(database) as work:
        assert work.files.waiting_since(later(hours=3), 10) == [old.id, bos.id, young.id]
        assert work.files.waiting_since(later(hours=2), 10) == [old.id, bos.id]
        assert work.files.waiting_since(later(hours=3), 1) == [old.id]
        work.retention.place_hold(LegalHold(ana.id, ana.name, "case", things.NOW))
        assert work.files.waiting_since(later(hours=3), 10) == [bos.id]


def test_a_chat_takes_its_files_with_it_and_no_others(database: Database) -> None:
    ana = put_user(database)
    (talk, asked, _), (other, elsewhere, _) = put_exchange(database, ana), put_exchange(database, ana)
    gone = put_file(database, ana, b"x" * (PART_BYTES + 1), shown_by=asked)
    kept, waiting = put_file(database, ana, shown_by=elsewhere), put_file(database, ana)
    again = things.question(talk, "Once more?")
    with SqlUnitOfWork(database) as work:
        work.messages.add(again)
        work.files.attach(again.id, talk.id, [gone.id])
        work.commit()
    with SqlUnitOfWork(database) as work:
        work.conversations.remove(talk.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.files.get(gone.id) is None
        assert [each.files for each in work.messages.of_conversation(other.id)] == [(kept,), ()]
    with database.connect() as connection:
        assert set(connection.scalars(select(FileTable.id))) == {kept.id, waiting.id}
        assert set(connection.scalars(select(FilePartTable.file_id))) == {kept.id, waiting.id}
        assert connection.scalars(select(AttachmentTable.file_id)).all() == [kept.id]


def test_what_was_deleted_lies_nowhere_in_the_file_of_sqlite(tmp_path: Path) -> None:
    """Searches the file for the text of a question, the content of its file, and that of a file that was never asked about."""
    database = open_database(f"sqlite:///{tmp_path / 'portal.db'}")
    migrate(database)
    ana = put_user(database)
    talk, asked, _ = put_exchange(database, ana, "the merger is on Friday")
    put_file(database, ana, b"the merger in figures;" * 10_000, shown_by=asked)
    waiting = put_file(database, ana, b"the merger in other figures;" * 10_000)

    def on_disk() -> bool:
        with sqlite3.connect(tmp_path / "portal.db") as sql:
            sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        sql.close()
        return b"the merger" in b"".join(path.read_bytes() for path in tmp_path.glob("portal.db*"))

    assert on_disk()
    with SqlUnitOfWork(database) as work:
        work.conversations.remove(talk.id)
        work.files.remove_waiting(waiting.id)
        work.commit()
    assert not on_disk()
    database.close()
