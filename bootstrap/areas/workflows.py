"""Build the services of tasks: plans, runs and results."""

from __future__ import annotations

from dataclasses import dataclass

from bootstrap.areas.chat import ChatServices
from bootstrap.areas.inference import InferenceServices
from bootstrap.foundation import Foundation
from core.grounding.finder import Finder
from core.images.images import Images
from core.search.search import Search
from core.workflows.model_work import ModelWork
from core.workflows.planner import Planner
from core.workflows.records import RunLimits
from core.workflows.results import WorkflowResults
from core.workflows.runs import WorkflowRuns
from core.workflows.schedules.schedules import TaskSchedules
from core.workflows.schedules.starts import ScheduledStarts
from core.workflows.steps.step_work import StepWork
from core.workflows.task_run import TaskRun
from core.workflows.tasks import WorkflowTasks
from core.workflows.templates.library import TaskTemplates
from core.workflows.templates.running import TemplateRuns
from data.documents.markdown_html import to_html


@dataclass(frozen=True, kw_only=True)
class WorkflowServices:
    workflow_tasks: WorkflowTasks
    workflow_runs: WorkflowRuns
    workflow_results: WorkflowResults
    task_templates: TaskTemplates
    template_runs: TemplateRuns
    task_schedules: TaskSchedules


def build_workflows(
    base: Foundation, inference: InferenceServices, chat: ChatServices, images: Images, search: Search
) -> WorkflowServices:  # fmt: skip
    settings, unit_of_work, clock, gateway = base.settings, base.unit_of_work, base.clock, inference.gateway
    limits = RunLimits(steps=settings.task_steps, minutes=settings.task_minutes, tokens=settings.task_tokens)
    model_work = ModelWork(gateway)
    finder = Finder(unit_of_work, gateway, images, clock)
    steps = StepWork(unit_of_work, chat.table_queries, search, finder, images, model_work, clock)
    runs = WorkflowRuns(unit_of_work, base.jobs, clock, limits)
    base.run_jobs_of(Planner(unit_of_work, model_work, chat.table_queries, clock, limits), TaskRun(unit_of_work, steps, clock, limits))
    tasks = WorkflowTasks(unit_of_work, base.jobs, inference.privacy, model_work, clock, limits)
    template_runs = TemplateRuns(unit_of_work, tasks, runs)
    base.run_jobs_of(ScheduledStarts(unit_of_work, base.jobs, clock, template_runs, settings.time_zone))
    return WorkflowServices(
        workflow_tasks=tasks,
        workflow_runs=runs,
        workflow_results=WorkflowResults(unit_of_work, runs, inference.privacy, clock, to_html),
        task_templates=TaskTemplates(unit_of_work, inference.privacy, clock, limits),
        template_runs=template_runs,
        task_schedules=TaskSchedules(unit_of_work, clock, settings.time_zone),
    )
