"""Untrusted grammars, schemas and regular expressions: tests/files/grammars, where the file's name is the test's name."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from core.errors import InvalidInput
from models.grammar.reader import read_grammar
from models.grammar.stacks import Stacks
from models.schema.json_schema import grammar_of

CORPUS = Path(__file__).parents[3] / "files" / "grammars"
ACCEPT = sorted((CORPUS / "accept").iterdir())
REJECT = sorted((CORPUS / "reject").iterdir())
TRIES = 12
"""The quickest of so many counts: others use the processor too."""
MAX_ANSWER_LENGTH = 400
"""Characters."""


def grammar_in(path: Path) -> str:
    text = path.read_text()
    match path.suffix:
        case ".gbnf":
            return text
        case ".json":
            return grammar_of(text).grammar
        case ".regex":
            return grammar_of(json.dumps({"type": "string", "pattern": text.rstrip("\n")}), strict=True).grammar
    raise ValueError(path.name)


@pytest.mark.parametrize("path", ACCEPT, ids=lambda path: path.stem)
def test_what_is_ordinary_or_harmless_is_accepted_and_can_be_followed(path: Path) -> None:
    """Along a text that takes the most ways at every character, an answer costs a bounded amount of work."""
    grammar = read_grammar(grammar_in(path))
    stacks = Stacks(grammar, 250_000)
    state, length = stacks.start, 0
    while length < MAX_ANSWER_LENGTH:
        following = [found for found, _ in stacks.explore(state)]
        stacks.left += 10_000
        if not following:
            break
        state, length = stacks.trimmed(max(following, key=lambda found: len(found.stacks))), length + 1
    assert length, "nothing can be said"


@pytest.mark.parametrize("path", REJECT, ids=lambda path: path.stem)
def test_what_would_grow_is_refused_at_once_with_a_sentence(path: Path) -> None:
    text = path.read_text() if path.suffix == ".gbnf" else None
    fastest = float("inf")
    for _ in range(TRIES):
        read_grammar.cache_clear()
        began = time.thread_time()
        with pytest.raises(InvalidInput) as refused:
            read_grammar(grammar_in(path) if text is None else text)
        fastest = min(fastest, time.thread_time() - began)
    assert str(refused.value).endswith((".", "'"))
    assert fastest <= 0.25  # 0.05 where the machine has nothing else to do


def test_the_corpus_is_large_enough() -> None:
    assert len(ACCEPT) >= 40
    assert len(REJECT) >= 20
