"""Deletions that can be undone."""

from __future__ import annotations

import threading
import time

import pytest

from core.chat import pending_deletions
from core.chat.conversations import Conversations
from core.errors import NotFound
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from tests.unit.core.conftest import MovingClock
from tests.unit.core.people.test_audit import Index


@pytest.fixture
def conversations(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Conversations:
    return Conversations(unit_of_work, Index(), clock)


def test_it_is_hidden_at_once_and_back_when_it_is_restored(conversations: Conversations, ana: User) -> None:
    chat = conversations.new(ana, "Dear")
    conversations.delete_soon(ana, chat.id)
    conversations.delete_soon(ana, chat.id)
    assert conversations.list(ana) == [] and [each.title for each in conversations.deleted_just_now(ana)] == ["Dear"]
    conversations.restore(ana, chat.id)
    assert [each.id for each in conversations.list(ana)] == [chat.id] and not conversations.deleted_just_now(ana)
    conversations.close()
    assert conversations.get(ana, chat.id).title == "Dear"


def test_nobody_else_can_restore_it(conversations: Conversations, ana: User, admin: User) -> None:
    chat = conversations.new(ana)
    conversations.delete_soon(ana, chat.id)
    with pytest.raises(NotFound):
        conversations.restore(admin, chat.id)
    with pytest.raises(NotFound):
        conversations.delete_soon(admin, chat.id)
    assert not conversations.deleted_just_now(admin)
    conversations.close()


def test_it_is_deleted_when_the_time_is_up(conversations: Conversations, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_deletions, "UNDO_S", 0.01)
    monkeypatch.setattr(pending_deletions, "GRACE_S", 0.0)
    chat = conversations.new(ana)
    conversations.delete_soon(ana, chat.id)
    deadline = time.monotonic() + 60
    while conversations.deleted_just_now(ana) and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(NotFound):
        conversations.get(ana, chat.id)
    with pytest.raises(NotFound, match="too late"):
        conversations.restore(ana, chat.id)


def test_a_portal_that_stops_deletes_what_was_to_be_deleted(conversations: Conversations, ana: User) -> None:
    chat = conversations.new(ana)
    conversations.delete_soon(ana, chat.id)
    conversations.close()
    with pytest.raises(NotFound):
        conversations.get(ana, chat.id)


def test_what_is_being_deleted_cannot_be_taken_back(ana: User) -> None:
    taken_back: list[bool] = []
    pending = pending_deletions.PendingDeletions(lambda user, id: taken_back.append(pending.take_back(user, id)))
    pending.add(ana, "chat", "Dear")
    pending.close(lambda _id: ana)
    assert taken_back == [False] and pending.of(ana) == []


def test_a_stop_waits_for_a_deletion_that_has_begun(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_deletions, "UNDO_S", 0.0)
    monkeypatch.setattr(pending_deletions, "GRACE_S", 0.0)
    begun, ended = threading.Event(), threading.Event()

    def delete(user: User, id: str) -> None:
        begun.set()
        time.sleep(0.2)
        ended.set()

    pending = pending_deletions.PendingDeletions(delete)
    pending.add(ana, "chat", "Dear")
    assert begun.wait(60)
    pending.close(lambda _id: ana)
    assert ended.is_set()
