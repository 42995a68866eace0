"""Say kinds of steps, states of runs and what a step took."""

from __future__ import annotations

from core.workflows.records import Run, RunCost, RunState, Step, StepKind, StepResult, StepState, WorkflowTask
from pages.shell.words import listed, t
from pages.widgets.common.formats import amount, seconds

KINDS = {
    StepKind.QUERY: "Query a table",
    StepKind.SEARCH: "Search your chats",
    StepKind.READ: "Read a document",
    StepKind.CHART: "Draw a chart",
    StepKind.BOXES: "Find boxes on an image",
    StepKind.WRITE: "Write a text",
    StepKind.ASK: "Ask you",
}
DOES = {
    StepKind.QUERY: "reads tables",
    StepKind.SEARCH: "searches your chats",
    StepKind.READ: "reads a document",
    StepKind.CHART: "draws a chart",
    StepKind.BOXES: "looks at an image",
    StepKind.WRITE: "asks the model",
    StepKind.ASK: "asks you",
}
KIND_ICONS = {
    StepKind.QUERY: "table_chart",
    StepKind.SEARCH: "search",
    StepKind.READ: "description",
    StepKind.CHART: "bar_chart",
    StepKind.BOXES: "image_search",
    StepKind.WRITE: "notes",
    StepKind.ASK: "person",
}
TEXTS = {
    StepKind.QUERY: "SQL, or what to query",
    StepKind.SEARCH: "Words to search for",
    StepKind.BOXES: "What to find, one phrase per line",
    StepKind.WRITE: "What to write",
    StepKind.ASK: "The question",
}
"""Labels of the text of a step; kinds without one are missing."""
_STATES = {
    RunState.WAITING: "Waiting",
    RunState.RUNNING: "Running",
    RunState.ASKING: "Asks you",
    RunState.DONE: "Done",
    RunState.FAILED: "Failed",
    RunState.CANCELLED: "Cancelled",
}
_ICONS = {
    RunState.WAITING: ":gray[:material/schedule:]",
    RunState.RUNNING: ":blue[:material/progress_activity:]",
    RunState.ASKING: ":orange[:material/person:]",
    RunState.DONE: ":green[:material/check_circle:]",
    RunState.FAILED: ":red[:material/error:]",
    RunState.CANCELLED: ":gray[:material/cancel:]",
}
STEP_ICONS = {
    StepState.RUNNING: ":blue[:material/progress_activity:]",
    StepState.ASKING: ":orange[:material/person:]",
    StepState.DONE: ":green[:material/check_circle:]",
    StepState.FAILED: ":red[:material/error:]",
    StepState.SKIPPED: ":gray[:material/remove:]",
}


def state_badge(task: WorkflowTask, run: Run | None) -> str:
    """Return the state of a task as an icon and a word."""
    if task.plan_job_id is not None:
        return f":blue[:material/progress_activity:] {t('The model proposes steps')}"
    if run is None:
        return f":gray[{t('Not run yet')}]"
    return f"{_ICONS[run.state]} {t(_STATES[run.state])}"


def cost_words(cost: RunCost) -> str:
    """Return what a run cost: 0.02 USD, "unknown", or both."""
    known = " + ".join(f"{amount(value)} {currency}".strip() for currency, value in sorted(cost.amounts.items()))
    if cost.unknown:
        return f"{known} + {t('unknown')}" if known else t("unknown")
    return known or t("nothing")


def took(result: StepResult) -> str:
    """Return what a step took: time, tokens, model and tries."""
    facts = [time] if (time := took_time(result)) else []
    if result.carried:
        return " ".join(facts)
    if tokens := result.prompt_tokens + result.completion_tokens:
        facts.append(t("{n} tokens", n=tokens))
    if result.model:
        facts.append(result.model)
    if result.tries > 1:
        facts.append(t("{n} tries", n=result.tries))
    return " · ".join(facts)


def took_time(result: StepResult) -> str:
    """Return how long a step took, or why it took no time; "" while it runs."""
    if result.state is StepState.SKIPPED:
        return t("left out")
    if result.given:
        return t("given by you")
    if result.carried:
        return t("kept from an earlier run")
    return seconds(result.seconds) if result.state in (StepState.DONE, StepState.FAILED) else ""


def input_names(step: Step, task: WorkflowTask) -> str:
    """Return what a step reads: names of files, and "step 1"."""
    numbers = {each.id: number for number, each in enumerate(task.steps, 1)}
    return listed(input_name(each, task, numbers) for each in step.inputs)


def input_name(reference: str, task: WorkflowTask, numbers: dict[str, int]) -> str:
    if reference in numbers:
        return t("step {n}", n=numbers[reference])
    return next((each.name for each in task.files if each.reference == reference), reference)
