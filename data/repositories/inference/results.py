"""Store answers of the result cache."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import delete, select, update

from core.inference.caching.records import CachedResult
from core.inference.records import FinishReason
from core.inference.requests import ToolCall
from data.repositories.inference.cached_rows import CachedRows
from data.tables import ResultTable
from data.transaction import Transaction

_T = ResultTable.__table__.c
KEYS_AT_ONCE = 100


class SqlResultRepository(CachedRows):
    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction, ResultTable, KEYS_AT_ONCE)

    def find(self, key: str, since: datetime) -> CachedResult | None:
        row = self._sql.first(select(ResultTable.__table__).where(_T.key == key, _T.created_at >= since))
        if row is None:
            return None
        body = json.loads(row.body)
        return CachedResult(
            key=row.key, user_id=row.user_id, group=row.group_name, conversation_id=row.conversation_id, model=row.model,
            model_version=row.model_version, platform=body["platform"], engine=body["engine"], text=body["text"],
            reasoning=body["reasoning"], tool_calls=tuple(ToolCall(**each) for each in body["tool_calls"]),
            ignored=tuple(body["ignored"]), finish_reason=FinishReason(body["finish_reason"]), stop=body["stop"],
            prompt_tokens=body["prompt_tokens"], completion_tokens=body["completion_tokens"], created_at=row.created_at,
        )  # fmt: skip

    def touch(self, key: str, at: datetime, before: datetime) -> bool:
        return self._sql.write(update(ResultTable).where(_T.key == key, _T.used_at < before).values(used_at=at)).rowcount > 0

    def give_to(self, key: str, owner: str) -> None:
        self._sql.write(update(ResultTable).where(_T.key == key).values(conversation_id=owner))

    def put(self, result: CachedResult) -> None:
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

    def remove_of_group(self, group: str) -> int:
        return int(self._sql.write(delete(ResultTable).where(_T.group_name == group)).rowcount)
