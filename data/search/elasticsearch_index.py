"""Implement the search index in Elasticsearch 9."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

from core.search.records import UNRATED, DocumentKind, SearchHit, SearchPage, SearchQuery
from data.search.elasticsearch_audit import AuditIndices
from data.search.elasticsearch_server import ElasticsearchServer
from data.search.elasticsearch_words import with_words
from data.search.port import COUNTED, Document, moment
from data.search.rollover import RolloverLimits
from data.search.words import Term, letters, snippet, terms

SCHEMA_VERSION = 5
"""Part of the indices' names: raise it when mappings or analysis change, and the worker fills new indices from the database."""
BULK_CHARACTERS, BULK_DOCUMENTS = 2_000_000, 500
BULKS_AT_ONCE = 2
PAGE = 5000

# One analysis for both languages: English words stemmed, CJK runs as overlapping pairs. Single characters have a field of their own.
_FILTERS = ["cjk_width", "lowercase", "cjk_bigram", "porter_stem"]
SETTINGS = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "auto_expand_replicas": "0-1",
    "analysis": {
        "analyzer": {
            "portal": {"type": "custom", "tokenizer": "standard", "filter": _FILTERS}
        }
    },
}
_KEPT = {"type": "keyword", "index": False, "doc_values": False}
"""Stored fields that are returned unchanged and never searched."""
MAPPINGS = {
    "dynamic": "strict",
    "properties": {
        "id": {"type": "keyword"},
        "owner": {"type": "keyword", "doc_values": False},
        "conversation": _KEPT,
        "model": {"type": "keyword", "doc_values": False},
        "rating": {"type": "byte"},
        "folder": {"type": "keyword", "doc_values": False},
        "has_file": {"type": "boolean", "doc_values": False},
        "at": {"type": "date_nanos"},
        "print": _KEPT,
        "deleted": {"type": "boolean", "doc_values": False},
        "text": {"type": "text", "analyzer": "portal"},
        "letters": {"type": "keyword", "doc_values": False},
    },
}


_NEWEST_FIRST = [
    # An index of an older version, searched while the new one is filled, lacks ids and nanoseconds.
    {"at": {"order": "desc", "format": "strict_date_optional_time_nanos", "numeric_type": "date_nanos"}},
    {"id": {"order": "desc", "unmapped_type": "keyword"}},
]
_EPOCH, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2262, 1, 1, tzinfo=UTC)
"""The range of Elasticsearch's date_nanos."""


class ElasticsearchIndex:
    """Implements data.search.port.WritableIndex: an index for each kind of document, behind a read alias and a write alias.

    url: one address, with name and password in it if the server needs them.
    """

    engine = "elasticsearch"

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        ca_file: str | None = None,
        prefix: str = "glm-portal",
        rollover: RolloverLimits | None = None,
    ) -> None:
        self.server = ElasticsearchServer(url, api_key=api_key, ca_file=ca_file, prefix=prefix)
        self._client, self._writer, self._available = self.server.client, self.server.writer, self.server.available
        self._building = False
        self._audit = AuditIndices(self.server, self._alias("audit"), rollover or RolloverLimits())

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        wanted = terms(query.text)
        if not wanted:
            return []
        return self._find(query, wanted, sort=[{"_score": "desc"}, {"at": "desc"}], track_total_hits=False)[0]

    def page(self, query: SearchQuery) -> SearchPage:
        wanted = terms(query.text)
        if not wanted:
            return SearchPage([], 0)
        after = [moment(query.after[0]), query.after[1]] if query.after else None
        return SearchPage(*self._find(query, wanted, sort=_NEWEST_FIRST, search_after=after, track_total_hits=COUNTED))

    def prepare(self) -> None:
        self.server.check()
        with self._available():
            for kind in DocumentKind:
                self._make_index(kind)
            self._audit.prepare()
            self._building = any(self._behind(self._write_alias(kind)) != self._behind(self._alias(kind)) for kind in DocumentKind)

    def is_empty(self) -> bool:
        with self._available():
            self._client.indices.refresh(index=self._all())
            return int(self._client.count(index=self._all())["count"]) == 0

    def is_building(self) -> bool:
        return self._building

    def rebuild(self) -> None:
        with self._available():
            if not self._building:
                for kind in DocumentKind:
                    self._begin(kind, f"{self._alias(kind)}-v{SCHEMA_VERSION}-{time.time_ns()}")
                self._audit.prepare()
                self._building = True

    def complete(self) -> None:
        with self._available():
            self._client.indices.refresh(index=self._all())
            for kind in DocumentKind:
                new = self._behind(self._write_alias(kind))
                actions: list[dict[str, Any]] = [{"add": {"index": name, "alias": self._alias(kind)}} for name in new]
                outdated = [name for name in self._writer.indices.get(index=f"{self._alias(kind)}-v*") if name not in new]
                self._writer.indices.update_aliases(actions=[*actions, *({"remove_index": {"index": name}} for name in outdated)])
            self._building = False

    def remove(self) -> None:
        """Delete all of this portal's indices on the server."""
        with self._available():
            for kind in DocumentKind:
                for name in self._writer.indices.get(index=f"{self._alias(kind)}-v*"):
                    self._writer.indices.delete(index=name)

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        if not self._building and any(document.kind == "audit" for document in documents):
            with self._available():
                self._audit.tend(lambda: with_words(self.server, SETTINGS, MAPPINGS))
        parts = list(_parts(documents))
        if len(parts) < 2:
            return self._bulk(documents) if documents else {}
        # The server handles one request per thread; two requests keep it busy while this process reads answers.
        with ThreadPoolExecutor(BULKS_AT_ONCE, "index-bulk") as pool:
            refused: dict[tuple[str, str], str] = {}
            for found in pool.map(self._bulk, parts):
                refused |= found
        return refused

    def refresh(self) -> None:
        with self._available():
            self._client.indices.refresh(index=self._all())

    def ids(self, kind: str) -> Iterator[str]:
        with self._available():
            self._client.indices.refresh(index=self._write_alias(kind))
            point = self._client.open_point_in_time(index=self._write_alias(kind), keep_alive="1m")["id"]
            after = None
            while True:
                page = self._client.search(
                    pit={"id": point, "keep_alive": "1m"},
                    query={"term": {"deleted": False}},
                    sort=["_shard_doc"],
                    search_after=after,
                    size=PAGE,
                    source=False,
                    track_total_hits=False,
                )["hits"]["hits"]
                yield from (hit["_id"] for hit in page)
                if len(page) < PAGE:
                    break
                after = page[-1]["sort"]
            self._client.close_point_in_time(id=point)

    def fingerprints(self, kind: str, after: str, upto: str | None) -> Mapping[str, str]:
        found: dict[str, str] = {}
        with self._available():
            self._client.indices.refresh(index=self._write_alias(kind))
            while True:
                bounds = {"gt": after} if upto is None else {"gt": after, "lte": upto}
                page = self._client.search(
                    index=self._write_alias(kind),
                    query={"bool": {"filter": [{"term": {"deleted": False}}, {"range": {"id": bounds}}]}},
                    sort=["id"],
                    size=PAGE,
                    source={"includes": ["print"]},
                    track_total_hits=False,
                )["hits"]["hits"]
                found |= {hit["_id"]: hit["_source"]["print"] for hit in page}
                if len(page) < PAGE:
                    return found
                after = page[-1]["_id"]

    def close(self) -> None:
        self._client.close()

    def _find(self, query: SearchQuery, wanted: list[Term], **how: Any) -> tuple[list[SearchHit], int, bool]:
        with self._available():
            answer = self._client.search(
                index=self._alias(query.kind),
                query={"bool": {"filter": _scope(query), "must": [_clause(term) for term in wanted]}},
                size=query.limit,
                source={"includes": ["conversation", "at", "text"]},
                **how,
            )["hits"]
        counted = answer.get("total", {"value": 0, "relation": "eq"})
        hits = [_hit(query.kind, hit["_id"], hit["_source"], wanted) for hit in answer["hits"]]
        return hits, min(counted["value"], COUNTED), counted["relation"] == "gte"

    def _bulk(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        operations: list[dict[str, Any]] = []
        for document in documents:
            # The alias must exist: an index that the server creates by itself would have no mappings.
            place = self._audit.alias_of(document.id) if document.kind == "audit" else self._write_alias(document.kind)
            target = {"_index": place, "_id": document.id, "require_alias": True}
            operations.append({"index": target | {"version": document.version, "version_type": "external_gte"}})
            operations.append(_source(document))
        refusals = zip(documents, self.server.bulk(operations), strict=True)
        return {(document.kind, document.id): reason for document, reason in refusals if reason is not None}

    def _make_index(self, kind: str) -> None:
        """Create an index of this version for writing, and for reading too if no other index can be read meanwhile."""
        current = f"{self._alias(kind)}-v{SCHEMA_VERSION}"
        if not any(name == current or name.startswith(f"{current}-") for name in self._behind(self._write_alias(kind))):
            self._begin(kind, current)
        if not self._behind(self._alias(kind)):
            written = self._behind(self._write_alias(kind))
            self._writer.indices.update_aliases(actions=[{"add": {"index": name, "alias": self._alias(kind)}} for name in written])

    def _begin(self, kind: str, name: str) -> None:
        indices = self._writer.indices
        if not indices.exists(index=name):
            settings, mappings = with_words(self.server, SETTINGS, MAPPINGS)
            indices.create(index=name, settings=settings, mappings=mappings)
        alias = self._write_alias(kind)
        actions: list[dict[str, Any]] = [{"remove": {"index": other, "alias": alias}} for other in self._behind(alias) if other != name]
        if kind == "audit":
            actions += self._audit.actions(name)
        indices.update_aliases(actions=[*actions, {"add": {"index": name, "alias": alias, "is_write_index": True}}])

    def _behind(self, alias: str) -> list[str]:
        """Return the indices behind an alias."""
        if not self._writer.indices.exists_alias(name=alias):
            return []
        return sorted(self._writer.indices.get_alias(name=alias))

    def _alias(self, kind: str) -> str:
        return f"{self.server.prefix}-{kind}"

    def _write_alias(self, kind: str) -> str:
        return f"{self.server.prefix}-{kind}-write"

    def _all(self) -> str:
        """Return the write aliases of all kinds, separated by commas."""
        return ",".join(self._write_alias(kind) for kind in DocumentKind)


def _scope(query: SearchQuery) -> list[dict[str, Any]]:
    scope: list[dict[str, Any]] = [{"term": {"deleted": False}}]
    # An index of version 3 or older has no folder and no has_file: a term on a missing field finds nothing and is no error.
    exact: dict[str, object] = {
        "owner": query.owner_id, "model": query.model, "rating": query.rating or None,
        "folder": query.folder_id, "has_file": query.has_file or None,
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


def _hit(kind: DocumentKind, id: str, source: dict[str, Any], wanted: list[Term]) -> SearchHit:
    # The server's own highlighter analyzes each text again, which costs more than the search.
    at = source.get("at")
    return SearchHit(
        kind=kind,
        id=id,
        conversation_id=source["conversation"],
        snippet=snippet(source["text"], wanted),
        at=datetime.fromisoformat(at) if at else None,
    )


def _clause(term: Term) -> dict[str, Any]:
    if term.emoji or (term.cjk and not term.pairs):
        return {"term": {"letters": term.text}}
    phrase = {"match_phrase": {"text": {"query": term.text, "zero_terms_query": "all"}}}
    # Whole words first, if the index knows words; a missing field changes nothing.
    return {"bool": {"must": phrase, "should": {"match": {"text.words": term.text}}}} if term.cjk else phrase


def _source(document: Document) -> dict[str, Any]:
    if document.text is None:
        return {"deleted": True, "id": document.id}
    return {
        "deleted": False,
        "id": document.id,
        "owner": document.owner_id,
        "conversation": document.conversation_id,
        "model": document.model,
        "rating": document.rating,
        "folder": document.folder_id or None,
        "has_file": document.has_file or None,
        "at": moment(document.at),
        "print": document.fingerprint,
        "text": document.text,
        "letters": letters(document.text),
    }


def _parts(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """Split the documents into requests of bounded size."""
    part: list[Document] = []
    size = 0
    for document in documents:
        part.append(document)
        size += len(document.text or "")
        if size > BULK_CHARACTERS or len(part) == BULK_DOCUMENTS:
            yield part
            part, size = [], 0
    if part:
        yield part
