"""Every kind of row, on SQLite and on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import text

from core.chat.records import MessageStatus
from core.errors import Conflict, StoredError
from core.inference.records import FinishReason
from core.people.audit_records import THE_PORTAL, AuditEvent, AuditFilter
from core.people.records import Credentials, Role, Session, SessionKind
from core.review.records import FeedbackFilter, ReviewState
from core.unit_of_work import UnitOfWork
from data.database import Database
from data.tables import AuditEventTable
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import NOW, later, put_exchange, put_user


def test_the_unit_of_work_is_what_core_asks_for(database: Database) -> None:
    with SqlUnitOfWork(database) as work:
        typed: UnitOfWork = work  # mypy checks the Protocol here
        assert typed.users.count() == 0


def test_leaving_without_commit_rolls_back(database: Database) -> None:
    with SqlUnitOfWork(database) as work:
        work.users.add(things.user(), "hash")
    with SqlUnitOfWork(database) as work:
        assert work.users.count() == 0


def test_an_error_rolls_back_what_came_before_it(database: Database) -> None:
    with pytest.raises(Conflict), SqlUnitOfWork(database) as work:
        work.users.add(things.user(), "hash")
        work.users.add(things.user(), "hash")
    with SqlUnitOfWork(database) as work:
        assert work.users.count() == 0


def test_a_user_comes_back_as_it_was(database: Database) -> None:
    ana = replace(things.user(), language="zh", last_seen_at=later(days=1))
    put_user(database, ana)
    with SqlUnitOfWork(database) as work:
        assert work.users.get(ana.id) == ana
        assert work.users.get("nobody") is None
        found = work.users.credentials("ana")
    assert found is not None
    assert found == Credentials(ana, "hash")


def test_a_taken_name_is_a_conflict_and_the_transaction_stays_usable(database: Database) -> None:
    put_user(database)
    with SqlUnitOfWork(database) as work:
        with pytest.raises(Conflict):
            work.users.add(things.user(), "other")
        work.users.add(things.user("ben"), "hash")
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert [each.name for each in work.users.all()] == ["ana", "ben"]


def test_saving_a_user_leaves_the_password(database: Database) -> None:
    ana = put_user(database)
    with SqlUnitOfWork(database) as work:
        work.users.save(replace(ana, role=Role.ADMIN, active=False))
        work.commit()
    with SqlUnitOfWork(database) as work:
        found = work.users.credentials("ana")
    assert found is not None
    assert (found.user.role, found.user.active) == (Role.ADMIN, False)
    assert found.password_hash == "hash"


def test_a_session_belongs_to_an_active_user_until_it_expires(database: Database) -> None:
    ana = put_user(database)
    with SqlUnitOfWork(database) as work:
        work.sessions.add(Session("token", ana.id, SessionKind.BROWSER, NOW, later(hours=1)))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.sessions.user("token", later(minutes=59)) == ana
        assert work.sessions.user("token", later(hours=1)) is None
        assert work.sessions.user("other", NOW) is None
        work.users.save(replace(ana, active=False))
        assert work.sessions.user("token", NOW) is None


def test_sessions_end_one_by_one_together_or_by_age(database: Database) -> None:
    ana, ben = put_user(database), put_user(database, things.user("ben"))
    with SqlUnitOfWork(database) as work:
        for token, owner, hours in (("a1", ana, 1), ("a2", ana, 2), ("a3", ana, 3), ("b1", ben, 1)):
            work.sessions.add(Session(token, owner.id, SessionKind.API, NOW, later(hours=hours)))
        work.sessions.remove("a1")
        work.sessions.remove_of_user(ana.id, keep="a3")
        alive = [token for token in ("a1", "a2", "a3", "b1") if work.sessions.user(token, NOW)]
        assert alive == ["a3", "b1"]
        assert work.sessions.remove_expired(later(hours=1)) == 1
        assert work.sessions.user("b1", NOW) is None
        work.sessions.remove_of_user(ana.id)
        assert work.sessions.user("a3", NOW) is None


def test_conversations_are_listed_newest_change_first_and_only_the_owners(database: Database) -> None:
    ana, ben = put_user(database), put_user(database, things.user("ben"))
    talks = [things.conversation(ana, f"talk {n}", later(minutes=n)) for n in range(5)]
    other = things.conversation(ben)
    with SqlUnitOfWork(database) as work:
        for each in [*talks, other]:
            work.conversations.add(each)
        work.conversations.save(replace(talks[0], updated_at=later(hours=1), title="renamed", head_id="m"))
        work.commit()
    with SqlUnitOfWork(database) as work:
        listed = work.conversations.of_user(ana.id, 3)
        assert [each.title for each in listed] == ["renamed", "talk 4", "talk 3"]
        assert [each.title for each in work.conversations.of_user(ana.id, 3, before=listed[-1].updated_at)] == ["talk 2", "talk 1"]
        assert work.conversations.get(talks[0].id) == replace(talks[0], updated_at=later(hours=1), title="renamed", head_id="m")
        asked = [talks[2].id, other.id, "unknown", talks[1].id, talks[2].id]
        assert [each.id for each in work.conversations.by_ids(ana.id, asked)] == [talks[2].id, talks[1].id]
        assert work.conversations.by_ids(ana.id, []) == []


def test_a_transcript_comes_in_the_order_of_writing_with_generation_and_rating(database: Database) -> None:
    ana, ben = put_user(database), put_user(database, things.user("ben"))
    talk, asked, answered = put_exchange(database, ana)
    again = things.answer(asked, "Second version.", MessageStatus.DONE)  # the same microsecond
    with SqlUnitOfWork(database) as work:
        work.messages.add(again)
        work.feedback.put(things.feedback(ana, answered, -1, "too short"))
        work.feedback.put(things.feedback(ben, answered, 1))  # not the owner
        work.commit()
    with SqlUnitOfWork(database) as work:
        messages = work.messages.of_conversation(talk.id)
        assert [each.id for each in messages] == [asked.id, answered.id, again.id]
        assert messages[0] == asked
        assert (messages[1].text, messages[1].rating, messages[1].comment) == ("A loan that can be sold.", -1, "too short")
        assert messages[1].generation is not None
        assert messages[1].generation.timings == things.TIMINGS
        assert work.messages.get(answered.id) == messages[1]
        assert work.messages.get("unknown") is None
        assert (messages[2].generation, messages[2].rating, messages[2].comment) == (None, None, "")


def test_a_checkpoint_changes_only_a_streaming_message(database: Database) -> None:
    ana = put_user(database)
    _, asked, answered = put_exchange(database, ana)
    streaming = things.answer(asked)
    with SqlUnitOfWork(database) as work:
        work.messages.add(streaming)
        work.messages.checkpoint(streaming.id, "so far", "thinking")
        work.messages.checkpoint(answered.id, "overwritten", "")
        found, finished = work.messages.get(streaming.id), work.messages.get(answered.id)
        assert found is not None
        assert finished is not None
        assert (found.text, found.reasoning, found.status) == ("so far", "thinking", MessageStatus.STREAMING)
        assert finished.text == "A loan that can be sold."
        error = StoredError("The model {model} stopped.", {"model": "glm"}, "model_failed")
        work.messages.finish(streaming.id, MessageStatus.FAILED, "so far", "", error)
        found = work.messages.get(streaming.id)
        assert found is not None
        assert (found.status, found.error) == (MessageStatus.FAILED, error)


def test_an_error_that_an_older_version_stored_as_a_sentence_stays_as_it_is(database: Database) -> None:
    _, _, answered = put_exchange(database, put_user(database))
    sentence = "The model {0} stopped at 100 %."
    with database.connect() as connection:
        connection.execute(text("UPDATE messages SET error = :error WHERE id = :id"), {"error": sentence, "id": answered.id})
        connection.commit()
    with SqlUnitOfWork(database) as work:
        found = work.messages.get(answered.id)
    assert found is not None and str(found.error) == sentence


@pytest.mark.parametrize("written", ["a\x00b", "half a pair \ud83d", "emoji 👩🏽‍💻 and 汉字 𠮷", "x" * 100_000])
def test_any_text_a_model_writes_can_be_stored(database: Database, written: str) -> None:
    ana = put_user(database)
    talk, _, _ = put_exchange(database, ana, answered=written)
    with SqlUnitOfWork(database) as work:
        found = work.messages.of_conversation(talk.id)[1]
    assert found.text == written.replace("\x00", "\ufffd").replace("\ud83d", "\ufffd")


def test_one_request_is_one_turn(database: Database) -> None:
    ana, ben = put_user(database), put_user(database, things.user("ben"))
    _, asked, answered = put_exchange(database, ana)
    _, other, reply = put_exchange(database, ben)
    first = things.turn(ana, asked, answered, "r1")
    with SqlUnitOfWork(database) as work:
        work.turns.add(first)
        with pytest.raises(Conflict):
            work.turns.add(replace(first, id=things.new_id()))
        work.turns.add(things.turn(ben, other, reply, "r1"))  # another person's request of the same name
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.turns.by_request(ana.id, "r1") == first
        assert work.turns.by_request(ana.id, "r2") is None
        assert work.turns.get(first.id) == first


def test_only_one_answer_runs_in_a_conversation(database: Database) -> None:
    ana = put_user(database)
    talk, asked, answered = put_exchange(database, ana)
    first, second = things.turn(ana, asked, answered), things.turn(ana, asked, answered)
    with SqlUnitOfWork(database) as work:
        work.turns.add(first)
        assert work.turns.streaming_in(talk.id) == first
        with pytest.raises(Conflict, match="still running"):
            work.turns.add(second)
        work.turns.finish(first.id, MessageStatus.DONE)
        assert work.turns.streaming_in(talk.id) is None
        work.turns.add(second)
        work.commit()


def test_a_turn_past_its_lease_is_found(database: Database) -> None:
    ana = put_user(database)
    turns = []
    with SqlUnitOfWork(database) as work:
        for _ in range(2):
            talk = things.conversation(ana)
            asked = things.question(talk)
            work.conversations.add(talk)
            turns.append(things.turn(ana, asked, asked))
            work.turns.add(turns[-1])
        work.turns.extend_lease(turns[1].id, later(seconds=60))
        assert [each.id for each in work.turns.with_expired_lease(later(seconds=31))] == [turns[0].id]
        work.turns.finish(turns[0].id, MessageStatus.INTERRUPTED)
        assert work.turns.with_expired_lease(later(seconds=31)) == []
        assert [each.id for each in work.turns.with_expired_lease(later(seconds=61))] == [turns[1].id]


def test_deleting_a_conversation_keeps_generations_and_ratings_without_text(database: Database) -> None:
    ana = put_user(database)
    talk, asked, answered = put_exchange(database, ana)
    with SqlUnitOfWork(database) as work:
        work.turns.add(things.turn(ana, asked, answered, "r1"))
        work.feedback.put(things.feedback(ana, answered, -1, "wrong"))
        work.commit()
    with SqlUnitOfWork(database) as work:
        work.conversations.remove(talk.id)
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.conversations.get(talk.id) is None
        assert work.messages.get(answered.id) is None
        assert work.turns.by_request(ana.id, "r1") is None
        [rated] = work.generations.rated(NOW, later(days=1))
        assert (rated.rating, rated.completion_tokens, rated.conversation_id) == (-1, 40, talk.id)
        [kept] = work.feedback.find(FeedbackFilter(), 10)
        assert (kept.rating, kept.comment, kept.question, kept.answer) == (-1, "wrong", None, None)


def test_rated_generations_lie_in_the_range_and_match_the_filters(database: Database) -> None:
    ana = put_user(database)
    with SqlUnitOfWork(database) as work:
        for minute, model, group in ((3, "b", "risk"), (1, "a", "risk"), (2, "a", "sales"), (4, "a", "risk")):
            work.generations.add(things.generation(ana, at=later(minutes=minute), model=model, group=group))
        work.commit()
    with SqlUnitOfWork(database) as work:
        found = work.generations.rated(later(minutes=1), later(minutes=4))
        assert [each.created_at for each in found] == [later(minutes=n) for n in (1, 2, 3)]
        assert (found[0].finish_reason, found[0].rating, found[0].ttft_s) == (FinishReason.STOP, None, 0.4)
        assert len(work.generations.rated(NOW, later(hours=1), model="a", group="risk")) == 2
        assert work.generations.models() == ["a", "b"]
        assert work.generations.groups() == ["risk", "sales"]


def test_rating_again_replaces_rating_and_comment_and_keeps_the_review(database: Database) -> None:
    ana, eva = put_user(database), put_user(database, things.user("eva", Role.ADMIN))
    _, _, answered = put_exchange(database, ana)
    first = things.feedback(ana, answered, -1, "wrong")
    with SqlUnitOfWork(database) as work:
        work.feedback.put(first)
        work.feedback.review(first.id, ReviewState.RESOLVED, "looked at", eva.id, later(minutes=1))
        work.feedback.put(things.feedback(ana, answered, 1, "better now", later(minutes=2)))
        work.commit()
    with SqlUnitOfWork(database) as work:
        found = work.feedback.get(first.id)
        assert found is not None
        assert (found.rating, found.comment, found.state, found.note) == (1, "better now", ReviewState.RESOLVED, "looked at")
        assert (found.user_name, found.reviewer_name, found.created_at, found.updated_at) == ("ana", "eva", NOW, later(minutes=2))
        assert (found.question, found.answer) == ("What is a bond?", "A loan that can be sold.")
        assert found.generation is not None
        assert found.generation.message_id == answered.id
        work.feedback.remove(ana.id, answered.id)
        work.feedback.remove(ana.id, answered.id)
        assert work.feedback.get(first.id) is None


def test_feedback_is_filtered_counted_and_paged(database: Database) -> None:
    ana = put_user(database)
    ids = []
    with SqlUnitOfWork(database) as work:
        talk = things.conversation(ana)
        work.conversations.add(talk)
        for n in range(6):
            asked = things.question(talk)
            work.messages.add(asked)
            given = things.feedback(ana, asked, 1 if n % 2 else -1, at=later(hours=n), model="a" if n < 3 else "b")
            ids.append(given.id)
            work.feedback.put(given)
        work.feedback.review(ids[0], ReviewState.IN_REVIEW, "", ana.id, NOW)
        work.commit()

    with SqlUnitOfWork(database) as work:

        def found(**conditions: object) -> list[int]:
            wanted = FeedbackFilter(**conditions)  # type: ignore[arg-type]
            assert work.feedback.count(wanted) == len(work.feedback.find(wanted, 100))
            return [ids.index(each.id) for each in work.feedback.find(wanted, 100)]

        assert found() == [5, 4, 3, 2, 1, 0]
        assert found(rating=1, model="b") == [5, 3]
        assert found(state=ReviewState.IN_REVIEW) == [0]
        assert found(since=later(hours=2), until=later(hours=4)) == [3, 2]
        assert found(ids=(ids[4], ids[1], "unknown")) == [4, 1]
        assert found(ids=()) == []
        assert [ids.index(each.id) for each in work.feedback.find(FeedbackFilter(), 2, 3)] == [2, 1]
        assert work.feedback.counts_by_state() == {ReviewState.NEW: 5, ReviewState.IN_REVIEW: 1, ReviewState.RESOLVED: 0}


def test_an_audit_event_keeps_its_details(database: Database) -> None:
    with SqlUnitOfWork(database) as work:
        work.audit.add(AuditEvent(NOW, None, "user.add", "ana", {"role": "analyst"}))
        work.commit()
    with database.connect() as connection:
        [row] = connection.execute(AuditEventTable.__table__.select()).all()
    assert (row.at, row.actor_id, row.action, row.subject, row.details) == (NOW, None, "user.add", "ana", {"role": "analyst"})


def test_audit_events_are_filtered_counted_and_paged(database: Database) -> None:
    ana = put_user(database)
    with SqlUnitOfWork(database) as work:
        for minute, (actor, action) in enumerate([(ana.id, "user.add"), (None, "user.lock"), (ana.id, "hold.place"), ("gone", "user.add")]):
            work.audit.add(AuditEvent(later(minutes=minute), actor, action, f"n{minute}", {}))
        work.commit()

    with SqlUnitOfWork(database) as work:

        def found(**conditions: object) -> list[str]:
            wanted = AuditFilter(**conditions)  # type: ignore[arg-type]
            entries = work.audit.find(wanted, 100)
            assert work.audit.count(wanted) == len(entries)
            return [each.event.subject for each in entries]

        assert found() == ["n3", "n2", "n1", "n0"]
        assert found(action="user.add") == ["n3", "n0"]
        assert found(actor_id=ana.id) == ["n2", "n0"]
        assert found(actor_id=THE_PORTAL) == ["n1"]
        assert found(since=later(minutes=1), until=later(minutes=3)) == ["n2", "n1"]
        newest, second, *_ = work.audit.find(AuditFilter(), 100)
        assert found(ids=(second.id, "9999999999999999")) == ["n2"]
        assert found(ids=()) == []
        assert [each.event.subject for each in work.audit.find(AuditFilter(), 2, newest.id)] == ["n2", "n1"]
        assert (newest.actor_name, second.actor_name) == (None, "ana")
        assert work.audit.actions() == ["hold.place", "user.add", "user.lock"]


def test_a_persons_models_are_those_of_their_answers(database: Database) -> None:
    ana, bo = put_user(database), put_user(database, things.user("bo"))
    _, _, answered = put_exchange(database, ana)
    put_exchange(database, bo)
    with SqlUnitOfWork(database) as work:
        work.generations.add(things.generation(ana, answered, model="glm-z1"))
        work.generations.add(things.generation(ana, model="elsewhere"))
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert work.generations.models_of(ana.id) == ["glm-4-9b", "glm-z1"]
        assert work.generations.models_of(bo.id) == ["glm-4-9b"]


def test_a_time_without_a_zone_is_refused(database: Database) -> None:
    ana = replace(things.user(), created_at=NOW.replace(tzinfo=None))
    with pytest.raises(Exception, match="without a zone"):
        put_user(database, ana)
