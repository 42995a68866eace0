"""Read the result of a run: export it, or go on with it in a chat."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from uuid import uuid4

from core.chat.records import Author, Conversation, Message, MessageStatus
from core.clock import Clock
from core.errors import Conflict, NotFound
from core.knowledge.tables.csv_rows import as_csv
from core.knowledge.tables.records import QueryResult
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWorkFactory
from core.workflows.plan_checks import last_steps, without_skipped
from core.workflows.records import Run, Step, StepKind, StepResult, StepState
from core.workflows.runs import WorkflowRuns

ToHtml = Callable[[str], str]
"""Converts untrusted Markdown to HTML that loads nothing and runs nothing."""
MAX_CHAT_LENGTH = 30_000
"""Most characters of a result that opens as a chat, so that a model still has room for questions."""
_FENCE = re.compile(r"`{3,}")


class ResultFormat(StrEnum):
    MARKDOWN = "markdown"
    HTML = "html"
    CSV = "csv"


ENDINGS = {
    ResultFormat.MARKDOWN: ("md", "text/markdown; charset=utf-8"),
    ResultFormat.HTML: ("html", "text/html; charset=utf-8"),
    ResultFormat.CSV: ("csv", "text/csv; charset=utf-8"),
}


@dataclass(frozen=True, slots=True)
class ResultFile:
    """An exported result."""

    name: str
    media_type: str
    content: bytes


class WorkflowResults:
    def __init__(self, unit_of_work: UnitOfWorkFactory, runs: WorkflowRuns, privacy: PrivacyFilter, clock: Clock, to_html: ToHtml) -> None:
        self._unit_of_work = unit_of_work
        self._runs = runs
        self._privacy = privacy
        self._clock = clock
        self._to_html = to_html

    def last(self, user: User, run_id: str) -> Sequence[tuple[Step, StepResult]]:
        """Return the steps that make up the result, as far as they are done. Raises NotFound."""
        run, results = self._runs.get(user, run_id)
        return _last(run, results)

    def export(self, user: User, run_id: str, format: ResultFormat, step_id: str | None = None) -> ResultFile:
        """Return the result as a file, masked if the policy of the group says so. step_id: the step whose rows become CSV.

        Raises NotAllowed, NotFound, and Conflict if there is nothing to export yet.
        """
        require(user, Permission.EXPORT)
        run, results = self._runs.get(user, run_id)
        shown = _last(run, results)
        change = self._privacy.exported(user)
        if format is ResultFormat.CSV:
            content = change(as_csv(_rows(run, results, shown, step_id)).decode("utf-8")).encode("utf-8")
        else:
            if not shown:
                raise Conflict("This run has no result yet.")
            text = change(_markdown(run, shown))
            content = (text if format is ResultFormat.MARKDOWN else self._page(run, text)).encode("utf-8", "replace")
        with self._unit_of_work() as work:
            record(work, self._clock(), user.id, "task.export", run.task_id, format=format.value, run=run.id)
            work.commit()
        ending, media_type = ENDINGS[format]
        return ResultFile(f"task.{ending}", media_type, content)

    def open_as_chat(self, user: User, run_id: str) -> str:
        """Begin a chat with the request and the result, to go on asking; returns its id. Raises NotFound, Conflict (no result yet)."""
        require(user, Permission.CHAT)
        run, results = self._runs.get(user, run_id)
        shown = _last(run, results)
        if not shown:
            raise Conflict("This run has no result yet.")
        now, chat, asked, answered = self._clock(), uuid4().hex, uuid4().hex, uuid4().hex
        with self._unit_of_work() as work:
            task = work.workflows.get(run.task_id)
            request = task.request if task is not None else run.title
            work.conversations.add(
                Conversation(id=chat, user_id=user.id, title=run.title, created_at=now, updated_at=now, head_id=answered)
            )  # fmt: skip
            text = _markdown(run, shown)[:MAX_CHAT_LENGTH]
            for id, parent, author, words in ((asked, None, Author.USER, request), (answered, asked, Author.ASSISTANT, text)):
                work.messages.add(
                    Message(
                        id=id, conversation_id=chat, parent_id=parent, author=author, text=words, status=MessageStatus.DONE, created_at=now
                    )
                )  # fmt: skip
            work.commit()
        return chat

    def _page(self, run: Run, text: str) -> str:
        return _PAGE.format(title=escape(run.title), body=self._to_html(text))


def _last(run: Run, results: Mapping[str, StepResult]) -> list[tuple[Step, StepResult]]:
    last = last_steps(without_skipped(run.steps, results))
    return [(step, results[step.id]) for step in last if step.id in results and results[step.id].state is StepState.DONE]


def _rows(run: Run, results: Mapping[str, StepResult], shown: Sequence[tuple[Step, StepResult]], step_id: str | None) -> QueryResult:
    """Return the rows of a step; without an id, of the last step with rows, in the result or before it."""
    if step_id is not None and step_id not in {each.id for each in run.steps}:
        raise NotFound("The run has no step {step}.", step=step_id[:20])
    ids = [step_id] if step_id is not None else [*(step.id for step, _ in reversed(shown)), *(step.id for step in reversed(run.steps))]
    for each in ids:
        rows = results[each].output.rows if each in results else None
        if rows is not None:
            return rows
    raise Conflict("There are no rows to export.")


def _markdown(run: Run, shown: Sequence[tuple[Step, StepResult]]) -> str:
    parts = [f"# {_line(run.title)}"]
    for step, result in shown:
        parts.append(f"## {_line(step.title)}")
        if result.output.text:
            parts.append(result.output.text if step.kind is StepKind.WRITE else _quoted(result.output.text))
        if result.output.rows is not None:
            parts.append(_table(result.output.rows))
    return "\n\n".join(parts) + "\n"


def _quoted(text: str) -> str:
    """Return the text of a document as a block of code, whose fence it cannot close."""
    longest = max((len(found) for found in _FENCE.findall(text)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}text\n{text}\n{fence}"


def _table(rows: QueryResult) -> str:
    lines = [[each.name for each in rows.columns], ["---"] * len(rows.columns)]
    lines += [["" if cell is None else str(cell) for cell in row] for row in rows.rows]
    table = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
    return f"{table}\n\nOnly the first {len(rows.rows)} rows are shown." if rows.more else table


def _cell(text: str) -> str:
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").split())


def _line(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", text)


_PAGE = """<!doctype html>
<html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title><style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }} th, td {{ border-bottom: 1px solid #ddd; padding: .25rem .75rem; text-align: left; }}
pre {{ white-space: pre-wrap; }}
</style></head><body>
{body}
</body></html>
"""
