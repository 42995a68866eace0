"""Compose the portal from settings: the foundation, the services of each area, and the worker of their jobs."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import Any

from bootstrap.areas.alerts import AlertServices, build_alerts
from bootstrap.areas.arena import ArenaServices, build_arena
from bootstrap.areas.chat import ChatServices, build_chat
from bootstrap.areas.images import ImageServices, build_images
from bootstrap.areas.inference import InferenceServices, build_inference
from bootstrap.areas.models import LocalModels, ModelServices, build_models, open_local_models
from bootstrap.areas.operations import OperationsServices, build_operations
from bootstrap.areas.people import PeopleServices, build_people
from bootstrap.areas.plugins import open_plugins
from bootstrap.areas.programs import ProgramServices, build_programs
from bootstrap.areas.review import ReviewServices, build_names, build_review
from bootstrap.areas.workflows import WorkflowServices, build_workflows
from bootstrap.foundation import open_foundation
from bootstrap.machines import MachineServices, build_machines
from bootstrap.parts import open_log_shipper, prepare_home, unwritable
from core.asking.again import AskingAgain
from core.asking.asking import Asking
from core.chat.turns import STOPPING
from core.comparing.ports import FileComparer
from core.errors import Unavailable
from core.images.images import Images
from core.inference.ports import Router
from core.knowledge.files import MB
from core.models.ports import ModelHub, ModelPool
from core.models.swaps.ports import Successions
from core.operations.disk import DiskSpace
from core.people.ports import PasswordHasher
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from data.database import Database
from data.encryption.key_watch import KeyWatch
from data.images.reader import ProcessImageReader
from data.index.worker import IndexWorker
from data.leadership import PostgresLeadership
from data.logs.shipping import LogShipper
from data.search.port import WritableIndex
from models.serving.pool.pool import Pool
from models.serving.routing.platform_router import PlatformRouter
from models.serving.state_files.last_run import RunRecord
from settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Portal(
    OperationsServices, PeopleServices, ModelServices, InferenceServices, ProgramServices, ImageServices, ChatServices, ReviewServices,
    AlertServices, ArenaServices, WorkflowServices, MachineServices,
):  # fmt: skip
    """All services that pages and routes may call, and the parts that run them.

    The database, workers and caches appear as concrete classes, for metrics, health and the doctor.
    """

    settings: Settings
    asking: Asking
    asking_again: AskingAgain
    images: Images
    index: WritableIndex
    index_worker: IndexWorker
    jobs: Jobs
    job_worker: JobWorker
    database: Database
    disk: DiskSpace
    log_shipper: LogShipper | None
    record: RunRecord | None
    leadership: PostgresLeadership | None
    key_watch: KeyWatch | None

    @property
    def log_lines_dropped(self) -> int:
        """Return the number of log lines that Elasticsearch has not received since the start; 0 if it is not used."""
        return 0 if self.log_shipper is None else self.log_shipper.dropped

    def stopping(self) -> None:
        """Notify all requests that wait for an answer that the portal is stopping."""
        self.session_watch.stop(Unavailable(STOPPING))

    def drain(self) -> None:
        """Begin no more answers and jobs, but let running ones finish."""
        self.turns.drain()
        self.job_worker.drain()

    def working(self) -> bool:
        """Tell whether answers or jobs are running in this process."""
        return bool(self.turns.count() or self.temporary.count() or self.arena.count() or self.job_worker.count())

    def close(self) -> None:
        """Interrupt running answers and keep their text, free the models, and close the database."""
        self.stopping()
        self.sampler.close()
        self.passwords.close()
        self.turns.close()
        self.temporary.close()
        self.arena.close()
        self.platforms.close()
        self.conversations.close()
        self.job_worker.close()
        self.index_worker.close()
        if self.leadership is not None:
            self.leadership.close()
        if isinstance(self.pool, Pool):
            self.pool.close()
        self.index.close()
        if self.key_watch is not None:
            self.key_watch.close()
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
    """Build the portal from its parts. Raises StartFailed.

    `pool`, `router`, `hasher`, `successions`, `hub` and `comparer` replace the real ones in tests. record: receives crashes; closed with
    the portal. jobs_only: this process has no models, so that jobs which need one run here only if other servers offer one.
    """
    base = open_foundation(settings)
    if pool is None:
        local = open_local_models(settings, record, router)
    else:
        assert router is not None, "a pool of its own needs its router"
        local = LocalModels(pool=pool, router=router, successions=successions, comparer=comparer)
    plugins = open_plugins(settings, base.unit_of_work, base.clock)
    platforms_router = PlatformRouter(local.router, max_wait_s=settings.max_wait_s, kinds=plugins)
    image_reader = ProcessImageReader()
    images = Images(image_reader, settings.max_file_mb * MB)

    names = build_names(base)
    operations = build_operations(base, names)
    people = build_people(base, hasher)
    models = build_models(base, local, record, hub)
    inference = build_inference(base, platforms_router, images, plugins)
    programs = build_programs(base)
    grounding = build_images(base, inference, images, image_reader)
    chat = build_chat(base, inference, people.groups, programs.program_files, image_reader, operations.search)
    review = build_review(base, chat.turns, models.swaps, names)
    arena = build_arena(base, inference)
    workflows = build_workflows(base, inference, chat, images, operations.search)
    machines = build_machines(base, local.pool, chat.turns.people_waiting)
    alerts = build_alerts(
        base, local.pool, platforms_router, operations.boards, operations.sheets, plugins, checks=not jobs_only
    )

    worker = JobWorker(
        base.unit_of_work,
        base.job_kinds,
        base.clock,
        base.server,
        base.jobs.woken,
        alone=settings.embedded,
        leadership=base.leadership,
        has_model=(lambda: bool(platforms_router.models())) if jobs_only else (lambda: True),
    )
    asking = Asking(
        base.unit_of_work, chat.conversations, chat.turns, chat.follow_ups, review.side_by_side, inference.privacy, base.disk,
        settings.max_question_chars,
    )  # fmt: skip
    portal = Portal(
        settings=settings,
        asking=asking,
        asking_again=AskingAgain(base.unit_of_work, asking, review.own_feedback, inference.gateway),
        images=images,
        index=base.index,
        index_worker=base.index_worker,
        jobs=base.jobs,
        job_worker=worker,
        database=base.database,
        disk=base.disk,
        log_shipper=open_log_shipper(settings),
        record=record,
        leadership=base.postgres_leadership,
        key_watch=base.key_watch,
        **_services(operations, people, models, inference, programs, grounding, chat, review, alerts, arena, workflows, machines),
    )
    _start(portal)
    return portal


def build_recorded(
    settings: Settings,
    pool: ModelPool | None = None,
    router: Router | None = None,
    hasher: PasswordHasher | None = None,
    *,
    jobs_only: bool = False,
) -> Portal:
    """Build the portal with a record of this run, which also reports crashes of earlier runs."""
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


def _services(*areas: Any) -> dict[str, Any]:
    """Return the services of all areas by name."""
    return {field.name: getattr(area, field.name) for area in areas for field in fields(area)}


def _start(portal: Portal) -> None:
    """Recover the state that the last run left, and start the workers."""
    if portal.log_shipper is not None:
        portal.log_shipper.start()
    portal.models.record_crashes()
    if portal.leadership is not None:
        portal.leadership.start()
    # With replicas, the leader marks the turns of a dead one as interrupted once their leases have ended.
    interrupted = portal.turns.recover(everything=True) if portal.settings.embedded else 0
    if interrupted:
        log.warning("the last stop interrupted %d answers; they are marked as interrupted", interrupted)
    portal.platforms.start()
    portal.swaps.recover()
    portal.comparisons.recover()
    portal.index_worker.start()
    portal.job_worker.start()
    portal.sampler.start()
