"""Search: who finds what, in which order, and that a wrong index leaks nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from core.chat.records import Author, Conversation, Message, MessageStatus
from core.errors import InvalidInput, NotAllowed
from core.people.accounts import Accounts
from core.people.audit_records import AuditEvent
from core.people.records import Role, User
from core.search.records import UNRATED, SearchHit, SearchPage, SearchQuery
from core.search.search import Search
from core.unit_of_work import UnitOfWorkFactory
from data.index.worker import IndexWorker
from data.search.sqlite.index import SqliteIndex
from data.tables import IndexJobTable
from data.unit_of_work import SqlUnitOfWork
from tests.migrated import migrated_sqlite
from tests.store import things
from tests.unit.core.conftest import MovingClock, review_names


class Bench:
    """A store, its index and a search over both."""

    def __init__(self, folder: Path, clock: MovingClock) -> None:
        self.database = migrated_sqlite(folder / "search-store.db")
        self.index = SqliteIndex(folder / "search.db")
        self.worker = IndexWorker(self.database, self.index)
        self.clock = clock
        self.service = Search(self.unit_of_work, self.index, self.worker, clock, review_names(self.unit_of_work, clock))

    def unit_of_work(self) -> SqlUnitOfWork:
        return SqlUnitOfWork(self.database)

    def person(self, name: str, role: Role = Role.ANALYST) -> User:
        return things.put_user(self.database, things.user(name, role))

    def talk(self, owner: User, answers: list[str], at: datetime, model: str = "glm-4-9b") -> tuple[Conversation, list[Message]]:
        talk = things.conversation(owner, "Rates", at)
        messages: list[Message] = []
        with self.unit_of_work() as work:
            work.conversations.add(talk)
            for place, text in enumerate(answers):
                message = Message(things.new_id(), talk.id, None, Author.ASSISTANT, text, MessageStatus.DONE, at + timedelta(seconds=place))
                work.messages.add(message)
                work.generations.add(things.generation(owner, message, model=model))
                messages.append(message)
            work.commit()
        return talk, messages

    def drain(self) -> None:
        assert self.worker.drain(10)


@pytest.fixture
def bench(tmp_path: Path, clock: MovingClock) -> Bench:
    return Bench(tmp_path, clock)


def test_everybody_finds_the_own_messages_and_titles_newest_first(bench: Bench) -> None:
    ana, bo = bench.person("ana"), bench.person("bo")
    talk, [old, new] = bench.talk(ana, ["bond prices", "rates and bonds"], things.NOW)
    bench.talk(bo, ["a bond of bo"], things.NOW)
    bench.drain()
    found = bench.service.find(ana, "bond")
    assert [(item.kind, item.message_id, item.conversation_id) for item in found.items] == [
        ("message", new.id, talk.id),
        ("message", old.id, talk.id),
    ]
    assert (found.total, found.engine, found.behind_seconds, found.next_cursor) == (2, "sqlite", 0, None)
    assert {item.kind for item in bench.service.find(ana, "rates").items} == {"conversation", "message"}


def test_pages_follow_one_another_without_gap_or_repetition(bench: Bench) -> None:
    ana = bench.person("ana")
    for day in range(5):
        # All messages of a conversation at one moment: the id decides their order then.
        talk, _ = bench.talk(ana, [], things.later(days=day))
        with bench.unit_of_work() as work:
            for _ in range(4):
                work.messages.add(things.question(talk, "bond", at=things.later(days=day)))
            work.commit()
    bench.drain()
    whole = [item.id for item in bench.service.find(ana, "bond", limit=200).items]
    assert len(whole) == 20
    pages, cursor = [], None
    while True:
        found = bench.service.find(ana, "bond", limit=3, cursor=cursor)
        assert found.total == 20
        pages += [item.id for item in found.items]
        cursor = found.next_cursor
        if cursor is None:
            break
    assert pages == whole


def test_filters_narrow_by_time_model_and_rating(bench: Bench) -> None:
    ana = bench.person("ana")
    _, [early] = bench.talk(ana, ["bond one"], things.NOW, "glm-4-9b")
    _, [late] = bench.talk(ana, ["bond two"], things.later(days=2), "glm-z1")
    with bench.unit_of_work() as work:
        work.feedback.put(things.feedback(ana, late, -1))
        work.commit()
    bench.drain()

    def ids(**filters: object) -> list[str]:
        return [item.id for item in bench.service.find(ana, "bond", **filters).items]  # type: ignore[arg-type]

    assert ids() == [late.id, early.id]
    assert ids(since=things.later(days=1)) == [late.id]
    assert ids(until=late.created_at) == [early.id]
    assert ids(since=early.created_at, until=things.later(days=1)) == [early.id]
    assert ids(model="glm-z1") == [late.id]
    assert ids(rating=-1) == [late.id]
    assert ids(rating=1) == []
    with bench.unit_of_work() as work:
        work.feedback.remove(ana.id, late.id)
        work.commit()
    bench.drain()
    assert ids(rating=-1) == []


def test_a_folder_narrows_and_follows_a_chat_that_is_moved(bench: Bench) -> None:
    ana, bo = bench.person("ana"), bench.person("bo")
    folder, other = things.folder(ana), things.folder(bo)
    inside, [said] = bench.talk(ana, ["bond one"], things.NOW)
    outside, _ = bench.talk(ana, ["bond two"], things.NOW)
    theirs, _ = bench.talk(bo, ["bond three"], things.NOW)
    with bench.unit_of_work() as work:
        for each, talk in ((folder, inside), (other, theirs)):
            work.folders.add(each)
            work.conversations.move(talk.id, each.id)
        work.commit()
    bench.drain()

    def ids(user: User, folder_id: str, **filters: object) -> set[str]:
        return {item.id for item in bench.service.find(user, "bond", folder=folder_id, **filters).items}  # type: ignore[arg-type]

    assert ids(ana, folder.id) == {said.id}
    assert {item.id for item in bench.service.find(ana, "rates", folder=folder.id).items} == {inside.id}
    assert ids(ana, other.id) == ids(bo, folder.id) == ids(ana, "") == ids(ana, "no such folder") == set()
    assert ids(ana, folder.id, has_file=True) == set()
    with bench.unit_of_work() as work:
        work.conversations.move(inside.id, None)
        work.conversations.move(outside.id, folder.id)
        work.commit()
    bench.drain()
    assert {item.conversation_id for item in bench.service.find(ana, "bond", folder=folder.id).items} == {outside.id}
    with bench.unit_of_work() as work:
        work.folders.remove(folder.id)
        work.commit()
    bench.drain()
    assert ids(ana, folder.id) == set()
    assert len(bench.service.find(ana, "bond").items) == 2


def test_questions_are_found_by_having_files_and_by_their_names(bench: Bench) -> None:
    ana = bench.person("ana")
    talk, _ = bench.talk(ana, ["bond"], things.NOW)
    asked = things.question(talk, "bond?")
    named = things.file(ana, name="报告 of the quarter.csv"), things.file(ana, name="more.md")
    with bench.unit_of_work() as work:
        work.messages.add(asked)
        work.messages.add(things.question(talk, "bond without"))
        for each in named:
            work.files.add(each, b"1;2")
        work.files.attach(asked.id, talk.id, [each.id for each in named])
        work.commit()
    bench.drain()
    [found] = bench.service.find(ana, "bond", has_file=True).items
    assert (found.id, found.files) == (asked.id, ("报告 of the quarter.csv", "more.md"))
    assert [item.id for item in bench.service.find(ana, "rates", has_file=True).items] == [talk.id]
    for words in ("quarter.csv", "报告", "more.md bond"):
        assert [item.id for item in bench.service.find(ana, words).items] == [asked.id]
    assert all(not item.files for item in bench.service.find(ana, "bond").items if item.id != asked.id)
    with bench.unit_of_work() as work:
        work.conversations.remove(talk.id)
        work.commit()
    assert bench.service.find(ana, "quarter").items == []


def test_ratings_and_the_audit_lie_in_no_folder_and_have_no_files(bench: Bench) -> None:
    ana, ada = bench.person("ana"), bench.person("ada", Role.ADMIN)
    folder = things.folder(ana)
    talk, [answer] = bench.talk(ana, ["bond prices"], things.NOW)
    asked = things.file(ana)
    with bench.unit_of_work() as work:
        work.folders.add(folder)
        work.conversations.move(talk.id, folder.id)
        work.files.add(asked, b"1")
        work.files.attach(answer.id, talk.id, [asked.id])
        work.feedback.put(things.feedback(ana, answer, -1, "unclear"))
        work.audit.add(AuditEvent(things.NOW, ada.id, "user.add", "unclear", {}))
        work.commit()
    bench.drain()
    for kind in ("feedback", "audit"):
        assert bench.service.find(ada, "unclear", kind).items
        assert bench.service.find(ada, "unclear", kind, folder=folder.id).items == []
        assert bench.service.find(ada, "unclear", kind, has_file=True).items == []


def test_answers_without_a_rating_are_found_and_questions_are_not_among_them(bench: Bench) -> None:
    ana = bench.person("ana")
    talk, [rated, unrated] = bench.talk(ana, ["bond one", "bond two"], things.NOW)
    with bench.unit_of_work() as work:
        work.messages.add(things.question(talk, "bond?"))
        work.feedback.put(things.feedback(ana, rated, 1))
        work.commit()
    bench.drain()
    found = bench.service.find(ana, "bond", rating=UNRATED)
    assert ([item.id for item in found.items], found.total) == ([unrated.id], 1)
    with pytest.raises(InvalidInput):
        bench.service.find(ana, "bond", rating=2)


def test_a_found_message_says_where_it_stands(bench: Bench) -> None:
    ana = bench.person("ana")
    talk, [answer] = bench.talk(ana, ["bond"], things.NOW, "glm-z1")
    with bench.unit_of_work() as work:
        work.messages.add(things.question(talk, "bond?", at=things.later(days=-1)))
        work.feedback.put(things.feedback(ana, answer, -1))
        work.commit()
    bench.drain()
    found, asked = bench.service.find(ana, "bond", "message").items
    assert (found.title, found.author, found.model, found.rating) == ("Rates", Author.ASSISTANT, "glm-z1", -1)
    assert (asked.title, asked.author, asked.model, asked.rating) == ("Rates", Author.USER, "", None)
    assert list(bench.service.models(ana)) == ["glm-z1"]
    assert list(bench.service.models(bench.person("bo"))) == []


def test_what_a_stale_index_remembers_of_a_deleted_chat_is_not_shown_to_reviewers(bench: Bench) -> None:
    ana, ada = bench.person("ana"), bench.person("ada", Role.ADMIN)
    talk, [answer] = bench.talk(ana, ["a secret about bonds"], things.NOW)
    with bench.unit_of_work() as work:
        work.feedback.put(things.feedback(ana, answer, -1, "unclear"))
        work.commit()
    bench.drain()
    assert "secret" in bench.service.find(ada, "bonds", "feedback").items[0].snippet
    with bench.unit_of_work() as work:
        work.conversations.remove(talk.id)
        work.commit()
    [stale] = bench.service.find(ada, "bonds", "feedback").items
    assert stale.snippet == "unclear"


def test_reviewers_search_feedback_and_admins_the_audit(bench: Bench) -> None:
    ana, ada = bench.person("ana"), bench.person("ada", Role.ADMIN)
    talk, [answer] = bench.talk(ana, ["bond prices"], things.NOW)
    with bench.unit_of_work() as work:
        work.feedback.put(things.feedback(ana, answer, -1, "unclear"))
        work.commit()
    Accounts(bench.unit_of_work, _NoHash(), bench.clock).add(ada, "newcomer", Role.ANALYST, password="long enough")
    bench.drain()
    [rated] = bench.service.find(ada, "unclear", "feedback").items
    assert (rated.conversation_id, rated.message_id) == (talk.id, answer.id)
    [event] = bench.service.find(ada, "newcomer", "audit").items
    assert (event.kind, event.conversation_id, event.message_id) == ("audit", None, None)
    assert "user.add" in event.snippet
    for kind in ("feedback", "audit"):
        with pytest.raises(NotAllowed):
            bench.service.find(ana, "unclear", kind)


def test_an_index_that_names_what_is_not_yours_leaks_nothing(
    unit_of_work: UnitOfWorkFactory, clock: MovingClock, accounts: Accounts, ana: User
) -> None:
    other = accounts.add(None, "bo", Role.ANALYST, password="correct horse")
    talk = things.conversation(other, "secret")
    message = things.question(talk, "secret")
    with unit_of_work() as work:
        work.conversations.add(talk)
        work.messages.add(message)
        work.commit()

    class LyingIndex:
        engine = "lying"

        def search(self, query: SearchQuery) -> list[SearchHit]:
            return []

        def page(self, query: SearchQuery) -> SearchPage:
            id = talk.id if query.kind == "conversation" else message.id
            return SearchPage([SearchHit(query.kind, id, talk.id, "secret", things.NOW)], 1)

    class NoJobs:
        def pending(self) -> int:
            return 0

        def behind(self, now: datetime) -> float:
            return 7.5

    found = Search(unit_of_work, LyingIndex(), NoJobs(), clock, review_names(unit_of_work, clock)).find(ana, "secret")
    assert (found.items, found.behind_seconds) == ([], 7.5)


def test_a_search_says_how_far_behind_it_is(bench: Bench) -> None:
    ana = bench.person("ana")
    bench.talk(ana, ["bond"], things.NOW)
    with bench.database.connect() as connection:
        oldest = min(row.created_at for row in connection.execute(IndexJobTable.__table__.select()))
    bench.clock.time = oldest + timedelta(seconds=42)
    assert bench.service.find(ana, "bond").behind_seconds == pytest.approx(42)


@pytest.mark.parametrize("cursor", ["", "nonsense", "é", "MjAyNi0xMS0yMQ==", "////"])
def test_a_made_up_cursor_is_refused(bench: Bench, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        bench.service.find(bench.person("ana"), "bond", cursor=cursor)


class _NoHash:
    def hash(self, password: str) -> str:
        return "hash"

    def is_outdated(self, password_hash: str) -> bool:
        return False

    def spend(self, password: str) -> None:
        raise AssertionError("nothing here is outdated")

    def matches(self, password: str, password_hash: str) -> bool:
        return True


def test_what_the_store_lost_is_hidden(bench: Bench) -> None:
    ana = bench.person("ana")
    talk, _ = bench.talk(ana, ["bond prices"], things.NOW)
    bench.drain()
    with bench.unit_of_work() as work:
        work.conversations.remove(talk.id)
        work.commit()
    assert bench.service.find(ana, "bond").items == []
