"""Record the calls to a portal and their results, in a form that does not depend on ids, times and folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

from core.errors import PortalError
from core.people.records import User
from core.people.sessions import Proof

_ID = re.compile(r"[0-9a-f]{32}|[A-Za-z0-9_-]{43}")


class Recorder:
    """Wraps a portal. `told` holds a line for each call: service, method, what it returned or raised."""

    def __init__(self, portal: Any, home: Path, racing: Set[str]) -> None:
        """racing: methods whose results depend on time or chance. Only the type of these is kept, as ids in them would shift the numbers
        of later ones.
        """
        self.real = portal
        self._racing = racing
        self._home = str(home)
        self._ids: dict[str, str] = {}
        self.told: list[tuple[str, object]] = []

    def __getattr__(self, name: str) -> _RecordedService:
        return _RecordedService(self, getattr(self.real, name), name)

    def note(self, what: str, result: object) -> None:
        self.told.append((what, type(result).__name__ if what in self._racing else self._plain(result)))

    def _plain(self, value: Any) -> object:
        match value:
            case PortalError():
                return (type(value).__name__, value.template, self._plain(value.params), value.status, value.code)
            case User() | Proof():
                kind = User if isinstance(value, User) else Proof
                named = {each.name: getattr(value, each.name) for each in fields(kind) if each.name != "mark"}
                return (kind.__name__, self._plain(named))
            case Enum() | bool() | None | bytes():
                return value
            case datetime() | timedelta():
                return type(value).__name__
            case float():
                return "float"
            case int() | date():
                return value
            case str() | Path():
                text = _ID.sub(lambda found: self._ids.setdefault(found[0], f"id {len(self._ids)}"), str(value))
                return re.sub(r"\d{8}-\d{6}", "moment", text.replace(self._home, "HOME"))
            case Mapping():
                return {str(self._plain(key)): self._plain(each) for key, each in value.items()}
            case Set():
                return sorted(str(self._plain(each)) for each in value)
            case list() | tuple():
                return [self._plain(each) for each in value]
            case Iterator():
                return [self._plain(each) for each in value]
        if is_dataclass(value):
            return (type(value).__name__, {each.name: self._plain(getattr(value, each.name)) for each in fields(value)})
        return "turn" if hasattr(value, "wait_finished") else type(value).__name__


class _RecordedService:
    def __init__(self, recorder: Recorder, service: Any, name: str) -> None:
        self._recorder = recorder
        self._service = service
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._service, name)
        what = f"{self._name}.{name}"
        if not callable(found):
            self._recorder.note(what, found)
            return found

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                result = found(*arguments, **named)
                if isinstance(result, Iterator):
                    result = list(result)
            except PortalError as problem:
                self._recorder.note(what, problem)
                raise
            self._recorder.note(what, result)
            return result

        return call
