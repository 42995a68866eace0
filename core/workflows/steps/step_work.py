"""Do one step of a run: query, search, read, chart, find boxes, or write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from core.clock import Clock
from core.errors import InvalidInput, NotFound, PromptTooLong
from core.grounding.finder import Finder
from core.grounding.phrases import checked_phrases
from core.grounding.records import GroundImage
from core.images.images import Images
from core.inference.requests import ChatMessage, ChatRole, SamplingParams
from core.knowledge.attachment import text_of
from core.knowledge.files import own_file
from core.knowledge.records import StoredFile
from core.knowledge.tables.described import described
from core.knowledge.tables.ports import TableFile
from core.knowledge.tables.queries import TableQueries
from core.knowledge.tables.records import ColumnKind, QueryResult, ResultColumn
from core.people.permissions import Permission, require
from core.people.records import User
from core.search.records import MARK_END, MARK_START, DocumentKind
from core.search.search import Search
from core.unit_of_work import UnitOfWorkFactory
from core.workflows.model_work import ModelWork, Written
from core.workflows.plan_checks import phrases_of
from core.workflows.records import Output, Run, Step, StepKind
from core.workflows.steps import sql, writing
from core.workflows.steps.charting import drawn_columns
from core.workflows.steps.rows import as_table, boxes_as_rows, table_name

MAX_ROWS, MAX_FOUND, MAX_READ = 2_000, 50, 200_000
MAX_WRITTEN, MAX_SQL = 4_000, 1_000
SQL_TRIES = 2
USED_UP = "The run has used its {tokens:,} tokens. Shorten its texts, or ask an admin to raise PORTAL_TASK_TOKENS."


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a step reads. check: raises when the run must end."""

    user: User
    run: Run
    step: Step
    outputs: Mapping[str, Output]
    """Results of earlier steps, by id."""
    request: str
    tokens_left: int
    most_tokens: int
    check: Callable[[], None]


@dataclass(slots=True, kw_only=True)
class Work:
    """What a step made, and what that took. It is filled while the step works, so that a failed step shows it too."""

    asked: str = ""
    output: Output = field(default_factory=Output)
    tries: int = 1
    prompt_tokens: int = 0
    completion_tokens: int = 0
    model: str = ""
    generations: list[str] = field(default_factory=list)
    """Ids of generation rows."""

    def add(self, written: Written) -> None:
        self.model = written.model
        self.prompt_tokens += written.prompt_tokens
        self.completion_tokens += written.completion_tokens


class StepWork:
    """Does steps. Files are read with the person's rights at that time."""

    def __init__(
        self, unit_of_work: UnitOfWorkFactory, queries: TableQueries, search: Search, finder: Finder, images: Images,
        model_work: ModelWork, clock: Clock,
    ) -> None:  # fmt: skip
        self._unit_of_work = unit_of_work
        self._queries = queries
        self._search = search
        self._finder = finder
        self._images = images
        self._model_work = model_work
        self._clock = clock

    def do(self, reading: Reading, work: Work) -> None:
        """Do a step. Raises PortalError with a sentence that says what to do."""
        match reading.step.kind:
            case StepKind.QUERY:
                self._query(reading, work)
            case StepKind.SEARCH:
                self._find(reading, work)
            case StepKind.READ:
                self._read(reading, work)
            case StepKind.CHART:
                rows = self._rows(reading)
                assert reading.step.chart is not None
                work.output = Output(rows=rows, chart=drawn_columns(reading.step.chart, rows))
            case StepKind.BOXES:
                self._boxes(reading, work)
            case StepKind.WRITE:
                self._write(reading, work)
            case StepKind.ASK:
                raise AssertionError("the run asks the person")

    def leaves_to(self, user: User, run: Run, step: Step) -> str | None:
        """Return where a step may send its inputs outside of the portal; None if they stay."""
        match step.kind:
            case StepKind.BOXES:
                return self._model_work.detects_outside(user)
            case StepKind.WRITE:
                return self._model_work.asks_outside(user, run.model)
            case StepKind.QUERY if not sql.is_sql(step.text):
                return self._model_work.asks_outside(user, run.model)
        return None

    def _files(self, reading: Reading) -> list[StoredFile]:
        """Return the files that a step reads. Raises NotFound for one that was deleted."""
        known = {each.reference: each for each in reading.run.files}
        found = []
        with self._unit_of_work() as work:
            for each in reading.step.inputs:
                if each in known:
                    try:
                        found.append(own_file(work, reading.user, known[each].id))
                    except NotFound as problem:
                        sentence = "{name} was deleted. Choose another file for the task."
                        raise NotFound(sentence, name=known[each].name) from problem
        return found

    def _rows(self, reading: Reading) -> QueryResult:
        rows = reading.outputs[reading.step.inputs[0]].rows
        if rows is None or not rows.rows:
            raise InvalidInput("The step before gives no rows to draw. Change it so that it finds some.")
        return rows

    def _query(self, reading: Reading, work: Work) -> None:
        files = self._files(reading)
        others = []
        for each in reading.step.inputs:
            if each in reading.outputs:
                rows = reading.outputs[each].rows
                if rows is None or not rows.rows:
                    raise InvalidInput("A step before gives no rows to query. Change it so that it finds some.")
                others.append(TableFile(name=f"{table_name(each)}.csv", content=as_table(rows), encoding="UTF-8"))
        ids = [each.id for each in files]
        if sql.is_sql(reading.step.text):
            work.asked = reading.step.text
            work.output = Output(rows=self._queries.run(reading.user, ids, work.asked, MAX_ROWS, others))
            return
        tables = "\n".join([described(files), *(writing.described_rows(each, reading.outputs) for each in reading.step.inputs)]).strip()
        messages = [ChatMessage(ChatRole.USER, sql.INSTRUCTIONS.format(tables=tables, words=reading.step.text))]
        for number in range(1, SQL_TRIES + 1):
            work.tries = number
            answer = self._ask(reading, work, messages, MAX_SQL, temperature=0.0)
            work.asked = sql.statement_in(answer)
            try:
                work.output = Output(rows=self._queries.run(reading.user, ids, work.asked, MAX_ROWS, others))
                return
            except InvalidInput as problem:
                if number == SQL_TRIES:
                    sentence = "The model wrote SQL that fails, twice: {problem} Say more exactly what to query, or write the SQL yourself."
                    raise InvalidInput(sentence, problem=str(problem)) from problem
                messages += [ChatMessage(ChatRole.ASSISTANT, answer), ChatMessage(ChatRole.USER, sql.WRONG.format(problem=problem))]

    def _find(self, reading: Reading, work: Work) -> None:
        work.asked = reading.step.text
        found = self._search.find(reading.user, reading.step.text, DocumentKind.MESSAGE, limit=MAX_FOUND)
        rows = tuple(
            (each.title, each.author.value if each.author else "", _unmarked(each.snippet), f"{each.at:%Y-%m-%d %H:%M:%S}")
            for each in found.items
        )
        names = (("chat", ColumnKind.TEXT), ("author", ColumnKind.TEXT), ("text", ColumnKind.TEXT), ("at", ColumnKind.TIME))
        columns = tuple(ResultColumn(name=name, kind=kind) for name, kind in names)
        work.output = Output(rows=QueryResult(columns=columns, rows=rows, more=found.total > len(rows), seconds=0.0))

    def _read(self, reading: Reading, work: Work) -> None:
        [file] = self._files(reading)
        text = self._text(file)
        work.output = Output(text=text[:MAX_READ], was_cut=len(text) > MAX_READ)

    def _text(self, file: StoredFile) -> str:
        with self._unit_of_work() as work:
            text = work.files.text(file.id)
            return text if text is not None else text_of(file.name, work.files.content(file.id), file.encoding)

    def _boxes(self, reading: Reading, work: Work) -> None:
        require(reading.user, Permission.DETECT)
        [file] = self._files(reading)
        with self._unit_of_work() as unit:
            content = unit.files.content(file.id)
        decoded = self._images.decode(reading.user, file.name, content)
        image = GroundImage(
            id=uuid4().hex, user_id=reading.user.id, name=file.name, media_type=decoded.media_type, sha256=decoded.sha256,
            size_bytes=len(decoded.content), mapping=decoded.mapping, created_at=self._clock(),
        )  # fmt: skip
        phrases = checked_phrases(phrases_of(reading.step))
        work.asked = "\n".join(phrases)
        found = self._finder.find(reading.user, image, lambda: decoded.content, phrases, None, batch=True)
        work.model = found.model
        work.output = Output(boxes=found.boxes, image=file.id, rows=boxes_as_rows(found.boxes, phrases))

    def _write(self, reading: Reading, work: Work) -> None:
        parts = [(each.name, described([each]) if each.tables else self._text(each)) for each in self._files(reading)]
        parts += [writing.part(each, reading.outputs[each.id]) for each in reading.run.steps if each.id in reading.step.inputs]
        model = self._model_work.model_for(reading.user, reading.run.model)
        room = writing.room(model)
        for number in range(1, writing.TRIES + 1):
            work.asked, was_cut = writing.prompt(reading.step.text, reading.request, parts, room)
            try:
                text = self._ask(reading, work, [ChatMessage(ChatRole.USER, work.asked)], MAX_WRITTEN)
            except PromptTooLong:
                if number == writing.TRIES:
                    raise
                room //= 2
            else:
                work.output = Output(text=text, was_cut=was_cut)
                return

    def _ask(self, reading: Reading, work: Work, messages: Sequence[ChatMessage], most: int, temperature: float | None = None) -> str:
        left = reading.tokens_left - work.prompt_tokens - work.completion_tokens
        if left < 1:
            raise InvalidInput(USED_UP, tokens=reading.most_tokens)
        params = SamplingParams(temperature=temperature, max_tokens=min(most, left))
        written = self._model_work.ask(
            reading.user, messages, reading.run.model, params, reading.check, batch=True, begun=work.generations.append
        )  # fmt: skip
        work.add(written)
        return written.text


def _unmarked(snippet: str) -> str:
    return snippet.replace(MARK_START, "").replace(MARK_END, "")
