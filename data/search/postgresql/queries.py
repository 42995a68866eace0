"""Write searches as SQL with a tsquery, and choose how PostgreSQL reads the matches."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, TextClause, text

from core.search.records import UNRATED, DocumentKind, SearchHit, SearchQuery
from data.search.port import COUNTED
from data.search.tokens import file_token, folder_token, token
from data.search.words import Term, snippet, spread

INDEXED = 100_000
"""Characters of a text that are indexed: PostgreSQL stores no positions beyond the 16,383rd word, and accepts no list above 1 MB."""
_OF_EVERYBODY = ("feedback", "audit")
"""Kinds that are searched without an owner; they have a separate database index for that."""
NEWEST = "SELECT kind, id, conversation, text, at FROM {table} WHERE {where} ORDER BY at DESC, id DESC LIMIT :limit"
BEST = """
SELECT d.kind, d.id, d.conversation, d.text, d.at FROM {table} d JOIN (
    SELECT kind, id, at, ts_rank(words, {words}) AS rank FROM (
        SELECT kind, id, at, words FROM {table} WHERE {where} ORDER BY at DESC LIMIT :ranked
    ) newest ORDER BY rank DESC, at DESC LIMIT :limit
) best ON d.kind = best.kind AND d.id = best.id ORDER BY best.rank DESC, best.at DESC
"""
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {where} LIMIT :counted) found"
_NOT_A_WORD = re.compile(r"[\W_]+")


def plain(words: str) -> str:
    """Keep only words and spaces: PostgreSQL's parser would take settings.py for a host name and keep it whole."""
    return _NOT_A_WORD.sub(" ", spread(words[:INDEXED]))


def conditions_of(query: SearchQuery, wanted: list[Term]) -> tuple[str, str, dict[str, Any]]:
    """Return the words as a tsquery, all conditions, and their values."""
    tokens = [token(query.kind, query.owner_id)]
    tokens += [folder_token(query.folder_id)] if query.folder_id is not None else []
    tokens += [file_token(query.kind, query.owner_id)] if query.has_file else []
    parts, values = [], {"scope": " & ".join(f"'{each}'" for each in tokens), "kind": query.kind, "owner": query.owner_id}
    for number, term in enumerate(wanted):
        if term.cjk and not term.pairs:
            parts.append(f"CAST(:term{number} AS tsquery)")
            values[f"term{number}"] = f"'{term.text}':*"
        else:
            parts.append(f"phraseto_tsquery('portal_search.words', :term{number})")
            values[f"term{number}"] = " ".join(term.pairs) if term.cjk else plain(term.text)
    words = " && ".join(parts)
    conditions = [f"words @@ (CAST(:scope AS tsquery) && {words})", "text IS NOT NULL"]
    filters = {
        "at >= :since": query.since,
        "at < :until": query.until,
        "model = :model": query.model,
        "conversation = :conversation": query.conversation_id,
        "rating = :rating": query.rating or None,
        "rating IS NULL AND model <> :unrated": "" if query.rating == UNRATED else None,
    }
    found: dict[str, Any] = dict(values)
    for condition, value in filters.items():
        if value is not None:
            conditions.append(condition)
            found[condition.rpartition(":")[2]] = value
    return f"({words})", " AND ".join(conditions), found


def count_matches(sql: Connection, table: str, where: str, values: Mapping[str, Any]) -> int:
    """Count matches; return COUNTED + 1 if there are more. Uses the words' index; scanning a large table would cost more."""
    sql.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_custom_plan"))
    return int(sql.scalar(text(_COUNT.format(table=table, where=where)), {**values, "counted": COUNTED + 1}) or 0)


def newest_first(sql: Connection, query: SearchQuery, total: int) -> str:
    """Choose the query plan, and return the conditions of a walk from the newest match, if that is faster.

    If there are few matches, all are fetched by their words and sorted. If there are many, a walk soon finds enough. PostgreSQL cannot
    choose, because it misjudges how often words occur together by orders of magnitude.
    """
    if total <= COUNTED:
        return ""
    if query.owner_id is not None:
        conditions = " AND kind = :kind AND owner = :owner"
    elif query.kind in _OF_EVERYBODY:
        conditions = " AND kind = :kind"
    else:
        return ""
    sql.execute(text("SET LOCAL enable_bitmapscan = off"))
    return conditions


def read_hits(sql: Connection, statement: TextClause, values: Mapping[str, Any], wanted: list[Term]) -> list[SearchHit]:
    rows = sql.execute(statement, dict(values)).all()
    return [
        SearchHit(kind=DocumentKind(row.kind), id=row.id, conversation_id=row.conversation, snippet=snippet(row.text, wanted), at=row.at)
        for row in rows
    ]
