"""Store answers of the result cache."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, func, select, update

from core.inference.caching.records import KeptResult
from core.inference.records import FinishReason
from core.inference.requests import ToolCall
from data.tables import ResultTable
from data.transaction import Transaction

_T = ResultTable.__table__.c
KEYS_AT_ONCE = 100


class SqlResultRepository:
    def __init__(self, transaction: Transaction) -> None:
        self._sql = transaction

    def find(self, key: str, since: datetime) -> KeptResult | None:
        row = self._sql.first(select(ResultTable.__table__).where(_T.key == key, _T.created_at >= since))
        if row is None:
            return None
        body = json.loads(row.body)
        return KeptResult(
            key=row.key, user_id=row.user_id, group=row.group_name, conversation_id=row.conversation_id, model=row.model,
            model_version=row.model_version, platform=body["platform"], engine=body["engine"], text=body["text"],
            reasoning=body["reasoning"], tool_calls=tuple(ToolCall(**each) for each in body["tool_calls"]),
            ignored=tuple(body["ignored"]), finish_reason=FinishReason(body["finish_reason"]), stop=body["stop"],
            prompt_tokens=body["prompt_tokens"], completion_tokens=body["completion_tokens"], created_at=row.created_at,
        )  # fmt: skip

    def touch(self, key: str, at: datetime, before: datetime) -> bool:
        return self._sql.write(update(ResultTable).where(_T.key == key, _T.used_at < before).values(used_at=at)).rowcount > 0

    def put(self, result: KeptResult) -> None:
        body = {
            "platform": result.platform, "engine": result.engine, "text": result.text, "reasoning": result.reasoning,
            "tool_calls": [asdict(each) for each in result.tool_calls], "ignored": result.ignored,
            "finish_reason": result.finish_reason.value, "stop": result.stop, "prompt_tokens": result.prompt_tokens,
            "completion_tokens": result.completion_tokens,
        }  # fmt: skip
        values = {
            "key": result.key, "user_id": result.user_id, "group_name": result.group, "conversation_id": result.conversation_id,
            "model": result.model, "model_version": result.model_version, "body": json.dumps(body, ensure_ascii=False),
            "size_bytes": result.size, "created_at": result.created_at, "used_at": result.created_at,
        }  # fmt: skip
        changes = tuple(name for name in values if name != "key")
        self._sql.upsert(ResultTable, ["key"], values, changes, _T.key)

    def size(self) -> tuple[int, int]:
        row = self._sql.first(select(func.count(), func.coalesce(func.sum(_T.size_bytes), 0)))
        return (int(row[0]), int(row[1])) if row is not None else (0, 0)

    def drop_oldest(self, size: int) -> int:
        removed = 0
        while size > 0:
            rows = self._sql.all(select(_T.key, _T.size_bytes).order_by(_T.used_at, _T.key).limit(KEYS_AT_ONCE))
            chosen: list[str] = []
            for row in rows:
                if size <= 0:
                    break
                chosen.append(row.key)
                size -= row.size_bytes
            if not chosen:
                break
            self._sql.write(delete(ResultTable).where(_T.key.in_(chosen)))
            removed += len(chosen)
        return removed

    def remove_before(self, at: datetime | None) -> int:
        statement = delete(ResultTable)
        return int(self._sql.write(statement if at is None else statement.where(_T.created_at < at)).rowcount)

    def remove_of_group(self, group: str) -> int:
        return int(self._sql.write(delete(ResultTable).where(_T.group_name == group)).rowcount)
