"""Temporary chats on a user server: they live in the memory of the admin server, and can be followed like every answer."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from bootstrap.portal import Portal
from core.chat.records import MessageStatus
from core.chat.turn_runner import TurnOptions
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unavailable
from remote.identity import SessionUser
from samples.fakes import FakeRouter
from tests.unit.remote.conftest import KEY, AdminServer

Person = Callable[[str], SessionUser]
LONG_S = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


def ask(portal: Portal, user: SessionUser, question: str, request: str, chat: str | None = None) -> str:
    chat = portal.temporary.ask(user, chat, question, TurnOptions(), request)
    running = portal.temporary.running(user, chat)
    if running is not None:
        running.wait_finished(LONG_S)
    until(lambda: portal.temporary.running(user, chat) is None)
    return chat


def texts(portal: Portal, user: SessionUser, chat: str) -> list[str]:
    return [each.message.text for each in portal.temporary.transcript(user, chat)]


def test_it_is_answered_goes_on_and_is_stored_nowhere(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    assert user_server.temporary.offered(ann)
    chat = ask(user_server, ann, "One?", "r1")
    assert ask(user_server, ann, "Two?", "r2", chat) == chat
    assert texts(user_server, ann, chat) == ["One?", "Hello from the fake model", "Two?", "Hello from the fake model"]
    assert [each.content for each in router.requests[-1].messages] == ["One?", "Hello from the fake model", "Two?"]
    assert user_server.conversations.list(ann, limit=10) == []


def test_it_is_followed_word_by_word_and_stopped_with_its_text(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    router.hold()
    chat = user_server.temporary.ask(ann, None, "One?", TurnOptions(), "r1")
    assert user_server.temporary.ask(ann, None, "One?", TurnOptions(), "r1") == chat, "a double click asks nothing new"
    with pytest.raises(Conflict):
        user_server.temporary.ask(ann, chat, "Two?", TurnOptions(), "r2")
    running = user_server.temporary.running(ann, chat)
    assert running is not None and running is user_server.temporary.running(ann, chat)
    router.release(1)
    until(lambda: running.snapshot().text == "Hello ")
    assert user_server.temporary.stop(ann, chat)
    last = running.wait_finished(LONG_S)
    assert (last.status, last.text) == (MessageStatus.STOPPED, "Hello ")
    assert texts(user_server, ann, chat) == ["One?", "Hello "] and not user_server.temporary.stop(ann, chat)


def test_the_answer_itself_stops_it_too(user_server: Portal, portal: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    router.hold()
    running = user_server.temporary.running(ann, user_server.temporary.ask(ann, None, "One?", TurnOptions(), "r1"))
    assert running is not None
    running.stop()
    assert running.wait_finished(LONG_S).status is MessageStatus.STOPPED
    until(lambda: portal.temporary.count() == 0)


def test_it_is_gone_when_it_is_left(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    chat = ask(user_server, ann, "One?", "r1")
    router.hold()
    user_server.temporary.ask(ann, chat, "Two?", TurnOptions(), "r2")
    until(lambda: len(router.generations) == 2)
    user_server.temporary.leave(ann, chat)
    until(router.generations[1].cancelled.is_set)
    with pytest.raises(NotFound, match="is gone"):
        user_server.temporary.transcript(ann, chat)
    user_server.temporary.leave(ann, chat)


def test_nobody_else_sees_follows_or_leaves_it(
    user_server: Portal, admin_server: AdminServer, person: Person, router: FakeRouter
) -> None:
    ann, bob = person("ann"), person("bob")
    router.hold()
    chat = user_server.temporary.ask(ann, None, "One?", TurnOptions(), "r1")
    for call in (
        lambda: user_server.temporary.transcript(bob, chat),
        lambda: user_server.temporary.running(bob, chat),
        lambda: user_server.temporary.stop(bob, chat),
        lambda: user_server.temporary.ask(bob, chat, "Two?", TurnOptions(), "r2"),
    ):
        with pytest.raises(NotFound):
            call()
    user_server.temporary.leave(bob, chat)
    followed = user_server.temporary.running(ann, chat)
    assert followed is not None
    headers = {"Authorization": f"Bearer {KEY}", "X-Portal-Session": bob.token}
    live = httpx.post(f"{admin_server.address}/internal/v1/live/{followed.turn.id}", headers=headers, content=b'{"data":{}}\n', timeout=60)
    assert live.status_code == 404
    router.release()
    assert followed.wait_finished(LONG_S).status is MessageStatus.DONE


def test_a_failed_answer_says_why(user_server: Portal, person: Person, router: FakeRouter) -> None:
    ann = person("ann")
    router.refuse.append(Unavailable("The model is gone."))
    chat = ask(user_server, ann, "One?", "r1")
    last = user_server.temporary.transcript(ann, chat)[-1].message
    assert last.status is MessageStatus.FAILED and str(last.error) == "The model is gone."


def test_what_is_refused_in_process_is_refused_here(user_server: Portal, portal: Portal, person: Person) -> None:
    ann, ada = person("ann"), person("ada")
    for question in (" ", "x" * 40_000):
        with pytest.raises(InvalidInput):
            user_server.temporary.ask(ann, None, question, TurnOptions(), "r1")
    portal.retention.place_hold(ada, ann.name, "Case 12")
    assert not user_server.temporary.offered(ann) and user_server.temporary.offered(ada)
    with pytest.raises(NotAllowed, match="not available"):
        user_server.temporary.ask(ann, None, "One?", TurnOptions(), "r1")


def test_a_restart_of_the_admin_server_ends_it(
    user_server: Portal, portal: Portal, admin_server: AdminServer, person: Person, router: FakeRouter
) -> None:
    ann = person("ann")
    router.hold()
    chat = user_server.temporary.ask(ann, None, "One?", TurnOptions(), "r1")
    running = user_server.temporary.running(ann, chat)
    assert running is not None
    admin_server.stop()
    portal.temporary.leave(ann, chat)  # What a restart does to the memory of the server.
    admin_server.start()
    assert running.wait_finished(60).status in (MessageStatus.INTERRUPTED, MessageStatus.STOPPED)
    with pytest.raises(NotFound):
        user_server.temporary.transcript(ann, chat)
