"""Define tasks, the steps of their workflow, and runs with the results of their steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import StoredError
from core.grounding.records import Box
from core.knowledge.tables.records import ChartKind, QueryResult

MAX_TITLE_LENGTH, MAX_TEXT_LENGTH = 120, 8_000
MAX_FILES = 10
"""Most files of one task."""
MAX_INPUTS = 10
"""Most inputs of one step."""
MAX_TASKS = 500
"""Most tasks of one person."""
FILE, STEP = "file", "s"
"""How references begin: "file1" is the task's first file, "s1" the output of the step with this id."""


class StepKind(StrEnum):
    """What a step does. The set is closed: a plan with anything else is refused."""

    QUERY = "query"
    """Query tables with SQL."""
    SEARCH = "search"
    """Search the person's own chats."""
    READ = "read"
    """Read the text of a file."""
    CHART = "chart"
    """Draw the rows of an earlier step."""
    BOXES = "boxes"
    """Find boxes on an image."""
    WRITE = "write"
    """Have the model write a text."""
    ASK = "ask"
    """Ask the person, and wait for the answer."""


@dataclass(frozen=True, slots=True)
class DrawnColumns:
    """How a step draws rows. Empty columns are chosen by the shape of the rows when it runs."""

    kind: ChartKind = ChartKind.BAR
    x: str = ""
    y: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action of a workflow."""

    id: str
    """"s1" and so on. It stays when steps are reordered."""
    kind: StepKind
    title: str
    inputs: tuple[str, ...] = ()
    """Files of the task ("file1") and earlier steps ("s1")."""
    text: str = ""
    """SQL or what to query; words to search; phrases to find, one a line; what to write; the question to the person."""
    chart: DrawnColumns | None = None


@dataclass(frozen=True, slots=True)
class TaskFile:
    """A file of a task. position: the number in its reference, from 1."""

    position: int
    id: str
    name: str
    has_tables: bool = False
    is_image: bool = False

    @property
    def reference(self) -> str:
        return f"{FILE}{self.position}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowTask:
    """What a person ordered, with the steps that do it."""

    id: str
    user_id: str
    title: str
    request: str
    """What is to be done, in the person's words."""
    model: str | None
    """The model that plans and writes; None: the default model."""
    steps: tuple[Step, ...] = ()
    files: tuple[TaskFile, ...] = ()
    """Files that still exist."""
    version: int = 1
    """Counts changes of the steps, so that nobody approves steps that they have not seen."""
    planned_by: str = ""
    """The model that proposed the steps; empty if a person wrote them."""
    problem: StoredError | None = None
    """Why the last proposal failed."""
    plan_job_id: str | None = None
    """The job that proposes steps; None if there was none."""
    template_id: str | None = None
    """The template that it was made of."""
    created_at: datetime
    updated_at: datetime


class RunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    ASKING = "asking"
    """It waits for the person's answer."""
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUN_ENDED = (RunState.DONE, RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of a task, with the steps as they were approved."""

    id: str
    task_id: str
    user_id: str
    title: str
    job_id: str
    state: RunState
    steps: tuple[Step, ...]
    files: tuple[TaskFile, ...]
    model: str | None
    version: int
    """The version of the steps that was approved."""
    waits: bool = False
    """Whether it waits for the person before anything leaves the portal."""
    created_at: datetime
    ended_at: datetime | None = None
    error: StoredError | None = None
    """Why the run failed."""


class StepState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ASKING = "asking"
    SKIPPED = "skipped"
    """The person left it out, or a step that it reads."""


SETTLED = (StepState.DONE, StepState.SKIPPED)
"""States of steps that a run does not do again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What a step gives to later steps and to the person."""

    text: str = ""
    rows: QueryResult | None = None
    chart: DrawnColumns | None = None
    """How `rows` are drawn."""
    boxes: tuple[Box, ...] = ()
    image: str = ""
    """The id of the file that the boxes are on."""
    was_cut: bool = False
    """Whether the text is longer than what is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How one step of a run went. A step that has not begun has none."""

    step_id: str
    state: StepState
    started_at: datetime
    made_of: str
    """A hash of the step, its files and the results that it read. A later run takes over a result with the same hash."""
    output: Output = Output()
    asked: str = ""
    """What was asked of the table, the index or the model: SQL, words or the prompt."""
    error: StoredError | None = None
    tries: int = 1
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""
    carried: bool = False
    """Whether it was taken over from an earlier run."""
    generations: tuple[str, ...] = ()
    """Ids of the generation rows of its models, which have the costs."""
    given: bool = False
    """Whether the person gave the result instead."""


@dataclass(frozen=True, slots=True)
class RunCost:
    """What the models of a run cost. amounts: by currency. unknown: whether an answer has no price."""

    amounts: Mapping[str, float]
    unknown: bool = False


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one run may use."""

    steps: int = 20
    minutes: int = 30
    tokens: int = 50_000
