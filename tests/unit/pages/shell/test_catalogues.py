"""The catalogues: complete, free of duplicates, and in the words of a technical writer."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
CATALOGUES = ROOT / "pages" / "shell" / "catalogues"
ROOMS = ("core", "api", "data", "pages", "cli", "bootstrap", "settings", "app.py", "Home.py")
PRIVATE = (
    "of them remembered", "reading took", "nearly always within", "came about", "safer settings", "present password", "once more$",
    "as in the browser", "holds at once", "to have one made", "hand it over", "nobody has these letters", "figures of the range",
    "if you want one", "the same again", "what it holds", "has ended\\. wait|wait until that", "wait for it\\. try", "without an end",
    "who asks", "in native code while", "the answer as (?:poor|good)", "some \\d+ mb", "what is told", "is told, ", "guessed ahead",
    "came true", "waits? in line", "wait in line", "in line, about", "context memory", "for good\\b(?! ratings)", "find your way",
    "leave it out\"",
    "by itself\\.", "somebody", "everybody", "must lie between", "makes? vectors", "went away", "no such", "lies? in the folder",
    "the store (?:can|is|took|has|was)", "an empty place", "not offered yet", "reads? like a role",
)  # fmt: skip
"""Phrases of the portal's own making, which readers had to learn; regular expressions without regard to case."""


def _no_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), sorted(name for name in set(names) if names.count(name) > 1)
    return dict(pairs)


def _catalogue(language: str) -> dict[str, object]:
    entries: dict[str, object] = json.loads((CATALOGUES / f"{language}.json").read_text("utf-8"), object_pairs_hook=_no_duplicates)
    return entries


def _modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from [ROOT / room] if room.endswith(".py") else sorted((ROOT / room).rglob("*.py"))


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def _strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every text that people may read: literals and the fixed parts of f-strings, but not docstrings."""
    tree = _tree(path)
    notes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in notes:
            yield node.lineno, node.value


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_sentence_stands_twice_in_a_catalogue(language: str) -> None:
    assert _catalogue(language)


def test_every_sentence_of_the_pages_is_translated() -> None:
    chinese = _catalogue("zh")
    missing = [
        (path.name, node.args[0].value)
        for path in _modules()
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t"
        if node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value not in chinese
    ]
    assert missing == []


def test_a_translation_has_the_fields_of_its_sentence() -> None:
    fields = re.compile(r"\{(\w+)[^{}]*\}")
    for language in ("en", "zh"):
        for sentence, entry in _catalogue(language).items():
            for text in entry.values() if isinstance(entry, dict) else [entry]:
                assert set(fields.findall(str(text))) <= set(fields.findall(sentence)), sentence


def test_private_phrases_do_not_come_back() -> None:
    private = re.compile("|".join(PRIVATE), re.IGNORECASE)
    sentences = [("catalogue", 0, sentence) for sentence in _catalogue("zh")]
    sentences += [
        (str(path.relative_to(ROOT)), line, text) for path in _modules() if "migrations" not in path.parts for line, text in _strings(path)
    ]
    assert [each for each in sentences if " " in each[2] and private.search(each[2])] == []


def test_words_with_two_meanings_have_the_right_one_in_chinese() -> None:
    """A chat is shared, a group has its share; a model takes memory, and remembers."""
    chinese = _catalogue("zh")
    assert (chinese["Share"], chinese["Share of answers"]) == ("分享", "占比")
    assert (chinese["Memories"], chinese["Memory"]) == ("记忆", "内存")
    looked_at = ("shell/navigation.py", "account/memory.py", "widgets/context/meter.py", "models/platforms/card.py")
    for path in (f"pages/{each}" for each in looked_at):
        assert "Memory" not in {text for _, text in _strings(ROOT / path)}, path
