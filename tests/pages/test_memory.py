"""The Memory page, and memory in the chat."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.chat.memory.records import Memory, MemoryState
from core.people.records import Role, User
from data.unit_of_work import SqlUnitOfWork
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.pages.test_chat import chat, components, conversations


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def ana(house: House) -> User:
    return house.person(Role.ANALYST)


def opened(house: House) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.account import memory

        memory.memories(portal, user)

    return AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(Role.ANALYST))).run()


def press(drawn: AppTest, label: str) -> AppTest:
    return next(each for each in drawn.button if each.label == label).click().run()


def propose(house: House, user: User, text: str) -> None:
    now = datetime.now(UTC)
    with SqlUnitOfWork(house.portal.database) as work:
        proposed = Memory(id=text[-9:-1], user_id=user.id, text=text, state=MemoryState.PROPOSED, created_at=now, updated_at=now)
        work.memories.add(proposed)
        work.commit()


def test_proposals_are_accepted_edited_or_dismissed_and_facts_deleted(house: House, ana: User) -> None:
    for fact in ("The user likes tea.", "The user trades bonds.", "The user lives in Rome."):
        propose(house, ana, fact)
    drawn = opened(house)
    drawn = drawn.toggle[0].set_value(True).run()
    assert not drawn.exception and house.portal.memories.use(ana).on
    drawn = press(drawn, "Accept")
    assert [each.value for each in drawn.success] == ["It is remembered now."]
    drawn = press(drawn, "Edit")
    drawn.text_input[0].set_value("The user trades long bonds.")
    drawn = press(drawn, "Accept")
    drawn = press(drawn, "Dismiss")
    assert not drawn.exception and house.portal.memories.proposed(ana) == []
    assert {each.text for each in house.portal.memories.accepted(ana)} == {"The user likes tea.", "The user trades long bonds."}
    drawn = press(drawn, "Delete")
    assert len(house.portal.memories.accepted(ana)) == 1
    next(each for each in drawn.text_input if each.label == "Search memories").set_value("nothing like it")
    drawn.run()
    assert "No fact has these words." in texts(drawn)
    drawn = press(drawn, "Delete everything now")
    assert [each.value for each in drawn.success] == ["2 entries were deleted."] and "Nothing is remembered yet." in texts(drawn)


def test_an_answer_says_which_memories_it_used_and_the_chat_can_leave_them_out(house: House, ana: User) -> None:
    house.portal.memories.set_use(ana, True)
    kept = house.portal.memories.add(ana, "The user trades bonds.")
    gone = house.portal.memories.add(ana, "The user likes tea.")
    house.ask(ana, "Hello?")
    [conversation] = conversations(house, ana)
    house.portal.memories.remove(ana, gone.id)
    drawn = chat(house, conversation.id)
    details = str(components(drawn, "seam"))
    assert not drawn.exception and f"Used 2 memories: {kept.text}; a fact that has been deleted since" in details
    switch = next(each for each in drawn.toggle if each.label == "Use memory in this chat")
    switch.set_value(False).run()
    assert not drawn.exception and not house.portal.conversations.get(ana, conversation.id).uses_memory
