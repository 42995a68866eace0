"""The composition root: settings in, a running portal out. With storekeeping.py the only module that knows the concrete classes."""

from __future__ import annotations

import json
import logging
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import settings as portal_settings
from core.accounts import Accounts, generate_password
from core.audit import AuditTrail
from core.completions import Completions
from core.conversations import Conversations
from core.embeddings import Embeddings
from core.errors import PortalError, StartFailed
from core.feedback import FeedbackQueue
from core.generation import Crash
from core.index_room import IndexRoom
from core.model_room import ModelRoom
from core.permissions import Role
from core.ports import ModelPool, PasswordHasher, Router
from core.retention import Retention
from core.search import Search
from core.sessions import Sessions
from core.store_room import StoreRoom
from core.suggestions import Suggestions
from core.turns import Turns
from core.usage import UsageReports
from data.backup.folder import SqlBackupFolder
from data.database import Database, open_database
from data.index_queue import IndexWorker
from data.inspection import SqlStoreInspector
from data.log_shipping import LogShipper
from data.migrate import migrate
from data.parked_jobs import ParkedJobs
from data.passwords import BcryptHasher
from data.reconciler import Reconciler
from data.sealing import use_keyring
from data.search.elasticsearch_index import ElasticsearchIndex
from data.search.elasticsearch_logs import ElasticsearchLogs
from data.search.elasticsearch_server import ElasticsearchServer
from data.search.port import WritableIndex
from data.search.postgres_index import PostgresIndex
from data.search.refusing_index import ELASTICSEARCH_OFF, EMBEDDED_OFF, RefusingIndex
from data.search.rollover import RolloverLimits
from data.search.sqlite_index import SqliteIndex
from data.unit_of_work import SqlUnitOfWork
from models.engine.parked_files import ParkedFiles, default_budget
from models.last_run import RunRecord, read_crashes
from models.model_facts import model_name
from models.pool import Pool
from models.router import PoolRouter
from settings import Settings

log = logging.getLogger(__name__)

GUIDE = Path(__file__).parent / "models" / "guide" / "guide.gguf"
FIRST_ADMIN = "admin"
BACKUP_KEY = "PORTAL_BACKUP_KEY"
"""No setting of the portal: the passphrase of backups, which the commands read too."""
MOST_CRASHES = 3
"""A model that ended so many runs in a row in native code is not loaded at the start any more: an admin may."""


@dataclass(frozen=True)
class Portal:
    """Everything a page or a route may call. The last ones are concretes, for metrics, health and the doctor."""

    settings: Settings
    accounts: Accounts
    sessions: Sessions
    conversations: Conversations
    turns: Turns
    completions: Completions
    embeddings: Embeddings
    feedback: FeedbackQueue
    search: Search
    suggestions: Suggestions
    audit: AuditTrail
    index_room: IndexRoom
    store_room: StoreRoom
    retention: Retention
    usage: UsageReports
    models: ModelRoom
    pool: ModelPool
    index: WritableIndex
    index_worker: IndexWorker
    reconciler: Reconciler
    database: Database
    log_shipper: LogShipper | None = None
    record: RunRecord | None = None

    @property
    def log_lines_dropped(self) -> int:
        """Lines that Elasticsearch did not get since the start; 0 where none is used."""
        return 0 if self.log_shipper is None else self.log_shipper.dropped

    def close(self) -> None:
        """Mark running answers as interrupted, with their text; free the models; close the store."""
        self.turns.close()
        self.retention.close()
        self.store_room.close()
        self.reconciler.close()
        self.index_worker.close()
        if isinstance(self.pool, Pool):
            self.pool.close()
        self.index.close()
        self.database.close()
        if self.record is not None:
            self.record.close()
        if self.log_shipper is not None:
            self.log_shipper.finish()


def build(
    settings: Settings,
    *,
    pool: ModelPool | None = None,
    router: Router | None = None,
    hasher: PasswordHasher | None = None,
    record: RunRecord | None = None,
) -> Portal:
    """Connect the parts. `pool`, `router` and `hasher` replace the real ones in tests. Raises StartFailed.

    record: what is told of crashes, before and after; closed with the portal.
    """
    prepare_home(settings)
    clock = now
    database = open_database(settings.database)
    migrate(database)
    use_keyring(database, portal_settings.master_key(settings))

    def store() -> SqlUnitOfWork:
        return SqlUnitOfWork(database)

    index = open_index(settings, database)
    if pool is None:
        own_pool = Pool(
            settings.models_path,
            GUIDE,
            notes=settings.home / "load_settings.json",
            extra_buffers=extra_buffers(settings.home),
            files=open_parked_files(settings),
            record=record,
        )
        pool, router = own_pool, router or PoolRouter(own_pool)
    assert router is not None, "a pool of its own needs its router"
    index_worker, reconciler = IndexWorker(database, index), Reconciler(database, index)
    portal = Portal(
        settings=settings,
        accounts=Accounts(store, hasher or BcryptHasher(), clock),
        sessions=Sessions(store, clock, timedelta(hours=settings.session_hours)),
        conversations=Conversations(store, index, clock),
        turns=Turns(store, router, clock, settings.max_question_chars),
        completions=Completions(store, router, clock),
        embeddings=Embeddings(store, router, clock),
        feedback=FeedbackQueue(store, index, clock),
        search=Search(store, index, index_worker, clock),
        suggestions=Suggestions(store),
        audit=AuditTrail(store, index, index_worker, clock),
        index_room=IndexRoom(store, index, index_worker, ParkedJobs(database), reconciler, clock),
        store_room=StoreRoom(
            store,
            SqlStoreInspector(database),
            SqlBackupFolder(database, settings.home / "backups"),
            clock,
            os.environ.get(BACKUP_KEY) or None,
        ),
        retention=Retention(store, clock),
        usage=UsageReports(store),
        models=ModelRoom(pool, router, store, clock, settings.models_path, record.found if record else ()),
        pool=pool,
        index=index,
        index_worker=index_worker,
        reconciler=reconciler,
        database=database,
        record=record,
        log_shipper=open_log_shipper(settings),
    )
    if portal.log_shipper is not None:
        portal.log_shipper.start()
    portal.models.note_crashes()
    interrupted = portal.turns.recover(everything=settings.embedded)
    if interrupted:
        log.warning("%d answers were cut by the last stop and are marked interrupted", interrupted)
    portal.index_worker.start()
    portal.reconciler.start()
    portal.retention.start()
    return portal


def load_first_model(portal: Portal) -> None:
    """Begin loading the model of the settings. A bad file is logged and shown on the Models page; the portal runs on."""
    chosen = portal.settings
    path = Path(chosen.model).expanduser() if chosen.model else GUIDE
    last = newest_crash(chosen.home)
    if last is not None and last.model == model_name(path) and last.in_a_row >= MOST_CRASHES and not chosen.isolated:
        log.error("the model %s ended the last %d runs in native code and is not loaded by itself again", last.model, last.in_a_row)
        return
    try:
        portal.pool.load(path, chosen.first_load, default=True)
    except PortalError as problem:
        log.error("the model %s was not loaded: %s", path, problem)


def ensure_first_admin(portal: Portal) -> str | None:
    """Create the account "admin" if there is no account yet. Returns its password if one had to be generated."""
    if portal.accounts.anybody():
        return None
    given = portal.settings.admin_password
    password = given or generate_password()
    try:
        portal.accounts.add(None, FIRST_ADMIN, Role.ADMIN, password=password, full_name="Admin")
    except PortalError as problem:
        raise StartFailed("PORTAL_ADMIN_PASSWORD cannot be used: {problem}", problem=problem) from problem
    return None if given else password


def now() -> datetime:
    return datetime.now(UTC)


def prepare_home(settings: Settings) -> None:
    """Make the folders. Raises StartFailed if they cannot be written."""
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        settings.models_path.mkdir(parents=True, exist_ok=True)
        probe = settings.home / ".writable"
        probe.write_bytes(b"1")
        probe.unlink()
    except OSError as problem:
        raise StartFailed(
            "The folder {home} cannot be written ({reason}). Free some space, change its rights, or set PORTAL_HOME to another folder.",
            home=settings.home,
            reason=problem.strerror,
        ) from problem


def open_index(settings: Settings, database: Database) -> WritableIndex:
    """The search index that the settings name."""
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
    """What sends log lines to Elasticsearch, where there is one. Its connections are its own: searches never wait for them."""
    if not settings.elasticsearch_url:
        return None
    server = ElasticsearchServer(
        settings.elasticsearch_url, api_key=settings.elasticsearch_api_key or None, ca_file=settings.elasticsearch_ca or None
    )
    return LogShipper(ElasticsearchLogs(server, _rollover(settings), timedelta(days=settings.log_days)))


def _rollover(settings: Settings) -> RolloverLimits:
    return RolloverLimits(settings.rollover_days, settings.rollover_mb, settings.rollover_documents)


def open_parked_files(settings: Settings) -> ParkedFiles | None:
    """Where conversations go that memory has no room for; None where the settings or the disk allow none."""
    if settings.parking_disk_mb == 0:
        return None
    try:
        budget = default_budget(settings.home) if settings.parking_disk_mb < 0 else settings.parking_disk_mb * 1024 * 1024
        return ParkedFiles(settings.home / "parked", budget)
    except OSError as problem:
        log.warning("conversations cannot be parked on the disk (%s); they will be computed again", problem.strerror)
        return None


def extra_buffers(home: Path) -> bool:
    """Whether the CPU backend may repack weights; the install notes here when this machine dies of it (see docs/architecture.md)."""
    try:
        noted = json.loads((home / "engine.json").read_text("utf-8"))
    except (OSError, ValueError):
        return True
    return bool(noted.get("extra_buffers", True))


def newest_crash(home: Path) -> Crash | None:
    """The last run that ended in native code, of those that are remembered."""
    return next(reversed(read_crashes(home / "logs")), None)


def open_record(settings: Settings) -> RunRecord:
    """Of this run; reads what the runs before it left. Raises StartFailed."""
    prepare_home(settings)
    try:
        return RunRecord(settings.home / "logs")
    except OSError as problem:
        raise StartFailed(
            "The folder {home} cannot be written ({reason}). Free some space, change its rights, or set PORTAL_HOME to another folder.",
            home=settings.home,
            reason=problem.strerror,
        ) from problem


def _build_recorded(
    settings: Settings, pool: ModelPool | None = None, router: Router | None = None, hasher: PasswordHasher | None = None
) -> Portal:
    record = open_record(settings)
    try:
        return build(settings, pool=pool, router=router, hasher=hasher, record=record)
    except BaseException:
        record.close()
        raise


_portal: Portal | None = None
_lock = threading.Lock()


def start(
    settings: Settings, *, pool: ModelPool | None = None, router: Router | None = None, hasher: PasswordHasher | None = None
) -> Portal:
    """Build the portal of this process; `portal()` returns it from then on."""
    global _portal
    with _lock:
        if _portal is not None:
            raise StartFailed("The portal of this process is running already.")
        _portal = _build_recorded(settings, pool, router, hasher)
        return _portal


def portal() -> Portal:
    """The portal of this process, started from the environment on first use."""
    global _portal
    with _lock:
        if _portal is None:
            chosen = portal_settings.load(os.environ)
            _portal = _build_recorded(chosen)
            ensure_first_admin(_portal)
            load_first_model(_portal)
        return _portal


def stop() -> None:
    """Close the portal of this process, if it runs."""
    global _portal
    with _lock:
        if _portal is not None:
            _portal.close()
            _portal = None
