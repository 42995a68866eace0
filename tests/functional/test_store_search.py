"""Both search indexes find the same things."""

from __future__ import annotations

import random

import pytest

from core.entities import SearchQuery
from data.search.port import MARK_END, MARK_START, Document, WritableIndex
from tests.functional.things import NOW, later


def message(id: str, text: str | None, version: int = 1, owner: str = "ana", conversation: str = "c1", minute: int = 0) -> Document:
    return Document("message", id, version, text, owner, conversation, later(minutes=minute), "glm")


def put(index: WritableIndex, *documents: Document) -> None:
    assert index.put(documents) == {}
    index.refresh()


def found(index: WritableIndex, text: str, owner: str | None = "ana", kind: str = "message") -> list[str]:
    return sorted(hit.id for hit in index.search(SearchQuery(text, kind, owner)))


def test_a_new_index_is_empty(index: WritableIndex) -> None:
    assert index.is_empty()
    assert found(index, "anything") == []
    put(index, message("m1", "bond"))
    assert not index.is_empty()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("bond", ["english"]),
        ("BONDS", ["english"]),
        ("price bond", ["english"]),
        ("bond 学习", []),
        ("学习", ["chinese", "mixed"]),
        ("机器学习", ["chinese"]),
        ("习机", []),
        ("猫", ["cat"]),
        ("爱", ["cat"]),
        ("glm", ["mixed"]),
        ("ＧＬＭ学习", ["mixed"]),
        ("settings.py", ["code"]),
        ("don't", ["code"]),
        ("naïve", ["accent"]),
        ('"bond', ["english"]),
        ("bond AND", []),
        ("", []),
        ("—", []),
    ],
)
def test_words_in_english_and_chinese_are_found(index: WritableIndex, query: str, expected: list[str]) -> None:
    put(
        index,
        message("english", "The price of a bond falls when rates rise."),
        message("chinese", "什么是机器学习？"),
        message("mixed", "用GLM模型来学习"),
        message("cat", "我的猫很可爱"),
        message("code", "Don't edit settings.py by hand"),
        message("accent", "a naïve model"),
    )
    assert found(index, query) == expected


def test_one_owner_never_sees_what_another_wrote(index: WritableIndex) -> None:
    put(index, message("m1", "bond", owner="user-1"), message("m2", "bond", owner="user-1-2"), message("m3", "bond", owner="user"))
    assert found(index, "bond", "user-1") == ["m1"]
    assert found(index, "bond", "user") == ["m3"]
    assert found(index, "user") == []
    assert found(index, "bond", None) == ["m1", "m2", "m3"]


def test_kinds_do_not_mix(index: WritableIndex) -> None:
    put(index, message("same", "bond"), Document("feedback", "same", 1, "bond too", "ana", "c1", NOW))
    assert found(index, "too") == []
    assert found(index, "too", kind="feedback") == ["same"]
    assert found(index, "bond message") == []


def test_the_snippet_shows_the_original_text_with_the_words_marked(index: WritableIndex) -> None:
    put(index, message("m1", "开头。" * 200 + "这里讲机器学习。" + "结尾。" * 200), message("m2", "short text about bonds"))
    [hit] = index.search(SearchQuery("学习", "message", "ana"))
    assert (hit.kind, hit.id, hit.conversation_id) == ("message", "m1", "c1")
    assert f"机器{MARK_START}学习{MARK_END}" in hit.snippet
    assert len(hit.snippet) < 400
    [hit] = index.search(SearchQuery("bond", "message", "ana"))
    assert hit.snippet == f"short text about {MARK_START}bonds{MARK_END}"


def test_a_higher_version_replaces_and_a_lower_one_does_nothing(index: WritableIndex) -> None:
    put(index, message("m1", "first", 5))
    put(index, message("m1", "second", 7))
    put(index, message("m1", "late", 6))
    assert found(index, "second") == ["m1"]
    assert found(index, "first") == found(index, "late") == []
    put(index, message("m1", "second, again", 7))
    assert found(index, "again") == ["m1"]


def test_what_was_deleted_does_not_come_back(index: WritableIndex) -> None:
    put(index, message("m1", "bond", 1), message("m2", "bond", 2))
    put(index, Document("message", "m1", 4))
    put(index, message("m1", "bond", 3))
    assert found(index, "bond") == ["m2"]
    assert list(index.ids("message")) == ["m2"]
    put(index, Document("message", "never-seen", 9))
    assert list(index.ids("message")) == ["m2"]


def test_a_thousand_jobs_shuffled_and_twice_end_at_the_highest_version(index: WritableIndex) -> None:
    jobs = [message(f"m{n % 50}", None if n % 7 == 0 else f"word version{n}", n) for n in range(1, 1001)]
    dice = random.Random(3)
    shuffled = jobs * 2
    dice.shuffle(shuffled)
    for start in range(0, len(shuffled), 100):
        part = {document.id: document for document in sorted(shuffled[start : start + 100], key=lambda document: document.version)}
        put(index, *part.values())
    last = {document.id: document for document in jobs}
    alive = {id for id, document in last.items() if document.text is not None}
    assert set(index.ids("message")) == alive
    for id in alive:
        assert found(index, f"version{last[id].version}") == [id]


def test_the_limit_holds(index: WritableIndex) -> None:
    put(index, *(message(f"m{n}", "bond", minute=n) for n in range(20)))
    assert len(index.search(SearchQuery("bond", "message", "ana", 7))) == 7


def test_a_search_term_of_any_characters_is_safe(index: WritableIndex) -> None:
    put(index, message("m1", "bond"))
    for text in ['" OR *', "body:bond", "bond)", "\x00", "{", "a" * 5000, "机" * 2000, "x " * 5000, "\ud800"]:
        index.search(SearchQuery(text, "message", "ana"))
