"""Store tasks, their files, and their runs with the results of steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, exists, func, insert, select, update
from sqlalchemy.orm import aliased

from core.errors import Conflict, StoredError
from core.knowledge.records import StoredFile
from core.workflows.records import RUN_ENDED, Run, RunState, StepResult, TaskFile, WorkflowTask
from data.repositories.knowledge.files import FILE_COLUMNS, SqlFileRepository, file_of
from data.repositories.workflows.rows import error_text, result_of, result_values, run_of, run_values, task_of, task_values
from data.tables import FileTable, NoticeTable, WorkflowFileTable, WorkflowResultTable, WorkflowRunTable, WorkflowTaskTable
from data.transaction import AnyRow, Transaction

_T = WorkflowTaskTable.__table__.c
_LINK = WorkflowFileTable.__table__.c
_RUN = WorkflowRunTable.__table__.c
_RESULT = WorkflowResultTable.__table__.c
_FILE = FileTable.__table__.c
_ENDED = [each.value for each in RUN_ENDED]
_CHANGED_RESULT = tuple(column.name for column in _RESULT if column.name not in ("id", "run_id", "step_id"))


class SqlWorkflowRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def add(self, task: WorkflowTask) -> None:
        self._sql.write(insert(WorkflowTaskTable).values(task_values(task)))
        ids = [each.id for each in task.files]
        if not ids:
            return
        if len(self._sql.lock(select(_FILE.id).where(_FILE.id.in_(ids)).order_by(_FILE.id))) < len(ids):
            raise Conflict("A file was removed meanwhile. Attach it again.")
        self._sql.write(
            insert(WorkflowFileTable), [{"task_id": task.id, "position": each.position, "file_id": each.id} for each in task.files]
        )

    def get(self, task_id: str) -> WorkflowTask | None:
        row = self._sql.first(select(WorkflowTaskTable.__table__).where(_T.id == task_id))
        return None if row is None else self._tasks([row])[0]

    def lock(self, task_id: str) -> WorkflowTask | None:
        rows = self._sql.lock(select(WorkflowTaskTable.__table__).where(_T.id == task_id))
        return self._tasks(rows)[0] if rows else None

    def of_user(self, user_id: str, limit: int, template_id: str | None = None) -> Sequence[WorkflowTask]:
        statement = select(WorkflowTaskTable.__table__).where(_T.user_id == user_id).order_by(_T.updated_at.desc(), _T.id)
        if template_id is not None:
            statement = statement.where(_T.template_id == template_id)
        return self._tasks(self._sql.all(statement.limit(limit)))

    def count_of(self, user_id: str) -> int:
        return int(self._sql.scalar(select(func.count()).select_from(WorkflowTaskTable).where(_T.user_id == user_id)) or 0)

    def save(self, task: WorkflowTask) -> None:
        self._sql.write(update(WorkflowTaskTable).where(_T.id == task.id).values(task_values(task)))

    def remove(self, task_id: str) -> None:
        other = aliased(WorkflowFileTable)
        elsewhere = exists(select(other.file_id).where(other.file_id == _FILE.id, other.task_id != task_id))
        own = select(_FILE.id).join(WorkflowFileTable, _LINK.file_id == _FILE.id)
        own = own.where(_LINK.task_id == task_id, _FILE.conversation_id.is_(None), ~elsewhere)
        files = [row.id for row in self._sql.all(own)]
        self._sql.write(delete(NoticeTable).where(NoticeTable.__table__.c.task_id == task_id))
        self._sql.write(delete(WorkflowTaskTable).where(_T.id == task_id))
        if files:
            SqlFileRepository(self._sql).remove(files)

    def add_run(self, run: Run, results: Sequence[StepResult] = ()) -> None:
        self._sql.write(insert(WorkflowRunTable).values(run_values(run)))
        if results:
            self._sql.write(insert(WorkflowResultTable), [result_values(run.id, each) for each in results])
        self._sql.write(update(WorkflowTaskTable).where(_T.id == run.task_id).values(updated_at=run.created_at))

    def run(self, run_id: str) -> Run | None:
        row = self._sql.first(select(WorkflowRunTable.__table__).where(_RUN.id == run_id))
        return None if row is None else run_of(row)

    def lock_run(self, run_id: str) -> Run | None:
        rows = self._sql.lock(select(WorkflowRunTable.__table__).where(_RUN.id == run_id))
        return run_of(rows[0]) if rows else None

    def runs(self, task_id: str, limit: int) -> Sequence[Run]:
        statement = select(WorkflowRunTable.__table__).where(_RUN.task_id == task_id).order_by(_RUN.created_at.desc(), _RUN.id)
        return [run_of(row) for row in self._sql.all(statement.limit(limit))]

    def latest_runs(self, task_ids: Sequence[str]) -> Sequence[Run]:
        newer = aliased(WorkflowRunTable)
        newest = ~exists(select(newer.id).where(newer.task_id == _RUN.task_id, newer.created_at > _RUN.created_at))
        return [run_of(row) for row in self._sql.all(select(WorkflowRunTable.__table__).where(_RUN.task_id.in_(task_ids), newest))]

    def set_run(self, run_id: str, state: RunState, ended_at: datetime | None = None, error: StoredError | None = None) -> bool:
        going_on = (_RUN.id == run_id, _RUN.state.not_in(_ENDED))
        values = {"state": state.value, "ended_at": ended_at, "error": error_text(error)}
        return self._sql.write(update(WorkflowRunTable).where(*going_on).values(**values)).rowcount > 0

    def set_job(self, run_id: str, job_id: str) -> None:
        self._sql.write(update(WorkflowRunTable).where(_RUN.id == run_id).values(job_id=job_id))

    def let_leave(self, run_id: str) -> None:
        self._sql.write(update(WorkflowRunTable).where(_RUN.id == run_id).values(waits=False))

    def results(self, run_id: str) -> Sequence[StepResult]:
        return [result_of(row) for row in self._sql.all(select(WorkflowResultTable.__table__).where(_RESULT.run_id == run_id))]

    def put_result(self, run_id: str, result: StepResult) -> None:
        values = result_values(run_id, result)
        self._sql.upsert(WorkflowResultTable, ["id"], values, _CHANGED_RESULT, _RESULT.id)

    def _tasks(self, rows: Sequence[AnyRow]) -> list[WorkflowTask]:
        """Return tasks with their files, which are read in one statement."""
        linked = select(*FILE_COLUMNS, _LINK.task_id, _LINK.position).join(WorkflowFileTable, _LINK.file_id == _FILE.id)
        linked = linked.where(_LINK.task_id.in_([row.id for row in rows])).order_by(_LINK.position)
        files: dict[str, list[TaskFile]] = {}
        for row in self._sql.all(linked) if rows else ():
            files.setdefault(row.task_id, []).append(_task_file(row.position, file_of(row)))
        return [task_of(row, files.get(row.id, ())) for row in rows]


def _task_file(position: int, file: StoredFile) -> TaskFile:
    return TaskFile(position=position, id=file.id, name=file.name, has_tables=bool(file.tables), is_image=file.is_image)
