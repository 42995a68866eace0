"""Build the services that load and compare models, and those that bring model files to this server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bootstrap.foundation import Foundation
from bootstrap.models import open_pool
from bootstrap.transfers import open_transfers
from core.comparing.comparisons import Comparisons
from core.comparing.ports import FileComparer
from core.inference.ports import Router
from core.models.ports import ModelHub, ModelPool
from core.models.reports import FileReports
from core.models.service import ModelService
from core.models.swaps.ports import Successions
from core.models.swaps.swaps import Swaps
from core.transfers.downloads import Downloads
from core.transfers.imports import Imports
from core.transfers.quantizing import Quantizing
from core.transfers.uploads import Uploads
from models.comparing.comparer import LlamaComparer
from models.gguf.catalogue import Catalogue
from models.gguf.inspector import Inspector
from models.gguf.room import Room
from models.serving.router import PoolRouter
from models.serving.state_files.last_run import RunRecord
from models.serving.state_files.start_list import START_MODELS, FileStartList
from models.serving.swapping.hot_swap import HotSwaps
from models.serving.swapping.pattern_finder import ProcessPatternFinder
from settings import Settings


@dataclass(frozen=True, kw_only=True)
class LocalModels:
    """The parts that run models in this process, or their replacements in tests."""

    pool: ModelPool
    router: Router
    successions: Successions | None = None
    comparer: FileComparer | None = None
    room: Callable[[], Room] | None = None
    """Returns the memory that a load can take now; None: all free memory of the machine."""


@dataclass(frozen=True, kw_only=True)
class ModelServices:
    pool: ModelPool
    models: ModelService
    swaps: Swaps
    comparisons: Comparisons
    downloads: Downloads
    imports: Imports
    uploads: Uploads
    quantizing: Quantizing
    file_reports: FileReports


def open_local_models(settings: Settings, record: RunRecord | None, router: Router | None) -> LocalModels:
    """Open the empty pool of this process. router: replaces the real one in tests."""
    pool = open_pool(settings, record)
    return LocalModels(
        pool=pool,
        router=router if router is not None else PoolRouter(pool),
        successions=HotSwaps(pool.versions),
        comparer=LlamaComparer(extra_buffers=pool.extra_buffers),
        room=pool.room,
    )


def build_models(base: Foundation, local: LocalModels, record: RunRecord | None, hub: ModelHub | None) -> ModelServices:
    """Build the services of models. hub: replaces the real hubs in tests."""
    settings, unit_of_work, clock, jobs, server = base.settings, base.unit_of_work, base.clock, base.jobs, base.server
    start_list = FileStartList(settings.home / START_MODELS)
    models = ModelService(local.pool, unit_of_work, clock, settings.models_path, start_list, record.found if record else ())
    finder = ProcessPatternFinder()
    downloads, imports, uploads, quantizing = open_transfers(settings, unit_of_work, jobs, clock, server, hub, local.room)
    services = ModelServices(
        pool=local.pool,
        models=models,
        swaps=Swaps(unit_of_work, clock, jobs, server, local.successions, finder, start_list, models.loaded_at_start),
        comparisons=Comparisons(unit_of_work, clock, jobs, server, local.comparer or LlamaComparer()),
        downloads=downloads,
        imports=imports,
        uploads=uploads,
        quantizing=quantizing,
        file_reports=FileReports(Inspector(), Catalogue()),
    )
    base.run_jobs_of(downloads, imports, quantizing, services.swaps, services.comparisons)
    return services
