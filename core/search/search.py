"""Search everything that a person may read. Ids come from the index, rows from the database."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.chat.records import Author
from core.clock import Clock
from core.errors import InvalidInput
from core.people.permissions import Permission, require, reviewed_groups
from core.people.records import User
from core.review.records import Feedback, FeedbackFilter
from core.search.of_groups import page_of_groups
from core.search.ports import IndexJobs, Names, SearchIndex
from core.search.records import UNRATED, DocumentKind, SearchHit, SearchPage, SearchQuery
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

OWN = (DocumentKind.CONVERSATION, DocumentKind.MESSAGE)
"""Kinds that each person may search among their own documents, and the default kinds of a search."""
SNIPPET = 160
"""Characters of a comment shown in place of a snippet."""
PERMISSIONS = {
    DocumentKind.CONVERSATION: Permission.CHAT,
    DocumentKind.MESSAGE: Permission.CHAT,
    DocumentKind.FEEDBACK: Permission.REVIEW_FEEDBACK,
    DocumentKind.AUDIT: Permission.READ_AUDIT,
}


@dataclass(frozen=True, slots=True)
class FoundItem:
    """A search result that the person may read."""

    kind: DocumentKind
    id: str
    conversation_id: str | None
    message_id: str | None
    snippet: str
    """Each match stands between MARK_START and MARK_END."""
    at: datetime
    title: str = ""
    """The conversation's title, if it is the person's own."""
    author: Author | None = None
    """Set for messages."""
    model: str = ""
    rating: int | None = None
    files: Sequence[str] = ()
    """Names of the files attached to this question."""


@dataclass(frozen=True, slots=True)
class Found:
    """One page of search results."""

    items: Sequence[FoundItem]
    """Newest first."""
    total: int
    """The index's count, before the rows are checked."""
    engine: str
    behind_seconds: float
    """Age of the oldest change that the index has not received."""
    next_cursor: str | None
    total_is_at_least: bool = False
    """Whether there are more than `total`: an index counts only up to a limit, so that common words cost no more than rare ones."""


class Search:
    """Searches. A stale index may miss rows but never leaks any: every hit is read from the database, which checks the owner again."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, index: SearchIndex, jobs: IndexJobs, clock: Clock, names: Names) -> None:
        self._unit_of_work = unit_of_work
        self._names = names
        self._index = index
        self._jobs = jobs
        self._clock = clock

    def models(self, user: User) -> Sequence[str]:
        """Return the models whose answers the person can find, by name."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return work.generations.models_of(user.id)

    def find(
        self,
        user: User,
        text: str,
        kind: DocumentKind | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        model: str | None = None,
        rating: int | None = None,
        folder: str | None = None,
        conversation: str | None = None,
        has_file: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Found:
        """Find everything that contains all words of `text`.

        cursor: `next_cursor` of the previous page. folder, conversation: id of one of the person's folders or conversations; any
        other finds nothing. has_file: only questions with files, and their chats.

        Raises InvalidInput for an unknown cursor, Unavailable while the index does not answer.
        """
        kinds = OWN if kind is None else (kind,)
        for each in kinds:
            require(user, PERMISSIONS[each])
        if rating not in (None, 1, -1, UNRATED):
            raise InvalidInput("A rating must be 1 (good), -1 (poor) or 0 (none).")
        query = SearchQuery(
            text=text,
            kind=kinds[0],
            owner_id=None,
            limit=limit,
            since=since,
            until=until,
            model=model,
            rating=rating,
            folder_id=folder,
            conversation_id=conversation,
            has_file=has_file,
            after=_parse_cursor(cursor),
        )
        hits: list[SearchHit] = []
        total, at_least = 0, False
        for each in kinds:
            page = self._page(user, replace(query, kind=each, owner_id=user.id if each in OWN else None))
            hits += page.hits
            total += page.total
            at_least = at_least or page.total_is_at_least
        hits = sorted((hit for hit in hits if hit.at), key=_order, reverse=True)
        shown = hits[:limit]
        with self._unit_of_work() as work:
            items = _authorized(work, user, shown, self._names)
        more = len(shown) == limit and total > limit
        behind = self._jobs.behind(self._clock())
        return Found(
            items=items,
            total=total,
            engine=self._index.engine,
            behind_seconds=behind,
            next_cursor=_cursor(shown[-1]) if more else None,
            total_is_at_least=at_least,
        )

    def _page(self, user: User, query: SearchQuery) -> SearchPage:
        groups = reviewed_groups(user) if query.kind is DocumentKind.FEEDBACK else None
        if groups is None:
            return self._index.page(query)
        return page_of_groups(self._index, self._unit_of_work, query, groups)


def _authorized(work: UnitOfWork, user: User, hits: Sequence[SearchHit], names: Names) -> list[FoundItem]:
    """Return, in order, the hits whose rows exist and which the person may read."""
    ids = {kind: tuple(hit.id for hit in hits if hit.kind == kind) for kind in PERMISSIONS}
    messages = {each.id: each for each in work.messages.by_ids(user.id, ids[DocumentKind.MESSAGE])}
    talks = {
        each.id: each
        for each in work.conversations.by_ids(
            user.id, (*ids[DocumentKind.CONVERSATION], *(each.conversation_id for each in messages.values()))
        )
    }
    reviewed = FeedbackFilter(ids=ids[DocumentKind.FEEDBACK], groups=reviewed_groups(user))
    ratings = work.feedback.find(reviewed, len(hits)) if reviewed.ids else ()
    rated = {each.id: each for each in ratings}
    events = {each.id for each in work.audit.by_ids(ids[DocumentKind.AUDIT])}
    items = []
    for hit in hits:
        assert hit.at is not None
        match hit.kind:
            case DocumentKind.CONVERSATION if talk := talks.get(hit.id):
                items.append(
                    FoundItem(
                        kind=hit.kind, id=hit.id, conversation_id=hit.id, message_id=None, snippet=hit.snippet, at=hit.at, title=talk.title
                    )
                )
            case DocumentKind.MESSAGE if (message := messages.get(hit.id)) and (talk := talks.get(message.conversation_id)):
                model = message.generation.model if message.generation else ""
                files = tuple(file.name for file in message.files)
                items.append(
                    FoundItem(
                        kind=hit.kind,
                        id=hit.id,
                        conversation_id=talk.id,
                        message_id=hit.id,
                        snippet=hit.snippet,
                        at=hit.at,
                        title=talk.title,
                        author=message.author,
                        model=model,
                        rating=message.rating,
                        files=files,
                    )
                )
            case DocumentKind.FEEDBACK if rating := rated.get(hit.id):
                items.append(
                    FoundItem(
                        kind=hit.kind,
                        id=hit.id,
                        conversation_id=rating.conversation_id,
                        message_id=rating.message_id,
                        snippet=names.hide(rating)(still_there(rating, hit.snippet)),
                        at=hit.at,
                        model=rating.model,
                        rating=rating.rating,
                    )
                )
            case DocumentKind.AUDIT if hit.id in events:
                items.append(FoundItem(kind=hit.kind, id=hit.id, conversation_id=None, message_id=None, snippet=hit.snippet, at=hit.at))
    return items


def still_there(rating: Feedback, snippet: str) -> str:
    """Return the snippet, or the comment if the chat was deleted, because a stale index may still quote the chat."""
    return snippet if rating.question is not None or rating.answer is not None else rating.comment[:SNIPPET]


def _order(hit: SearchHit) -> tuple[datetime, str]:
    assert hit.at is not None
    return hit.at, hit.id


def _cursor(hit: SearchHit) -> str:
    at, id = _order(hit)
    return urlsafe_b64encode(f"{at.isoformat()} {id}".encode()).decode()


def _parse_cursor(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        at, _, id = urlsafe_b64decode(cursor.encode("ascii")).decode("utf-8").partition(" ")
        position = datetime.fromisoformat(at), id
        if position[0].tzinfo is None:
            raise ValueError("no zone")
    except (ValueError, binascii.Error) as problem:
        raise InvalidInput("This cursor does not come from a search.") from problem
    return position
