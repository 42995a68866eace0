"""Stored responses on both databases: kept, replaced, expired, and deleted by the rule for chats."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from core.operations.records import LegalHold, RetentionKind, RetentionRule
from core.programs.records import StoredResponse
from data.database import Database
from data.unit_of_work import SqlUnitOfWork
from tests.store import things
from tests.store.things import put_exchange, put_user

AFTER = things.NOW + timedelta(seconds=1)


def response(owner_id: str, name: str) -> StoredResponse:
    return StoredResponse(name, owner_id, things.NOW, "[]", '{"output": []}')


def test_a_response_is_kept_replaced_and_removed(database: Database) -> None:
    ana = put_user(database, things.user("ana"))
    first = response(ana.id, "resp_1")
    second = replace(first, id="resp_2", previous_id="resp_1", job_id="job")
    with SqlUnitOfWork(database) as work:
        work.responses.add(first)
        work.responses.add(second)
        assert work.responses.put_body("resp_2", "{}")
        assert not work.responses.put_body("resp_3", "{}")
        work.commit()
    with SqlUnitOfWork(database) as work:
        assert (work.responses.get("resp_1"), work.responses.get("resp_2")) == (first, replace(second, body="{}"))
        work.responses.remove("resp_1")
        assert work.responses.get("resp_1") is None


def test_what_is_old_expires_unless_its_owner_is_under_a_hold(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana")), put_user(database, things.user("bo"))
    with SqlUnitOfWork(database) as work:
        work.responses.add(response(ana.id, "resp_1"))
        work.responses.add(response(bo.id, "resp_2"))
        work.retention.place_hold(LegalHold(bo.id, bo.name, "case", things.NOW))
        assert list(work.responses.created_before(AFTER, 10)) == ["resp_1"]
        assert list(work.responses.created_before(things.NOW, 10)) == []


def test_a_rule_for_chats_ends_responses_too(database: Database) -> None:
    ana, bo = put_user(database, things.user("ana", group="risk")), put_user(database, things.user("bo", group="legal"))
    (talk, _, answered) = put_exchange(database, ana)
    with SqlUnitOfWork(database) as work:
        work.messages.finish(answered.id, things.MessageStatus.DONE, "", "")
        work.responses.add(response(ana.id, "resp_1"))
        work.responses.add(response(bo.id, "resp_2"))
        work.commit()
    rule = RetentionRule(RetentionKind.CHATS, "risk", 30)
    with SqlUnitOfWork(database) as work:
        assert set(work.retention.due(RetentionRule(RetentionKind.CHATS, "*", 30), AFTER, ["risk"], 10)) == {"resp_2"}
        due = work.retention.due(rule, AFTER, [], 10)
        assert "resp_1" in due and set(due) <= {talk.id, "resp_1"}
        assert len(work.retention.due(rule, AFTER, [], 1)) == 1
        work.retention.remove(RetentionKind.CHATS, due)
        assert (work.responses.get("resp_1"), work.responses.get("resp_2") is not None) == (None, True)
