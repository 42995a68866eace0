"""Instructions of people and groups in chats."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.access.groups import Groups
from core.chat.context.instructions import InstructionsService
from core.chat.context.records import MAX_INSTRUCTIONS_LENGTH, Holder
from core.chat.conversations import Conversations
from core.chat.flags import ConversationFlags
from core.chat.temporary import TemporaryChats
from core.chat.turn_runner import TurnOptions
from core.chat.turns import Turns
from core.errors import InvalidInput, NotFound, PromptTooLong
from core.inference.gateway import Gateway
from core.inference.requests import ChatRole
from core.people.accounts import Accounts
from core.people.records import Role, User
from core.privacy.filter import PrivacyFilter
from core.privacy.records import Action, Kind, PrivacyPolicy
from core.unit_of_work import UnitOfWorkFactory
from samples.fakes import FakeRouter
from tests.unit.core.chat.test_turns import finished, messages, until
from tests.unit.core.conftest import MovingClock
from tests.unit.core.operations.test_retention import audit


@pytest.fixture
def router() -> FakeRouter:
    return FakeRouter()


@pytest.fixture
def gateway(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Gateway:
    return Gateway(unit_of_work, router, clock)


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, gateway: Gateway, clock: MovingClock) -> Iterator[Turns]:
    service = Turns(unit_of_work, gateway, clock, 32_000, 1_000_000)
    yield service
    service.close()


@pytest.fixture
def groups(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Groups:
    return Groups(unit_of_work, clock)


@pytest.fixture
def instructions(unit_of_work: UnitOfWorkFactory, groups: Groups, clock: MovingClock) -> InstructionsService:
    return InstructionsService(unit_of_work, groups, PrivacyFilter(unit_of_work, clock), clock)


def risk(groups: Groups, admin: User) -> str:
    return next(each.group.id for each in groups.all(admin) if each.group.name == "Risk")


def test_instructions_of_the_group_and_of_the_person_open_every_prompt_and_are_noted(
    turns: Turns, conversations: Conversations, instructions: InstructionsService, groups: Groups, router: FakeRouter,
    admin: User, ana: User,
) -> None:  # fmt: skip
    instructions.set_for_group(admin, risk(groups, admin), "Quote no prices.")
    instructions.set_own(ana, "  Answer briefly.\r\n")
    chat = conversations.new(ana).id
    finished(turns, ana, turns.start(ana, chat, "Hello?", TurnOptions(), "r1"))
    finished(turns, ana, turns.start(ana, chat, "And now?", TurnOptions(), "r2"))
    first, second = (request.messages for request in router.requests)
    assert first[0].role is ChatRole.SYSTEM
    assert first[0].content.index("Quote no prices.") < first[0].content.index("Answer briefly.")
    assert second[: len(first)] == first, "the prompt of the next turn begins with all of the one before"
    noted = messages(conversations, ana, chat)[-1].context
    assert noted is not None and [(each.holder, each.subject) for each in noted.instructions] == [
        (Holder.GROUP, "Risk"), (Holder.PERSON, ana.id),
    ]  # fmt: skip


def test_a_chat_can_leave_instructions_out(
    turns: Turns, conversations: Conversations, instructions: InstructionsService, router: FakeRouter, ana: User,
    unit_of_work: UnitOfWorkFactory, clock: MovingClock,
) -> None:  # fmt: skip
    instructions.set_own(ana, "Answer briefly.")
    chat = conversations.new(ana).id
    assert not ConversationFlags(unit_of_work, clock).use_instructions(ana, chat, False).uses_instructions
    finished(turns, ana, turns.start(ana, chat, "Hello?", TurnOptions(), "r1"))
    assert [each.role for each in router.requests[0].messages] == [ChatRole.USER]
    assert messages(conversations, ana, chat)[-1].context is None
    assert not conversations.get(ana, chat).uses_instructions, "the answer did not switch them on again"


def test_a_temporary_chat_uses_instructions_unless_it_leaves_them_out(
    instructions: InstructionsService, gateway: Gateway, router: FakeRouter, ana: User, unit_of_work: UnitOfWorkFactory,
    clock: MovingClock,
) -> None:  # fmt: skip
    instructions.set_own(ana, "Answer briefly.")
    temporary = TemporaryChats(unit_of_work, gateway, clock, 1_000)
    for number, on in enumerate((True, False)):
        chat = temporary.ask(ana, None, "Hello?", TurnOptions(instructions=on), f"r{number}")
        until(lambda chat=chat: temporary.running(ana, chat) is None)  # type: ignore[misc]
        assert (router.requests[number].messages[0].role is ChatRole.SYSTEM) is on
        assert (temporary.transcript(ana, chat)[-1].message.context is not None) is on
    temporary.close()


def test_the_built_in_guide_gets_no_instructions(
    turns: Turns, conversations: Conversations, instructions: InstructionsService, router: FakeRouter, ana: User
) -> None:
    instructions.set_own(ana, "Answer briefly.")
    router.available = [replace(router.available[0], guide=True)]
    chat = conversations.new(ana).id
    finished(turns, ana, turns.start(ana, chat, "Hello?", TurnOptions(), "r1"))
    assert [each.role for each in router.requests[0].messages] == [ChatRole.USER]


def test_instructions_stay_when_old_turns_give_way(
    turns: Turns, conversations: Conversations, instructions: InstructionsService, router: FakeRouter, ana: User
) -> None:
    instructions.set_own(ana, "Answer briefly.")
    chat = conversations.new(ana).id
    finished(turns, ana, turns.start(ana, chat, "One?", TurnOptions(), "r1"))
    router.refuse.append(PromptTooLong(5_000, 4_096))
    finished(turns, ana, turns.start(ana, chat, "Two?", TurnOptions(), "r2"))
    assert [each.role for each in router.requests[-1].messages] == [ChatRole.SYSTEM, ChatRole.USER]


def test_a_group_is_instructed_by_its_managers_and_admins_alone(
    instructions: InstructionsService, groups: Groups, accounts: Accounts, admin: User, ana: User, unit_of_work: UnitOfWorkFactory
) -> None:
    group = risk(groups, admin)
    with pytest.raises(NotFound):
        instructions.set_for_group(ana, group, "Mine now.")
    with pytest.raises(NotFound):
        instructions.of_group(ana, group)
    groups.change(admin, group, managers=["ana"])
    instructions.set_for_group(ana, group, "Quote no prices.")
    bob = accounts.add(None, "bob", Role.ANALYST, password="correct horse", group="Risk")
    assert [each.text for each in instructions.applying(bob)] == ["Quote no prices."]
    assert [event.subject for event in audit(unit_of_work) if event.action == "group.instruct"] == ["Risk"]
    groups.change(admin, group, name="Market risk")
    moved = replace(bob, group="Market risk")
    assert [each.text for each in instructions.applying(moved)] == ["Quote no prices."]
    with unit_of_work() as work:
        assert work.instructions.get(Holder.GROUP, "Risk") is None


def test_instructions_are_bounded_and_removed_by_an_empty_text(instructions: InstructionsService, ana: User) -> None:
    with pytest.raises(InvalidInput):
        instructions.set_own(ana, "x" * (MAX_INSTRUCTIONS_LENGTH + 1))
    instructions.set_own(ana, "x" * MAX_INSTRUCTIONS_LENGTH)
    assert instructions.set_own(ana, " \n ") == "" and instructions.applying(ana) == []


def test_personal_data_in_instructions_follows_the_policy(
    instructions: InstructionsService, admin: User, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock
) -> None:
    PrivacyFilter(unit_of_work, clock).put(admin, PrivacyPolicy(group="Risk", input=Action.MASK, kinds=frozenset({Kind.EMAIL})))
    assert "ana@example.com" not in instructions.set_own(ana, "Write to ana@example.com")
