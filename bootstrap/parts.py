"""Open the storage of the settings for both composition roots: the home, the search index and the log shipper."""

from __future__ import annotations

import shutil
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.errors import StartFailed
from core.operations.disk import DiskSpace
from data.database import Database
from data.logs.shipping import LogShipper
from data.search.elasticsearch.index import ElasticsearchIndex
from data.search.elasticsearch.logs import ElasticsearchLogs
from data.search.elasticsearch.rollover import RolloverLimits
from data.search.elasticsearch.server import ElasticsearchServer
from data.search.port import WritableIndex
from data.search.postgresql.index import PostgresIndex
from data.search.refusing_index import ELASTICSEARCH_OFF, EMBEDDED_OFF, RefusingIndex
from data.search.sqlite.index import SqliteIndex
from settings import Settings

BACKUP_KEY = "PORTAL_BACKUP_KEY"
"""Environment variable with the passphrase of backups. It is not a setting, because the commands read it too."""


MAX_SERVER_CHARS = 190
"""Most characters of the name by which jobs identify this server."""
NEW_HOME_BYTES = 8 * 1024**2
"""Bytes that a new database, its search index and its log need, with space for some sign-ins."""


def now() -> datetime:
    return datetime.now(UTC)


def server_name(settings: Settings) -> str:
    """Return the name by which jobs identify this server, from its host and its home."""
    return f"{socket.gethostname()}:{settings.home}"[-MAX_SERVER_CHARS:]


def prepare_home(settings: Settings) -> None:
    """Create the folders of the home. Raises StartFailed if they cannot be written."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        settings.models_path.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".writable"
        probe.write_bytes(b"1")
        probe.unlink()
        free = shutil.disk_usage(settings.home).free
    except OSError as problem:
        raise unwritable(settings.home, problem) from problem
    if settings.embedded and not Path(settings.database.removeprefix("sqlite:///")).exists() and free < NEW_HOME_BYTES:
        raise StartFailed(
            "The disk of {home} has {free:.1f} MB left; a new home needs {needed:.0f} MB. Free some space, or set PORTAL_HOME to a "
            "folder on another disk.",
            home=settings.home,
            free=free / 1024**2,
            needed=NEW_HOME_BYTES / 1024**2,
        )


def disk_space(settings: Settings) -> DiskSpace:
    """Return the watch on the home's disk space. It is active only if the database is there."""

    def measure() -> int | None:
        try:
            return shutil.disk_usage(settings.home).free
        except OSError:
            return None

    return DiskSpace(measure, settings.disk_reserve_mb * 1024**2 if settings.embedded else 0)


def unwritable(home: Path, problem: OSError) -> StartFailed:
    return StartFailed(
        "The folder {home} cannot be written ({reason}). Free some space, change its permissions, or set PORTAL_HOME to another folder.",
        home=home,
        reason=problem.strerror,
    )


def open_index(settings: Settings, database: Database) -> WritableIndex:
    """Open the search index of the settings."""
    sealed = settings.encrypted and not settings.index_plaintext
    if settings.elasticsearch_url:
        elasticsearch = ElasticsearchIndex(
            settings.elasticsearch_url,
            api_key=settings.elasticsearch_api_key or None,
            ca_file=settings.elasticsearch_ca or None,
            rollover=_rollover(settings),
        )
        return RefusingIndex(elasticsearch.remove, ELASTICSEARCH_OFF) if sealed else elasticsearch
    embedded = SqliteIndex(settings.home / "search.db") if database.is_sqlite else PostgresIndex(database)
    return RefusingIndex(embedded.remove, EMBEDDED_OFF) if sealed else embedded


def open_log_shipper(settings: Settings) -> LogShipper | None:
    """Open the log shipper to Elasticsearch, if it is used. It has its own connections, so that searches never wait for it."""
    if not settings.elasticsearch_url:
        return None
    server = ElasticsearchServer(
        settings.elasticsearch_url, api_key=settings.elasticsearch_api_key or None, ca_file=settings.elasticsearch_ca or None
    )
    return LogShipper(ElasticsearchLogs(server, _rollover(settings), timedelta(days=settings.log_days)))


def _rollover(settings: Settings) -> RolloverLimits:
    return RolloverLimits(settings.rollover_days, settings.rollover_mb, settings.rollover_documents)
