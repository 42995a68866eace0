"""A field of REST with few values names them in its type, so that OpenAPI and clients know them."""

from __future__ import annotations

import ast
import re
from pathlib import Path

API = Path(__file__).parents[3] / "api"
A_LIST_OF_WORDS = re.compile(r"[a-z]+(?:_[a-z]+)*(?:, [a-z_]+)*,? or [a-z_]+[.:;]")
ALLOWED = {
    "anthropic/message_parts.py: type": "Other values are answered as Anthropic does.",
    "responses/response_parts.py: effort": "Other values mean that the model may think.",
    "portal/models/downloads.py: step": "A job's detail is what the release that runs it wrote.",
}
"""Fields that stay text, and why."""


def test_no_field_lists_its_values_in_words_alone() -> None:
    found = set()
    for path in API.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Call):
                continue
            if ast.unparse(node.annotation) not in ("str", "str | None"):
                continue
            described = [each.value for each in node.value.keywords if each.arg == "description"]
            if any(isinstance(each, ast.Constant) and A_LIST_OF_WORDS.match(str(each.value)) for each in described):
                found.add(f"{path.relative_to(API)}: {ast.unparse(node.target)}")
    assert found == set(ALLOWED)
