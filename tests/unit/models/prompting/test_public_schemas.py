"""Schemas as programs send them: another implementation of JSON Schema checks the output under their grammar.

The model is random: see chance.py.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.validators import Draft7Validator

from core.errors import InvalidInput
from models.engine.llama.backend import LlamaBackend
from models.engine.llama.options import BackendOptions
from models.schema.json_schema import grammar_of
from models.schema.schema_strings import Text
from samples.gguf_maker import make_gguf
from tests.this_machine import EXTRA_BUFFERS
from tests.unit.models.prompting.chance import written

SCHEMAS = Path(__file__).parent / "schemas"
ACCEPT = sorted((SCHEMAS / "accept").glob("*.json"))
REJECT = sorted((SCHEMAS / "reject").glob("*.json"))
FORMATS = FormatChecker(["date", "email", "ipv4", "uuid"])


@FORMATS.checks("date-time", ValueError)
def _is_moment(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(text).tzinfo is not None


@FORMATS.checks("time", ValueError)
def _is_time(text: object) -> bool:
    return not isinstance(text, str) or datetime.fromisoformat(f"2000-01-01T{text}").tzinfo is not None


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaBackend]:
    path = make_gguf(tmp_path_factory.mktemp("models") / "synthetic.gguf")
    backend = LlamaBackend(path, BackendOptions(context=256, slots=1, extra_buffers=EXTRA_BUFFERS))
    yield backend
    backend.close()


@pytest.mark.parametrize("path", ACCEPT, ids=lambda path: path.stem)
def test_what_a_model_writes_is_valid(backend: LlamaBackend, path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    started = time.thread_time()
    found = grammar_of(json.dumps(case["schema"], ensure_ascii=False))
    assert time.thread_time() - started < 2
    assert sorted(found.ignored) == case["ignored"]
    backend.prepare_grammar(found.grammar)
    kind = Draft7Validator if isinstance(case["schema"].get("items"), list) else Draft202012Validator
    schema = json.loads(path.read_text("utf-8"), parse_float=Decimal)["schema"]
    validator = kind(_without(schema, case["ignored"]), format_checker=FORMATS)
    for seed in range(6):
        text = written(backend, found.grammar, seed)
        value = json.loads(text, parse_float=Decimal)
        problems = [problem.message for problem in validator.iter_errors(value)]
        assert problems == [], text


def _without(schema: Any, ignored: list[str]) -> Any:
    """Return the schema less the keywords that are said to be ignored, which nothing holds the answer to."""
    keywords = {each.rpartition(".")[2].partition(" ")[0] for each in ignored}
    if isinstance(schema, dict):
        return {key: _without(value, ignored) for key, value in schema.items() if key not in keywords}
    return [_without(one, ignored) for one in schema] if isinstance(schema, list) else schema


@pytest.mark.parametrize("path", ACCEPT, ids=lambda path: path.stem)
def test_strict_refuses_what_cannot_be_followed_by_name(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    text = json.dumps(case["schema"])
    if not case["ignored"]:
        grammar_of(text, strict=True)
        return
    with pytest.raises(InvalidInput) as refused:
        grammar_of(text, strict=True)
    assert all(each in str(refused.value) for each in case["ignored"])


@pytest.mark.parametrize("path", REJECT, ids=lambda path: path.stem)
def test_what_cannot_be_used_is_refused_quickly_and_in_words(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    text = json.dumps(case["schema"])
    started = time.thread_time()
    with pytest.raises(InvalidInput, match=case["words"]):
        grammar_of(text)
    assert time.thread_time() - started < 1


HOSTILE_PATTERNS = [
    "(a|b)*a(a|b){20}", "(x?){900}x{900}", "(.*a){300}", "(" * 500 + ")" * 500, "a{99999}", "[z-a]", "a**",
    "(?<=a)b", r"(a)\1", r"\bword", "(", "[", r"\u00", "".join(f"(?=.*{c})" for c in "abcdefghijklmnop"), r"\p{L}", "x" * 5_000,
]  # fmt: skip


@pytest.mark.parametrize("pattern", HOSTILE_PATTERNS, ids=lambda pattern: pattern[:20])
def test_a_pattern_that_no_automaton_follows_is_named_and_costs_little(pattern: str) -> None:
    started = time.thread_time()
    assert Text(patterns=(pattern,)).problem()
    found = grammar_of(json.dumps({"type": "string", "pattern": pattern}))
    assert found.ignored == ("schema.pattern",)
    assert time.thread_time() - started < 1
