"""Folders, and the conversations in them, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace

from sqlalchemy import select

from core.chat.ports import NO_FOLDER
from core.chat.records import Folder
from core.people.records import User
from data.database import Database
from data.tables import IndexJobTable
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import NOW, later, put_exchange, put_user


def put_folder(database: Database, owner: User, name: str = "Plans") -> Folder:
    folder = Folder(things.new_id(), owner.id, name, NOW)
    with SqlUnitOfWork(database) as work:
        work.folders.add(folder)
        work.commit()
    return folder


def move(database: Database, conversation_id: str, folder_id: str | None) -> None:
    with SqlUnitOfWork(database) as work:
        work.conversations.move(conversation_id, folder_id)
        work.commit()


def folder_of(database: Database, conversation_id: str) -> str | None:
    with SqlUnitOfWork(database) as work:
        found = work.conversations.get(conversation_id)
    assert found is not None
    return found.folder_id


def announced_by(database: Database, change: Callable[[], None]) -> list[str]:
    """Ids in the index jobs that a change queues, in their order."""
    number = IndexJobTable.__table__.c.number

    def jobs() -> dict[int, str]:
        with database.connect() as connection:
            rows = connection.execute(select(number, IndexJobTable.__table__.c.document_id).order_by(number))
            return {row.number: row.document_id for row in rows}

    before = jobs()
    change()
    return [id for number, id in jobs().items() if number not in before]


def test_a_folder_comes_back_as_it_was_and_those_of_a_person_oldest_first(database: Database) -> None:
    ana, ben = put_user(database), put_user(database, things.user("ben"))
    put_folder(database, ben)
    made = [Folder(things.new_id(), ana.id, name, later(days=day)) for day, name in ((2, "计划 👩🏽‍💻"), (0, "b"), (1, "B"))]
    with SqlUnitOfWork(database) as work:
        for each in made:
            work.folders.add(each)
        work.folders.rename(made[1].id, "renamed")
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.folders.of_user(ana.id) == [replace(made[1], name="renamed"), made[2], made[0]]
        assert work.folders.get(made[0].id) == made[0]
        assert work.folders.get("unknown") is None


def test_conversations_are_listed_by_folder(database: Database) -> None:
    ana = put_user(database)
    plans, other = put_folder(database, ana), put_folder(database, ana, "Other")
    talks = [replace(things.conversation(ana, f"talk {n}", later(minutes=n)), folder_id=plans.id if n % 2 else None) for n in range(5)]
    with SqlUnitOfWork(database) as work:
        for each in talks:
            work.conversations.add(each)
        work.commit()
    with SqlUnitOfWork(database) as work:

        def titles(folder_id: str | None, before: int = 9) -> list[str]:
            found = work.conversations.of_user(ana.id, 10, later(minutes=before), folder_id)
            assert [each for each in talks if each in found] == list(reversed(found))
            return [each.title for each in found]

        assert titles(plans.id) == ["talk 3", "talk 1"]
        assert titles(plans.id, before=3) == ["talk 1"]
        assert titles(NO_FOLDER) == ["talk 4", "talk 2", "talk 0"]
        assert titles(other.id) == []
        assert len(titles(None)) == 5


def test_moving_announces_the_conversation_and_its_messages_and_changes_nothing_else(database: Database) -> None:
    ana = put_user(database)
    plans = put_folder(database, ana)
    talk, asked, answered = put_exchange(database, ana)
    put_exchange(database, ana)
    ids = [talk.id, asked.id, answered.id]
    for folder_id in (plans.id, None):
        assert announced_by(database, lambda folder_id=folder_id: move(database, talk.id, folder_id)) == ids  # type: ignore[misc]
        with SqlUnitOfWork(database) as work:
            assert work.conversations.get(talk.id) == replace(talk, folder_id=folder_id)


def test_removing_a_folder_announces_what_was_in_it_and_leaves_it_in_none(database: Database) -> None:
    ana = put_user(database)
    plans, other = put_folder(database, ana), put_folder(database, ana, "Other")
    talk, asked, answered = put_exchange(database, ana)
    elsewhere, _, _ = put_exchange(database, ana)
    move(database, talk.id, plans.id)
    move(database, elsewhere.id, other.id)

    def remove() -> None:
        with SqlUnitOfWork(database) as work:
            work.folders.remove(plans.id)
            work.commit()

    assert announced_by(database, remove) == [talk.id, asked.id, answered.id]
    assert (folder_of(database, talk.id), folder_of(database, elsewhere.id)) == (None, other.id)
    with SqlUnitOfWork(database) as work:
        assert [each.id for each in work.folders.of_user(ana.id)] == [other.id]


def test_saving_what_was_read_before_a_move_does_not_undo_the_move(database: Database) -> None:
    ana = put_user(database)
    plans = put_folder(database, ana)
    talk, _, _ = put_exchange(database, ana)
    move(database, talk.id, plans.id)
    with SqlUnitOfWork(database) as work:
        work.conversations.save(replace(talk, title="A turn's title"))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.conversations.get(talk.id) == replace(talk, title="A turn's title", folder_id=plans.id)


def test_a_folder_removed_a_moment_ago_takes_nothing_in(database: Database) -> None:
    ana = put_user(database)
    plans = put_folder(database, ana)
    talk, _, _ = put_exchange(database, ana)
    with SqlUnitOfWork(database) as work:
        work.folders.remove(plans.id)
        work.commit()
    move(database, talk.id, plans.id)
    late = replace(things.conversation(ana), folder_id=plans.id)
    with SqlUnitOfWork(database) as work:
        work.conversations.add(late)
        work.commit()
    assert (folder_of(database, talk.id), folder_of(database, late.id)) == (None, None)


def test_a_move_into_a_folder_waits_for_who_removes_it(database: Database) -> None:
    """And the other way round: anyone who is first, nothing is left in a folder that is gone."""
    ana = put_user(database)
    talk, _, _ = put_exchange(database, ana)

    def remove(folder_id: str) -> None:
        with SqlUnitOfWork(database) as work:
            work.folders.remove(folder_id)
            work.commit()

    for mover_first in (True, False):
        plans = put_folder(database, ana, f"Plans {mover_first}")
        with SqlUnitOfWork(database) as work:
            if mover_first:
                work.conversations.move(talk.id, plans.id)
                late = threading.Thread(target=remove, args=(plans.id,))
            else:
                work.folders.remove(plans.id)
                late = threading.Thread(target=move, args=(database, talk.id, plans.id))
            late.start()
            time.sleep(0.2)
            assert late.is_alive()
            work.commit()
        late.join()
        assert folder_of(database, talk.id) is None


def test_a_message_added_while_its_conversation_moves_is_announced_after_the_move(database: Database) -> None:
    """Else the index would keep it under the folder of before."""
    ana = put_user(database)
    plans = put_folder(database, ana)
    talk, _, answered = put_exchange(database, ana)
    added = things.question(talk, "And then?", parent=answered.id)

    def add() -> None:
        with SqlUnitOfWork(database) as work:
            work.messages.add(added)
            work.commit()

    def add_while_moving() -> None:
        with SqlUnitOfWork(database) as work:
            work.conversations.move(talk.id, plans.id)
            late = threading.Thread(target=add)
            late.start()
            time.sleep(0.2)
            assert late.is_alive()
            work.commit()
        late.join()

    assert announced_by(database, add_while_moving)[-1] == added.id


def test_a_move_announces_the_message_that_was_being_added(database: Database) -> None:
    ana = put_user(database)
    plans = put_folder(database, ana)
    talk, _, answered = put_exchange(database, ana)
    added = things.question(talk, "And then?", parent=answered.id)

    def move_while_adding() -> None:
        with SqlUnitOfWork(database) as work:
            work.messages.add(added)
            late = threading.Thread(target=move, args=(database, talk.id, plans.id))
            late.start()
            time.sleep(0.2)
            assert late.is_alive()
            work.commit()
        late.join()

    assert announced_by(database, move_while_adding).count(added.id) == 2
