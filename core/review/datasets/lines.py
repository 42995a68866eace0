"""Write examples as JSON Lines, in the formats that TRL and LLaMA-Factory read.

The same example always gives the same bytes: keys are sorted, and nothing depends on when the file is written.
"""

from __future__ import annotations

import json
from typing import Any

from core.inference.requests import ChatRole
from core.review.datasets.examples import Example, ExampleMessage
from core.review.datasets.records import DatasetSettings, Format, Layout


def line_of(example: Example, settings: DatasetSettings) -> bytes:
    """Return the line, with its end."""
    found = {**_fields(example, settings), "provenance": provenance_of(example)}
    return (json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def _fields(example: Example, settings: DatasetSettings) -> dict[str, Any]:
    prompt = [_json(each) for each in example.prompt]
    answer = [_json(each) for each in example.answer]
    trl = settings.layout is Layout.TRL
    match settings.format:
        case Format.SFT:
            return {"messages": prompt + answer}
        case Format.DPO:
            rejected = [_json(each) for each in example.rejected]
            if trl:
                return {"prompt": prompt, "chosen": answer, "rejected": rejected}
            return {"messages": prompt, "chosen": answer[-1], "rejected": rejected[-1]}
        case Format.KTO:
            if trl:
                return {"prompt": prompt, "completion": answer, "label": example.wanted.label}
            return {"messages": prompt + answer, "label": example.wanted.label}


def _json(message: ExampleMessage) -> dict[str, Any]:
    found: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}} for call in message.tool_calls
        ]
    if message.role is ChatRole.TOOL:
        found |= {"tool_call_id": message.tool_call_id, "name": message.name}
    return found


def provenance_of(example: Example) -> dict[str, str]:
    """Return where the line comes from. All values are texts, so that every reader finds the same columns in each line."""
    rated = example.wanted.rated
    return {
        "source": example.wanted.source.value,
        "conversation_id": rated.conversation_id,
        "answer_id": example.wanted.answer_id,
        "rejected_id": example.wanted.rejected_id,
        "rating_id": rated.id,
        "rated_at": rated.rated_at.isoformat(),
        "model": rated.model,
        "model_version": rated.model_version,
        "case": "" if rated.case is None else str(rated.case),
        "decision": "" if rated.state is None else rated.state.value,
    }


def dataset_info(name: str, settings: DatasetSettings, files: list[str]) -> bytes:
    """Return the description of the files that LLaMA-Factory reads as dataset_info.json."""
    columns = {"messages": "messages"}
    if settings.format is Format.DPO:
        columns |= {"chosen": "chosen", "rejected": "rejected"}
    if settings.format is Format.KTO:
        columns["kto_tag"] = "label"
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant", "system_tag": "system"}
    about: dict[str, Any] = {"formatting": "sharegpt", "columns": columns, "tags": tags}
    if settings.format is Format.DPO:
        about["ranking"] = True
    found = {f"{name}_{file.partition('.')[0]}": {"file_name": file, **about} for file in files}
    return (json.dumps(found, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
