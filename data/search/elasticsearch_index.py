"""The search index in Elasticsearch 9."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from core.entities import SearchHit, SearchQuery
from core.errors import Unavailable
from data.search.port import KINDS, MARK_END, MARK_START, Document
from data.search.words import SNIPPET, Term, terms

log = logging.getLogger(__name__)

SCHEMA_VERSION = 1
"""Part of the indices' names: raise it when mappings or analysis change, and the worker fills new indices from the store."""
OLDEST_SERVER = 9
SEARCH_TIMEOUT_S = 5.0
WRITE_TIMEOUT_S = 30.0
BULK_CHARACTERS = 2_000_000
PAGE = 5000

# One analysis for both languages: English words stemmed, CJK runs as overlapping pairs. Single characters lie in a field of their own.
_FILTERS = ["cjk_width", "lowercase", "cjk_bigram", "porter_stem"]
_SETTINGS = {
    "number_of_shards": 1,
    "number_of_replicas": 0,
    "auto_expand_replicas": "0-1",
    "analysis": {
        "analyzer": {
            "portal": {"type": "custom", "tokenizer": "standard", "filter": ["cjk_width", "lowercase", "cjk_bigram", "porter_stem"]}
        }
    },
}
_MAPPINGS = {
    "dynamic": "strict",
    "properties": {
        "owner": {"type": "keyword"},
        "conversation": {"type": "keyword"},
        "model": {"type": "keyword"},
        "at": {"type": "date"},
        "deleted": {"type": "boolean"},
        "text": {"type": "text", "analyzer": "portal", "fields": {"letters": {"type": "text", "analyzer": "standard"}}},
    },
}


class ElasticsearchIndex:
    """Implements data.search.port.WritableIndex: an index for each kind of document, behind an alias.

    url: one address, with name and password in it where the server wants them.
    """

    engine = "elasticsearch"

    def __init__(self, url: str, *, api_key: str | None = None, ca_file: str | None = None, prefix: str = "glm-portal") -> None:
        # Imported here: the client takes 55 MB and most of a second, which a portal on the embedded index need not pay.
        import elasticsearch

        self._address = urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition("@")[2]).geturl()
        self._prefix = prefix
        self._errors = elasticsearch
        trust: dict[str, Any] = {"ca_certs": ca_file} if ca_file else {}
        self._client = elasticsearch.Elasticsearch(url, api_key=api_key, request_timeout=SEARCH_TIMEOUT_S, max_retries=1, **trust)
        self._writer = self._client.options(request_timeout=WRITE_TIMEOUT_S)

    def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        wanted = terms(query.text)
        if not wanted:
            return []
        scope: list[dict[str, Any]] = [{"term": {"deleted": False}}]
        if query.owner_id is not None:
            scope.append({"term": {"owner": query.owner_id}})
        with self._available():
            answer = self._client.search(
                index=self._alias(query.kind),
                query={"bool": {"filter": scope, "must": [_clause(term) for term in wanted]}},
                sort=[{"_score": "desc"}, {"at": "desc"}],
                size=query.limit,
                source={"includes": ["conversation"]},
                highlight=_HIGHLIGHT,
                track_total_hits=False,
            )
        hits = answer["hits"]["hits"]
        return [SearchHit(query.kind, hit["_id"], hit["_source"]["conversation"], _snippet(hit.get("highlight", {}))) for hit in hits]

    def prepare(self) -> None:
        with self._available():
            version = self._client.info()["version"]["number"]
            if int(version.split(".")[0]) < OLDEST_SERVER:
                raise Unavailable(
                    "Elasticsearch at {address} is version {version}; the portal needs 9.", address=self._address, version=version
                )
            for kind in KINDS:
                self._make_index(kind)

    def is_empty(self) -> bool:
        with self._available():
            self._client.indices.refresh(index=self._all())
            return int(self._client.count(index=self._all())["count"]) == 0

    def put(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        refused: dict[tuple[str, str], str] = {}
        for part in _parts(documents):
            refused |= self._bulk(part)
        return refused

    def refresh(self) -> None:
        with self._available():
            self._client.indices.refresh(index=self._all())

    def ids(self, kind: str) -> Iterator[str]:
        with self._available():
            self._client.indices.refresh(index=self._alias(kind))
            point = self._client.open_point_in_time(index=self._alias(kind), keep_alive="1m")["id"]
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

    def close(self) -> None:
        self._client.close()

    def _bulk(self, documents: Sequence[Document]) -> dict[tuple[str, str], str]:
        operations: list[dict[str, Any]] = []
        for document in documents:
            # The alias must be there: an index that the server made by itself would have no mappings.
            target = {"_index": self._alias(document.kind), "_id": document.id, "require_alias": True}
            operations.append({"index": target | {"version": document.version, "version_type": "external_gte"}})
            operations.append(_source(document))
        with self._available():
            answer = self._writer.bulk(operations=operations)
        if not answer["errors"]:
            return {}
        refused: dict[tuple[str, str], str] = {}
        for document, item in zip(documents, answer["items"], strict=True):
            status, error = item["index"]["status"], item["index"].get("error")
            if status < 300 or status == 409:  # 409: the index has a newer version
                continue
            reason = f"{error.get('type')}: {error.get('reason')}"
            if status != 400:
                log.warning("Elasticsearch could not write: %s", reason)
                raise Unavailable(
                    "Elasticsearch at {address} cannot write now ({reason}).", address=self._address, reason=error.get("type")
                )
            refused[document.kind, document.id] = reason
        return refused

    def _make_index(self, kind: str) -> None:
        alias = self._alias(kind)
        name = f"{alias}-v{SCHEMA_VERSION}"
        indices = self._writer.indices
        if indices.exists_alias(name=alias, index=name):
            return
        if not indices.exists(index=name):
            indices.create(index=name, settings=_SETTINGS, mappings=_MAPPINGS)
        outdated = [other for other in indices.get(index=f"{alias}-v*") if other != name]
        actions: list[dict[str, Any]] = [{"remove_index": {"index": other}} for other in outdated]
        indices.update_aliases(actions=[*actions, {"add": {"index": name, "alias": alias, "is_write_index": True}}])

    def _alias(self, kind: str) -> str:
        return f"{self._prefix}-{kind}"

    def _all(self) -> str:
        return ",".join(self._alias(kind) for kind in KINDS)

    @contextmanager
    def _available(self) -> Iterator[None]:
        """Turns what the client raises into one sentence about this server."""
        errors = self._errors
        try:
            yield
        except errors.UnsupportedProductError as error:
            raise Unavailable("The server at {address} is not Elasticsearch.", address=self._address) from error
        except (errors.AuthenticationException, errors.AuthorizationException) as error:
            raise Unavailable("Elasticsearch at {address} refused the API key or password.", address=self._address) from error
        except (errors.ApiError, errors.TransportError) as error:
            log.warning("Elasticsearch at %s failed: %s", self._address, error)
            raise Unavailable("Search is not available now: Elasticsearch at {address} does not answer.", address=self._address) from error


_HIGHLIGHT = {
    "pre_tags": [MARK_START],
    "post_tags": [MARK_END],
    "number_of_fragments": 1,
    "fragment_size": SNIPPET,
    "no_match_size": SNIPPET,
    "fields": {"text": {}, "text.letters": {}},
}


def _clause(term: Term) -> dict[str, Any]:
    if term.cjk and not term.pairs:
        return {"match": {"text.letters": term.text}}
    return {"match_phrase": {"text": {"query": term.text, "zero_terms_query": "all"}}}


def _snippet(highlight: dict[str, list[str]]) -> str:
    fragments = [highlight[field][0] for field in ("text", "text.letters") if highlight.get(field)]
    marked = [fragment for fragment in fragments if MARK_START in fragment]
    return " ".join((marked or fragments or [""])[0].split())


def _source(document: Document) -> dict[str, Any]:
    if document.text is None:
        return {"deleted": True}
    return {
        "deleted": False,
        "owner": document.owner_id,
        "conversation": document.conversation_id,
        "model": document.model,
        "at": document.at.isoformat() if document.at else None,
        "text": document.text,
    }


def _parts(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """The documents in requests of bounded size."""
    part: list[Document] = []
    size = 0
    for document in documents:
        part.append(document)
        size += len(document.text or "")
        if size > BULK_CHARACTERS:
            yield part
            part, size = [], 0
    if part:
        yield part
