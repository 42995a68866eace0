"""Convert the calls of tools in an answer to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from core.chat.tools.records import Approval, ToolStep
from core.errors import StoredError


def write_steps(steps: Sequence[ToolStep]) -> str | None:
    """Return the JSON; None if there is nothing to store."""
    if not steps:
        return None
    return json.dumps([_stored(each) for each in steps], ensure_ascii=False)


def _stored(step: ToolStep) -> dict[str, Any]:
    found = {**asdict(step), "started_at": step.started_at.isoformat()}
    if step.approval is None:
        # A release without approvals can then read the steps too.
        del found["approval"]
    return found


def read_steps(text: str | None) -> tuple[ToolStep, ...]:
    """Read stored JSON. Unreadable JSON counts as not stored, so that the answer itself can be read."""
    try:
        return tuple(_step(each) for each in json.loads(text or "[]"))
    except (ValueError, TypeError, KeyError):
        return ()


def _step(found: dict[str, Any]) -> ToolStep:
    error, approval = found.pop("error"), found.pop("approval", None)
    return ToolStep(
        **{**found, "started_at": datetime.fromisoformat(found["started_at"])},
        error=StoredError(**error) if error else None,
        approval=Approval(approval) if approval else None,
    )
