"""Two people act at the same moment, on both databases: the data that one of them read still holds when it is used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from bootstrap.parts import now
from bootstrap.portal import Portal, build_portal
from bootstrap.startup import ensure_first_admin
from core.chat.conversations import Conversations
from core.chat.records import MessageStatus, Turn
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import Conflict, NotFound, PortalError
from core.inference.gateway import Gateway
from core.knowledge.files import MB
from core.operations.records import RetentionKind, RetentionRule
from core.operations.retention import Retention
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.review.cases.work import CaseWork
from core.review.records import ReviewState
from core.unit_of_work import UnitOfWorkFactory
from data.database import Database
from data.passwords import Argon2Hasher
from data.search.sqlite.index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork
from samples.fakes import FakePool, FakeRouter
from settings import Settings
from tests.store import things
from tests.unit.core.conftest import feedback_queue, review_names

HESITATION_S = 0.05
"""After each read and write: between what is read and what is written then, the other one reads too."""


class Hesitant:
    def __init__(self, rows: Any) -> None:
        self._rows = rows

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._rows, name)

        def slowly(*arguments: Any, **named: Any) -> Any:
            try:
                return method(*arguments, **named)
            finally:
                time.sleep(HESITATION_S)

        return slowly


class HesitantWork(SqlUnitOfWork):
    def __enter__(self) -> Self:
        super().__enter__()
        for name in ("users", "sessions", "conversations", "messages", "turns", "feedback", "retention"):
            setattr(self, name, Hesitant(getattr(self, name)))
        return self


@pytest.fixture
def unit_of_work(database: Database) -> UnitOfWorkFactory:
    return lambda: HesitantWork(database)


@pytest.fixture
def accounts(unit_of_work: UnitOfWorkFactory) -> Accounts:
    return Accounts(unit_of_work, Argon2Hasher(1, 8), now)


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory) -> Iterator[Turns]:
    router = FakeRouter()
    router.hold()
    opened = Turns(unit_of_work, Gateway(unit_of_work, router, now), now, 1000, MB)
    yield opened
    opened.close(1)


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Return what each led to, or the refusal that it got."""
    together = threading.Barrier(len(actions))
    outcomes: list[object] = [None] * len(actions)

    def act(number: int) -> None:
        together.wait()
        try:
            outcomes[number] = actions[number]()
        except PortalError as problem:
            outcomes[number] = problem

    threads = [threading.Thread(target=act, args=(number,)) for number in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def person(database: Database, name: str) -> User:
    with SqlUnitOfWork(database) as work:
        found = work.users.credentials(name)
    assert found is not None
    return found.user


def put_admins(database: Database, *names: str) -> list[User]:
    return [things.put_user(database, things.user(name, Role.ADMIN)) for name in names]


def test_of_two_admins_who_are_demoted_at_once_one_stays(database: Database, accounts: Accounts) -> None:
    ada, eve = put_admins(database, "ada", "eve")
    found = at_once(
        lambda: accounts.change(ada, "eve", role=Role.ANALYST),
        lambda: accounts.change(eve, "ada", active=False),
    )
    assert sorted(type(each) for each in found if isinstance(each, PortalError)) == [Conflict]
    left = [person(database, name) for name in ("ada", "eve")]
    assert sum(each.active and each.role is Role.ADMIN for each in left) == 1


def test_two_admins_who_demote_themselves_at_once_leave_one(database: Database, accounts: Accounts) -> None:
    ada, eve = put_admins(database, "ada", "eve")
    found = at_once(
        lambda: accounts.change(ada, "ada", role=Role.MANAGER),
        lambda: accounts.change(eve, "eve", role=Role.MANAGER),
    )
    assert [type(each) for each in found].count(Conflict) == 1


def test_a_change_of_one_field_does_not_undo_a_change_of_another(database: Database, accounts: Accounts) -> None:
    put_admins(database, "ada")
    things.put_user(database, things.user("bo"))
    at_once(
        lambda: accounts.change(None, "bo", active=False),
        lambda: accounts.change(None, "bo", group="legal"),
        lambda: accounts.change(None, "bo", full_name="Bo Li"),
    )
    bo = person(database, "bo")
    assert (bo.active, bo.group, bo.full_name) == (False, "legal", "Bo Li")


def test_what_a_person_does_at_that_moment_does_not_undo_a_demotion(database: Database, accounts: Accounts) -> None:
    _, eve = put_admins(database, "ada", "eve")
    at_once(lambda: accounts.change(None, "eve", role=Role.ANALYST), lambda: accounts.set_language(eve, "zh"))
    assert person(database, "eve").role is Role.ANALYST
    assert person(database, "eve").language == "zh"


class SlowHasher(Argon2Hasher):
    """Takes as long as an ordinary one, so that both portals have looked before either adds."""

    def hash(self, password: str) -> str:
        time.sleep(4 * HESITATION_S)
        return super().hash(password)


def test_two_portals_that_start_on_one_empty_store_make_one_admin(empty_url: str, tmp_path: Path) -> None:
    def built(name: str) -> Portal:
        settings = Settings(home=tmp_path / name, database_url=empty_url, admin_password="correct horse")
        return build_portal(settings, pool=FakePool(), router=FakeRouter(), hasher=SlowHasher(1, 8))

    one, other = built("one"), built("other")
    try:
        assert at_once(lambda: ensure_first_admin(one), lambda: ensure_first_admin(other)) == [None, None]
        assert [each.name for each in one.accounts.people(None)] == ["admin"]
    finally:
        one.close()
        other.close()


def conversations(unit_of_work: UnitOfWorkFactory, tmp_path: Path) -> Conversations:
    index = SqliteIndex(tmp_path / "search.db")
    index.prepare()
    return Conversations(unit_of_work, index, now)


def test_a_new_title_does_not_take_away_the_question_that_is_asked_at_that_moment(
    database: Database, unit_of_work: UnitOfWorkFactory, turns: Turns, tmp_path: Path
) -> None:
    ana = things.put_user(database)
    talk, _, _ = things.put_exchange(database, ana)
    talks = conversations(unit_of_work, tmp_path)
    asked, renamed = at_once(
        lambda: turns.start(ana, talk.id, "And now?", TurnOptions(), "r1"),
        lambda: talks.rename(ana, talk.id, "Renamed"),
    )
    assert isinstance(asked, Turn) and not isinstance(renamed, PortalError)
    found = talks.get(ana, talk.id)
    assert (found.title, found.head_id) == ("Renamed", asked.answer_id)


def test_a_chat_is_deleted_or_goes_on_never_both(database: Database, unit_of_work: UnitOfWorkFactory, turns: Turns, tmp_path: Path) -> None:
    ana = things.put_user(database)
    talk, _, _ = things.put_exchange(database, ana)
    talks = conversations(unit_of_work, tmp_path)
    asked, deleted = at_once(
        lambda: turns.start(ana, talk.id, "And now?", TurnOptions(), "r1"),
        lambda: talks.delete(ana, talk.id),
    )
    if isinstance(asked, Turn):
        assert isinstance(deleted, Conflict)
        assert talks.message(ana, asked.answer_id)
    else:
        assert isinstance(asked, NotFound) and deleted is None


def test_a_chat_is_deleted_or_held_never_both(database: Database, unit_of_work: UnitOfWorkFactory, tmp_path: Path) -> None:
    [ada] = put_admins(database, "ada")
    ana = things.put_user(database)
    talk, _, _ = things.put_exchange(database, ana)
    talks, retention = conversations(unit_of_work, tmp_path), Retention(unit_of_work, now)
    deleted, held = at_once(lambda: talks.delete(ana, talk.id), lambda: held_for_good(database, unit_of_work, retention, ada, talk.id))
    assert isinstance(deleted, Conflict) if held else deleted is None


def held_for_good(database: Database, unit_of_work: UnitOfWorkFactory, retention: Retention, ada: User, talk_id: str) -> bool:
    """Place a hold; whether the chat was there at that moment. Then it must stay."""
    retention.place_hold(ada, "ana", "case")
    with SqlUnitOfWork(database) as work:
        there = work.conversations.get(talk_id) is not None
    if there:
        time.sleep(10 * HESITATION_S)
        with SqlUnitOfWork(database) as work:
            assert work.conversations.get(talk_id) is not None
    return there


def test_a_rule_deletes_nothing_of_a_person_whose_hold_was_placed_before(database: Database, unit_of_work: UnitOfWorkFactory) -> None:
    [ada] = put_admins(database, "ada")
    ana = things.put_user(database)
    talk, _, _ = things.put_exchange(database, ana)
    retention = Retention(unit_of_work, lambda: things.later(days=100))
    with SqlUnitOfWork(database) as work:
        work.retention.put_rule(RetentionRule(RetentionKind.CHATS, "*", 30))
        work.commit()
    applied, held = at_once(lambda: retention.apply(), lambda: held_for_good(database, unit_of_work, retention, ada, talk.id))
    assert applied == (0 if held else 1)


def test_a_rule_does_not_delete_a_chat_that_goes_on_at_that_moment(
    database: Database, unit_of_work: UnitOfWorkFactory, turns: Turns
) -> None:
    ana = things.put_user(database)
    talk, _, _ = things.put_exchange(database, ana)
    retention = Retention(unit_of_work, lambda: things.later(days=3))
    with SqlUnitOfWork(database) as work:
        work.retention.put_rule(RetentionRule(RetentionKind.CHATS, "*", 1))
        work.commit()
    asked, applied = at_once(lambda: turns.start(ana, talk.id, "And now?", TurnOptions(), "r1"), lambda: retention.apply())
    assert applied == (0 if isinstance(asked, Turn) else 1)


def test_what_two_reviewers_change_at_once_is_kept_of_both_or_refused_to_one(
    database: Database, unit_of_work: UnitOfWorkFactory, tmp_path: Path
) -> None:
    ada, eve = put_admins(database, "ada", "eve")
    ana = things.put_user(database)
    _, _, answered = things.put_exchange(database, ana)
    rated = things.feedback(ana, answered, -1)
    with SqlUnitOfWork(database) as work:
        work.feedback.put(rated)
        work.commit()
    index = SqliteIndex(tmp_path / "search.db")
    index.prepare()
    queue, desk = feedback_queue(unit_of_work, index, now), CaseWork(unit_of_work, now, review_names(unit_of_work, now))
    resolved, noted = at_once(
        lambda: desk.change_rating(ada, rated.id, state=ReviewState.RESOLVED), lambda: desk.change_rating(eve, rated.id, note="Seen")
    )
    found = queue.get(ada, rated.id)
    # Whoever writes a note holds the case for a while; a closed case is held by nobody.
    assert not isinstance(noted, PortalError) and found.note == "Seen"
    assert isinstance(resolved, Conflict) if found.state is ReviewState.NEW else found.state is ReviewState.RESOLVED


def test_an_answer_that_ends_while_it_is_taken_for_left_behind_keeps_its_end(
    database: Database, unit_of_work: UnitOfWorkFactory, turns: Turns
) -> None:
    ana = things.put_user(database)
    talk = things.conversation(ana)
    asked = things.question(talk)
    answered = things.answer(asked)
    turn = things.turn(ana, asked, answered, lease_until=now() - timedelta(seconds=1))
    with SqlUnitOfWork(database) as work:
        work.conversations.add(talk)
        work.messages.add(asked)
        work.messages.add(answered)
        work.turns.add(turn)
        work.commit()

    def end() -> None:
        with unit_of_work() as work:
            work.turns.finish(turn.id, MessageStatus.DONE)
            work.messages.finish(answered.id, MessageStatus.DONE, "All of it.", "")
            work.commit()

    at_once(lambda: turns.recover(everything=False), end)
    with SqlUnitOfWork(database) as work:
        message, stored = work.messages.get(answered.id), work.turns.get(turn.id)
    assert message is not None and stored is not None
    assert (message.status, message.text, stored.status) == (MessageStatus.DONE, "All of it.", MessageStatus.DONE)
