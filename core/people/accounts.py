"""Manage accounts: people change their own, admins change all. For signing in, see sign_in.py."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from core.characters import cut, one_line
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from core.passwords.rules import check_password
from core.people.audit_events import record
from core.people.permissions import ROLES, Permission, granted, require, require_to_give
from core.people.ports import PasswordHasher
from core.people.records import Credentials, Group, Role, User
from core.people.sessions import token_hash
from core.people.signing_in import attempts
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
LANGUAGES = ("en", "zh")
MAX_GROUP = 80


class Accounts:
    """Manages the people who may sign in. `actor` is the person who asks; None is the command line, which may do everything."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, hasher: PasswordHasher, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._clock = clock

    def credentials(self, name: str) -> Credentials | None:
        """Return the credentials of an active account. None: unknown or disabled."""
        with self._unit_of_work() as work:
            found = work.users.credentials(normal_name(name))
        return found if found and found.user.active else None

    # For people and their own accounts

    def change_password(self, user: User, old: str, new: str, token: str | None = None) -> None:
        """Change the own password and end the person's other sessions; the session of `token` stays.

        Raises NotSignedIn if `old` is wrong, and Busy after too many wrong ones.
        """
        limit = attempts.by_person(user.id)
        with self._unit_of_work() as work:
            found = work.users.credentials(user.name)
            attempts.take(work, [limit], self._clock())
            work.commit()
        if found is None or not self._hasher.matches(old, found.password_hash):
            raise NotSignedIn("The current password is wrong. Enter it again.")
        check_password(new, user.name, user.full_name)
        hashed = self._hasher.hash(new)
        with self._unit_of_work() as work:
            current = work.users.lock(user.id)
            if current is None or current.password_hash != found.password_hash:
                raise NotSignedIn("The current password is wrong. Enter it again.")
            work.users.set_password(user.id, hashed)
            work.attempts.forget(limit.key)
            work.sessions.remove_of_user(user.id, keep=token_hash(token) if token else None)
            record(work, self._clock(), user.id, "user.change_password", user.name)
            work.commit()

    def set_language(self, user: User, language: str | None) -> None:
        if language is not None and language not in LANGUAGES:
            raise InvalidInput("Unknown language {language}.", language=language)
        with self._unit_of_work() as work:
            work.users.set_language(user.id, language)
            work.commit()

    # For admins

    def people(self, actor: User | None) -> list[User]:
        self._authorize(actor)
        with self._unit_of_work() as work:
            return list(work.users.all())

    def person(self, actor: User, name: str) -> User:
        """Return one account. Everyone may ask for their own. Raises NotFound, NotAllowed."""
        if normal_name(name) != actor.name:
            self._authorize(actor)
        found = self._stored(normal_name(name))
        if found is None:
            raise NotFound("No account is named {name}.", name=name)
        return found.user

    def add(self, actor: User | None, name: str, role: str, *, password: str, full_name: str = "", group: str = "") -> User:
        """Create an account. Raises InvalidInput for an invalid name, role or password, Conflict if the name is taken."""
        self._authorize(actor)
        name, group = normal_name(name), clean_line(group)
        if not is_name(name):
            raise InvalidInput("A user name must have 1 to 64 letters, digits or . _ @ - and start with a letter or digit.")
        check_password(password, name, clean_line(full_name))
        user = User(
            id=uuid4().hex,
            name=name,
            full_name=clean_line(full_name) or name,
            role=role,
            group=group,
            active=True,
            created_at=self._clock(),
        )
        hashed = self._hasher.hash(password)
        with self._unit_of_work() as work:
            require_to_give(actor, permissions_of_role(work, role))
            ensure_group(work, self._clock(), _id_of(actor), group)
            work.users.add(user, hashed)
            record(work, self._clock(), _id_of(actor), "user.add", name, role=role, group=group)
            added = work.users.get(user.id)
            work.commit()
        return added or user

    def change(
        self,
        actor: User | None,
        name: str,
        *,
        role: str | None = None,
        active: bool | None = None,
        full_name: str | None = None,
        group: str | None = None,
    ) -> User:
        """Change the given fields. Disabling ends all sessions. The last active admin can be neither disabled nor demoted.

        Raises NotAllowed if the person has, or would get, rights that `actor` does not have.
        """
        self._authorize(actor)
        with self._unit_of_work() as work:
            # Roles and groups are locked before people, in the same order everywhere.
            if role is not None:
                require_to_give(actor, permissions_of_role(work, role))
            if group is not None:
                group = clean_line(group)
                ensure_group(work, self._clock(), _id_of(actor), group)
            user = self._to_change(work, actor, name)
            changed = replace(
                user,
                role=user.role if role is None else role,
                active=user.active if active is None else active,
                full_name=user.full_name if full_name is None else clean_line(full_name) or user.name,
                group=user.group if group is None else group,
            )
            if _runs_portal(user) and not _runs_portal(changed):
                if sum(_runs_portal(other) for other in work.users.all()) == 1:
                    raise Conflict("{name} is the only active admin. Make someone else an admin first.", name=user.name)
            work.users.save(changed)
            if not changed.active:
                work.sessions.remove_of_user(user.id)
                work.devices.remove_of_user(user.id)
            details = {"role": changed.role, "active": str(changed.active), "group": changed.group}
            record(work, self._clock(), _id_of(actor), "user.change", user.name, **details)
            stored = work.users.get(user.id)
            work.commit()
        return stored or changed

    def set_review_groups(self, actor: User | None, name: str, groups: Collection[str] | None) -> User:
        """Limit whose cases a person may review; None lifts the limit. It binds once the person's role allows reviews.

        Raises NotFound for an unknown group, and Conflict for somebody who manages people and so could lift the limit.
        """
        self._authorize(actor)
        with self._unit_of_work() as work:
            if unknown := frozenset(groups or ()) - {each.name for each in work.groups.all()}:
                raise NotFound("No group is named {name}.", name=min(unknown)[:MAX_GROUP])
            user = self._to_change(work, actor, name)
            if groups is not None and Permission.MANAGE_PEOPLE in granted(user):
                raise Conflict("{name} manages people, and could lift this limit. Choose another role first.", name=user.name)
            changed = replace(user, review_groups=None if groups is None else frozenset(groups))
            work.users.save(changed)
            listed = "all" if groups is None else ", ".join(sorted(groups))
            record(work, self._clock(), _id_of(actor), "user.review_groups", user.name, groups=listed)
            work.commit()
        return changed

    def reset_password(self, actor: User | None, name: str, password: str) -> None:
        """Set a new password, end all sessions, forget all devices and lift a lock."""
        self._authorize(actor)
        check_password(password, normal_name(name))
        hashed = self._hasher.hash(password)
        with self._unit_of_work() as work:
            user = self._to_change(work, actor, name)
            work.users.set_password(user.id, hashed)
            work.attempts.forget(attempts.by_name(user.name).key)
            work.sessions.remove_of_user(user.id)
            work.devices.remove_of_user(user.id)
            record(work, self._clock(), _id_of(actor), "user.reset_password", user.name)
            work.commit()

    def has_any(self) -> bool:
        """Tell whether any account exists."""
        with self._unit_of_work() as work:
            return work.users.count() > 0

    def _stored(self, name: str) -> Credentials | None:
        with self._unit_of_work() as work:
            return work.users.credentials(name) if is_name(name) else None

    @staticmethod
    def _authorize(actor: User | None) -> None:
        if actor is not None:
            require(actor, Permission.MANAGE_PEOPLE)

    @staticmethod
    def _to_change(work: UnitOfWork, actor: User | None, name: str) -> User:
        found = work.users.for_change(normal_name(name))
        if found is None:
            raise NotFound("No account is named {name}.", name=name)
        # Otherwise a new password for an admin would make anyone who manages people an admin.
        require_to_give(actor, granted(found.user))
        return found.user


def normal_name(name: str) -> str:
    return name.strip().lower()


def is_name(name: str) -> bool:
    """Tell whether an account may have this name, in its normal form."""
    return _NAME.fullmatch(name) is not None


def clean_line(text: str) -> str:
    """Return one line without control characters, at most 80 characters long; see `one_line`."""
    return cut(one_line(text), 80)


def _id_of(actor: User | None) -> str | None:
    return actor.id if actor else None


def _runs_portal(user: User) -> bool:
    return user.active and user.role == Role.ADMIN


def permissions_of_role(work: UnitOfWork, name: str) -> frozenset[Permission]:
    """Return what a role grants, and keep the role from being removed until the transaction ends. Raises InvalidInput if there is none."""
    if name in ROLES:
        return ROLES[name]
    found = work.roles.lock(name)
    if found is None:
        raise InvalidInput("There is no role named {name}.", name=name)
    return found.permissions


def ensure_group(work: UnitOfWork, now: datetime, actor_id: str | None, name: str) -> None:
    """Create the group of this name if there is none, and keep it until the transaction ends. An empty name is no group."""
    if name and work.groups.ensure(Group(id=uuid4().hex, name=name, created_at=now)):
        record(work, now, actor_id, "group.add", name)
