from __future__ import annotations

import re
from pathlib import Path

import core.errors
from api.application import build
from api.errors import STATUS_SENTENCES
from api.portal.chat.conversations import Question
from core.errors import PortalError, StartFailed

DOCS = (Path(__file__).parents[3] / "docs" / "rest.md").read_text("utf-8")


def never() -> None:
    raise AssertionError("describing the routes needs no portal")


def test_every_route_has_a_heading_and_no_other_is_promised() -> None:
    paths = build(never).openapi()["paths"]  # type: ignore[arg-type]
    described = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    assert set(re.findall(r"^### (.+)$", DOCS, flags=re.MULTILINE)) == described


def test_every_error_stands_in_the_table() -> None:
    rows = re.findall(r"^\| (\d+)[^|]*\| ([^|]+)\|", DOCS, flags=re.MULTILINE)
    told = {(int(status), code) for status, codes in rows for code in re.findall(r"`([a-z_]+)`", codes)}
    ours = {
        (each.status, each.code)
        for each in vars(core.errors).values()
        if isinstance(each, type) and issubclass(each, PortalError) and each is not StartFailed
    }
    https = {(status, code) for status, (code, _) in STATUS_SENTENCES.items()}
    assert (ours | https) - told == set()


def test_every_field_of_a_question_is_named() -> None:
    start = DOCS.index("### POST /api/v1/conversations/{conversation_id}/messages")
    told = DOCS[start : DOCS.index("###", start + 5)]
    assert [name for name in Question.model_fields if f"`{name}`" not in told and f"{{{name}}}" not in told] == []
