"""Convert settings and reports of datasets to JSON and back, for rows and the payloads of jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from core.review.cases.records import CaseState
from core.review.datasets.records import DatasetSettings, Format, Layout, PersonalData, Reason, Report, Source


def write_settings(settings: DatasetSettings) -> dict[str, Any]:
    return {field.name: _plain(getattr(settings, field.name)) for field in fields(settings)}


def read_settings(stored: Mapping[str, Any]) -> DatasetSettings:
    """Return the settings. Fields that this release does not know are left out."""
    known = {field.name: stored[field.name] for field in fields(DatasetSettings) if field.name in stored}
    known["format"] = Format(known["format"])
    known["sources"] = tuple(Source(each) for each in known["sources"])
    known["states"] = tuple(CaseState(each) for each in known.get("states", ()))
    known["layout"] = Layout(known.get("layout", Layout.TRL))
    known["personal_data"] = PersonalData(known.get("personal_data", PersonalData.MASK))
    for name in ("since", "until"):
        known[name] = datetime.fromisoformat(known[name]) if known.get(name) else None
    return DatasetSettings(**known)


def write_report(report: Report) -> dict[str, Any]:
    return {field.name: _plain(getattr(report, field.name)) for field in fields(report)}


def read_report(stored: Mapping[str, Any]) -> Report:
    known = {field.name: stored[field.name] for field in fields(Report) if field.name in stored}
    known["left_out"] = {Reason(name): number for name, number in known["left_out"].items()}
    return Report(**known)


def _plain(value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {_plain(key): _plain(each) for key, each in value.items()}
    return value
