"""Define how Elasticsearch stores and analyzes a document."""

from __future__ import annotations

from typing import Any

from data.search.port import Document, moment
from data.search.words import letters

SCHEMA_VERSION = 6
"""Part of the indices' names: raise it when mappings or analysis change, and the worker fills new indices from the database."""
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
        "chat": {"type": "keyword", "doc_values": False},
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


def source_of(document: Document) -> dict[str, Any]:
    if document.text is None:
        return {"deleted": True, "id": document.id}
    return {
        "deleted": False,
        "id": document.id,
        "owner": document.owner_id,
        "conversation": document.conversation_id,
        "chat": document.conversation_id,
        "model": document.model,
        "rating": document.rating,
        "folder": document.folder_id or None,
        "has_file": document.has_file or None,
        "at": moment(document.at),
        "print": document.fingerprint,
        "text": document.text,
        "letters": letters(document.text),
    }
