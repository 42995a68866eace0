"""Open only the database, for commands that run next to a portal, without loading models or starting workers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import settings as portal_settings
from bootstrap.parts import now, open_index, prepare_home
from core.access.audit_chain import AuditChain
from core.errors import StartFailed, Unavailable
from core.identity.second_factor import SecondFactors
from core.people.accounts import Accounts
from core.people.api_keys import ApiKeys
from core.people.audit_events import record_alone
from data.backup.file import is_sealed
from data.backup.read import Contents
from data.backup.restore import examine as examine_backup
from data.backup.restore import is_empty
from data.backup.restore import restore as restore_backup
from data.backup.write import Written, write_backup
from data.database import Database, open_database
from data.encryption.key_watch import POLL_S
from data.encryption.reseal import reseal
from data.encryption.sealing import use_keyring
from data.index.rejected_jobs import RejectedIndexJobs
from data.index.worker import IndexWorker
from data.inspection import StoreState, inspect_store
from data.migrate import downgrade, migrate
from data.passwords import Argon2Hasher
from data.search.port import WritableIndex
from data.unit_of_work import SqlUnitOfWork
from settings import Settings

log = logging.getLogger(__name__)


@contextmanager
def open_accounts(settings: Settings) -> Iterator[Accounts]:
    """Open only the accounts, for the command line; works next to a running portal. Raises StartFailed."""
    prepare_home(settings)
    database = open_database(settings.database)
    try:
        migrate(database)
        yield Accounts(lambda: SqlUnitOfWork(database), Argon2Hasher(), now)
    finally:
        database.close()


@contextmanager
def open_api_keys(settings: Settings) -> Iterator[ApiKeys]:
    """Open only the API keys, for the command line; works next to a running portal. Raises StartFailed."""
    prepare_home(settings)
    database = open_database(settings.database)
    try:
        migrate(database)
        yield ApiKeys(lambda: SqlUnitOfWork(database), now)
    finally:
        database.close()


@contextmanager
def open_second_factors(settings: Settings) -> Iterator[SecondFactors]:
    """Open only the second factors, for the command line; works next to a running portal. Raises StartFailed."""
    prepare_home(settings)
    database = open_database(settings.database)
    try:
        migrate(database)
        yield SecondFactors(lambda: SqlUnitOfWork(database), now)
    finally:
        database.close()


@contextmanager
def open_audit_chain(settings: Settings) -> Iterator[AuditChain]:
    """Open only the chain of audit events, for the command line; works next to a running portal. Raises StartFailed."""
    database = open_database(settings.database)
    try:
        migrate(database)
        yield AuditChain(lambda: SqlUnitOfWork(database), now)
    finally:
        database.close()


@contextmanager
def open_store(settings: Settings) -> Iterator[tuple[StoreState, IndexWorker, RejectedIndexJobs, WritableIndex]]:
    """Open the database and its index for the doctor, without creating, migrating or starting anything. Raises StartFailed."""
    database = open_database(settings.database)
    index = open_index(settings, database)
    try:
        if (state := inspect_store(database)).revision == state.expected:
            use_keyring(database, portal_settings.master_key(settings))
        yield inspect_store(database), IndexWorker(database, index), RejectedIndexJobs(database), index
    finally:
        index.close()
        database.close()


def migrate_to(settings: Settings, revision: str) -> None:
    """Bring the database to a revision: "head" for this code's, an earlier one for the release that had it. Raises StartFailed."""
    database = open_database(settings.database)
    try:
        if revision == "head":
            migrate(database)
        else:
            downgrade(database, revision)
    finally:
        database.close()


def backup(settings: Settings, path: Path, passphrase: str | None) -> Written:
    """Write a complete backup to one file, even while a portal is running. Raises Conflict, StartFailed."""
    database = open_database(settings.database)
    try:
        written = write_backup(database, path, passphrase)
        _record(database, "backup.make", path.name, size_bytes=str(written.size_bytes), encrypted=str(written.sealed).lower())
        return written
    finally:
        database.close()


@dataclass(frozen=True)
class OpenedBackup:
    """An intact backup, and the database to restore it into."""

    contents: Contents
    target: str
    empty: bool
    restore: Callable[[], None]
    """Restores the backup. Raises Conflict unless the database is empty."""


@contextmanager
def open_backup(settings: Settings, path: Path, passphrase: Callable[[], str]) -> Iterator[OpenedBackup]:
    """Open and verify a backup. passphrase: called only if the file is encrypted. Raises InvalidInput for a damaged file, StartFailed."""
    prepare_home(settings)
    try:
        file = path.open("rb")
    except OSError as problem:
        raise StartFailed("The backup {path} cannot be read: {reason}.", path=path, reason=problem.strerror) from problem
    with file:
        key = passphrase() if is_sealed(file) else None
        contents = examine_backup(file, key)
        database = open_database(settings.database)

        def restore() -> None:
            file.seek(0)
            restore_backup(database, file, key)
            _record(database, "backup.restore", path.name)
            _forget_old_index(settings, database)

        try:
            yield OpenedBackup(contents=contents, target=database.name, empty=is_empty(database), restore=restore)
        finally:
            database.close()


def _record(database: Database, action: str, subject: str, **details: str) -> None:
    """Record in the audit log what was done by the command line."""
    record_alone(lambda: SqlUnitOfWork(database), now(), None, action, subject, **details)


def _forget_old_index(settings: Settings, database: Database) -> None:
    """Start a new index, which index jobs then fill, because the old one may contain rows that the restored database lacks."""
    index = open_index(settings, database)
    try:
        index.prepare()
        if not index.is_empty():
            index.rebuild()
    except Unavailable as problem:
        log.warning("The search index is not responding (%s). Rebuild it when it is: POST /api/v1/index/rebuild.", problem)
    finally:
        index.close()


@dataclass(frozen=True)
class Keys:
    """Manages encryption at rest, for the command line."""

    add: Callable[[], None]
    """Creates a new data key. Running portals use it after KEYS_NOTICED_S at the latest."""
    seal: Callable[[], int]
    """Encrypts everything with the newest key; returns how many texts and file chunks it changed."""
    rewrap: Callable[[bytes], int]
    """Changes the master key; returns how many data keys there are."""


KEYS_NOTICED_S = 2 * POLL_S


@contextmanager
def open_keys(settings: Settings) -> Iterator[Keys]:
    """Open the keys. Raises StartFailed, also if there is no master key."""
    database = open_database(settings.database)
    try:
        migrate(database)
        keyring = use_keyring(database, portal_settings.master_key(settings))
        if keyring is None:
            raise StartFailed("Encryption is off. Set PORTAL_MASTER_KEY, PORTAL_MASTER_KEY_FILE or PORTAL_MASTER_KEY_COMMAND.")

        def add() -> None:
            keyring.add_key()
            _record(database, "keys.rotate", "none")

        def rewrap(new: bytes) -> int:
            count = keyring.rewrap(new)
            _record(database, "keys.rewrap", "none")
            return count

        yield Keys(add, lambda: reseal(database, keyring), rewrap)
    finally:
        database.close()
