"""Convert the steps of a task to JSON and back, and describe that JSON to a model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from core.characters import cut, one_line, without_controls
from core.errors import InvalidInput
from core.knowledge.tables.records import ChartKind
from core.workflows.records import MAX_TITLE_LENGTH, DrawnColumns, Step, StepKind

E = TypeVar("E", bound=StrEnum)
_LINES = {"type": "string"}
_FIELDS = ("id", "kind", "title", "inputs", "text", "chart", "x", "y")


def schema(most_steps: int) -> str:
    """Return the JSON Schema of a plan, as text."""
    step = {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^s[0-9]{1,3}$"},
            "kind": {"type": "string", "enum": [each.value for each in StepKind]},
            "title": _LINES,
            "inputs": {"type": "array", "items": {"type": "string", "pattern": "^(file|s)[0-9]{1,3}$"}},
            "text": _LINES,
            "chart": {"type": "string", "enum": [each.value for each in ChartKind]},
            "x": _LINES,
            "y": {"type": "array", "items": _LINES},
        },
        "required": ["id", "kind", "title", "inputs", "text"],
        "additionalProperties": False,
    }
    plan = {
        "type": "object",
        "properties": {"title": _LINES, "steps": {"type": "array", "items": step, "minItems": 1, "maxItems": most_steps}},
        "required": ["title", "steps"],
        "additionalProperties": False,
    }
    return json.dumps(plan)


def written(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return steps as JSON values."""
    return [_written(each) for each in steps]


def _written(step: Step) -> dict[str, Any]:
    values: dict[str, Any] = {
        "id": step.id, "kind": step.kind.value, "title": step.title, "inputs": list(step.inputs), "text": step.text
    }  # fmt: skip
    if step.chart is not None:
        values |= {"chart": step.chart.kind.value, "x": step.chart.x, "y": list(step.chart.y)}
    return values


def read(values: object) -> tuple[Step, ...]:
    """Return the steps that `written`, a program or a model wrote. Raises InvalidInput that says which step is wrong, and how."""
    if not isinstance(values, list):
        raise InvalidInput("The steps must be a list.")
    return tuple(_read(each, number) for number, each in enumerate(values, 1))


def _read(value: object, number: int) -> Step:
    if not isinstance(value, Mapping):
        raise InvalidInput("Step {number} must be an object with id, kind, title, inputs and text.", number=number)
    if unknown := [str(name)[:40] for name in value if name not in _FIELDS]:
        raise InvalidInput("Step {number} has the unknown field {name}.", number=number, name=unknown[0])
    kind = _choice(value.get("kind"), StepKind, number)
    chart = None
    if kind is StepKind.CHART:
        form = _choice(value.get("chart") or ChartKind.BAR.value, ChartKind, number)
        chart = DrawnColumns(form, _text(value, "x", number), _texts(value, "y", number))
    return Step(
        id=_text(value, "id", number), kind=kind, title=cut(one_line(_text(value, "title", number)), MAX_TITLE_LENGTH),
        inputs=_texts(value, "inputs", number), text=without_controls(_text(value, "text", number)).strip(), chart=chart,
    )  # fmt: skip


def _choice(value: object, choices: type[E], number: int) -> E:
    try:
        return choices(str(value))
    except ValueError as problem:
        sentence = "Step {number} has the unknown kind {kind}. Use one of: {choices}."
        raise InvalidInput(sentence, number=number, kind=str(value)[:40], choices=", ".join(choices)) from problem


def _text(value: Mapping[str, Any], name: str, number: int) -> str:
    found = value.get(name, "")
    if not isinstance(found, str):
        raise InvalidInput("{name} of step {number} must be a text.", name=name, number=number)
    return found


def _texts(value: Mapping[str, Any], name: str, number: int) -> tuple[str, ...]:
    found = value.get(name, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise InvalidInput("{name} of step {number} must be a list of texts.", name=name, number=number)
    return tuple(found)
