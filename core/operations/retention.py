"""Delete old data, such as chats, files, ratings and audit events, by rules, except for people under a legal hold."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from core.chat.memory.records import UNDECIDED_DAYS
from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.operations.records import EVERY_GROUP, LegalHold, RetentionKind, RetentionRule
from core.people.accounts import clean_line, normal_name
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory
from core.usage.machines.records import HOUR_S, HOURS_KEPT, MINUTE_S, MINUTES_KEPT

log = logging.getLogger(__name__)

MAX_DAYS = 36_500
SHORTEST_AUDIT_DAYS = 180
"""Shortest period of a rule for audit events, so that admins' actions stay readable for half a year."""
PROOF = "retention.delete"
"""The audit event of a deletion. No rule deletes it."""
BATCH = 100
"""Rows deleted in one transaction."""
FILES_AT_ONCE = 10
"""Files deleted in one transaction: fewer, because they are large and other writers wait for the transaction."""
WAITING_DAYS = 1
"""Days after which an uploaded file that was never sent is deleted."""
EVERY = timedelta(days=1)
COUNTED = timedelta(days=32)
"""How long counts for limits are kept: longer than any period that a limit counts."""


class Retention:
    """Deletes data permanently by rules, from the database and thereby from the index. Usage rows stay, without text.

    A group's rule takes precedence over the rule for every group. Without a rule, everything is kept.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, notice_days: int = 30, alert_days: int = 365) -> None:
        """notice_days, alert_days: days that notices and ended alerts are kept."""
        self._notice_days = notice_days
        self._alert_days = alert_days
        self._unit_of_work = unit_of_work
        self._clock = clock

    def rules(self, user: User) -> Sequence[RetentionRule]:
        require(user, Permission.RUN_STORE)
        with self._unit_of_work() as work:
            return work.retention.rules()

    def set_rule(self, user: User, kind: RetentionKind, group: str, days: int | None) -> None:
        """Set how many days data of this kind and group is kept; None removes the rule. group "*": every group.

        Raises InvalidInput, NotFound.
        """
        require(user, Permission.RUN_STORE)
        shortest = SHORTEST_AUDIT_DAYS if kind is RetentionKind.AUDIT else 1
        if days is not None and not shortest <= days <= MAX_DAYS:
            raise InvalidInput("Days to keep must be between {shortest} and {limit}.", shortest=shortest, limit=MAX_DAYS)
        if kind is RetentionKind.AUDIT and group != EVERY_GROUP:
            raise InvalidInput("The audit log is shared by all groups. Set the rule for every group.")
        with self._unit_of_work() as work:
            if days is not None:
                work.retention.put_rule(RetentionRule(kind, group, days))
            elif not work.retention.remove_rule(kind, group):
                raise NotFound("This retention rule does not exist.")
            record(work, self._clock(), user.id, "retention.rule", kind, group=group, days=str(days or "none"))
            work.commit()

    def holds(self, user: User) -> Sequence[LegalHold]:
        require(user, Permission.RUN_STORE)
        with self._unit_of_work() as work:
            return work.retention.holds()

    def place_hold(self, user: User, name: str, reason: str) -> None:
        """Protect all data of this person from deletion by rules or by the person. Raises NotFound, InvalidInput."""
        require(user, Permission.RUN_STORE)
        reason = clean_line(reason)
        if not reason:
            raise InvalidInput("A legal hold needs a reason.")
        with self._unit_of_work() as work:
            person = _named(work, name)
            work.retention.place_hold(LegalHold(user_id=person.id, user_name=person.name, reason=reason, placed_at=self._clock()))
            record(work, self._clock(), user.id, "hold.place", person.name, reason=reason)
            work.commit()

    def lift_hold(self, user: User, name: str) -> None:
        require(user, Permission.RUN_STORE)
        with self._unit_of_work() as work:
            person = _named(work, name)
            if not work.retention.lift_hold(person.id):
                raise NotFound("There is no legal hold on {name}.", name=person.name)
            record(work, self._clock(), user.id, "hold.lift", person.name)
            work.commit()

    def apply(self, user: User | None = None, check: Callable[[], None] = lambda: None) -> int:
        """Delete all due data; returns the number of rows. user: None for the portal's daily run. check: raises to stop."""
        if user is not None:
            require(user, Permission.RUN_STORE)
        with self._unit_of_work() as work:
            rules = work.retention.rules()
        return sum(self._apply(user, rule, [other.group for other in rules if other.kind == rule.kind], check) for rule in rules)

    def remove_waiting_files(self, check: Callable[[], None] = lambda: None) -> int:
        """Delete files uploaded more than a day ago and never sent; returns how many. This needs no rule."""
        before = self._clock() - timedelta(days=WAITING_DAYS)
        removed = 0
        while True:
            check()
            with self._unit_of_work() as work:
                work.retention.keep_holds()
                ids = work.files.waiting_since(before, FILES_AT_ONCE)
                for id in ids:
                    work.files.remove_waiting(id)
                work.commit()
            removed += len(ids)
            if len(ids) < FILES_AT_ONCE:
                break
        return removed

    def remove_expired_shares(self) -> int:
        """Delete the snapshots of links that expired more than a day ago; returns how many. This needs no rule."""
        with self._unit_of_work() as work:
            work.retention.keep_holds()
            removed = work.shares.remove_expired(self._clock() - timedelta(days=1))
            work.commit()
        return removed

    def remove_old_notices(self) -> int:
        """Delete notices older than the setting allows; returns how many. This needs no rule."""
        with self._unit_of_work() as work:
            work.retention.keep_holds()
            removed = work.notices.remove_older(self._clock() - timedelta(days=self._notice_days))
            work.commit()
        return removed

    def remove_old_alerts(self) -> int:
        """Delete ended alerts older than the setting allows; returns how many. They are about the portal, so no legal hold keeps them."""
        with self._unit_of_work() as work:
            removed = work.alerts.remove_episodes(self._clock() - timedelta(days=self._alert_days))
            work.commit()
        return removed

    def remove_old_machine_history(self) -> int:
        """Delete what machines measured longer ago than the history keeps; returns how many spans. It names no person."""
        now = self._clock()
        with self._unit_of_work() as work:
            removed = work.machines.remove(MINUTE_S, now - MINUTES_KEPT) + work.machines.remove(HOUR_S, now - HOURS_KEPT)
            work.commit()
        return removed

    def remove_undecided_memories(self) -> int:
        """Delete undecided and dismissed proposals of memories after UNDECIDED_DAYS; returns how many. This needs no rule."""
        with self._unit_of_work() as work:
            work.retention.keep_holds()
            removed = work.memories.remove_undecided(self._clock() - timedelta(days=UNDECIDED_DAYS))
            work.commit()
        return removed

    def forget_attempts(self) -> None:
        """Delete old counts: of password attempts after a day, of limits after COUNTED."""
        with self._unit_of_work() as work:
            work.attempts.remove_before(self._clock() - timedelta(days=1))
            work.limits.remove_before(self._clock() - COUNTED)
            work.commit()

    def job_kinds(self) -> list[JobKind]:
        """Return the daily job that applies the rules and removes unused files."""
        return [JobKind("retention.apply", self._run, every=EVERY, most_tries=3, resumable=True)]

    def _apply(self, user: User | None, rule: RetentionRule, groups_with_rules: Sequence[str], check: Callable[[], None]) -> int:
        before = self._clock() - timedelta(days=rule.days)
        others = [group for group in groups_with_rules if group != EVERY_GROUP]
        at_once = FILES_AT_ONCE if rule.kind is RetentionKind.FILES else BATCH
        deleted = 0
        while True:
            check()
            with self._unit_of_work() as work:
                work.retention.keep_holds()
                ids = work.retention.due(rule, before, others, at_once)
                if not ids:
                    break
                links = work.audit.links(ids) if rule.kind is RetentionKind.AUDIT else ()
                work.retention.remove(rule.kind, ids)
                # Proof of the deletion: counts, dates, and a hash of the list of ids.
                proof = hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest()
                details = {"group": rule.group, "before": before.isoformat(), "count": str(len(ids)), "sha256": proof}
                if links:  # Keep the chain of the remaining events verifiable.
                    details["links"] = " ".join(f"{before}>{last}" for before, last in links)
                record(work, self._clock(), user.id if user else None, PROOF, rule.kind, **details)
                work.commit()
            deleted += len(ids)
        return deleted

    def _run(self, job: Job, report: Report) -> Mapping[str, Json]:
        deleted = self.apply(check=report.check)
        if deleted:
            log.info("Retention rules deleted %d chats, files, ratings and audit events.", deleted)
        self.forget_attempts()
        self.remove_expired_shares()
        self.remove_old_notices()
        self.remove_old_alerts()
        self.remove_old_machine_history()
        self.remove_undecided_memories()
        report(0.5)
        waiting = self.remove_waiting_files(report.check)
        if waiting:
            log.info("Removed %d files that were added more than a day ago and never sent with a question.", waiting)
        return {"deleted": deleted, "files_removed": waiting}


def _named(work: UnitOfWork, name: str) -> User:
    found = work.users.credentials(normal_name(name))
    if found is None:
        raise NotFound("No account is named {name}.", name=name)
    return found.user
