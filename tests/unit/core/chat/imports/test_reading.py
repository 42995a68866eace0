"""Reading exports of other portals, and hostile exports."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from core.chat.imports import reading
from core.chat.imports.reading import read_export
from core.chat.imports.records import ImportedChat, Losses, Origin
from core.chat.records import Author
from core.errors import InvalidInput


def chatgpt(**changes: Any) -> dict[str, Any]:
    """Return a root without a message, a hidden one, a question, a tool's message, and two versions of its answer; the first is shown."""

    def node(parent: str | None, role: str | None, text: str = "", **metadata: Any) -> dict[str, Any]:
        content = {"content_type": "text", "parts": [text]}
        said = {"author": {"role": role}, "create_time": 1_700_000_000.5, "content": content, "metadata": metadata}
        return {"parent": parent, "children": [], "message": said if role else None}

    mapping = {
        "root": node(None, None),
        "hidden": node("root", "system", "You are ChatGPT"),
        "q": node("hidden", "user", "What is a bond?", attachments=[{"id": "f", "name": "a.pdf"}]),
        "tool": node("q", "tool", "searching"),
        "a1": node("tool", "assistant", "A loan."),
        "a2": node("tool", "assistant", "A debt."),
    }
    return {"title": "Bonds", "create_time": 1_700_000_000, "mapping": mapping, "current_node": "a1", "conversation_id": "c1"} | changes


OPEN_WEBUI = {
    "id": "w1", "title": "Plans", "created_at": 1_700_000_000,
    "chat": {"history": {"currentId": "m2", "messages": {
        "m1": {"id": "m1", "parentId": None, "role": "user", "content": "Hi", "files": [{"name": "x.png"}], "timestamp": 1_700_000_001},
        "m2": {"id": "m2", "parentId": "m1", "role": "assistant", "content": "Hello", "model": "llama"},
        "m3": {"id": "m3", "parentId": "m1", "role": "assistant", "content": ""},
    }}},
}  # fmt: skip
LIBRECHAT = {
    "conversationId": "l1", "title": "Rates", "exportAt": "10:00:00 GMT+0000",
    "messages": [{"messageId": "1", "isCreatedByUser": True, "text": "Rates?", "createdAt": "2025-01-02T03:04:05Z", "children": [
        {"messageId": "2", "isCreatedByUser": False, "text": "", "content": [{"type": "text", "text": "Three."}, {"type": "image_file"}]},
        {"messageId": "3", "isCreatedByUser": False, "text": "Four.", "parentMessageId": "1"},
    ]}],
}  # fmt: skip


def read(data: Any) -> tuple[Origin, list[ImportedChat], dict[str, int]]:
    losses = Losses()
    content = data if isinstance(data, bytes) else json.dumps(data).encode()
    origin, chats = read_export(content, losses)
    return origin, list(chats), {what: count for what, count in losses.counts.items() if count}


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_json", ".json"), content)
    return buffer.getvalue()


def test_chatgpt_gives_its_tree_without_what_was_hidden() -> None:
    origin, [chat], lost = read([chatgpt()])
    assert origin is Origin.CHATGPT
    assert [(each.id, each.parent_id, each.author) for each in chat.messages] == [
        ("q", None, Author.USER), ("a1", "q", Author.ASSISTANT), ("a2", "q", Author.ASSISTANT),
    ]  # fmt: skip
    assert (chat.head_id, chat.title, chat.created_at and chat.created_at.year) == ("a1", "Bonds", 2023)
    assert lost == {"file": 1, "tool": 1}


def test_a_zip_of_chatgpt_may_have_its_chats_in_several_files() -> None:
    one, two = (json.dumps([chatgpt(conversation_id=id)]).encode() for id in "ab")
    archive = zipped(**{"conversations-000_json": one, "conversations-001_json": two, "user_json": b'{"email": "x"}'})
    assert [chat.id for chat in read(archive)[1]] == ["a", "b"]


def test_open_webui_gives_its_branches() -> None:
    origin, [chat], lost = read([OPEN_WEBUI])
    assert origin is Origin.OPEN_WEBUI
    assert [(each.id, each.parent_id) for each in chat.messages] == [("m1", None), ("m2", "m1")]
    assert (chat.head_id, lost) == ("m2", {"file": 1, "empty": 1})


def test_librechat_gives_its_tree_and_its_list() -> None:
    origin, [chat], lost = read(LIBRECHAT)
    assert origin is Origin.LIBRECHAT
    assert [(each.id, each.parent_id, each.text) for each in chat.messages] == [
        ("1", None, "Rates?"), ("2", "1", "Three."), ("3", "1", "Four."),
    ]  # fmt: skip
    assert lost == {"file": 1}


@pytest.mark.parametrize("content", [
    b"", b"nonsense", b"[]", b'{"a": 1}', b"PK\x03\x04 broken", zipped(readme_txt=b"x"), zipped(other_json=b"[1, 2]"),
    b"[" * 100_000, b'[{"mapping": ' * 5_000, b"\xff\xfe\x00", json.dumps([1, None, "x"]).encode(),
])  # fmt: skip
def test_what_is_no_export_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"no export of|cannot be read"):
        read(content)


def test_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 100_000)
    with pytest.raises(InvalidInput, match="larger than"):
        read(zipped(conversations_json=b" " * 5_000_000))


def test_odd_entries_are_counted_and_the_others_read() -> None:
    circle = chatgpt(conversation_id="circle")
    circle["mapping"]["q"]["parent"] = "a1"
    odd = [chatgpt(mapping={"x": 1, "y": {"message": {"author": 5, "content": []}}}), 7, {"title": 1}, circle, chatgpt(title=["x"])]
    _, chats, lost = read(odd)
    assert len(chats[-1].messages) == 3 and chats[-1].title == ""
    assert chats[1].messages == () and lost["odd"] >= 3


def test_halves_of_characters_and_controls_do_not_reach_the_store() -> None:
    data = chatgpt()
    data["mapping"]["q"]["message"]["content"]["parts"] = ["a\ud800b\x00c"]
    _, [chat], _ = read(json.dumps([data]).encode())
    chat.messages[0].text.encode()
    assert "\x00" not in chat.messages[0].text


def test_an_export_with_too_many_files_is_refused_for_that() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(reading.MAX_FILES + 1):
            archive.writestr(f"{number}.png", b"")
    with pytest.raises(InvalidInput, match="more than 20,000 files"):
        read(buffer.getvalue())
