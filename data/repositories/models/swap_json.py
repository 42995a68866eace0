"""Convert a swap's settings, options, steps and answers to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from core.errors import StoredError
from core.models.load_settings import Adapter, LoadSettings
from core.models.swaps.records import StepKind, StepState, Swap, SwapOptions, SwapStep, Trial, VersionStats

_COLUMNS = {"id", "model", "server", "state", "started_by", "started_by_name", "created_at", "ended_at", "old_version", "new_version"}
"""Fields that have their own column, or none."""
_GATE = ("replay_passes", "replay_likeness")
"""Options that are stored beside the others."""


def written(swap: Swap) -> str:
    fields = {name: value for name, value in asdict(swap).items() if name not in _COLUMNS}
    # The previous release reads options and knows no others than its own.
    fields["gate"] = {name: fields["options"].pop(name) for name in _GATE}
    return json.dumps(fields, ensure_ascii=False, default=_plain)


def read(text: str) -> dict[str, Any]:
    """Return the fields of a Swap that `written` wrote."""
    fields = json.loads(text)
    return {
        "old_path": Path(fields["old_path"]),
        "new_path": Path(fields["new_path"]),
        "beside": fields["beside"],
        "settings": _settings(fields["settings"]),
        "options": SwapOptions(**{**fields["options"], **fields.get("gate", {}), "shares": tuple(fields["options"]["shares"])}),
        "steps": tuple(_step(step) for step in fields["steps"]),
        "canary": tuple(_trial(trial) for trial in fields["canary"]),
        "replay": tuple(_trial(trial) for trial in fields["replay"]),
        "share": fields["share"],
        "old_figures": _stats(fields["old_figures"]),
        "new_figures": _stats(fields["new_figures"]),
        "reason": _error(fields["reason"]),
    }


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _settings(fields: Mapping[str, Any]) -> LoadSettings:
    adapters = tuple(Adapter(one["name"], Path(one["path"]), one["scale"]) for one in fields["adapters"])
    return LoadSettings(**{**fields, "gpu_shares": tuple(fields["gpu_shares"]), "adapters": adapters})


def _step(fields: Mapping[str, Any]) -> SwapStep:
    return SwapStep(
        kind=StepKind(fields["kind"]), state=StepState(fields["state"]), started_at=_moment(fields["started_at"]),
        ended_at=_moment(fields["ended_at"]), note=_error(fields["note"]),
    )  # fmt: skip


def _trial(fields: Mapping[str, Any]) -> Trial:
    return Trial(**{**fields, "error": _error(fields["error"]), "verdict": _error(fields["verdict"])})


def _stats(fields: Mapping[str, Any] | None) -> VersionStats | None:
    return None if fields is None else VersionStats(**fields)


def _error(fields: Mapping[str, Any] | None) -> StoredError | None:
    return None if fields is None else StoredError(**fields)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
