"""Build the services that programs use over REST: stored responses, files and batches."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.foundation import Foundation
from core.knowledge.files import MB
from core.programs.background import Background
from core.programs.batch_run import BatchRun
from core.programs.batches import Batches
from core.programs.files import ProgramFiles
from core.programs.responses import Responses, StorageRules


@dataclass(frozen=True, kw_only=True)
class ProgramServices:
    background: Background
    responses: Responses
    program_files: ProgramFiles
    batches: Batches


def build_programs(base: Foundation) -> ProgramServices:
    settings, unit_of_work, clock = base.settings, base.unit_of_work, base.clock
    background = Background()
    rules = StorageRules(settings.response_days, settings.store_responses)
    files = ProgramFiles(unit_of_work, clock, settings.max_batch_mb * MB, settings.program_file_days, base.disk)
    services = ProgramServices(
        background=background,
        responses=Responses(unit_of_work, base.jobs, background, clock, rules),
        program_files=files,
        batches=Batches(unit_of_work, base.jobs, files, clock),
    )
    base.run_jobs_of(services.responses, services.batches, BatchRun(unit_of_work, files, background, clock))
    return services
