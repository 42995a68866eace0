"""The model calls tools, reads their results, and answers. Each call fails alone, within bounds, and is stored with the answer."""

from __future__ import annotations

import threading
from typing import cast
from uuid import uuid4

import pytest

from core.access.groups import Groups
from core.chat.conversations import Conversations
from core.chat.records import Message, MessageStatus
from core.chat.temporary import TemporaryChats
from core.chat.tools import loop
from core.chat.tools.chat_tools import ChatTools
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import InvalidInput
from core.inference.gateway import Gateway
from core.inference.records import Source
from core.inference.requests import ChatRole, GenerationRequest, ToolChoice
from core.people.records import User
from core.plugins import service
from core.plugins.service import Plugins
from core.privacy.records import EVERY_GROUP, Action, Kind, PrivacyPolicy
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter, answer
from tests.unit.core.chat.test_turns import finished, until
from tests.unit.core.chat.tools.conftest import Desk, calls
from tests.unit.core.conftest import MovingClock


@pytest.fixture
def chat(conversations: Conversations, ana: User) -> str:
    return conversations.new(ana).id


def ask(turns: Turns, conversations: Conversations, user: User, chat: str, text: str = "How much is it?") -> Message:
    """Ask, wait for the end, and return the answer."""
    finished(turns, user, turns.start(user, chat, text, TurnOptions(), uuid4().hex))
    return conversations.transcript(user, chat)[-1].message


def asked(router: FakeRouter) -> list[GenerationRequest]:
    """Return the requests for answers, without those that only count tokens."""
    return [each for each in router.requests if each.id]


def test_the_model_reads_the_result_of_its_call_and_answers(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, desk: Desk
) -> None:
    router.next_answers.put(calls("add", text="Let me add.", a=2, b=3))
    router.next_answers.put(answer("It is five."))
    reply = ask(turns, conversations, ana, chat)
    assert (reply.text, reply.status) == ("Let me add.\n\nIt is five.", MessageStatus.DONE)
    [step] = reply.steps
    assert (step.name, step.title, step.arguments, step.result, step.error) == ("add", "Add", '{"a": 2, "b": 3}', "5", None)
    assert step.seconds is not None and (step.round, step.text_at) == (1, len("Let me add."))
    assert desk("seen") == [({"a": 2, "b": 3}, ana.id, chat)]
    first, second = asked(router)
    assert [each.name for each in first.tools] == ["add", "refuse", "fail", "wait", "long", "mail", "turn_away", "phones", "book"]
    called, result = second.messages[-2:]
    assert (called.role, called.content, [each.name for each in called.tool_calls]) == (ChatRole.ASSISTANT, "Let me add.", ["add"])
    assert (result.role, result.content, result.tool_call_id) == (ChatRole.TOOL, "5", step.id)
    assert first.id != second.id


def test_each_call_of_the_model_leaves_a_row_and_only_the_last_is_the_answers(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, unit_of_work: UnitOfWorkFactory,
    clock: MovingClock,
) -> None:  # fmt: skip
    router.next_answers.put(calls("add", a=2, b=3))
    reply = ask(turns, conversations, ana, chat)
    with unit_of_work() as work:
        parts = {each.source: each for each in work.generations.parts(clock().date(), clock().date())}
    assert reply.generation is not None and reply.generation.source is Source.CHAT
    assert reply.generation.usage.completion_tokens == 5
    assert (parts[Source.CHAT].answers, parts[Source.CHAT].completion_tokens) == (1, 5)
    assert (parts[Source.TOOL].answers, parts[Source.TOOL].completion_tokens) == (0, 4)


def test_the_next_question_reads_the_calls_of_earlier_answers(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put(calls("add", a=2, b=3))
    ask(turns, conversations, ana, chat)
    ask(turns, conversations, ana, chat, "And twice that?")
    assert [each.role for each in asked(router)[-1].messages] == ["user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("refuse", {}, "The desk is closed."),
        ("fail", {}, "The tool failed."),
        ("add", {"a": "two", "b": 3}, "a must be of the type integer"),
        ("add", {"a": 2}, "b is missing"),
        ("add", {"a": 2, "b": 3, "c": 4}, "c is not known"),
        ("nothing", {}, "There is no tool nothing."),
    ],
)
def test_a_call_that_fails_tells_the_model_and_the_answer_goes_on(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, name: str, arguments: dict[str, object], why: str
) -> None:
    router.next_answers.put(calls(name, **arguments))
    router.next_answers.put(answer("Sorry, I cannot."))
    reply = ask(turns, conversations, ana, chat)
    assert (reply.text, reply.status) == ("Sorry, I cannot.", MessageStatus.DONE)
    [step] = reply.steps
    assert why in str(step.error) and "secret" not in str(step.error) and step.result == ""
    assert asked(router)[1].messages[-1].content == f"Error: {step.error}"


def test_a_failure_of_a_plugin_is_noted_for_admins_and_a_refusal_is_not(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, admin: User, chat: str, plugins: Plugins
) -> None:
    router.next_answers.put(calls("refuse"))
    ask(turns, conversations, ana, chat)
    assert plugins.list(admin)[0].state.error == ""
    router.next_answers.put(calls("fail"))
    ask(turns, conversations, ana, chat, "Again?")
    assert plugins.list(admin)[0].state.error == "tools: ValueError: secret insides"


def test_a_tool_that_takes_too_long_is_left(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "TOOL_S", 0.05)
    router.next_answers.put(calls("wait"))
    reply = ask(turns, conversations, ana, chat)
    cast(threading.Event, desk("gate")).set()
    assert reply.status is MessageStatus.DONE and "took longer" in str(reply.steps[0].error)


def test_stop_ends_the_wait_for_a_tool_and_keeps_its_step(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, desk: Desk
) -> None:
    router.next_answers.put(calls("wait", text="Let me look."))
    turn = turns.start(ana, chat, "Hello", TurnOptions(), "r1")
    assert cast(threading.Event, desk("began")).wait(60)
    until(lambda: bool(conversations.transcript(ana, chat)[-1].message.steps))
    running = conversations.transcript(ana, chat)[-1].message
    assert running.status is MessageStatus.STREAMING and running.steps[0].seconds is None, "a step is stored before its tool runs"
    assert turns.stop(ana, chat)
    finished(turns, ana, turn)
    cast(threading.Event, desk("gate")).set()
    reply = conversations.transcript(ana, chat)[-1].message
    assert (reply.text, reply.status) == ("Let me look.", MessageStatus.STOPPED)
    assert reply.steps[0].error == loop.STOPPED and reply.generation is not None and len(asked(router)) == 1


def test_a_model_that_never_stops_calling_has_to_answer(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    for _ in range(loop.MAX_ROUNDS):
        router.next_answers.put(calls("add", a=1, b=1))
    router.next_answers.put(answer("Enough."))
    reply = ask(turns, conversations, ana, chat)
    assert reply.text == "Enough." and len(reply.steps) == loop.MAX_ROUNDS
    assert [each.tool_choice for each in asked(router)] == [*[ToolChoice.AUTO] * loop.MAX_ROUNDS, ToolChoice.NONE]
    assert len({each.id for each in reply.steps}) == loop.MAX_ROUNDS


def test_calls_beyond_the_bound_of_a_round_are_not_carried_out(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, desk: Desk
) -> None:
    router.next_answers.put(calls(*["add"] * 6, a=1, b=1))
    reply = ask(turns, conversations, ana, chat)
    assert [each.error for each in reply.steps] == [*[None] * loop.MAX_CALLS, loop.TOO_MANY, loop.TOO_MANY]
    assert len(cast(list[object], desk("seen"))) == loop.MAX_CALLS


def test_a_long_result_is_cut_to_what_the_context_holds(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put(calls("long"))
    reply = ask(turns, conversations, ana, chat)
    assert reply.steps[0].cut and 0 < len(reply.steps[0].result) <= loop.MAX_RESULT_LENGTH
    assert reply.status is MessageStatus.DONE


def test_a_result_with_personal_data_goes_no_further_where_the_group_refuses_it(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, admin: User, chat: str, gateway: Gateway
) -> None:
    router.next_answers.put(calls("mail"))
    assert ask(turns, conversations, ana, chat).steps[0].result == "Write to ann@example.org"
    gateway.privacy.put(admin, PrivacyPolicy(group=EVERY_GROUP, kinds=frozenset(Kind) - {Kind.OWN}, input=Action.REFUSE))
    fresh = conversations.new(ana).id
    router.next_answers.put(calls("mail"))
    reply = ask(turns, conversations, ana, fresh, "Whom do I write to?")
    assert reply.status is MessageStatus.DONE and reply.steps[0].error == loop.PERSONAL and "example" not in reply.steps[0].result
    gateway.privacy.put(admin, PrivacyPolicy(group=EVERY_GROUP, kinds=frozenset(Kind) - {Kind.OWN}, input=Action.MASK))
    router.next_answers.put(calls("mail"))
    assert "ann@" not in ask(turns, conversations, ana, fresh, "And now?").steps[-1].result


def test_calls_results_and_refusals_are_masked_like_answers(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, admin: User, chat: str, gateway: Gateway
) -> None:
    gateway.privacy.put(admin, PrivacyPolicy(group=EVERY_GROUP, kinds=frozenset({Kind.EMAIL}), output=Action.MASK))
    router.next_answers.put(calls("mail", "turn_away", to="bob@example.org"))
    mail, refusal = ask(turns, conversations, ana, chat).steps
    assert (mail.arguments, mail.result) == ('{"to": "[E-MAIL]"}', "Write to [E-MAIL]")
    assert str(refusal.error) == "Ask [E-MAIL]."


def test_a_number_at_the_end_of_a_cut_result_is_masked_whole(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, admin: User, chat: str, gateway: Gateway
) -> None:
    gateway.privacy.put(admin, PrivacyPolicy(group=EVERY_GROUP, kinds=frozenset({Kind.PHONE}), input=Action.MASK))
    router.next_answers.put(calls("phones"))
    [step] = ask(turns, conversations, ana, chat).steps
    assert step.cut and step.result.startswith("[PHONE] ") and "138" not in step.result


def test_only_people_whose_group_has_the_plugin_are_offered_its_tools(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, admin: User, chat: str, plugins: Plugins,
    chat_tools: ChatTools, unit_of_work: UnitOfWorkFactory, clock: MovingClock,
) -> None:  # fmt: skip
    group = Groups(unit_of_work, clock).add(admin, "Lending").name
    plugins.change(admin, "desk", groups=[group])
    router.next_answers.put(calls("add", a=1, b=1))
    reply = ask(turns, conversations, ana, chat)
    assert chat_tools.list(ana) == [] and asked(router)[0].tools == () and reply.steps == ()


def test_a_tool_is_switched_off_for_a_conversation(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str, chat_tools: ChatTools
) -> None:
    chat_tools.switch_off(ana, chat, ["add"])
    assert {each.name: each.on for each in chat_tools.list(ana, chat)}["add"] is False
    assert all(each.on for each in chat_tools.list(ana)), "only this conversation"
    router.next_answers.put(calls("add", a=1, b=1))
    reply = ask(turns, conversations, ana, chat)
    assert "add" not in {each.name for each in asked(router)[0].tools} and "There is no tool" in str(reply.steps[0].error)
    chat_tools.switch_off(ana, chat, [])
    assert conversations.get(ana, chat).tools_off == ()
    with pytest.raises(InvalidInput, match="no name of a tool"):
        chat_tools.switch_off(ana, chat, ["two words"])


def test_a_new_version_calls_tools_again_and_a_continued_one_keeps_the_earlier_steps(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    router.next_answers.put(calls("add", a=2, b=3))
    first = ask(turns, conversations, ana, chat)
    finished(turns, ana, turns.regenerate(ana, first.id, TurnOptions(), "again"))
    assert conversations.transcript(ana, chat)[-1].message.steps == ()
    router.next_answers.put(calls("add", a=2, b=3))
    router.hold()
    turn = turns.start(ana, chat, "More", TurnOptions(), "more")
    router.release(4)
    running = turns.find(ana, turn.id)
    assert running is not None
    until(lambda: "Hello" in running.snapshot().text)
    turns.stop(ana, chat)
    finished(turns, ana, turn)
    router.release()
    stopped = conversations.transcript(ana, chat)[-1].message
    finished(turns, ana, turns.go_on(ana, stopped.id, TurnOptions(), "on"))
    whole = conversations.transcript(ana, chat)[-1].message
    assert whole.steps == stopped.steps and whole.text.startswith(stopped.text.rstrip())
    last = asked(router)[-1]
    assert last.continued and [each.role for each in last.messages[-3:]] == ["assistant", "tool", "assistant"]


def test_a_temporary_chat_calls_tools_and_stores_nothing(
    unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock, chat_tools: ChatTools, router: FakeRouter, ana: User, desk: Desk
) -> None:
    chats = TemporaryChats(unit_of_work, gateway, clock, 1_000, tools=chat_tools)
    router.next_answers.put(calls("add", a=2, b=3))
    chat = chats.ask(ana, None, "Add", TurnOptions(tools_off=("fail",)), "r1")
    until(lambda: chats.running(ana, chat) is None)
    reply = chats.transcript(ana, chat)[-1].message
    assert [each.result for each in reply.steps] == ["5"] and reply.text == "Hello from the fake model"
    assert cast(list[tuple[object, str, str]], desk("seen"))[0][2] == "" and "fail" not in {each.name for each in asked(router)[0].tools}
    chats.close()
