"""Declare what people need: password hashes, and repositories of accounts, sessions and audit events."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from core.people.audit_records import AuditEntry, AuditEvent, AuditFilter, ChainedEvent
from core.people.records import ApiKey, Attempt, Credentials, CustomRole, Device, Group, OwnedKey, ProofPurpose, Session, StoredProof, User


class PasswordHasher(Protocol):
    def hash(self, password: str) -> str: ...
    def matches(self, password: str, password_hash: str) -> bool: ...
    def is_outdated(self, password_hash: str) -> bool:
        """Tell whether the next sign-in should hash the password again, because today's method or costs differ."""
        ...

    def spend(self, password: str) -> None:
        """Take as long as the check of a hash made by the method before today's."""
        ...


class OutsideSignIn(Protocol):
    def account(self, name: str, password: str) -> User | None:
        """Return the account of this name and password elsewhere. Raises NotSignedIn for someone who may not sign in, Unavailable."""
        ...


class UserRepository(Protocol):
    def add(self, user: User, password_hash: str) -> None:
        """Insert an account. Raises Conflict if the name is taken."""
        ...

    def get(self, user_id: str) -> User | None: ...
    def credentials(self, name: str) -> Credentials | None: ...
    def all(self) -> Sequence[User]:
        """Return everyone, by name."""
        ...

    def for_change(self, name: str) -> Credentials | None:
        """Read and lock a person in order to change them.

        Until the transaction ends, nobody else changes this person or an active admin, and nobody becomes or stops being one.
        """
        ...

    def lock(self, user_id: str) -> Credentials | None:
        """Read and lock a person: until the transaction ends, nobody else changes them."""
        ...

    def save(self, user: User) -> None:
        """Write all fields but the password. Read the user with for_change first."""
        ...

    def in_group(self, group: str) -> Sequence[User]:
        """Return the members of a group, by name."""
        ...

    def rename_group(self, old: str, new: str) -> None:
        """Move all members of a group to another name, and give it to those who review its cases."""
        ...

    def with_role(self, role: str) -> Sequence[User]:
        """Return the people with a custom role, by name."""
        ...

    def set_seen(self, user_id: str, at: datetime) -> None: ...
    def set_language(self, user_id: str, language: str | None) -> None: ...
    def set_password(self, user_id: str, password_hash: str) -> None: ...
    def count(self) -> int: ...
    def any_password_of(self, prefix: str) -> bool:
        """Tell whether any account's password hash begins like this."""
        ...

    def disabled(self, user_ids: Collection[str]) -> set[str]:
        """Return those of `ids` whose accounts are disabled."""
        ...


class RoleRepository(Protocol):
    """Stores custom roles."""

    def all(self) -> Sequence[CustomRole]:
        """Return all custom roles, by name."""
        ...

    def lock(self, name: str) -> CustomRole | None:
        """Read and lock a role: until the transaction ends, nobody changes or removes it."""
        ...

    def add(self, role: CustomRole) -> None:
        """Insert a role. Raises Conflict if the name is taken."""
        ...

    def save(self, role: CustomRole) -> None: ...
    def remove(self, name: str) -> None: ...


class GroupRepository(Protocol):
    def all(self) -> Sequence[Group]:
        """Return all groups, by name."""
        ...

    def get(self, group_id: str) -> Group | None: ...
    def lock(self, group_id: str) -> Group | None:
        """Read and lock a group: until the transaction ends, nobody else changes it or adds members."""
        ...

    def ensure(self, group: Group) -> bool:
        """Insert a group unless one has its name, and lock it. Returns whether it was inserted."""
        ...

    def save(self, group: Group) -> None:
        """Write the name and what is withheld. Raises Conflict if another group has the name."""
        ...

    def set_managers(self, group_id: str, user_ids: Collection[str]) -> None: ...
    def remove(self, group_id: str) -> None: ...


class ProofRepository(Protocol):
    """Keeps proofs of identities for seconds or minutes, where every replica finds them."""

    def add(self, proof: StoredProof) -> None: ...
    def get(self, token_hash: str, purpose: ProofPurpose, now: datetime) -> StoredProof | None:
        """Return a proof that has not expired, used or not."""
        ...

    def use(self, token_hash: str, purpose: ProofPurpose, now: datetime) -> StoredProof | None:
        """Mark a proof as used and return it; None if it was used, has expired or was never kept. Of two at once, one gets it."""
        ...

    def give_back(self, token_hash: str) -> None:
        """Let a proof be used again."""
        ...

    def count(self, purpose: ProofPurpose, now: datetime) -> int:
        """Count the proofs that can still be used."""
        ...

    def remove_expired(self, now: datetime) -> None: ...


class SessionRepository(Protocol):
    def add(self, session: Session) -> None: ...
    def user(self, token_hash: str, now: datetime) -> User | None:
        """Return the active user of a live session, in one query; None if it expired or was closed, or the user is disabled."""
        ...

    def find(self, token_hash: str, now: datetime, used_after: datetime | None = None) -> tuple[User, Session] | None:
        """Return a live session with its active user. used_after: None also if it was not used since then."""
        ...

    def of_user(self, user_id: str, now: datetime) -> Sequence[Session]:
        """Return a person's sessions that have not expired, most recently used first."""
        ...

    def set_used(self, token_hash: str, at: datetime) -> None: ...
    def live(self, token_hashes: Collection[str], now: datetime) -> Mapping[str, str]:
        """Return those of these sessions that are live and belong to active users, each with the person's role."""
        ...

    def remove(self, token_hash: str) -> None: ...
    def remove_of_user(self, user_id: str, keep: str | None = None) -> None:
        """End all sessions of a user, except the one whose token hash is `keep`."""
        ...

    def remove_outside(self, outside_session: str) -> None:
        """End the sessions that this session at a provider opened."""
        ...

    def remove_expired(self, now: datetime) -> int: ...


class ApiKeyRepository(Protocol):
    def add(self, key: ApiKey) -> None: ...
    def get(self, key_id: str) -> OwnedKey | None: ...
    def user(self, token_hash: str, now: datetime) -> tuple[User, ApiKey] | None:
        """Return a valid key with its active user, who carries it as `user.key`; None if it expired or was revoked."""
        ...

    def live(self, token_hashes: Collection[str], now: datetime) -> Mapping[str, str]:
        """Return those of these keys that are valid and belong to active users, each with the person's role."""
        ...

    def of_user(self, user_id: str) -> Sequence[ApiKey]:
        """Return a person's keys, newest first."""
        ...

    def find(self, words: str, limit: int) -> Sequence[OwnedKey]:
        """Return keys, newest first, whose key, name or person begins with or contains `words`; "" finds all."""
        ...

    def rename(self, key_id: str, name: str) -> None: ...
    def revoke(self, key_id: str, at: datetime) -> None: ...
    def set_used(self, key_id: str, at: datetime) -> None: ...


class AttemptRepository(Protocol):
    """Counts password attempts. Keys have 64 characters."""

    def get(self, key: str) -> Attempt | None: ...
    def add(self, key: str, now: datetime, since: datetime) -> Attempt:
        """Count one more in a single statement. A window that began at `since` or earlier starts again."""
        ...

    def give_back(self, key: str) -> None:
        """Count one less."""
        ...

    def forget(self, key: str) -> None: ...
    def remove_before(self, moment: datetime) -> int: ...


class DeviceRepository(Protocol):
    def add(self, device: Device) -> None: ...
    def user_id(self, token_hash: str) -> str | None:
        """Return the owner of a device."""
        ...

    def use(self, token_hash: str, at: datetime) -> None: ...
    def keep_newest(self, user_id: str, number: int) -> None:
        """Delete all but this many of a person's devices, keeping those used last."""
        ...

    def remove_of_user(self, user_id: str) -> None: ...


class AuditRepository(Protocol):
    """Stores audit events, each with the hash of the one before. The index job is queued in the same transaction."""

    def add(self, event: AuditEvent) -> None:
        """Store an event when the transaction commits, after its other changes: the chain is locked only then."""
        ...

    def chain(self, after: str | None, limit: int) -> Sequence[ChainedEvent]:
        """List events, oldest first, that follow the id `after`."""
        ...

    def links(self, ids: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Return the links that these events make: for each unbroken run, the hash before the first and that of the last."""
        ...

    def links_of_removed(self) -> Mapping[str, str]:
        """Return the links of removed events, from the proofs of their deletion: by the hash before, that of the last."""
        ...

    def by_ids(self, ids: Sequence[str]) -> Sequence[AuditEntry]:
        """Return those of `ids` that exist, in no particular order."""
        ...

    def find(self, filter: AuditFilter, limit: int, before: str | None = None) -> Sequence[AuditEntry]:
        """List events, newest first; `before` is the id of the last one read."""
        ...

    def count(self, filter: AuditFilter) -> int: ...
    def actions(self) -> Sequence[str]:
        """Return every action that was ever recorded, by name."""
        ...
