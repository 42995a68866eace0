"""The Documents page: collections, their documents, a question to try, and who reads them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.chat.records import NewQuestion
from core.chat.turns import TurnOptions
from core.documents.records import Document, DocumentState
from core.people.records import Role, User
from core.prompts.records import Share
from samples.fakes import answer
from tests.pages.drawn import House, build
from tests.pages.seeded import texts
from tests.pages.test_chat import chat, finish


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build(tmp_path)
    yield made
    made.portal.close()


@pytest.fixture
def ana(house: House) -> User:
    return house.person(Role.ANALYST)


def opened(house: House, collection_id: str = "", role: Role = Role.ANALYST) -> AppTest:
    def page(portal: object, user: object) -> None:
        from pages.tools import documents

        documents.render(portal, user)

    drawn = AppTest.from_function(page, default_timeout=60, args=(house.portal, house.person(role)))
    if collection_id:
        drawn.query_params["collection"] = collection_id
    return drawn.run()


def press(drawn: AppTest, label: str) -> AppTest:
    return next(each for each in drawn.button if each.label == label).click().run()


def put(house: House, user: User, collection_id: str, name: str, content: bytes) -> Document:
    document = house.portal.documents.add(user, collection_id, name, content)
    deadline = time.monotonic() + 60
    while house.portal.documents.get(user, document.id).state in (DocumentState.WAITING, DocumentState.READING):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return document


def test_a_collection_is_made_and_listed(house: House, ana: User) -> None:
    drawn = opened(house)
    assert "No collection yet" in texts(drawn)
    drawn.text_input[0].set_value("Contracts")
    drawn = press(drawn, "Create collection")
    assert not drawn.exception and "No documents yet" in texts(drawn)
    assert [each.collection.name for each in house.portal.collections.list(ana)] == ["Contracts"]
    assert any("Contracts" in each.label and "0 documents" in each.label for each in opened(house).button)


def test_a_question_shows_the_passages_with_their_scores_or_says_that_there_is_none(house: House, ana: User) -> None:
    made = house.portal.collections.add(ana, "Contracts")
    put(house, ana, made.id, "contract.md", b"# Notice\n\nNotice is given in writing.")
    drawn = opened(house, made.id)
    drawn = next(each for each in drawn.text_input if each.label == "Question").set_value("How is notice given?").run()
    assert not drawn.exception
    assert "contract.md, lines 1 to 3, Notice" in texts(drawn) and "<b>1.0</b>" in texts(drawn)
    drawn = next(each for each in drawn.text_input if each.label == "Question").set_value("Photosynthesis?").run()
    assert "Not in these documents." in texts(drawn) and "No passage contains a word of the question." in texts(drawn)


def test_a_document_that_cannot_be_read_says_why_and_is_removed(house: House, ana: User) -> None:
    made = house.portal.collections.add(ana, "Contracts")
    failed = put(house, ana, made.id, "photo.bin", bytes(range(256)) * 20)
    drawn = opened(house, made.id)
    assert "cannot be read" in texts(drawn)
    drawn = next(each for each in drawn.button if each.key == f"document-remove-{failed.id}").click().run()
    assert not drawn.exception and not house.portal.documents.list(ana, made.id)


def test_a_reader_is_offered_no_change(house: House, ana: User) -> None:
    admin = house.person(Role.ADMIN)
    made = house.portal.collections.add(admin, "Policies")
    document = put(house, admin, made.id, "a.txt", b"Thirty days.")
    house.portal.collections.share(admin, made.id, Share.EVERYONE)
    drawn = opened(house, made.id)
    keys = {each.key for each in drawn.button}
    assert "a\\.txt" in texts(drawn) and "by Admin" in texts(drawn)
    assert not keys & {f"document-remove-{document.id}", f"document-again-{document.id}", "collection-remove-now"}
    assert "There is nothing here" in texts(opened(house, "0" * 32))


def test_its_owner_renames_shares_and_removes_it(house: House) -> None:
    admin = house.person(Role.ADMIN)
    made = house.portal.collections.add(admin, "Policies")
    drawn = opened(house, made.id, Role.ADMIN)
    drawn.get("button_group")[0].set_value(Share.EVERYONE).run()
    assert house.portal.collections.get(admin, made.id).collection.share is Share.EVERYONE
    drawn = opened(house, made.id, Role.ADMIN)
    drawn = press(drawn, "Remove")
    assert not drawn.exception and not house.portal.collections.list(admin)


def test_a_chat_answers_from_a_collection_and_a_source_opens_its_page(house: House, ana: User) -> None:
    portal = house.portal
    made = portal.collections.add(ana, "Contracts")
    put(house, ana, made.id, "contract.md", b"# Notice\n\nNotice is given in writing.")
    house.router.always = answer("In writing [1], not [7].")
    here = portal.conversations.new(ana).id
    turn = portal.turns.start(ana, here, "How is notice given?", TurnOptions(collections=(made.id,)), "r-1")
    house.settle(ana, turn.id)
    drawn = chat(house, here, ana)
    assert "Searched Contracts, 1 passage read" in texts(drawn)
    assert "In writing :blue-badge[1]" in texts(drawn) and ":orange[~~\\[7\\]~~]" in texts(drawn)
    drawn = next(each for each in drawn.button if each.key == f"source-{turn.answer_id}-1").click().run()
    assert not drawn.exception and "<mark># Notice\n\nNotice is given in writing.</mark>" in texts(drawn)
    portal.collections.remove(ana, made.id)
    drawn.run()
    assert "This document does not exist. It may have been removed" in texts(drawn).replace("\\", "")


def test_answers_side_by_side_cite_their_sources_and_open_them(house: House, ana: User) -> None:
    made = house.portal.collections.add(ana, "Contracts")
    put(house, ana, made.id, "contract.md", b"# Notice\n\nNotice is given in writing.")
    conversation = house.portal.conversations.new(ana).id
    for _ in range(2):
        house.router.next_answers.put(answer("In writing [1]."))
    both = [TurnOptions("fake", collections=(made.id,)), TurnOptions("fake", thinking=False, collections=(made.id,))]
    house.portal.side_by_side.ask(
        ana, NewQuestion(conversation_id=conversation, text="How is notice given?", options=both, request_id="r")
    )
    finish(house, ana, chat(house, conversation))
    drawn = chat(house, conversation)
    assert not [each.value for each in drawn.markdown if "[1]" in each.value.replace("badge[1]", "")], "a citation is a mark, not a number"
    [_, second] = [each for each in drawn.button if str(each.key).startswith("source-")]
    drawn = second.click().run()
    assert not drawn.exception and "<mark>" in texts(drawn) and "Notice is given in writing." in texts(drawn)
