"""Write the guidelines for reviewers, version by version."""

from __future__ import annotations

from collections.abc import Sequence

from core.characters import without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.judging.records import MAX_GUIDELINES_LENGTH, Guidelines
from core.unit_of_work import UnitOfWorkFactory

VERSIONS_LISTED = 50


class ReviewGuidelines:
    """Keeps the guidelines that reviewers read beside a case. Every version stays readable."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def current(self, user: User) -> Guidelines | None:
        """Return the newest version; None before the first."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.guidelines.latest()

    def version(self, user: User, version: int) -> Guidelines:
        """Return one version. Raises NotFound."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            found = work.guidelines.get(version)
        if found is None:
            raise NotFound("The guidelines have no version {version}.", version=version)
        return found

    def versions(self, user: User) -> Sequence[Guidelines]:
        """Return the newest versions, newest first."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return work.guidelines.versions(VERSIONS_LISTED)

    def save(self, user: User, text: str, based_on: int) -> Guidelines:
        """Save a new version, unless the text is the same. based_on: the version that was edited, 0 for none.

        An empty text withdraws the guidelines. Raises InvalidInput, and Conflict if there is a newer version.
        """
        require(user, Permission.SET_UP_REVIEW)
        if len(text) > MAX_GUIDELINES_LENGTH:
            raise InvalidInput("Guidelines can have at most {limit} characters.", limit=MAX_GUIDELINES_LENGTH)
        cleaned = without_controls(text).strip()
        now = self._clock()
        with self._unit_of_work() as work:
            latest = work.guidelines.for_change()
            if based_on != (latest.version if latest else 0):
                raise Conflict("Another person has changed this. Look at the newest version, then repeat your change.")
            if latest and latest.text == cleaned:
                return latest
            version = work.guidelines.add(cleaned, user.id, now)
            record(work, now, user.id, "review.guidelines", str(version))
            work.commit()
        return Guidelines(version=version, text=cleaned, author_name=user.name, saved_at=now)
