"""The passages of collections in the prompt of an answer, and what is stored of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from core.chat.context.assembly import Assembly
from core.chat.conversations import Conversations
from core.chat.exports.exports import ChatExports, ExportFormat
from core.chat.records import Message, MessageStatus
from core.chat.turn_runner import GUIDE_READS_NO_DOCUMENTS, TurnOptions
from core.chat.turns import Turns
from core.errors import NotFound
from core.inference.choosing.presets import Presets
from core.inference.gateway import Gateway
from core.inference.offers import Preset
from core.people.records import User
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.prompts.records import Share
from core.sharing.snapshots import messages_of, snapshot_of
from core.unit_of_work import UnitOfWorkFactory
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from samples.fakes import MODEL, FakeRouter, answer
from tests.unit.core.chat.test_turns import finished
from tests.unit.core.conftest import MovingClock
from tests.unit.core.documents.conftest import Library
from tests.unit.core.documents.conftest import bob as bob
from tests.unit.core.documents.conftest import library as library

NOTICE = "# Contract\n\n## Termination\n\nThe buyer may end the contract with thirty days' notice."


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock, library: Library) -> Iterator[Turns]:
    gateway = Gateway(unit_of_work, router, clock)
    assembly = Assembly(unit_of_work, gateway, finder=library.finder)
    service = Turns(unit_of_work, gateway, clock, 32_000, 1_000_000, assembly=assembly)
    yield service
    service.close()


@pytest.fixture
def collection_id(library: Library, ana: User) -> str:
    made = library.collections.add(ana, "Contracts")
    library.put(ana, made.id, "contract.md", NOTICE)
    return made.id


def ask(turns: Turns, conversations: Conversations, user: User, text: str, *ids: str, chat: str = "") -> Message:
    chat = chat or conversations.new(user).id
    finished(turns, user, turns.start(user, chat, text, TurnOptions(collections=ids), uuid4().hex))
    return conversations.transcript(user, chat)[-1].message


def test_the_model_reads_numbered_passages_and_the_answer_keeps_its_sources(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, collection_id: str
) -> None:
    router.always = answer("Thirty days [1].")
    said = ask(turns, conversations, ana, "How can the buyer end the contract?", collection_id)
    read = router.requests[-1].messages[-1].content
    assert "[1] contract.md, Contract › Termination\n" in read and "such as [1]" in read
    assert read.endswith("How can the buyer end the contract?")
    assert said.status is MessageStatus.DONE and said.context is not None
    assert [each.name for each in said.context.searched] == ["Contracts"]
    assert [(each.document, each.heading, each.collection) for each in said.context.sources] == [
        ("contract.md", "Contract › Termination", "Contracts")
    ]


def test_without_a_passage_the_model_is_told_so_and_nothing_is_cited(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, collection_id: str
) -> None:
    said = ask(turns, conversations, ana, "Who invented photosynthesis?", collection_id)
    assert 'The collections "Contracts" were searched. No passage in them answers' in router.requests[-1].messages[-1].content
    assert said.context is not None and said.context.searched and not said.context.sources


def test_a_short_follow_up_is_searched_with_the_question_before_it(
    turns: Turns, conversations: Conversations, ana: User, collection_id: str
) -> None:
    chat = conversations.new(ana).id
    ask(turns, conversations, ana, "How can the buyer end the contract?", collection_id, chat=chat)
    said = ask(turns, conversations, ana, "Really?", collection_id, chat=chat)
    assert said.context is not None and len(said.context.sources) == 1


def test_the_guide_says_that_it_reads_no_documents_and_the_sources_are_shown(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, collection_id: str
) -> None:
    router.available = [replace(MODEL, guide=True)]
    said = ask(turns, conversations, ana, "How can the buyer end the contract?", collection_id)
    assert said.status is MessageStatus.FAILED and said.error is not None and said.error.template == GUIDE_READS_NO_DOCUMENTS
    assert said.context is not None and len(said.context.sources) == 1
    assert ask(turns, conversations, ana, "Hello").status is MessageStatus.DONE


def test_a_preset_reads_its_collections_for_whoever_may_read_them(
    turns: Turns, conversations: Conversations, unit_of_work: UnitOfWorkFactory, clock: MovingClock, router: FakeRouter, library: Library,
    admin: User, ana: User, bob: User, collection_id: str,
) -> None:
    presets = Presets(unit_of_work, clock)
    legal = Preset(name="legal", model="fake", collections=(collection_id,), published=True, created_at=clock(), updated_at=clock())
    with pytest.raises(NotFound):
        presets.save(admin, legal)  # It is shared with nobody yet.
    library.collections.share(ana, collection_id, Share.GROUP)
    presets.save(replace(admin, group=ana.group), legal)
    presets.save(admin, replace(legal, title="Legal"))

    def searched(user: User, model: str) -> list[str]:
        chat = conversations.new(user).id
        finished(turns, user, turns.start(user, chat, "How can the buyer end the contract?", TurnOptions(model=model), uuid4().hex))
        said = conversations.transcript(user, chat)[-1].message
        assert said.status is MessageStatus.DONE
        return [each.name for each in said.context.searched] if said.context else []

    assert (searched(ana, "legal"), searched(ana, "fake"), searched(replace(bob, group="Other"), "legal")) == (["Contracts"], [], [])
    router.available = [replace(MODEL, guide=True)]
    assert searched(ana, "legal") == []


def test_passages_take_no_more_than_their_share_of_the_context(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, library: Library, collection_id: str
) -> None:
    long = "\n\n".join(f"## Clause {n}\n\nThe penalty of clause {n} is due at once. {'More words follow here. ' * 30}" for n in range(6))
    library.put(ana, collection_id, "long.md", long)
    router.available = [replace(MODEL, context=4_096)]
    said = ask(turns, conversations, ana, "Which penalty is due?", collection_id)
    assert said.context is not None and 1 <= len(said.context.sources) < 4
    assert len(router.requests[-1].messages[-1].content) < 2_400, "the fake counts a token for each character"


def test_a_collection_that_is_not_shared_cannot_be_named_and_one_that_was_withdrawn_is_left_out(
    turns: Turns, conversations: Conversations, ana: User, bob: User, library: Library, collection_id: str
) -> None:
    with pytest.raises(NotFound):
        ask(turns, conversations, bob, "How can the buyer end the contract?", collection_id)
    library.collections.share(ana, collection_id, Share.GROUP)
    said = ask(turns, conversations, bob, "How can the buyer end the contract?", collection_id)
    assert said.context is not None and said.context.sources
    left = replace(bob, group="")
    with pytest.raises(NotFound):
        turns.regenerate(left, said.id, TurnOptions(collections=(collection_id,)), uuid4().hex)
    assert library.finder.for_turn(left, [collection_id], "How can the buyer end the contract?").searched == ()
    with pytest.raises(NotFound):
        library.documents.page(left, said.context.sources[0].document_id, 0, 5)


def test_sources_stand_in_exports_and_shares(
    turns: Turns, conversations: Conversations, router: FakeRouter, ana: User, unit_of_work: UnitOfWorkFactory, clock: MovingClock,
    collection_id: str,
) -> None:  # fmt: skip
    router.always = answer("Thirty days [1].")
    said = ask(turns, conversations, ana, "How can the buyer end the contract?", collection_id)
    plugins, privacy = Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas()), PrivacyFilter(unit_of_work, clock)
    exports = ChatExports(unit_of_work, clock, lambda text: f"<p>{text}</p>", plugins, privacy)
    made = {each: exports.export(ana, [said.conversation_id], each).content.decode() for each in ExportFormat}
    line = "contract.md, lines 3 to 5, Contract › Termination"
    assert f"1. {line}" in made[ExportFormat.MARKDOWN] and f"<li>{line}</li>" in made[ExportFormat.HTML]
    sources = json.loads(made[ExportFormat.JSON])["messages"][-1]["sources"]
    assert [(each["number"], each["document"]) for each in sources] == [(1, "contract.md")]
    shared = messages_of(snapshot_of([said], lambda text: text.replace("contract", "***")))
    assert [each.document for each in shared[0].sources] == ["***.md"] and "thirty days' notice" not in made[ExportFormat.MARKDOWN]
