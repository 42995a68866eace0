"""Images are files of a question: stored decoded, shown to the model then and later, and kept by new versions."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.chat.context.exchanges import with_newest_images
from core.chat.conversations import Conversations
from core.chat.records import MessageStatus, Turn
from core.chat.turns import TurnOptions, Turns
from core.errors import InvalidInput, NotFound
from core.images.images import Images
from core.inference.gateway import Gateway
from core.inference.requests import ChatMessage, ImageInput
from core.knowledge.files import Files
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from data.images.reader import ProcessImageReader
from tests.fakes import MODEL, FakeReader, FakeRouter
from tests.image_files import picture, shown, turned_photo, written
from tests.unit.core.chat.test_turns import messages
from tests.unit.core.conftest import MovingClock

READER = ProcessImageReader()
PNG, BLUE = written(picture(60, 40)), written(picture(60, 40, "blue"))


@pytest.fixture
def router() -> FakeRouter:
    router = FakeRouter()
    router.available = [MODEL, replace(MODEL, name="glm-v", default=False, vision=True)]
    return router


@pytest.fixture
def turns(unit_of_work: UnitOfWorkFactory, router: FakeRouter, clock: MovingClock) -> Iterator[Turns]:
    service = Turns(unit_of_work, Gateway(unit_of_work, router, clock, images=Images(READER, 1_000_000)), clock, 32_000, 1_000_000)
    yield service
    service.close()


@pytest.fixture
def files(unit_of_work: UnitOfWorkFactory, clock: MovingClock) -> Files:
    return Files(unit_of_work, clock, FakeReader(), 1_000_000, images=READER)


@pytest.fixture
def chat(conversations: Conversations, ana: User) -> str:
    return conversations.new(ana).id


def finished(turns: Turns, user: User, turn: Turn) -> None:
    """Wait for the end of a turn; its images are decoded in processes."""
    deadline = time.monotonic() + 120
    while turns.find(user, turn.id) is not None:
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def test_an_image_is_stored_upright_without_its_place(files: Files, ana: User) -> None:
    stored = files.upload(ana, "IMG 1.HEIC", turned_photo(picture(60, 40), 6, place="At home"))
    assert (stored.name, stored.is_image, stored.encoding) == ("IMG 1.jpg", True, "")
    _, content = files.read(ana, stored.id)
    assert shown(content).size == (40, 60) and b"At home" not in content
    assert not files.upload(ana, "notes.png", b"only text").is_image
    with pytest.raises(InvalidInput, match="damaged"):
        files.upload(ana, "broken.png", PNG[:60])


def test_the_model_sees_the_images_of_a_question_then_and_later(
    turns: Turns, files: Files, conversations: Conversations, router: FakeRouter, ana: User, chat: str
) -> None:
    one, two, note = (files.upload(ana, name, content) for name, content in (("a.png", PNG), ("b.jpg", BLUE), ("c.txt", b"Mind this")))
    first = turns.start(ana, chat, "Compare", TurnOptions(), "r1", files=[one.id, note.id, two.id])
    finished(turns, ana, first)
    finished(turns, ana, turns.start(ana, chat, "And now?", TurnOptions(), "r2"))
    for request in router.requests[:2]:
        assert request.model == "glm-v", "the default does not see"
        assert request.messages[0].content == "[file: c.txt]\nMind this\n[end of c.txt]\n\nCompare"
        assert [(image.name, image.width, image.is_fitted) for image in request.messages[0].images] == [
            ("a.png", 112, True), ("b.png", 112, True),
        ]  # fmt: skip
    finished(turns, ana, turns.start(ana, chat, "Compare again", TurnOptions(), "r3", replaces=first.question_id))
    assert len(router.requests[-1].messages[0].images) == 2, "a new version keeps them"
    question = messages(conversations, ana, chat)[0]
    assert [file.is_image for file in question.files] == [True, False, True]
    conversations.delete(ana, chat)
    with pytest.raises(NotFound):
        files.read(ana, one.id)


def test_a_chosen_model_that_cannot_see_fails_in_words_that_name_one(
    turns: Turns, files: Files, conversations: Conversations, ana: User, chat: str
) -> None:
    image = files.upload(ana, "a.png", PNG)
    finished(turns, ana, turns.start(ana, chat, "What?", TurnOptions(model="fake"), "r1", files=[image.id]))
    answer = messages(conversations, ana, chat)[-1]
    assert answer.status is MessageStatus.FAILED and "Choose one that can: glm-v" in str(answer.error)


def test_the_images_of_the_oldest_questions_give_way() -> None:
    prompt = [ChatMessage("user", str(n), images=tuple(ImageInput(bytes([n, i])) for i in range(3))) for n in range(3)]
    assert [[image.content for image in each.images] for each in with_newest_images(prompt, 4)] == [
        [], [b"\x01\x02"], [b"\x02\x00", b"\x02\x01", b"\x02\x02"],
    ]  # fmt: skip
    assert with_newest_images([ChatMessage("user", "x")], 4) == [ChatMessage("user", "x")]
