"""Both search indexes find the same things."""

from __future__ import annotations

import random
from uuid import uuid4

import pytest

from core.entities import SearchHit, SearchQuery
from data.search.port import MARK_END, MARK_START, Document, WritableIndex
from tests.functional.things import NOW

TEXTS = {
    "english": "The price of a bond falls when rates rise.",
    "chinese": "什么是机器学习？",
    "mixed": "用GLM模型来学习",
    "cat": "我的猫很可爱",
    "code": "Don't edit settings.py by hand",
    "accent": "a naïve model",
}


class Corner:
    """A part of a shared index: ids and owners that no other test has."""

    def __init__(self, index: WritableIndex) -> None:
        self.index = index
        self._name = uuid4().hex

    def document(self, id: str, text: str | None, version: int = 1, owner: str = "ana", kind: str = "message") -> Document:
        return Document(kind, f"{self._name}-{id}", version, text, f"{self._name}-{owner}", "c1", NOW, "glm")

    def put(self, *documents: Document) -> None:
        assert self.index.put(documents) == {}
        self.index.refresh()

    def hits(self, text: str, owner: str = "ana", kind: str = "message", limit: int = 50) -> list[SearchHit]:
        return list(self.index.search(SearchQuery(text, kind, f"{self._name}-{owner}", limit)))

    def found(self, text: str, owner: str = "ana", kind: str = "message") -> list[str]:
        return sorted(self._own(hit.id) for hit in self.hits(text, owner, kind))

    def found_of_everybody(self, text: str) -> list[str]:
        hits = self.index.search(SearchQuery(text, "message", None, 1000))
        return sorted(self._own(hit.id) for hit in hits if hit.id.startswith(self._name))

    def ids(self) -> set[str]:
        return {self._own(id) for id in self.index.ids("message") if id.startswith(self._name)}

    def _own(self, id: str) -> str:
        return id.removeprefix(f"{self._name}-")


@pytest.fixture
def corner(index: WritableIndex) -> Corner:
    return Corner(index)


def test_an_index_is_empty_until_something_is_put(new_index: WritableIndex) -> None:
    new_index.prepare()
    assert new_index.is_empty()
    corner = Corner(new_index)
    assert corner.found("anything") == []
    corner.put(corner.document("m1", "bond"))
    new_index.prepare()
    assert not new_index.is_empty()
    assert corner.found("bond") == ["m1"]


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
def test_words_in_english_and_chinese_are_found(corner: Corner, query: str, expected: list[str]) -> None:
    corner.put(*(corner.document(id, text) for id, text in TEXTS.items()))
    assert corner.found(query) == expected


def test_one_owner_never_sees_what_another_wrote(corner: Corner) -> None:
    for id, owner in (("m1", "user-1"), ("m2", "user-1-2"), ("m3", "user")):
        corner.put(corner.document(id, "bond", owner=owner))
    assert corner.found("bond", "user-1") == ["m1"]
    assert corner.found("bond", "user") == ["m3"]
    assert corner.found("user", "user") == []
    assert corner.found_of_everybody("bond") == ["m1", "m2", "m3"]


def test_kinds_do_not_mix(corner: Corner) -> None:
    corner.put(corner.document("same", "bond"), corner.document("same", "bond too", kind="feedback"))
    assert corner.found("too") == []
    assert corner.found("too", kind="feedback") == ["same"]
    assert corner.found("bond message") == []


def test_the_snippet_shows_the_original_text_with_the_words_marked(corner: Corner) -> None:
    corner.put(corner.document("m1", "开头。" * 200 + "这里讲机器学习。" + "结尾。" * 200), corner.document("m2", "short text about bonds"))
    [hit] = corner.hits("学习")
    assert (hit.kind, hit.conversation_id) == ("message", "c1")
    assert f"机器{MARK_START}学习{MARK_END}" in hit.snippet
    assert len(hit.snippet) < 400
    [hit] = corner.hits("bond")
    assert hit.snippet == f"short text about {MARK_START}bonds{MARK_END}"


def test_a_higher_version_replaces_and_a_lower_one_does_nothing(corner: Corner) -> None:
    corner.put(corner.document("m1", "first", 5))
    corner.put(corner.document("m1", "second", 7))
    corner.put(corner.document("m1", "late", 6))
    assert corner.found("second") == ["m1"]
    assert corner.found("first") == corner.found("late") == []
    corner.put(corner.document("m1", "second, again", 7))
    assert corner.found("again") == ["m1"]


def test_what_was_deleted_does_not_come_back(corner: Corner) -> None:
    corner.put(corner.document("m1", "bond", 1), corner.document("m2", "bond", 2))
    corner.put(corner.document("m1", None, 4))
    corner.put(corner.document("m1", "bond", 3))
    assert corner.found("bond") == ["m2"]
    corner.put(corner.document("never-seen", None, 9))
    assert corner.ids() == {"m2"}


def test_a_thousand_jobs_shuffled_and_twice_end_at_the_highest_version(corner: Corner) -> None:
    jobs = [corner.document(f"m{n % 50}", None if n % 7 == 0 else f"word version{n}", n) for n in range(1, 1001)]
    shuffled = jobs * 2
    random.Random(3).shuffle(shuffled)
    for start in range(0, len(shuffled), 200):
        part = {each.id: each for each in sorted(shuffled[start : start + 200], key=lambda document: document.version)}
        corner.put(*part.values())
    last = {f"m{n % 50}": None if n % 7 == 0 else n for n in range(1, 1001)}
    assert corner.ids() == {id for id, version in last.items() if version}
    for id, version in last.items():
        assert version is None or corner.found(f"version{version}") == [id]


def test_the_limit_holds(corner: Corner) -> None:
    corner.put(*(corner.document(f"m{n}", "bond") for n in range(20)))
    assert len(corner.hits("bond", limit=7)) == 7


def test_a_search_term_of_any_characters_is_safe(corner: Corner) -> None:
    for text in ['" OR *', "body:bond", "bond)", "\x00", "a\x00b", "{", "a" * 5000, "机" * 2000, "x " * 5000, "\ud800", "a\ud800b"]:
        assert corner.hits(text) == []
