"""Save views of the queue: names for queries, each reviewer's own or shared with all reviewers."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import uuid4

from core.characters import cut, one_line
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.cases.records import CaseQuery, SavedView
from core.unit_of_work import UnitOfWorkFactory

MAX_NAME = 60
MAX_WORDS = 500
MOST_VIEWS = 30


class CaseViews:
    """Stores the views of each reviewer. Others see those that are shared, but only the owner changes them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def list(self, user: User) -> Sequence[SavedView]:
        """Return the person's views, then those that others share, each by name."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return [*work.case_views.of_user(user.id), *work.case_views.shared_by_others(user.id)]

    def save(self, user: User, name: str, query: CaseQuery, *, shared: bool = False) -> SavedView:
        """Save a view; an own one with the same name is replaced. shared: whether all reviewers see it.

        Raises InvalidInput, and Conflict for too many views.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        cleaned = cut(one_line(name), MAX_NAME)
        if not cleaned:
            raise InvalidInput("A view needs a name.")
        if len(query.words) > MAX_WORDS:
            raise InvalidInput("A view can search for at most {limit} characters.", limit=MAX_WORDS)
        with self._unit_of_work() as work:
            known = work.case_views.of_user(user.id)
            same = next((each for each in known if each.name.casefold() == cleaned.casefold()), None)
            if same is None and len(known) >= MOST_VIEWS:
                raise Conflict("You have {limit} views. Delete one first.", limit=MOST_VIEWS)
            view = SavedView(id=same.id if same else uuid4().hex, name=cleaned, query=query, shared=shared)
            work.case_views.put(user.id, view, self._clock())
            work.commit()
        return view

    def remove(self, user: User, name: str) -> None:
        """Delete one of the person's views. Raises NotFound."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            found = next((each for each in work.case_views.of_user(user.id) if each.name.casefold() == name.strip().casefold()), None)
            if found is None:
                raise NotFound("You have no view of this name. It may have been deleted.")
            work.case_views.remove(user.id, found.id)
            work.commit()
