"""Implement the search index in Elasticsearch 9."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from core.search.records import DocumentKind, SearchHit, SearchPage, SearchQuery
from data.search.elasticsearch.audit import AuditIndices
from data.search.elasticsearch.documents import MAPPINGS, SCHEMA_VERSION, SETTINGS, source_of
from data.search.elasticsearch.queries import NEWEST_FIRST, clause_of, filters_of, read_hit
from data.search.elasticsearch.rollover import RolloverLimits
from data.search.elasticsearch.server import ElasticsearchServer
from data.search.elasticsearch.words import with_words
from data.search.port import COUNTED, Document, moment
from data.search.words import Term, terms

BULK_CHARACTERS, BULK_DOCUMENTS = 2_000_000, 500
BULKS_AT_ONCE = 2
PAGE = 5000


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
        return SearchPage(*self._find(query, wanted, sort=NEWEST_FIRST, search_after=after, track_total_hits=COUNTED))

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
                self._audit.maintain(lambda: with_words(self.server, SETTINGS, MAPPINGS))
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
                query={"bool": {"filter": filters_of(query), "must": [clause_of(term) for term in wanted]}},
                size=query.limit,
                source={"includes": ["conversation", "at", "text"]},
                **how,
            )["hits"]
        counted = answer.get("total", {"value": 0, "relation": "eq"})
        hits = [read_hit(query.kind, hit["_id"], hit["_source"], wanted) for hit in answer["hits"]]
        return hits, min(counted["value"], COUNTED), counted["relation"] == "gte"

    def _bulk(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        operations: list[dict[str, Any]] = []
        for document in documents:
            # The alias must exist: an index that the server creates by itself would have no mappings.
            alias = self._audit.alias_of(document.id) if document.kind == "audit" else self._write_alias(document.kind)
            target = {"_index": alias, "_id": document.id, "require_alias": True}
            operations.append({"index": target | {"version": document.version, "version_type": "external_gte"}})
            operations.append(source_of(document))
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
