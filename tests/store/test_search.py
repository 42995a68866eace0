"""Both search indexes find the same things."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from core.search.records import MARK_END, MARK_START, UNRATED, SearchHit, SearchQuery
from data.search.elasticsearch import documents
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.port import COUNTED, Document, WritableIndex
from samples.servers.elasticsearch_node import ElasticsearchNode
from tests.store.things import NOW

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
        return sorted(self.own(hit.id) for hit in self.hits(text, owner, kind))

    def page(self, text: str, **filters: object) -> tuple[list[str], int]:
        """Newest first."""
        query = replace(SearchQuery(text, "message", f"{self._name}-ana"), **filters)  # type: ignore[arg-type]
        page = self.index.page(query)
        return [self.own(hit.id) for hit in page.hits], page.total

    def place(self, id: str, at: datetime) -> tuple[datetime, str]:
        return at, f"{self._name}-{id}"

    def fingerprints(self, after: str = "", upto: str = "~") -> dict[str, str]:
        found = self.index.fingerprints("message", f"{self._name}-{after}", f"{self._name}-{upto}")
        return {self.own(id): fingerprint for id, fingerprint in found.items()}

    def found_of_everybody(self, text: str) -> list[str]:
        hits = self.index.search(SearchQuery(text, "message", None, 1000))
        return sorted(self.own(hit.id) for hit in hits if hit.id.startswith(self._name))

    def ids(self) -> set[str]:
        return {self.own(id) for id in self.index.ids("message") if id.startswith(self._name)}

    def own(self, id: str) -> str:
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


def dated(corner: Corner) -> dict[str, Document]:
    """m0 to m5, the last two at one microsecond."""
    made = {}
    for number, offset in enumerate([0, 1, 2, 86_400_000_000, 86_400_000_001, 86_400_000_001]):
        document = corner.document(f"m{number}", f"bond number{number}")
        model, rating = ("glm-a", -1) if number % 2 else ("glm-b", None)
        made[f"m{number}"] = replace(document, at=NOW + timedelta(microseconds=offset), model=model, rating=rating)
    corner.put(*made.values())
    return made


def test_pages_are_newest_first_and_continue_where_the_last_one_ended(corner: Corner) -> None:
    made = dated(corner)
    assert corner.page("bond") == (["m5", "m4", "m3", "m2", "m1", "m0"], 6)
    assert corner.page("bond", limit=2) == (["m5", "m4"], 6)
    for last, rest in (("m5", ["m4", "m3", "m2", "m1", "m0"]), ("m2", ["m1", "m0"]), ("m0", [])):
        at = made[last].at
        assert at is not None
        assert corner.page("bond", after=corner.place(last, at)) == (rest, 6)
    [hit] = corner.index.page(SearchQuery("number4", "message", made["m4"].owner_id)).hits
    assert hit.at == made["m4"].at


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"since": NOW + timedelta(microseconds=2)}, ["m5", "m4", "m3", "m2"]),
        ({"until": NOW + timedelta(microseconds=2)}, ["m1", "m0"]),
        ({"model": "glm-a"}, ["m5", "m3", "m1"]),
        ({"rating": -1, "until": NOW + timedelta(hours=1)}, ["m1"]),
        ({"rating": 1}, []),
        ({"rating": UNRATED}, ["m4", "m2", "m0"]),
        ({"since": datetime(1, 1, 1, tzinfo=UTC), "until": datetime(9999, 12, 31, tzinfo=UTC)}, ["m5", "m4", "m3", "m2", "m1", "m0"]),
    ],
)
def test_filters_narrow_pages_and_their_totals(corner: Corner, filters: dict[str, object], expected: list[str]) -> None:
    dated(corner)
    assert corner.page("bond", **filters) == (expected, len(expected))


def test_a_folder_and_attached_files_narrow_pages(corner: Corner) -> None:
    """m0 to m3: one is in the folder, another has a file, the last is both."""
    made = [replace(corner.document(f"m{n}", "bond +file1 +filekmessage"), at=NOW + timedelta(days=n)) for n in range(4)]
    made = [replace(each, folder_id="abed" * 8 if n & 1 else "", has_file=n > 1) for n, each in enumerate(made)]
    corner.put(*made[1:], replace(made[0], text="bond"))
    assert corner.page("bond", folder_id="abed" * 8) == (["m3", "m1"], 2)
    assert corner.page("bond", has_file=True) == (["m3", "m2"], 2)
    assert corner.page("bond", folder_id="abed" * 8, has_file=True, until=NOW + timedelta(days=9)) == (["m3"], 1)
    assert corner.page("bond", folder_id="abed" * 8, owner_id="somebody else") == ([], 0)
    query = SearchQuery("bond", "message", made[0].owner_id, folder_id="abed" * 8)
    assert sorted(corner.own(hit.id) for hit in corner.index.search(query)) == ["m1", "m3"]
    for folder in ("", "other", "abed", '" OR "kmessage', "' | 'kmessage", "a\x00b", "\ud800", "x" * 5000, "*"):
        assert corner.page("bond", folder_id=folder) == ([], 0)


def test_a_conversation_narrows_pages_and_their_totals(corner: Corner) -> None:
    made = [replace(corner.document(f"m{n}", "bond"), at=NOW + timedelta(days=n)) for n in range(4)]
    corner.put(*(replace(each, conversation_id="one" if n & 1 else "two") for n, each in enumerate(made)))
    assert corner.page("bond", conversation_id="one") == (["m3", "m1"], 2)
    assert corner.page("bond", conversation_id="one", until=NOW + timedelta(days=2)) == (["m1"], 1)
    assert corner.page("bond", conversation_id="one", after=corner.place("m3", NOW + timedelta(days=3))) == (["m1"], 2)
    assert corner.page("bond", conversation_id="one", owner_id="somebody else") == ([], 0)
    for other in ("", "on", "one OR two", "'"):
        assert corner.page("bond", conversation_id=other) == ([], 0)


def test_what_leaves_a_folder_or_loses_its_files_is_found_there_no_more(corner: Corner) -> None:
    first = replace(corner.document("m1", "bond", 1), folder_id="one", has_file=True)
    corner.put(first)
    corner.put(replace(first, version=2, folder_id="two", has_file=False))
    assert corner.page("bond", folder_id="two") == corner.page("bond") == (["m1"], 1)
    assert corner.page("bond", folder_id="one") == corner.page("bond", has_file=True) == ([], 0)
    assert corner.fingerprints() != {"m1": first.fingerprint}
    corner.put(replace(first, version=3, folder_id=""))
    assert corner.page("bond", has_file=True) == (["m1"], 1)
    assert corner.page("bond", folder_id="two") == ([], 0)


def test_matches_are_counted_to_a_bound(corner: Corner) -> None:
    corner.put(*(replace(corner.document(f"m{n:04}", "bond"), at=NOW + timedelta(seconds=n)) for n in range(COUNTED + 2)))
    query = SearchQuery("bond", "message", corner.document("", "").owner_id, limit=5)
    page = corner.index.page(query)
    assert (page.total, page.total_is_at_least) == (COUNTED, True)
    assert [corner.own(hit.id) for hit in page.hits] == [f"m{COUNTED + 1 - n:04}" for n in range(5)]
    page = corner.index.page(replace(query, since=NOW + timedelta(seconds=2)))
    assert (page.total, page.total_is_at_least) == (COUNTED, False)
    assert len(corner.index.search(query)) == 5


def test_pages_neither_skip_nor_repeat_where_much_is_of_one_moment(corner: Corner) -> None:
    made = [replace(corner.document(f"m{n:03}", "bond"), at=NOW + timedelta(microseconds=n // 100)) for n in range(300)]
    corner.put(*made)
    query = SearchQuery("bond", "message", made[0].owner_id, limit=7)
    seen: list[str] = []
    while hits := corner.index.page(query).hits:
        seen += [hit.id for hit in hits]
        assert hits[-1].at is not None
        query = replace(query, after=(hits[-1].at, hits[-1].id))
    assert seen == [each.id for each in reversed(made)]


def test_what_says_it_oftener_comes_first_among_the_best(corner: Corner) -> None:
    texts = {"m1": "a bond", "m2": "bond after bond, a bond", "m3": "bond " + "and much else " * 200}
    corner.put(*(replace(corner.document(id, text), at=NOW + timedelta(days=int(id[1]))) for id, text in texts.items()))
    assert next(corner.own(hit.id) for hit in corner.hits("bond")) == "m2"


def test_a_document_that_gets_another_time_is_found_there_alone(corner: Corner) -> None:
    corner.put(corner.document("m1", "bond", 1), corner.document("m2", "bond", 2))
    corner.put(replace(corner.document("m1", "bond", 3), at=NOW + timedelta(days=9)))
    assert corner.page("bond") == (["m1", "m2"], 2)
    assert corner.page("bond", until=NOW + timedelta(days=1)) == (["m2"], 1)


def test_fingerprints_come_by_ranges_of_ids(corner: Corner) -> None:
    made = dated(corner)
    corner.put(replace(made["m3"], version=9, text=None))
    assert corner.fingerprints() == {id: document.fingerprint for id, document in made.items() if id != "m3"}
    assert set(corner.fingerprints("m1", "m4")) == {"m2", "m4"}


def test_searches_read_the_old_index_until_the_new_one_is_complete(new_index: WritableIndex) -> None:
    new_index.prepare()
    corner = Corner(new_index)
    corner.put(corner.document("m1", "bond"))
    new_index.complete()
    assert not new_index.is_building()
    new_index.rebuild()
    assert new_index.is_building()
    assert new_index.is_empty()
    corner.put(corner.document("m2", "bond"))
    assert corner.found("bond") == ["m1"]
    assert corner.ids() == {"m2"}
    new_index.complete()
    assert corner.found("bond") == ["m2"]
    new_index.prepare()
    assert not new_index.is_building()
    assert corner.found("bond") == ["m2"]


def test_the_first_release_s_elasticsearch_indices_are_searched_meanwhile(elasticsearch_node: ElasticsearchNode) -> None:
    index = ElasticsearchIndex(elasticsearch_node.url, prefix=f"test-{uuid4().hex[:12]}")
    old_fields = {"owner": "keyword", "conversation": "keyword", "model": "keyword", "at": "date", "deleted": "boolean"}
    mappings = {"dynamic": "strict", "properties": {name: {"type": kind} for name, kind in old_fields.items()}}
    mappings["properties"]["text"] = {  # type: ignore[index]
        "type": "text", "analyzer": "portal", "fields": {"letters": {"type": "text", "analyzer": "standard"}},
    }  # fmt: skip
    for kind in ("conversation", "message", "feedback"):
        alias = f"{index.server.prefix}-{kind}"
        index.server.client.indices.create(index=f"{alias}-v1", mappings=mappings, settings=documents.SETTINGS)
        index.server.client.indices.put_alias(index=f"{alias}-v1", name=alias, is_write_index=True)
    body = {"deleted": False, "owner": "ana", "conversation": "c1", "model": "", "at": NOW.isoformat(), "text": "an old bond"}
    index.server.client.index(index=f"{index.server.prefix}-message", id="m1", document=body, refresh=True)

    index.prepare()
    assert index.is_building()
    assert index.is_empty()
    query = SearchQuery("bond", "message", "ana")
    assert [hit.id for hit in index.search(query)] == ["m1"]
    assert [hit.id for hit in index.page(query).hits] == ["m1"]
    assert [hit.id for hit in index.page(replace(query, after=(NOW + timedelta(days=1), "m0"))).hits] == ["m1"]
    assert index.page(replace(query, folder_id="f1")).hits == index.page(replace(query, has_file=True)).hits == []
    index.put([Document("message", "m2", 1, "a new bond", "ana", "c1", NOW)])
    index.refresh()
    assert [hit.id for hit in index.search(query)] == ["m1"]
    index.complete()
    assert [hit.id for hit in index.search(query)] == ["m2"]
    assert not any(name.endswith("-v1") for name in index.server.client.indices.get(index=f"{index.server.prefix}-*"))
    index.close()


def test_emoji_are_found_alone_in_words_and_joined(corner: Corner) -> None:
    texts = {
        "alone": "Ship it 🚀",
        "glued": "launch🚀day",
        "tone": "Well done 👍🏽",
        "family": "Trip of the 👨\u200d👩\u200d👧 family",
        "heart": "❤️ it",
        "newer": "\U0001fae8 shaking",
        "chinese": "发布🚀成功",
        "none": "rocket launch day",
    }
    corner.put(*(corner.document(id, text) for id, text in texts.items()))
    assert corner.found("🚀") == ["alone", "chinese", "glued"]
    assert corner.found("launch🚀") == corner.found("🚀 day") == ["glued"]
    assert corner.found("发布🚀") == ["chinese"]
    assert corner.found("👍") == corner.found("👍🏽") == ["tone"]
    assert corner.found("👨\u200d👩\u200d👧") == corner.found("👧") == ["family"]
    assert corner.found("❤") == corner.found("❤️") == ["heart"]
    assert corner.found("\U0001fae8") == ["newer"]
    assert corner.found("🎉") == []
    assert corner.found("launch day") == ["glued", "none"]
    [hit] = corner.hits("🚀 ship")
    assert f"{MARK_START}🚀{MARK_END}" in hit.snippet
