"""Sign people in with their password of a directory, and keep their accounts as the directory has them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

from core.errors import PortalError, Unavailable
from core.identity.outside_accounts import OutsideAccounts
from core.identity.ports import Directory
from core.people.accounts import Accounts
from core.people.records import User
from core.tasks.handlers import JobKind, Report
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)

EVERY = timedelta(hours=1)


class DirectoryAccounts:
    """Signs people in with the directory's password. Updates every account once an hour: whoever is disabled there is disabled here."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, directory: Directory, outside: OutsideAccounts, accounts: Accounts) -> None:
        self._unit_of_work = unit_of_work
        self._directory = directory
        self._outside = outside
        self._accounts = accounts

    def account(self, name: str, password: str) -> User | None:
        """Check a name and password in the directory and return the updated account. Raises NotSignedIn, Unavailable."""
        if not password:  # A directory takes a bind without a password for an anonymous one.
            return None
        who = self._directory.check(name, password)
        return None if who is None else self._outside.account(who)

    def job_kinds(self) -> list[JobKind]:
        return [JobKind("directory.sync", self._sync, every=EVERY, most_tries=3, resumable=True, listed=False)]

    def _sync(self, _job: Job, report: Report) -> Mapping[str, Json]:
        people, disabled = self.follow(report)
        return {"people": people, "disabled": disabled}

    def follow(self, report: Callable[[float], None] = lambda progress: None) -> tuple[int, int]:
        """Update every account. Returns how many there are, and how many were disabled."""
        with self._unit_of_work() as work:
            people = work.outside_identities.of_source(self._directory.source)
        disabled = 0
        for number, (subject, user_id) in enumerate(people):
            report(number / len(people))
            with self._unit_of_work() as work:
                user = work.users.get(user_id)
            if user is not None and user.active:
                disabled += self._follow(user, subject)
        return len(people), disabled

    def _follow(self, user: User, subject: str) -> bool:
        """Update one account. Returns whether it was disabled. Raises Unavailable while the directory or the database does not answer.

        Every other error concerns this account alone: the others are still brought up to date.
        """
        who = self._directory.find(subject)
        try:
            if who is not None and self._outside.update(user, who):
                return False
            self._accounts.change(None, user.name, active=False)
        except Unavailable:
            raise
        except PortalError as problem:
            log.warning("the account %s was not changed as the directory says: %s", user.name, problem)
            return False
        return True
