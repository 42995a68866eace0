"""Write searches for Elasticsearch, and read what it found."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from core.search.records import UNRATED, DocumentKind, SearchHit, SearchQuery
from data.search.port import moment
from data.search.words import Term, snippet

NEWEST_FIRST = [
    # An index of an older version, searched while the new one is filled, lacks ids and nanoseconds.
    {"at": {"order": "desc", "format": "strict_date_optional_time_nanos", "numeric_type": "date_nanos"}},
    {"id": {"order": "desc", "unmapped_type": "keyword"}},
]
_EPOCH, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""The range of Elasticsearch's date_nanos."""


def filters_of(query: SearchQuery) -> list[dict[str, Any]]:
    scope: list[dict[str, Any]] = [{"term": {"deleted": False}}]
    # An index of version 3 or older has no folder and no has_file, and one of version 5 or older no chat, which is the conversation: its
    # own field is not indexed. A term on a missing field finds nothing and is no error.
    exact: dict[str, object] = {
        "owner": query.owner_id, "model": query.model, "rating": query.rating or None,
        "folder": query.folder_id, "has_file": query.has_file or None,
        "chat": query.conversation_id,
    }  # fmt: skip
    for field, value in exact.items():
        if value is not None:
            scope.append({"term": {field: value}})
    if query.rating == UNRATED:
        scope.append({"bool": {"must_not": [{"exists": {"field": "rating"}}, {"term": {"model": ""}}]}})
    if query.since is not None:
        scope.append({"range": {"at": {"gte": moment(min(max(query.since, _EPOCH), _LAST))}}})
    if query.until is not None:
        scope.append({"range": {"at": {"lt": moment(min(max(query.until, _EPOCH), _LAST))}}})
    return scope


def read_hit(kind: DocumentKind, id: str, source: dict[str, Any], wanted: list[Term]) -> SearchHit:
    # The server's own highlighter analyzes each text again, which costs more than the search.
    at = source.get("at")
    return SearchHit(
        kind=kind,
        id=id,
        conversation_id=source["conversation"],
        snippet=snippet(source["text"], wanted),
        at=datetime.fromisoformat(at) if at else None,
    )


def clause_of(term: Term) -> dict[str, Any]:
    if term.emoji or (term.cjk and not term.pairs):
        return {"term": {"letters": term.text}}
    phrase = {"match_phrase": {"text": {"query": term.text, "zero_terms_query": "all"}}}
    # Whole words first, if the index knows words; a missing field changes nothing.
    return {"bool": {"must": phrase, "should": {"match": {"text.words": term.text}}}} if term.cjk else phrase
