"""Tasks on a real store with a real reader of tables; a test says what the model answers."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from core.grounding.finder import Finder
from core.images.images import Images
from core.inference.gateway import Gateway
from core.knowledge.files import MB, Files
from core.knowledge.records import StoredFile
from core.knowledge.tables.queries import TableQueries
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.search.records import SearchHit, SearchPage, SearchQuery
from core.search.search import Search
from core.tasks.handlers import JobKind
from core.tasks.jobs import Jobs
from core.tasks.worker import JobWorker
from core.unit_of_work import UnitOfWorkFactory
from core.workflows.model_work import ModelWork
from core.workflows.planner import Planner
from core.workflows.records import RUN_ENDED, Run, RunLimits, RunState, Step, StepResult, TaskFile, WorkflowTask
from core.workflows.results import WorkflowResults
from core.workflows.runs import WorkflowRuns
from core.workflows.schedules.schedules import TaskSchedules
from core.workflows.schedules.starts import ScheduledStarts
from core.workflows.steps.step_work import StepWork
from core.workflows.steps_json import read
from core.workflows.task_run import TaskRun
from core.workflows.tasks import WorkflowTasks
from core.workflows.templates.library import TaskTemplates
from core.workflows.templates.running import TemplateRuns
from data.documents.markdown_html import to_html
from data.images.reader import ProcessImageReader
from data.table_files.reader import ProcessTableReader
from samples.fakes import FakeReader, FakeRouter, answer
from tests.unit.core.conftest import MovingClock, review_names
from tests.unit.core.grounding.conftest import FakeDetectors

WAIT_S = 60.0
SALES = b"month,desk,usd\n2026-10,Rates,381\n2026-10,Credit,192\n2026-11,Rates,370\n"
QUERY = 'SELECT "desk", sum("usd") AS "usd" FROM "sales" GROUP BY 1 ORDER BY 1'
TABLE, TEXT, IMAGE = (
    TaskFile(1, "a" * 32, "sales.csv", has_tables=True),
    TaskFile(2, "b" * 32, "note.txt"),
    TaskFile(3, "c" * 32, "x.png", is_image=True),
)


def step(id: str, kind: str, text: str = "", *inputs: str, **more: Any) -> dict[str, Any]:
    return {"id": id, "kind": kind, "title": f"{kind} {id}", "inputs": list(inputs), "text": text, **more}


def steps(*found: dict[str, Any]) -> tuple[Step, ...]:
    return read(list(found))


class HeldIndex:
    """Finds the hits that a test put into it, whatever the words."""

    engine = "none"

    def __init__(self) -> None:
        self.hits: list[SearchHit] = []
        self.asked: list[SearchQuery] = []

    def search(self, query: SearchQuery) -> list[SearchHit]:
        return list(self.page(query).hits)

    def page(self, query: SearchQuery) -> SearchPage:
        self.asked.append(query)
        found = [each for each in self.hits if each.kind is query.kind]
        return SearchPage(found[: query.limit], len(found))


class UpToDate:
    def pending(self) -> int:
        return 0

    def behind(self, now: Any) -> float:
        return 0.0


class House:
    """The services of tasks, and what a test asks of them."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, router: FakeRouter, user: User, limits: RunLimits
    ) -> None:
        self.user, self.router, self.jobs, self.clock, self.unit_of_work, self.limits = user, router, jobs, clock, unit_of_work, limits
        self.index, self.detectors = HeldIndex(), FakeDetectors(answers={})
        reader = ProcessImageReader()
        images = Images(reader, 10 * MB)
        tables, gateway = ProcessTableReader(), Gateway(unit_of_work, router, clock, images=images, detectors=self.detectors)
        self.queries, privacy = TableQueries(unit_of_work, tables), PrivacyFilter(unit_of_work, clock)
        self.files = Files(unit_of_work, clock, FakeReader(), 10 * MB, tables=tables, images=reader)
        model_work = ModelWork(gateway)
        search = Search(unit_of_work, self.index, UpToDate(), clock, review_names(unit_of_work, clock))
        work = StepWork(unit_of_work, self.queries, search, Finder(unit_of_work, gateway, images, clock), images, model_work, clock)
        self.tasks = WorkflowTasks(unit_of_work, jobs, privacy, model_work, clock, limits)
        self.runs = WorkflowRuns(unit_of_work, jobs, clock, limits)
        self.templates = TaskTemplates(unit_of_work, privacy, clock, limits)
        self.template_runs = TemplateRuns(unit_of_work, self.tasks, self.runs)
        self.schedules = TaskSchedules(unit_of_work, clock)
        self.starts = ScheduledStarts(unit_of_work, jobs, clock, self.template_runs)
        self.results = WorkflowResults(unit_of_work, self.runs, privacy, clock, to_html)
        planner = Planner(unit_of_work, model_work, self.queries, clock, limits)
        runs = TaskRun(unit_of_work, work, clock, limits, longest_wait_s=0.01)
        starts = [each for each in self.starts.job_kinds() if each.every is None]
        self.kinds: Sequence[JobKind] = [*planner.job_kinds(), *runs.job_kinds(), *starts]

    def upload(self, name: str = "sales.csv", content: bytes = SALES) -> StoredFile:
        return self.files.upload(self.user, name, content)

    def order(self, *found: dict[str, Any], files: Sequence[str] = ()) -> WorkflowTask:
        return self.tasks.add(self.user, "Which desk sold most?", files, steps=steps(*found))

    def says(self, *texts: str | Any) -> None:
        for each in texts:
            self.router.next_answers.put(answer(each) if isinstance(each, str) else [each])

    def says_plan(self, *found: dict[str, Any]) -> None:
        self.says(json.dumps({"title": "Sales by desk", "steps": list(found)}))

    def planned(self, task: WorkflowTask) -> WorkflowTask:
        return until(lambda: self.tasks.get(self.user, task.id), lambda found: found.plan_job_id is None)

    def ended(self, run: Run, *states: RunState) -> tuple[Run, dict[str, StepResult]]:
        found, results = until(lambda: self.runs.get(self.user, run.id), lambda found: found[0].state in (states or RUN_ENDED))
        return found, dict(results)

    def run(self, task: WorkflowTask, **how: Any) -> tuple[Run, dict[str, StepResult]]:
        self.clock.forward(seconds=1)
        return self.ended(self.runs.start(self.user, task.id, task.version, **how), *RUN_ENDED, RunState.ASKING)


def until(read: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    ends = time.monotonic() + WAIT_S
    while time.monotonic() < ends:
        found = read()
        if holds(found):
            return found
        time.sleep(0.01)
    raise AssertionError(f"it never came true: {found}")


@pytest.fixture
def limits() -> RunLimits:
    return RunLimits()


@pytest.fixture
def house(unit_of_work: UnitOfWorkFactory, jobs: Jobs, clock: MovingClock, router: FakeRouter, ana: User, limits: RunLimits) -> House:
    return House(unit_of_work, jobs, clock, router, ana, limits)


@pytest.fixture
def at_work(house: House, working: Callable[[Sequence[JobKind]], JobWorker]) -> JobWorker:
    return working(house.kinds)
