"""Read and export the leaderboard."""

from __future__ import annotations

from core.arena.records import VoteFilter
from core.arena.standings import Standings, standings
from core.clock import Clock
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory
from core.usage.csv_file import to_csv

COLUMNS = ("rank", "contender", "version", "score", "low", "high", "votes", "won")


class Leaderboard:
    """Ranks models and presets by all votes.

    It is for reviewers: it names models and presets that some people may not use, and who has seen the ranks does not vote blindly.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def read(self, user: User, filter: VoteFilter) -> Standings:
        """Return the leaderboard of the votes that `filter` lets through."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            counts = work.votes.counts(filter)
        return standings(counts)

    def groups(self, user: User) -> list[str]:
        """Return the names of the groups whose votes can be shown alone."""
        require(user, Permission.REVIEW_FEEDBACK)
        with self._unit_of_work() as work:
            return [group.name for group in work.groups.all()]

    def csv(self, user: User, filter: VoteFilter) -> bytes:
        """Return the leaderboard as CSV, and record the export in the audit log."""
        require(user, Permission.EXPORT)
        found = self.read(user, filter)
        with self._unit_of_work() as work:
            record(work, self._clock(), user.id, "arena.export", "leaderboard", rows=str(len(found.rows)))
            work.commit()
        return to_csv(COLUMNS, (
            (
                each.rank, each.contender.name, each.contender.version, *(round(score, 1) for score in (each.score, each.low, each.high)),
                each.votes, round(each.won, 4),
            )
            for each in found.rows
        ))  # fmt: skip
