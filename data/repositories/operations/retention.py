"""Store retention rules and legal holds, and find the rows that are due under the rules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, or_, select, update

from core.chat.records import MessageStatus
from core.operations.records import EVERY_GROUP, LegalHold, RetentionKind, RetentionRule
from core.operations.retention import PROOF
from core.tasks.records import ACTIVE
from data.index.documents import AUDIT_DIGITS
from data.repositories.chat.conversations import SqlConversationRepository
from data.repositories.grounding.batches import SqlGroundBatchRepository
from data.repositories.grounding.grounding import SqlGroundingRepository
from data.repositories.knowledge.files import IN_A_TASK, SqlFileRepository
from data.repositories.programs.files import in_a_running_batch
from data.repositories.programs.responses import SqlResponseRepository
from data.repositories.workflows.workflows import SqlWorkflowRepository
from data.tables import (
    AuditEventTable,
    ConversationTable,
    DatasetSourceTable,
    DatasetVersionTable,
    FeedbackTable,
    FileComparisonTable,
    FileTable,
    GroundBatchTable,
    GroundImageTable,
    JobTable,
    LegalHoldTable,
    MemoryTable,
    ProgramFileTable,
    ResponseTable,
    RetentionRuleTable,
    SwapTable,
    Table,
    TurnTable,
    UserTable,
    WorkflowRunTable,
    WorkflowTaskTable,
)
from data.transaction import AnySelect, Transaction

_RULE = RetentionRuleTable.__table__.c
_HOLD = LegalHoldTable.__table__.c
_USER = UserTable.__table__.c
_CONVERSATION = ConversationTable.__table__.c
_FILE = FileTable.__table__.c
_FEEDBACK = FeedbackTable.__table__.c
_TURN = TurnTable.__table__.c
_EVENT = AuditEventTable.__table__.c
_IMAGE = GroundImageTable.__table__.c
_BATCH = GroundBatchTable.__table__.c
_MEMORY = MemoryTable.__table__.c
_JOB = JobTable.__table__.c
_RESPONSE = ResponseTable.__table__.c
_SWAP = SwapTable.__table__.c
_COMPARISON = FileComparisonTable.__table__.c
_VERSION = DatasetVersionTable.__table__.c
_SOURCE = DatasetSourceTable.__table__.c
_PROGRAM_FILE = ProgramFileTable.__table__.c
_TASK = WorkflowTaskTable.__table__.c
_RUN = WorkflowRunTable.__table__.c


def _answered_in(conversation_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that an answer is running in the conversation."""
    return exists(select(_TURN.id).where(_TURN.conversation_id == conversation_id, _TURN.status == MessageStatus.STREAMING))


def _is_worked_through(job_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition that the job has not ended."""
    return exists(select(_JOB.id).where(_JOB.id == job_id, _JOB.state.in_(ACTIVE)))


class SqlRetentionRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def rules(self) -> Sequence[RetentionRule]:
        rows = self._sql.all(select(_RULE.kind, _RULE.group_name, _RULE.days).order_by(_RULE.kind, _RULE.group_name))
        return [RetentionRule(RetentionKind(row.kind), row.group_name, row.days) for row in rows]

    def put_rule(self, rule: RetentionRule) -> None:
        values = {"kind": rule.kind, "group_name": rule.group, "days": rule.days}
        self._sql.upsert(RetentionRuleTable, ["kind", "group_name"], values, ("days",), _RULE.kind)

    def remove_rule(self, kind: RetentionKind, group: str) -> bool:
        return self._sql.write(delete(RetentionRuleTable).where(_RULE.kind == kind, _RULE.group_name == group)).rowcount > 0

    def rename_group(self, old: str, new: str) -> None:
        taken = [row.kind for row in self._sql.all(select(_RULE.kind).where(_RULE.group_name == new))]
        # A rule that already exists for the new name stays.
        self._sql.write(delete(RetentionRuleTable).where(_RULE.group_name == old, _RULE.kind.in_(taken)))
        self._sql.write(update(RetentionRuleTable).where(_RULE.group_name == old).values(group_name=new))

    def holds(self) -> Sequence[LegalHold]:
        columns = (_HOLD.user_id, _USER.name.label("user_name"), _HOLD.reason, _HOLD.placed_at)
        rows = self._sql.all(select(*columns).join(UserTable, _USER.id == _HOLD.user_id).order_by(_USER.name))
        return [LegalHold(**row._mapping) for row in rows]

    def keep_holds(self) -> None:
        self._sql.lock_table(LegalHoldTable)

    def is_held(self, user_id: str) -> bool:
        self.keep_holds()
        return self._sql.first(select(_HOLD.user_id).where(_HOLD.user_id == user_id)) is not None

    def place_hold(self, hold: LegalHold) -> None:
        values = {"user_id": hold.user_id, "reason": hold.reason, "placed_at": hold.placed_at}
        self._sql.upsert(LegalHoldTable, ["user_id"], values, ("reason",), _HOLD.user_id)

    def lift_hold(self, user_id: str) -> bool:
        return self._sql.write(delete(LegalHoldTable).where(_HOLD.user_id == user_id)).rowcount > 0

    def due(self, rule: RetentionRule, before: datetime, except_groups: Sequence[str], limit: int) -> Sequence[str]:
        if rule.kind is RetentionKind.AUDIT:
            return self._due_events(before, limit)
        if rule.kind is RetentionKind.DATASETS:
            rows = self._sql.lock(_of_rule(_old_versions(before), rule, except_groups), of=DatasetVersionTable)
            return [row.id for row in rows if not row.used_by][:limit]  # The note is sealed, so the database cannot compare it.
        found: list[str] = []
        for table, statement in self._old(rule.kind, before):
            statement = _of_rule(statement, rule, except_groups)
            # Rows that change at this moment are checked again afterwards: a chat that continues is no longer due.
            found += [row.id for row in self._sql.lock(statement.limit(limit - len(found)), of=table)]
        return found

    def _old(self, kind: RetentionKind, before: datetime) -> Sequence[tuple[type[Table], AnySelect]]:
        """Select rows of a kind that are older and under no hold, joined with their owner, from each of its tables."""
        held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _USER.id))
        if kind is RetentionKind.CHATS:
            chats: AnySelect = select(_CONVERSATION.id).join(UserTable, _USER.id == _CONVERSATION.user_id)
            old = _CONVERSATION.updated_at < before
            chats = chats.where(old, ~held, ~_answered_in(_CONVERSATION.id)).order_by(_CONVERSATION.updated_at)
            responses: AnySelect = select(_RESPONSE.id).join(UserTable, _USER.id == _RESPONSE.user_id)
            responses = responses.where(_RESPONSE.created_at < before, ~held).order_by(_RESPONSE.created_at)
            return ((ConversationTable, chats), (ResponseTable, responses))
        if kind is RetentionKind.FILES:
            # Waiting files have neither conversation nor task yet and expire after a day: core.operations.retention removes them.
            files: AnySelect = select(_FILE.id).join(UserTable, _USER.id == _FILE.user_id)
            files = files.where(_FILE.created_at < before, or_(_FILE.conversation_id.is_not(None), IN_A_TASK))
            programs: AnySelect = select(_PROGRAM_FILE.id).join(UserTable, _USER.id == _PROGRAM_FILE.user_id)
            programs = programs.where(_PROGRAM_FILE.created_at < before, ~held, ~in_a_running_batch(_PROGRAM_FILE.id))
            images: AnySelect = select(_IMAGE.id).join(UserTable, _USER.id == _IMAGE.user_id)
            batches: AnySelect = select(_BATCH.id).join(UserTable, _USER.id == _BATCH.user_id)
            batches = batches.where(_BATCH.created_at < before, ~held, ~_is_worked_through(_BATCH.job_id))
            return (
                (GroundBatchTable, batches.order_by(_BATCH.created_at)),
                (GroundImageTable, images.where(_IMAGE.created_at < before, ~held).order_by(_IMAGE.created_at)),
                (FileTable, files.where(~held, ~_answered_in(_FILE.conversation_id)).order_by(_FILE.created_at)),
                (ProgramFileTable, programs.order_by(_PROGRAM_FILE.created_at)),
            )
        if kind is RetentionKind.MODEL_REPORTS:
            # Outer join: jobs of deleted accounts become due, too.
            swaps: AnySelect = select(_SWAP.id).outerjoin(UserTable, _USER.id == _SWAP.started_by)
            swaps = swaps.where(_SWAP.ended_at < before, ~held).order_by(_SWAP.ended_at)
            comparisons: AnySelect = select(_COMPARISON.id).outerjoin(UserTable, _USER.id == _COMPARISON.started_by)
            comparisons = comparisons.where(_COMPARISON.ended_at < before, ~held).order_by(_COMPARISON.ended_at)
            return ((SwapTable, swaps), (FileComparisonTable, comparisons))
        if kind is RetentionKind.MEMORIES:
            memories: AnySelect = select(_MEMORY.id).join(UserTable, _USER.id == _MEMORY.user_id)
            return ((MemoryTable, memories.where(_MEMORY.updated_at < before, ~held).order_by(_MEMORY.updated_at)),)
        if kind is RetentionKind.TASKS:
            running = exists(select(_RUN.id).where(_RUN.task_id == _TASK.id, _is_worked_through(_RUN.job_id)))
            tasks: AnySelect = select(_TASK.id).join(UserTable, _USER.id == _TASK.user_id)
            return ((WorkflowTaskTable, tasks.where(_TASK.updated_at < before, ~held, ~running).order_by(_TASK.updated_at)),)
        ratings: AnySelect = select(_FEEDBACK.id).join(UserTable, _USER.id == _FEEDBACK.user_id)
        return ((FeedbackTable, ratings.where(_FEEDBACK.updated_at < before, ~held).order_by(_FEEDBACK.updated_at)),)

    def _due_events(self, before: datetime, limit: int) -> Sequence[str]:
        """Select due events. Proofs of deletions are never due, nor are events by or about a person under a hold."""
        involved = or_(_HOLD.user_id == _EVENT.actor_id, _USER.name == _EVENT.subject)
        held = exists(select(_HOLD.user_id).join(UserTable, _USER.id == _HOLD.user_id).where(involved))
        statement = select(_EVENT.number).where(_EVENT.at < before, _EVENT.action != PROOF, ~held).order_by(_EVENT.at)
        return [str(row.number).zfill(AUDIT_DIGITS) for row in self._sql.all(statement.limit(limit))]

    def remove(self, kind: RetentionKind, ids: Sequence[str]) -> None:
        if kind is RetentionKind.AUDIT:
            self._sql.write(delete(AuditEventTable).where(_EVENT.number.in_([int(each) for each in ids])))
            self._sql.announce("audit", ids)
            return
        if kind is RetentionKind.FILES:
            SqlFileRepository(self._sql).remove(ids)
            for id in ids:
                SqlGroundBatchRepository(self._sql).remove(id)
            SqlGroundingRepository(self._sql).remove_images(ids)
            self._sql.write(delete(ProgramFileTable).where(_PROGRAM_FILE.id.in_(ids)))
            return
        if kind is RetentionKind.MODEL_REPORTS:
            self._sql.write(delete(SwapTable).where(_SWAP.id.in_(ids)))
            self._sql.write(delete(FileComparisonTable).where(_COMPARISON.id.in_(ids)))
            return
        if kind is RetentionKind.DATASETS:
            self._sql.write(delete(DatasetVersionTable).where(_VERSION.id.in_(ids)))
            return
        if kind is RetentionKind.MEMORIES:
            self._sql.write(delete(MemoryTable).where(_MEMORY.id.in_(ids)))
            return
        if kind is RetentionKind.TASKS:
            for id in ids:
                SqlWorkflowRepository(self._sql).remove(id)
            return
        if kind is RetentionKind.CHATS:
            responses = SqlResponseRepository(self._sql).remove_all(ids)
            conversations = SqlConversationRepository(self._sql)
            for id in ids:
                if id not in responses:
                    conversations.remove(id)
            return
        gone = self._sql.write(delete(FeedbackTable).where(_FEEDBACK.id.in_(ids)).returning(_FEEDBACK.id, _FEEDBACK.message_id)).all()
        self._sql.announce("feedback", [row.id for row in gone])
        self._sql.announce("message", [row.message_id for row in gone])


def _of_rule(statement: AnySelect, rule: RetentionRule, except_groups: Sequence[str]) -> AnySelect:
    """Keep what belongs to people of the rule's group; except_groups: those with rules of their own."""
    if rule.group != EVERY_GROUP:
        return statement.where(_USER.group_name == rule.group)
    return statement.where(_USER.group_name.not_in(except_groups)) if except_groups else statement


def _old_versions(before: datetime) -> AnySelect:
    """Select versions of datasets, except those that somebody under a hold built, or whose chats are in them."""
    of_held = exists(select(_SOURCE.number).join(LegalHoldTable, _HOLD.user_id == _SOURCE.user_id).where(_SOURCE.version_id == _VERSION.id))
    by_held = exists(select(_HOLD.user_id).where(_HOLD.user_id == _VERSION.built_by))
    versions: AnySelect = select(_VERSION.id, _VERSION.used_by).join(UserTable, _USER.id == _VERSION.built_by)
    return versions.where(_VERSION.built_at < before, ~of_held, ~by_held).order_by(_VERSION.built_at)
