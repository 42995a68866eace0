"""Read and write stored responses: their items, what a later one continues, the status of one in the background."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from api.responses.response_parts import Item
from core.errors import StoredError
from core.programs.records import StoredResponse
from core.tasks.records import Job, JobState

_ITEMS = TypeAdapter(list[Item])
LOST = "The job of this response is gone. Send the request again."


def record_of(response: dict[str, Any], user_id: str, created_at: datetime, items: Sequence[Item]) -> StoredResponse:
    """Return the record of a response with the items of its input."""
    return StoredResponse(
        id=response["id"],
        user_id=user_id,
        created_at=created_at,
        input=json.dumps([_named(item, index, response["id"]) for index, item in enumerate(items)]),
        body=json.dumps(response),
        previous_id=response["previous_response_id"],
    )


def _named(item: Item, index: int, response_id: str) -> dict[str, Any]:
    """Return an item of the input as OpenAI lists it: with its type, an id, and content in parts."""
    kind = item.type or "message"
    said = {**item.model_dump(exclude_none=True), "type": kind, "id": item.id or f"{kind[:3]}_{response_id}_{index}"}
    if kind == "message":
        text = "output_text" if item.role == "assistant" else "input_text"
        parts = [{"type": text, "text": item.content}] if isinstance(item.content, str) else said.get("content", [])
        said["content"] = [{**part, "annotations": []} if part["type"] == "output_text" else part for part in parts]
        said["status"] = "completed"
    return said


def earlier_items(history: Sequence[StoredResponse]) -> list[Item]:
    """Return the items that a response continues: input and output of each earlier one."""
    items: list[Item] = []
    for each in history:
        items += _ITEMS.validate_python([*json.loads(each.input), *json.loads(each.body)["output"]])
    return items


def body_of(stored: StoredResponse, job: Job | None) -> dict[str, Any]:
    """Return a stored response with its status: for one in the background, from its job until it has an answer."""
    body: dict[str, Any] = json.loads(stored.body)
    if body["status"] != "queued":
        return body
    if job is not None and (job.state is JobState.CANCELLED or (job.cancel_requested and not job.ended)):
        return {**body, "status": "cancelled"}
    if job is not None and not job.ended:
        return {**body, "status": "queued" if job.state is JobState.WAITING else "in_progress"}
    return {**body, "status": "failed", "error": _error(job.error if job is not None else None)}


def _error(error: StoredError | None) -> dict[str, Any]:
    message = str(error) if error is not None else LOST
    return {"code": "rate_limit_exceeded" if error is not None and error.code == "busy" else "server_error", "message": message}
