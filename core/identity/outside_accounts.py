"""Manage accounts of people in a provider or directory: find, link, create and update them at each sign-in."""

from __future__ import annotations

import logging
from dataclasses import replace
from uuid import uuid4

from core.clock import Clock
from core.errors import Conflict, NotSignedIn
from core.identity.records import OutsideIdentity, OutsideRules
from core.passwords.rules import generate_password
from core.people.accounts import Accounts, clean_line, is_name, normal_name
from core.people.audit_events import record
from core.people.ports import PasswordHasher
from core.people.records import User
from core.unit_of_work import UnitOfWorkFactory

log = logging.getLogger(__name__)


class OutsideAccounts:
    def __init__(
        self, unit_of_work: UnitOfWorkFactory, clock: Clock, accounts: Accounts, hasher: PasswordHasher, rules: OutsideRules
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._accounts = accounts
        self._hasher = hasher
        self._rules = rules

    def account(self, who: OutsideIdentity) -> User:
        """Return this person's account, with the role and group that their company groups give them.

        Raises NotSignedIn for somebody who may not use the portal, whose account is disabled, or whose name another account has.
        """
        role = self._rules.role_of(who.groups)
        with self._unit_of_work() as work:
            user_id = work.outside_identities.user_id(who.source, who.subject)
            user = work.users.get(user_id) if user_id else None
        if not role:
            if user is not None and user.active:
                self._accounts.change(None, user.name, active=False)
            raise NotSignedIn("Your company account may not use the portal. Ask an admin for a group that may.")
        if user is None:
            user = self._new(who, role)
        if not user.active:
            raise NotSignedIn("This account is disabled. Ask an admin.")
        return self._up_to_date(user, who, role)

    def update(self, user: User, who: OutsideIdentity) -> bool:
        """Update an account. Returns False if the person may no longer use the portal."""
        role = self._rules.role_of(who.groups)
        if role:
            self._up_to_date(user, who, role)
        return bool(role)

    def _new(self, who: OutsideIdentity, role: str) -> User:
        name = normal_name(who.name)
        if not is_name(name):
            raise NotSignedIn("The name {name} of your company account cannot be used here. Ask an admin.", name=who.name[:64])
        # Nobody knows this password; it only makes a wrong one take as long as for every other account.
        hashed = self._hasher.hash(generate_password())
        now = self._clock()
        fresh = User(
            id=uuid4().hex, name=name, full_name=clean_line(who.full_name) or name, role=role, group="", active=True, created_at=now
        )
        with self._unit_of_work() as work:
            found = work.users.for_change(name)
            if found is None:
                work.users.add(fresh, hashed)
                record(work, now, None, "user.add", name, role=role, source=who.source)
            elif not self._rules.link_by_name or work.outside_identities.linked(found.user.id):
                raise NotSignedIn("Another account is named {name}. Ask an admin to rename one of them.", name=name)
            else:
                record(work, now, None, "user.link", name, source=who.source)
            work.outside_identities.link(who.source, who.subject, found.user.id if found else fresh.id)
            work.commit()
        return found.user if found else self._read(fresh)

    def _read(self, fresh: User) -> User:
        with self._unit_of_work() as work:
            return work.users.get(fresh.id) or fresh

    def _up_to_date(self, user: User, who: OutsideIdentity, role: str) -> User:
        group = self._rules.group_of(who.groups)
        wanted = replace(user, full_name=clean_line(who.full_name) or user.full_name, group=user.group if group is None else group)
        if (str(user.role), user.full_name, user.group) == (role, wanted.full_name, wanted.group):
            return user
        try:
            return self._accounts.change(None, user.name, role=role, full_name=wanted.full_name, group=wanted.group)
        except Conflict as problem:
            # The last admin stays one, whatever the directory says; otherwise nobody could correct it.
            log.warning("the account %s was not changed as the directory says: %s", user.name, problem)
            return user
