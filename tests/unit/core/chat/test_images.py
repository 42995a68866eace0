"""Images are files of a question: stored decoded, shown to the model then and later, and kept by new versions."""

from __future__ import annotations

import json
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO

import pytest

from core.chat.context.exchanges import with_newest_images
from core.chat.context.records import PartKind
from core.chat.context.service import ChatContext
from core.chat.context.window import Window
from core.chat.conversations import Conversations
from core.chat.exports.exports import ChatExports
from core.chat.exports.message_images import MessageImages
from core.chat.records import MessageStatus, Turn
from core.chat.turns import TurnOptions, Turns
from core.errors import InvalidInput, NotFound
from core.images.images import Images
from core.inference.gateway import Gateway
from core.inference.requests import ChatMessage, ImageInput
from core.knowledge.files import Files
from core.knowledge.records import StoredFile
from core.people.records import User
from core.plugins.service import Plugins
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory
from data.images.reader import ProcessImageReader
from data.plugins.json_schemas import JsonSchemas
from data.plugins.process import WorkerPluginProcess
from samples.fakes import MODEL, FakeReader, FakeRouter
from samples.image_files import picture, shown, turned_photo, written
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


def test_an_image_is_stored_upright_without_its_location(files: Files, ana: User) -> None:
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


def test_the_meter_counts_images_as_the_model_reads_them(
    turns: Turns, files: Files, router: FakeRouter, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, chat: str
) -> None:
    stored = [files.upload(ana, "a.png", PNG), files.upload(ana, "wide.png", written(picture(560, 280)))]
    finished(turns, ana, turns.start(ana, chat, "Compare", TurnOptions(), "r1", files=[each.id for each in stored]))
    context = ChatContext(unit_of_work, Gateway(unit_of_work, router, clock), clock)
    use = context.use(ana, chat, "glm-v", parts=True)
    assert use is not None
    [images] = [part.tokens for part in use.parts if part.kind is PartKind.IMAGES]
    fitted = router.requests[0].messages[0].images
    assert images == sum(image.width // 28 * image.height // 28 + 2 for image in fitted) == 12 + 2 + 200 + 2
    router.available = [replace(MODEL, vision=False)]
    blind = context.use(ana, chat, None, parts=True)
    assert blind is not None and PartKind.IMAGES not in {part.kind for part in blind.parts}, "it reads none of them"


def test_a_prompt_with_images_is_not_taken_for_a_short_one(
    router: FakeRouter, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User
) -> None:
    model = replace(MODEL, vision=True, context=4096)
    window = Window(gateway=Gateway(unit_of_work, router, clock), user=ana, model=model, name=None)
    text = ChatMessage("user", "What is it?")
    large = replace(text, images=(ImageInput(written(picture(1680, 1680))),))
    assert window.surely_fits([text]) and not window.surely_fits([large])
    assert window.count([large]) == window.count([text]) + 60 * 60 + 2 and not window.fits([large])


def test_an_export_has_the_images_of_its_own_person(
    turns: Turns, files: Files, unit_of_work: UnitOfWorkFactory, clock: MovingClock, ana: User, chat: str
) -> None:
    one, note = files.upload(ana, "a'b.png", PNG), files.upload(ana, "c.txt", b"Mind this")
    finished(turns, ana, turns.start(ana, chat, "Look", TurnOptions(), "r1", files=[one.id, note.id]))
    plugins, privacy = Plugins(unit_of_work, clock, WorkerPluginProcess(), JsonSchemas()), PrivacyFilter(unit_of_work, clock)
    exports = ChatExports(unit_of_work, clock, lambda text: text, plugins, privacy)
    _, content = files.read(ana, one.id)
    uri = f"data:image/png;base64,{b64encode(content).decode()}"
    [image, text] = json.loads(exports.export(ana, [chat], "json").content)["messages"][0]["files"]
    assert image["data"] == uri and "data" not in text
    page = exports.export(ana, [chat], "html").content.decode()
    assert f"<img src='{uri}' alt='a&#x27;b.png'>" in page and "img-src data:" in page and page.count("<img") == 1
    packed = exports.export(ana, [chat], "markdown")
    assert packed.media_type == "application/zip"
    with zipfile.ZipFile(BytesIO(packed.content)) as archive:
        [written_text, picture_name] = archive.namelist()
        assert archive.read(picture_name) == content
        assert f"![]({picture_name})" in archive.read(written_text).decode() and "- c.txt" in archive.read(written_text).decode()


def test_images_beyond_the_bound_are_only_named() -> None:
    file = StoredFile(id="1", user_id="ana", name="a.png", size_bytes=len(PNG), created_at=datetime(2026, 11, 29, tzinfo=UTC))
    images = MessageImages(lambda _: PNG, most_bytes=2 * len(PNG) - 1)
    assert images.content(file) == PNG and images.content(file) is None
    assert MessageImages(lambda _: b"").data_uri(file) is None, "deleted at this moment"
    assert MessageImages(lambda _: b"<svg/>").data_uri(file) is None, "only what was encoded anew"
