"""Bodies are strict, but JSON has no enums: a field with an enum accepts its value as a string."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

from api.portal.shapes import Asked
from tests.unit.api.conftest import Server


def bodies(of: type[Asked] = Asked) -> Iterator[type[Asked]]:
    for each in of.__subclasses__():
        yield each
        yield from bodies(each)


def enums(annotation: Any) -> Iterator[type[StrEnum]]:
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        yield annotation
    for each in get_args(annotation):
        yield from enums(each)


def test_a_field_with_a_closed_set_takes_its_words(server: Server) -> None:
    assert server.app.routes  # which imports every body
    looked_at = 0
    for body in bodies():
        for name, field in body.model_fields.items():
            for closed in enums(field.annotation):
                word = next(iter(closed)).value
                value = [word] if "list[" in str(field.annotation) else word
                body.__pydantic_validator__.validate_assignment(body.model_construct(), name, value)
                looked_at += 1
    assert looked_at >= 8
