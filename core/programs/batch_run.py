"""Answer the requests of a batch in a job: several at once, in the order of the file, resuming after a restart."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass, field

from core.clock import Clock
from core.errors import Busy, InvalidInput, PortalError, StoredError, Unavailable
from core.people.records import User
from core.programs.background import Background
from core.programs.batch_lines import Line, answered_line, failed_line, line_of, lines_of
from core.programs.batches import RUN
from core.programs.files import ProgramFiles
from core.programs.on_behalf import Requester
from core.programs.ports import RequestAnswerer
from core.programs.records import BATCH_ENDED, Batch, BatchStatus
from core.tasks.handlers import POLL_S, Cancelled, JobKind, Report, pause
from core.tasks.records import Job, Json
from core.unit_of_work import UnitOfWorkFactory

MAX_LINES = 50_000
BATCHES_AT_ONCE = 2
"""Most batches that one server answers at the same time."""
LINES_AT_ONCE = 4
MAX_UNFINISHED_LINES = 16
"""Most lines in progress or waiting for earlier lines; a restart asks at most these again."""
SAVE_S = 1.0
SAVE_LINES = 500
COUNTED_AT_ONCE = 1000
MAX_WAIT_S = 30.0
UNAVAILABLE_TRIES = 5
"""Most tries of a line while no model is available."""
EXPIRED = "batch_expired"
EXPIRED_WORDS = "The batch expired before this line was answered."


@dataclass(frozen=True, slots=True)
class _Result:
    line: Line
    text: bytes = b""
    succeeded: bool = False
    expired: bool = False


class _NewRights(Exception):
    """The requester's rights changed while a line was answered: it is asked again with the new ones."""


@dataclass(slots=True)
class _Unsaved:
    """Results that are not stored yet, in the order of the lines."""

    position: int
    """Number of lines whose results are stored."""
    lines: int = 0
    completed: list[bytes] = field(default_factory=list)
    failed: list[bytes] = field(default_factory=list)

    def add(self, result: _Result) -> None:
        self.lines += 1
        if result.text:
            (self.completed if result.succeeded else self.failed).append(result.text)


class BatchRun:
    """Runs the jobs of batches."""

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        files: ProgramFiles,
        background: Background,
        clock: Clock,
        longest_wait_s: float = MAX_WAIT_S,
    ) -> None:
        """longest_wait_s: longest wait between tries of a line while the models are busy or unavailable."""
        self._unit_of_work = unit_of_work
        self._files = files
        self._background = background
        self._clock = clock
        self._longest_wait_s = longest_wait_s

    def job_kinds(self) -> list[JobKind]:
        return [JobKind(RUN, self.run, most_tries=10, resumable=True, at_once=BATCHES_AT_ONCE, needs_model=True)]

    def run(self, job: Job, report: Report) -> Mapping[str, Json]:
        """Answer the remaining lines of the job's batch."""
        with self._unit_of_work() as work:
            batch = work.batches.get(str(job.payload["batch_id"]))
        if batch is None or batch.status in BATCH_ENDED:
            return {}
        try:
            requester = Requester(self._unit_of_work, job, self._clock)
            first_lines, lines = self._count(batch, report)
            with self._unit_of_work() as work:
                work.batches.begin(batch.id, lines, self._clock())
                work.commit()
            expired = self._answer(batch, first_lines, lines, report, requester)
        except Cancelled:
            self._cancelled(batch)
            raise
        except (Busy, Unavailable):
            raise
        except PortalError as problem:
            self._end(batch, BatchStatus.FAILED, StoredError.of(problem))
            raise
        self._end(batch, BatchStatus.EXPIRED if expired else BatchStatus.COMPLETED)
        return {"lines": lines}

    def _lines(self, batch: Batch) -> Generator[bytes]:
        return lines_of(self._files.blocks(batch.input_file_id))

    def _count(self, batch: Batch, report: Report) -> tuple[dict[str, int], int]:
        """Return the first line of each custom_id, and the number of lines. Raises InvalidInput if there are none, or too many."""
        first_lines: dict[str, int] = {}
        number = asked = 0
        with closing(self._lines(batch)) as lines:
            for number, raw in enumerate(lines, 1):
                if number % COUNTED_AT_ONCE == 0:
                    report.check()
                asked += bool(raw.strip())
                if asked > MAX_LINES:
                    raise InvalidInput("The file has more than {most} lines. Split it.", most=MAX_LINES)
                line_of(raw, batch.route, first_lines, number)
        if not asked:
            raise InvalidInput("The file contains no requests.")
        return first_lines, number

    def _answer(self, batch: Batch, first_lines: dict[str, int], lines: int, report: Report, requester: Requester) -> bool:
        """Answer the remaining lines. Returns whether any expired. Raises PortalError once the requester may ask no more."""
        answerer = self._background.answerer(report.check)
        stop = threading.Event()

        def check() -> None:
            if stop.is_set():
                raise Cancelled
            report.check()

        unsaved = _Unsaved(batch.position)
        pending: deque[Future[_Result]] = deque()
        pool = ThreadPoolExecutor(LINES_AT_ONCE, f"batch-{batch.id[6:14]}")
        expired = False
        saved_at = time.monotonic()
        try:
            with closing(self._lines(batch)) as source:
                numbered = ((number, raw) for number, raw in enumerate(source, 1) if number > batch.position)
                while True:
                    while len(pending) < MAX_UNFINISHED_LINES and (item := next(numbered, None)) is not None:
                        line = line_of(item[1], batch.route, first_lines, item[0])
                        pending.append(pool.submit(self._result, line, batch, requester, answerer, check))
                    if not pending:
                        break
                    wait([pending[0]], POLL_S)
                    requester.look()
                    while pending and pending[0].done():
                        result = pending.popleft().result()
                        expired = expired or result.expired
                        unsaved.add(result)
                    report((unsaved.position + unsaved.lines) / lines, done=unsaved.position + unsaved.lines, lines=lines)
                    if unsaved.lines >= SAVE_LINES or (unsaved.lines and time.monotonic() - saved_at > SAVE_S):
                        unsaved = self._save(batch, unsaved)
                        saved_at = time.monotonic()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
            if unsaved.lines:
                self._save(batch, unsaved)
        return expired

    def _result(self, line: Line, batch: Batch, requester: Requester, answerer: RequestAnswerer, check: Callable[[], None]) -> _Result:
        if line.problem is not None:
            return _Result(line, failed_line(line, *line.problem))
        if line.body is None:
            return _Result(line)
        tries = 0
        while True:
            check()
            if self._clock() > batch.expires_at:
                return _Result(line, failed_line(line, EXPIRED, EXPIRED_WORDS), expired=True)
            user = requester.user

            def check_rights(began: User = user) -> None:
                check()
                if not requester.has_rights_of(began):
                    raise _NewRights

            try:
                answer = answerer.answer(user, batch.route, line.body, check_rights)
            except _NewRights:
                continue
            except Busy as problem:
                pause(problem.retry_after, self._longest_wait_s, check)
            except Unavailable as problem:
                tries += 1
                if tries >= UNAVAILABLE_TRIES:
                    return _Result(line, failed_line(line, Unavailable.code, str(problem)))
                pause(2.0**tries, self._longest_wait_s, check)
            else:
                return _Result(line, answered_line(line, answer), succeeded=answer.status == 200)

    def _save(self, batch: Batch, unsaved: _Unsaved) -> _Unsaved:
        """Store results and count them. Raises Cancelled if another server has taken over this batch."""
        to = unsaved.position + unsaved.lines
        with self._unit_of_work() as work:
            if not work.batches.advance(batch.id, unsaved.position, to, len(unsaved.completed), len(unsaved.failed)):
                raise Cancelled
            for file_id, texts in ((batch.output_file_id, unsaved.completed), (batch.error_file_id, unsaved.failed)):
                if texts:
                    work.program_files.append(file_id, b"".join(texts))
            work.commit()
        return _Unsaved(to)

    def _cancelled(self, batch: Batch) -> None:
        """End a batch that its owner cancelled, unless another server has taken it over."""
        with self._unit_of_work() as work:
            job = work.jobs.get(batch.job_id)
        if job is not None and job.cancel_requested:
            self._end(batch, BatchStatus.CANCELLED)

    def _end(self, batch: Batch, status: BatchStatus, error: StoredError | None = None) -> None:
        with self._unit_of_work() as work:
            if work.batches.end(batch.id, status, self._clock(), error):
                work.program_files.make_ready(batch.output_file_id)
                work.program_files.make_ready(batch.error_file_id)
            work.commit()
