"""Find ratings by their words, for reviewers of all groups or of some."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from core.search.ports import SearchIndex
from core.search.records import SearchPage, SearchQuery
from core.unit_of_work import UnitOfWorkFactory

MAX_FOUND = 1000
"""Most ratings that a search for words returns."""
MAX_PAGES = 10
"""Pages of MAX_FOUND hits that are read to find those of some groups: the index does not know the groups."""


def ratings_with(
    search: SearchIndex, unit_of_work: UnitOfWorkFactory, query: SearchQuery, groups: Collection[str] | None
) -> tuple[str, ...]:
    """Return the ids of ratings that match, the best matches first; for some groups, the newest first."""
    query = replace(query, limit=MAX_FOUND)
    if groups is None:
        return tuple(hit.id for hit in search.search(query))
    return tuple(hit.id for hit in page_of_groups(search, unit_of_work, query, groups).hits)


def page_of_groups(search: SearchIndex, unit_of_work: UnitOfWorkFactory, query: SearchQuery, groups: Collection[str]) -> SearchPage:
    """Return a page of ratings of these groups. Its total counts no others, so that it tells nothing about them."""
    kept, last, read_all = [], None, False
    for _ in range(MAX_PAGES):
        hits = search.page(replace(query, limit=MAX_FOUND, after=last)).hits
        with unit_of_work() as work:
            allowed = work.feedback.of_groups([hit.id for hit in hits], groups)
        kept += [hit for hit in hits if hit.id in allowed]
        read_all = len(hits) < MAX_FOUND
        if read_all or hits[-1].at is None:
            break
        last = hits[-1].at, hits[-1].id
    after = [hit for hit in kept if query.after is None or (hit.at is not None and (hit.at, hit.id) < query.after)]
    return SearchPage(after[: query.limit], len(kept), not read_all)
