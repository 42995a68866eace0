"""Index Chinese words in Elasticsearch. Character pairs find everything on every server; a word plugin ranks whole words higher.

So the matches are the same with and without a plugin. A plugin installed later takes effect at the next rebuild of the index.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from data.search.elasticsearch.server import ElasticsearchServer

ANALYZERS: dict[str, dict[str, Any]] = {
    "icu_tokenizer": {"type": "custom", "tokenizer": "icu_tokenizer", "filter": ["icu_folding", "porter_stem"]},
    "smartcn_tokenizer": {"type": "custom", "tokenizer": "smartcn_tokenizer", "filter": ["lowercase", "porter_stem"]},
}
"""Analyzers by the tokenizer that a plugin provides (analysis-icu, analysis-smartcn), the best first."""


def with_words(server: ElasticsearchServer, settings: dict[str, Any], mappings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Add a field `text.words` to settings and mappings if the server can segment Chinese; else return them unchanged."""
    tokenizer = next((each for each in ANALYZERS if _has(server, each)), None)
    if tokenizer is None:
        return settings, mappings
    settings, mappings = deepcopy(settings), deepcopy(mappings)
    settings["analysis"]["analyzer"]["words"] = ANALYZERS[tokenizer]
    mappings["properties"]["text"]["fields"] = {"words": {"type": "text", "analyzer": "words"}}
    return settings, mappings


def _has(server: ElasticsearchServer, tokenizer: str) -> bool:
    answer = server.client.options(ignore_status=400).indices.analyze(tokenizer=tokenizer, text="检索")
    return "tokens" in answer
