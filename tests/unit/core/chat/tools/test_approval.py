"""A tool that may change something runs only after the person has allowed it."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from core.chat.conversations import Conversations
from core.chat.records import Message, MessageStatus, NewQuestion, Turn, TurnOptions
from core.chat.temporary import TemporaryChats
from core.chat.tools import approval
from core.chat.tools.chat_tools import ChatTools
from core.chat.tools.records import Approval, Decision, ToolStep
from core.chat.turns import Turns
from core.errors import Conflict, NotFound
from core.inference.gateway import Gateway
from core.people.accounts import Accounts
from core.people.audit_records import AuditFilter
from core.people.records import Role, User
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, answer
from tests.unit.core.chat.test_turns import finished, until
from tests.unit.core.chat.tools.conftest import Desk, calls
from tests.unit.core.conftest import MovingClock

LONG_S = 60.0


@pytest.fixture
def chat(conversations: Conversations, ana: User) -> str:
    return conversations.new(ana).id


@pytest.fixture
def booked(desk: Desk) -> Callable[[], list[object]]:
    return lambda: cast(list[object], desk("booked"))


def begin(turns: Turns, router: FakeRouter, user: User, chat: str, request: str = "r1", **arguments: object) -> Turn:
    """Ask a question for which the model calls the tool that changes something, and answers afterwards."""
    router.next_answers.put(calls("book", text="Let me book.", **(arguments or {"a": 7})))
    return turns.start(user, chat, "Book a room", TurnOptions(), request)


def waiting(turns: Turns, user: User, turn: Turn) -> ToolStep:
    """Return the step that waits, once it does."""

    def found() -> ToolStep | None:
        running = turns.find(user, turn.id)
        return running.snapshot().waiting_step if running is not None else None

    until(lambda: found() is not None, LONG_S)
    step = found()
    assert step is not None
    return step


def decide(turns: Turns, user: User, turn: Turn, decision: Decision) -> None:
    turns.decide(user, turn.answer_id, waiting(turns, user, turn).id, decision)


def last(conversations: Conversations, user: User, chat: str) -> Message:
    return conversations.transcript(user, chat)[-1].message


def audited(unit_of_work: UnitOfWorkFactory) -> list[tuple[str, str, str | None]]:
    with unit_of_work() as work:
        events = [each.event for each in work.audit.find(AuditFilter(), 100, None)]
    found = [(each.action, each.details.get("scope", each.details.get("reason", "")), each.actor_id) for each in events]
    return sorted(each for each in found if each[0].startswith("tool."))


def test_a_step_waits_until_it_is_allowed(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]],
    unit_of_work: UnitOfWorkFactory,
) -> None:  # fmt: skip
    turn = begin(turns, router, ana, chat)
    step = waiting(turns, ana, turn)
    assert (step.title, step.arguments, step.seconds) == ("Book a room", '{"a": 7}', None) and booked() == []
    until(lambda: any(each.waits for each in last(conversations, ana, chat).steps), LONG_S)
    decide(turns, ana, turn, Decision.ALLOW)
    finished(turns, ana, turn)
    reply = last(conversations, ana, chat)
    assert booked() == [7] and (reply.status, reply.text) == (MessageStatus.DONE, "Let me book.\n\nHello from the fake model")
    assert (reply.steps[0].approval, reply.steps[0].result) == (Approval.ALLOWED, "Booked.")
    assert audited(unit_of_work) == [("tool.allow", "step", ana.id), ("tool.call", "", ana.id)]
    with pytest.raises(Conflict, match="does not wait"):
        turns.decide(ana, turn.answer_id, step.id, Decision.REFUSE)


def test_a_refused_step_does_not_run_and_the_model_is_told(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]],
    unit_of_work: UnitOfWorkFactory,
) -> None:  # fmt: skip
    turn = begin(turns, router, ana, chat)
    router.next_answers.put(answer("I did not book it."))
    decide(turns, ana, turn, Decision.REFUSE)
    finished(turns, ana, turn)
    reply = last(conversations, ana, chat)
    assert booked() == [] and reply.text.endswith("I did not book it.")
    assert (reply.steps[0].approval, reply.steps[0].error) == (Approval.REFUSED, approval.REFUSED)
    assert "Do not call it again" in router.requests[-1].messages[-1].content
    assert audited(unit_of_work) == [("tool.refuse", "", ana.id)]


def test_a_tool_allowed_for_a_chat_asks_no_longer_there_but_elsewhere(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]],
    chat_tools: ChatTools,
) -> None:  # fmt: skip
    turn = begin(turns, router, ana, chat)
    decide(turns, ana, turn, Decision.ALLOW_IN_CHAT)
    finished(turns, ana, turn)
    finished(turns, ana, begin(turns, router, ana, chat, "r2", a=8))
    assert booked() == [7, 8] and last(conversations, ana, chat).steps[0].approval is Approval.ALLOWED
    marks = {each.name: (each.asks, each.allowed) for each in chat_tools.list(ana, chat)}
    assert (marks["book"], marks["add"]) == ((True, True), (False, False))
    chat_tools.allow(ana, chat, [])
    for number, here in enumerate((conversations.new(ana).id, chat), 9):
        turn = begin(turns, router, ana, here, f"r{number}", a=number)
        decide(turns, ana, turn, Decision.REFUSE)
        finished(turns, ana, turn)
    assert booked() == [7, 8]


def test_a_step_that_nobody_decides_is_refused(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]],
    unit_of_work: UnitOfWorkFactory, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(approval, "PATIENCE_S", 0.05)
    turn = begin(turns, router, ana, chat)
    finished(turns, ana, turn)
    reply = last(conversations, ana, chat)
    assert booked() == [] and reply.status is MessageStatus.DONE
    assert (reply.steps[0].approval, reply.steps[0].error) == (Approval.REFUSED, approval.TIMED_OUT)
    assert audited(unit_of_work) == [("tool.refuse", "timeout", None)]


def test_stop_ends_the_wait(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]]
) -> None:
    turn = begin(turns, router, ana, chat)
    step = waiting(turns, ana, turn)
    turns.stop(ana, chat)
    finished(turns, ana, turn)
    reply = last(conversations, ana, chat)
    assert booked() == [] and (reply.text, reply.status) == ("Let me book.", MessageStatus.STOPPED)
    assert reply.steps[0].error == approval.STOPPED_WAITING
    with pytest.raises(Conflict):
        turns.decide(ana, turn.answer_id, step.id, Decision.ALLOW)


def test_an_answer_that_waits_when_the_portal_ends_is_interrupted(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]]
) -> None:
    turn = begin(turns, router, ana, chat)
    step = waiting(turns, ana, turn)
    turns.close()
    assert last(conversations, ana, chat).status is MessageStatus.INTERRUPTED and booked() == []
    with pytest.raises(Conflict):
        turns.decide(ana, turn.answer_id, step.id, Decision.ALLOW)


def test_nobody_is_asked_about_arguments_that_the_tool_does_not_take(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    turn = begin(turns, router, ana, chat, b=1)
    finished(turns, ana, turn)
    [step] = last(conversations, ana, chat).steps
    assert "a is missing" in str(step.error) and step.approval is None


def test_only_the_owner_decides(turns: Turns, router: FakeRouter, accounts: Accounts, ana: User, chat: str) -> None:
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse")
    turn = begin(turns, router, ana, chat)
    step = waiting(turns, ana, turn)
    with pytest.raises(NotFound):
        turns.decide(bob, turn.answer_id, step.id, Decision.ALLOW)
    with pytest.raises(Conflict):
        turns.decide(ana, turn.answer_id, "another", Decision.ALLOW)
    assert waiting(turns, ana, turn) == step


def test_a_step_is_decided_on_another_replica(
    unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, chat_tools: ChatTools, conversations: Conversations,
    router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]],
) -> None:  # fmt: skip
    here, there = (Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, tools=chat_tools, shared=True) for _ in range(2))
    turn = begin(here, router, ana, chat)
    decide(there, ana, turn, Decision.ALLOW)
    until(lambda: here.find(ana, turn.id) is None, LONG_S)
    assert booked() == [7] and last(conversations, ana, chat).status is MessageStatus.DONE
    for each in (here, there):
        each.close()


def test_answers_side_by_side_wait_each_and_a_tool_allowed_for_the_chat_frees_all(
    turns: Turns, router: FakeRouter, ana: User, chat: str, booked: Callable[[], list[object]]
) -> None:
    for number in (1, 2):
        router.next_answers.put(calls("book", a=number))
    new = NewQuestion(conversation_id=chat, text="Book", options=[TurnOptions(), TurnOptions()], request_id="lanes")
    one, two = turns.start_lanes(ana, new)
    waiting(turns, ana, two)
    decide(turns, ana, one, Decision.ALLOW_IN_CHAT)
    for turn in (one, two):
        until(lambda turn=turn: turns.find(ana, turn.id) is None, LONG_S)  # type: ignore[misc]
    assert sorted(cast(list[int], booked())) == [1, 2]


def test_a_temporary_chat_asks_too_and_remembers_what_was_allowed(
    unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, chat_tools: ChatTools, router: FakeRouter, ana: User,
    booked: Callable[[], list[object]],
) -> None:  # fmt: skip
    chats = TemporaryChats(unit_of_work, gateway, clock, 1_000, tools=chat_tools)
    chat: str | None = None

    def asked(number: int, decision: Decision | None) -> None:
        nonlocal chat
        router.next_answers.put(calls("book", a=number))
        chat = chats.ask(ana, chat, "Book", TurnOptions(), f"r{number}")
        here = chat
        if decision is not None:
            running = chats.running(ana, here)
            assert running is not None
            until(lambda: running.snapshot().waiting_step is not None, LONG_S)
            chats.decide(ana, here, running.snapshot().steps[-1].id, decision)
        until(lambda: chats.running(ana, here) is None, LONG_S)

    asked(1, Decision.REFUSE)
    asked(2, Decision.ALLOW_IN_CHAT)
    asked(3, None)
    assert booked() == [2, 3]
    with pytest.raises(Conflict):
        chats.decide(ana, chat or "", "call_1", Decision.ALLOW)
    chats.close()
