"""Compose the portal from settings. bootstrap/parts.py and bootstrap/models.py open the parts."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import settings as portal_settings
from bootstrap.identity import open_directory, open_provider, outside_rules
from bootstrap.models import GUIDE, newest_crash, open_pool
from bootstrap.parts import BACKUP_KEY, disk_space, now, open_index, open_log_shipper, prepare_home, server_name, unwritable
from bootstrap.transfers import open_transfers
from core.access.audit_chain import AuditChain
from core.access.groups import Groups
from core.access.limits import Limits
from core.access.roles import Roles
from core.chat.context.assembly import Assembly
from core.chat.context.background import BackgroundSummaries
from core.chat.context.instructions import InstructionsService
from core.chat.context.service import ChatContext
from core.chat.context.summaries import SummaryWriter
from core.chat.conversations import Conversations
from core.chat.exports import ChatExports
from core.chat.folders import Folders
from core.chat.follow_ups.service import FollowUps
from core.chat.imports.service import ChatImports
from core.chat.marks import ConversationMarks
from core.chat.memory.proposals import MemoryProposals
from core.chat.memory.recall import Recall
from core.chat.memory.records import MemoryMode
from core.chat.memory.service import Memories
from core.chat.temporary import TemporaryChats
from core.chat.turns import STOPPING, Turns
from core.chat.written_titles import TitleWriter
from core.comparing.comparisons import Comparisons
from core.comparing.ports import FileComparer
from core.errors import Conflict, PortalError, StartFailed, StoredError, Unavailable
from core.grounding.batch_run import GroundBatchRun
from core.grounding.batches import GroundBatches
from core.grounding.finder import Finder
from core.grounding.grounding import Grounding
from core.identity.directory import DirectoryAccounts
from core.identity.outside_accounts import OutsideAccounts
from core.identity.second_factor import SecondFactors
from core.identity.single_sign_on import SingleSignOn
from core.images.images import Images
from core.inference.access import ModelAccess
from core.inference.embedding_cache import EmbeddingCache
from core.inference.gateway import Gateway
from core.inference.ports import Router
from core.inference.presets import Presets
from core.knowledge.files import MB, Files
from core.models.ports import ModelHub, ModelPool, Successions
from core.models.records import StartModel
from core.models.reports import FileReports
from core.models.service import ModelService
from core.models.swaps import Swaps
from core.operations.backups import Backups
from core.operations.disk import ENDLESS, DiskSpace
from core.operations.index_care import IndexCare
from core.operations.retention import Retention
from core.passwords.rules import generate_password
from core.people.accounts import Accounts
from core.people.api_keys import ApiKeys
from core.people.audit import AuditTrail
from core.people.devices import Devices
from core.people.fair_pool import FairPool
from core.people.ports import PasswordHasher
from core.people.records import Role
from core.people.session_watch import SessionWatch
from core.people.sessions import Sessions
from core.people.sign_in import PooledHasher, SignIn
from core.people.sign_in import open_pool as open_password_pool
from core.platforms.oversight import PlatformOversight
from core.platforms.platforms_file import PlatformsFile
from core.platforms.service import PlatformService
from core.privacy.filter import PrivacyFilter
from core.programs.background import Background
from core.programs.batch_run import BatchRun
from core.programs.batches import Batches
from core.programs.files import ProgramFiles
from core.programs.responses import Responses, StorageRules
from core.prompts.library import PromptLibrary
from core.review.feedback import FeedbackQueue
from core.review.side_by_side import SideBySide
from core.search.search import Search
from core.search.suggestions import Suggestions
from core.sharing.shares import Shares
from core.tasks.jobs import Jobs
from core.tasks.leadership import ALONE
from core.tasks.worker import JobWorker
from core.transfers.downloads import Downloads
from core.transfers.imports import Imports
from core.transfers.quantizing import Quantizing
from core.transfers.uploads import Uploads
from core.usage.reports import UsageReports
from data.backup.folder import SqlBackupFolder
from data.database import Database, open_database
from data.documents.encoding_detector import CharsetDetector
from data.documents.markdown_html import to_html
from data.documents.reader import ProcessDocumentReader
from data.encryption.sealing import use_keyring
from data.images.reader import ProcessImageReader
from data.index.parked_jobs import ParkedJobs
from data.index.reconciler import Reconciler
from data.index.worker import IndexWorker
from data.inspection import SqlStoreInspector
from data.leadership import PostgresLeadership
from data.log_shipping import LogShipper
from data.migrate import migrate
from data.own_patterns import Re2Patterns
from data.passwords import Argon2Hasher
from data.search.port import WritableIndex
from data.unit_of_work import SqlUnitOfWork
from models.comparing.comparer import LlamaComparer
from models.gguf.catalogue import Catalogue
from models.gguf.facts import model_name
from models.gguf.inspector import Inspector
from models.platforms.configuration.form_text import YamlFormText
from models.platforms.configuration.reader import YamlConfigurationReader
from models.serving.notes.last_run import RunRecord
from models.serving.notes.start_list import START_MODELS, FileStartList
from models.serving.pool import Pool
from models.serving.precedence import give_way as give_way
from models.serving.router import PoolRouter
from models.serving.routing.platform_router import PlatformRouter
from models.serving.swapping.hot_swap import HotSwaps
from models.serving.swapping.pattern_finder import ProcessPatternFinder
from settings import Settings

log = logging.getLogger(__name__)

FIRST_ADMIN = "admin"
MOST_CRASHES = 3
"""A model that crashed this many runs in a row in native code is no longer loaded at startup; an admin can load it."""


@dataclass(frozen=True)
class Portal:
    """Everything that a page or a route may call. The last fields are concrete classes, for metrics, health and the doctor."""

    settings: Settings
    accounts: Accounts
    roles: Roles
    groups: Groups
    limits: Limits
    privacy: PrivacyFilter
    sign_in: SignIn
    sessions: Sessions
    second_factors: SecondFactors
    single_sign_on: SingleSignOn
    directory: DirectoryAccounts | None
    api_keys: ApiKeys
    session_watch: SessionWatch
    devices: Devices
    conversations: Conversations
    marks: ConversationMarks
    instructions: InstructionsService
    context: ChatContext
    memories: Memories
    prompts: PromptLibrary
    exports: ChatExports
    chat_imports: ChatImports
    shares: Shares
    folders: Folders
    turns: Turns
    follow_ups: FollowUps
    temporary: TemporaryChats
    files: Files
    images: Images
    grounding: Grounding
    ground_batches: GroundBatches
    gateway: Gateway
    embedding_cache: EmbeddingCache
    presets: Presets
    model_access: ModelAccess
    background: Background
    responses: Responses
    program_files: ProgramFiles
    batches: Batches
    feedback: FeedbackQueue
    side_by_side: SideBySide
    search: Search
    suggestions: Suggestions
    audit: AuditTrail
    audit_chain: AuditChain
    index_care: IndexCare
    backups: Backups
    retention: Retention
    usage: UsageReports
    models: ModelService
    swaps: Swaps
    comparisons: Comparisons
    downloads: Downloads
    imports: Imports
    uploads: Uploads
    quantizing: Quantizing
    file_reports: FileReports
    platforms: PlatformService
    oversight: PlatformOversight
    pool: ModelPool
    index: WritableIndex
    index_worker: IndexWorker
    jobs: Jobs
    job_worker: JobWorker
    database: Database
    passwords: FairPool
    log_shipper: LogShipper | None = None
    record: RunRecord | None = None
    disk: DiskSpace = ENDLESS
    leadership: PostgresLeadership | None = None

    @property
    def log_lines_dropped(self) -> int:
        """Log lines that Elasticsearch did not receive since the start; 0 if it is not used."""
        return 0 if self.log_shipper is None else self.log_shipper.dropped

    def stopping(self) -> None:
        """Tell everyone who waits for an answer that the portal is stopping."""
        self.session_watch.stop(Unavailable(STOPPING))

    def drain(self) -> None:
        """Begin no more answers and jobs; those that run go on."""
        self.turns.drain()
        self.job_worker.drain()

    def working(self) -> bool:
        """Tell whether answers or jobs run here."""
        return bool(self.turns.count() or self.temporary.count() or self.job_worker.count())

    def close(self) -> None:
        """Mark running answers as interrupted, with their text; free the models; close the database."""
        self.stopping()
        self.passwords.close()
        self.turns.close()
        self.temporary.close()
        self.platforms.close()
        self.conversations.close()
        self.job_worker.close()
        self.index_worker.close()
        if self.leadership is not None:
            self.leadership.close()
        if isinstance(self.pool, Pool):
            self.pool.close()
        self.index.close()
        self.database.close()
        if self.record is not None:
            self.record.close()
        if self.log_shipper is not None:
            self.log_shipper.finish()


def build_portal(
    settings: Settings,
    *,
    pool: ModelPool | None = None,
    router: Router | None = None,
    hasher: PasswordHasher | None = None,
    successions: Successions | None = None,
    record: RunRecord | None = None,
    hub: ModelHub | None = None,
    comparer: FileComparer | None = None,
    jobs_only: bool = False,
) -> Portal:
    """Connect the parts. `pool`, `router`, `hasher`, `successions`, `hub` and `comparer` replace the real ones in
    tests. Raises StartFailed.

    record: receives crashes; closed with the portal. jobs_only: this process has no model of its own, so jobs that need one run here only
    if other servers offer one.
    """
    prepare_home(settings)
    clock = now
    database = open_database(settings.database)
    migrate(database)
    leadership = None if database.is_sqlite else PostgresLeadership(database)
    use_keyring(database, portal_settings.master_key(settings))

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(database)

    index = open_index(settings, database)
    if pool is None:
        own_pool = open_pool(settings, record)
        successions = HotSwaps(own_pool.versions)
        comparer = LlamaComparer(extra_buffers=own_pool.extra_buffers)
        pool, router = own_pool, router if router is not None else PoolRouter(own_pool)
    assert router is not None, "a pool of its own needs its router"
    platforms_router = PlatformRouter(router, max_wait_s=settings.max_wait_s)
    disk = disk_space(settings)
    hasher, passwords = hasher or Argon2Hasher(), open_password_pool(os.cpu_count() or 1)
    index_worker = IndexWorker(database, index)
    server = server_name(settings)
    jobs = Jobs(unit_of_work, clock)
    index_care = IndexCare(unit_of_work, jobs, index, index_worker, ParkedJobs(database), Reconciler(database, index), clock)
    folder = SqlBackupFolder(database, settings.home / "backups")
    backups = Backups(unit_of_work, jobs, SqlStoreInspector(database), folder, clock, server, os.environ.get(BACKUP_KEY) or None, disk)
    retention = Retention(unit_of_work, clock)
    background = Background()
    rules = StorageRules(settings.response_days, settings.store_responses)
    responses = Responses(unit_of_work, jobs, background, clock, rules)
    audit_chain = AuditChain(unit_of_work, clock)
    start_list = FileStartList(settings.home / START_MODELS)
    models = ModelService(pool, unit_of_work, clock, settings.models_path, start_list, record.found if record else ())
    swaps = Swaps(unit_of_work, clock, jobs, server, successions, ProcessPatternFinder(), start_list, models.loaded_at_start)
    comparisons = Comparisons(unit_of_work, clock, jobs, server, comparer or LlamaComparer())
    downloads, imports, uploads, quantizing = open_transfers(settings, unit_of_work, jobs, clock, server, hub)
    kinds = [*index_care.job_kinds(), *backups.job_kinds(), *retention.job_kinds(), *responses.job_kinds()]
    kinds += [*downloads.job_kinds(), *imports.job_kinds(), *quantizing.job_kinds(), *swaps.job_kinds(), *audit_chain.job_kinds()]
    kinds += comparisons.job_kinds()
    program_files = ProgramFiles(unit_of_work, clock, settings.max_batch_mb * MB, settings.program_file_days, disk)
    chat_imports = ChatImports(unit_of_work, clock, jobs, program_files)
    kinds += chat_imports.job_kinds()
    batches = Batches(unit_of_work, jobs, program_files, clock)
    kinds += [*batches.job_kinds(), *BatchRun(unit_of_work, program_files, background, clock).job_kinds()]
    privacy = PrivacyFilter(unit_of_work, clock, Re2Patterns())
    image_reader = ProcessImageReader()
    images = Images(image_reader, settings.max_file_mb * MB)
    cache = EmbeddingCache(unit_of_work, clock, settings.embedding_cache_mb * MB)
    kinds += cache.job_kinds()
    gateway = Gateway(
        unit_of_work, platforms_router, clock, privacy, images, cache if cache.most_bytes else None, detectors=platforms_router
    )
    finder = Finder(unit_of_work, gateway, images, clock)
    grounding = Grounding(unit_of_work, clock, images, finder, image_reader, privacy, disk)
    ground_batches = GroundBatches(
        unit_of_work, jobs, clock, privacy, most_bytes=images.max_bytes, most_total=settings.max_batch_mb * MB, disk=disk
    )
    kinds += [*grounding.job_kinds(), *GroundBatchRun(unit_of_work, images, finder, clock).job_kinds()]
    temporary = TemporaryChats(unit_of_work, gateway, clock, settings.max_question_chars, on=settings.temporary_chats)
    writes_titles = jobs if settings.model_titles else None
    writer = SummaryWriter(unit_of_work, clock)
    remembers = MemoryMode(settings.memory)
    assembly = Assembly(unit_of_work, gateway, writer, Recall(unit_of_work, remembers, settings.memory_tokens))
    summaries = BackgroundSummaries(unit_of_work, gateway, assembly, writer, jobs, lambda: turns.count() + temporary.count())
    proposals = MemoryProposals(unit_of_work, gateway, jobs, clock, remembers, lambda: turns.count() + temporary.count())
    turns = Turns(
        unit_of_work, gateway, clock, settings.max_question_chars, settings.max_file_mb * MB, disk, writes_titles,
        leadership or ALONE, shared=not settings.embedded, assembly=assembly, summaries=summaries, memories=proposals,
    )  # fmt: skip
    kinds += TitleWriter(unit_of_work, gateway, lambda: turns.count() + temporary.count()).job_kinds()
    kinds += [*summaries.job_kinds(), *proposals.job_kinds()]
    feedback = FeedbackQueue(unit_of_work, index, clock, Re2Patterns())
    factor_roles = portal_settings.listed(settings.second_factor_roles)
    groups = Groups(unit_of_work, clock)
    accounts = Accounts(unit_of_work, PooledHasher(hasher, passwords), clock)
    sessions = Sessions(
        unit_of_work, clock, timedelta(hours=settings.session_hours), timedelta(minutes=settings.session_idle_minutes) or None,
        factor_roles,
    )
    outside = OutsideAccounts(unit_of_work, clock, accounts, hasher, outside_rules(settings))
    directory = open_directory(settings)
    in_directory = DirectoryAccounts(unit_of_work, directory, outside, accounts) if directory is not None else None
    kinds += in_directory.job_kinds() if in_directory is not None else []
    portal = Portal(
        settings=settings,
        accounts=accounts,
        roles=Roles(unit_of_work, clock),
        groups=groups,
        limits=gateway.limits,
        privacy=privacy,
        sign_in=SignIn(unit_of_work, hasher, clock, passwords, in_directory),
        sessions=sessions,
        single_sign_on=SingleSignOn(
            unit_of_work, clock, open_provider(settings), outside, sessions, settings.public_url, settings.oidc_name
        ),
        directory=in_directory,
        second_factors=SecondFactors(unit_of_work, clock, factor_roles),
        api_keys=ApiKeys(unit_of_work, clock),
        session_watch=SessionWatch(unit_of_work, clock),
        devices=Devices(unit_of_work, clock),
        conversations=Conversations(unit_of_work, index, clock),
        marks=ConversationMarks(unit_of_work, clock),
        context=ChatContext(unit_of_work, gateway, clock),
        instructions=InstructionsService(unit_of_work, groups, privacy, clock),
        memories=Memories(unit_of_work, privacy, clock, remembers),
        prompts=PromptLibrary(unit_of_work, privacy, clock),
        chat_imports=chat_imports,
        exports=ChatExports(unit_of_work, clock, to_html),
        shares=Shares(unit_of_work, clock, privacy),
        folders=Folders(unit_of_work, clock),
        turns=turns,
        follow_ups=FollowUps(unit_of_work, clock, turns, settings.max_question_chars),
        temporary=temporary,
        files=Files(unit_of_work, clock, ProcessDocumentReader(), settings.max_file_mb * MB, disk, CharsetDetector(), image_reader),
        images=images,
        grounding=grounding,
        ground_batches=ground_batches,
        gateway=gateway,
        embedding_cache=cache,
        presets=Presets(unit_of_work, clock),
        model_access=ModelAccess(unit_of_work, clock),
        background=background,
        responses=responses,
        program_files=program_files,
        batches=batches,
        feedback=feedback,
        side_by_side=SideBySide(unit_of_work, clock, turns, feedback),
        search=Search(unit_of_work, index, index_worker, clock),
        suggestions=Suggestions(unit_of_work),
        audit_chain=audit_chain,
        audit=AuditTrail(unit_of_work, index, index_worker, clock),
        index_care=index_care,
        backups=backups,
        retention=retention,
        usage=UsageReports(unit_of_work, clock),
        models=models,
        swaps=swaps,
        comparisons=comparisons,
        downloads=downloads,
        imports=imports,
        oversight=PlatformOversight(unit_of_work, clock, platforms_router, gateway, cache),
        uploads=uploads,
        quantizing=quantizing,
        file_reports=FileReports(Inspector(), Catalogue()),
        platforms=PlatformService(
            unit_of_work,
            clock,
            YamlConfigurationReader(settings.platforms_path.name, os.environ),
            PlatformsFile(settings.platforms_path),
            platforms_router,
            YamlFormText(settings.platforms_path.name),
        ),
        pool=pool,
        index=index,
        index_worker=index_worker,
        jobs=jobs,
        job_worker=JobWorker(
            unit_of_work, kinds, clock, server, jobs.woken, alone=settings.embedded, leadership=leadership or ALONE,
            has_model=(lambda: bool(platforms_router.models())) if jobs_only else (lambda: True),
        ),
        database=database,
        passwords=passwords,
        record=record,
        disk=disk,
        log_shipper=open_log_shipper(settings),
        leadership=leadership,
    )
    if portal.log_shipper is not None:
        portal.log_shipper.start()
    portal.models.note_crashes()
    if leadership is not None:
        leadership.start()
    # Where other replicas run, the leader marks what a dead one left, once its leases are over.
    interrupted = portal.turns.recover(everything=True) if settings.embedded else 0
    if interrupted:
        log.warning("the last stop interrupted %d answers; they are marked as interrupted", interrupted)
    portal.platforms.start()
    portal.swaps.recover()
    portal.comparisons.recover()
    portal.index_worker.start()
    portal.job_worker.start()
    return portal


def load_models(portal: Portal) -> None:
    """Start loading the model of the settings and those that admins keep. The portal also runs without one that cannot be loaded."""
    chosen = portal.settings
    path = Path(chosen.model).expanduser() if chosen.model else GUIDE
    last = newest_crash(chosen.home)
    refusals: dict[str, StoredError] = {}
    if last is not None and last.in_a_row >= MOST_CRASHES:
        words = "It crashed the last {n} runs in llama.cpp. Load it on the Models page, in its own process."
        refusals[last.model] = StoredError(words, {"n": last.in_a_row})
    portal.models.load_at_start(StartModel(name=model_name(path), path=path, settings=chosen.first_load, default=True), refusals)


def ensure_first_admin(portal: Portal) -> str | None:
    """Create the account "admin" if there is no account yet. Returns its password if one was generated."""
    if portal.accounts.anybody():
        return None
    given = portal.settings.admin_password
    password = given or generate_password()
    try:
        portal.accounts.add(None, FIRST_ADMIN, Role.ADMIN, password=password, full_name="Admin")
    except Unavailable as problem:
        raise StartFailed("{problem}", problem=problem) from problem
    except Conflict:
        return None  # Another process that starts on the same database was first.
    except PortalError as problem:
        raise StartFailed("PORTAL_ADMIN_PASSWORD cannot be used: {problem}", problem=problem) from problem
    return None if given else password


def _build_recorded(
    settings: Settings,
    pool: ModelPool | None = None,
    router: Router | None = None,
    hasher: PasswordHasher | None = None,
    *,
    jobs_only: bool = False,
) -> Portal:
    """Build the portal with a record of this run, which also reads what earlier runs left."""
    prepare_home(settings)
    try:
        record = RunRecord(settings.home / "logs")
    except OSError as problem:
        raise unwritable(settings.home, problem) from problem
    try:
        return build_portal(settings, pool=pool, router=router, hasher=hasher, record=record, jobs_only=jobs_only)
    except BaseException:
        record.close()
        raise
