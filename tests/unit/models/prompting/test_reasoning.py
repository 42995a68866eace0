from __future__ import annotations

import random

import pytest

from models.prompting.reasoning import ReasoningParser


def parse(pieces: list[str], *, inside: bool) -> tuple[str, str]:
    parser = ReasoningParser(inside=inside)
    got = [parser.feed(piece) for piece in pieces] + [parser.finish()]
    return "".join(reasoning for reasoning, _ in got), "".join(text for _, text in got)


@pytest.mark.parametrize(
    ("answer", "inside", "expected"),
    [
        ("<think>a b</think>c", False, ("a b", "c")),
        ("\n<think>\na\n</think>\n\nc\n", False, ("a", "c\n")),
        ("a b</think>c", True, ("a b", "c")),
        ("no thoughts", False, ("", "no thoughts")),
        ("  indented", False, ("", "  indented")),
        ("<th is no tag", False, ("", "<th is no tag")),
        ("say <think> in the middle", False, ("", "say <think> in the middle")),
        ("<think>never closed", False, ("never closed", "")),
        ("ends with </thi", True, ("ends with </thi", "")),
        ("<think></think>only text", False, ("", "only text")),
        ("", True, ("", "")),
        ("<", False, ("", "<")),
        ("a</think>b</think>c", True, ("a", "b</think>c")),
    ],
)
def test_thoughts_and_text_are_told_apart(answer: str, inside: bool, expected: tuple[str, str]) -> None:
    assert parse([answer], inside=inside) == expected


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("answer", ["<think>I think < thus</th I am</think>\nYes <b>.", "\n<think>你好\n\n</think>再见"])
def test_any_cut_gives_the_same(answer: str, seed: int) -> None:
    rng = random.Random(seed)
    pieces, at = [], 0
    while at < len(answer):
        size = rng.randrange(1, 6)
        pieces.append(answer[at : at + size])
        at += size
    assert parse(pieces, inside=False) == parse([answer], inside=False)


def test_text_streams_as_soon_as_it_is_certain() -> None:
    parser = ReasoningParser(inside=True)
    assert parser.feed("abc") == ("abc", "")
    assert parser.feed("d</th") == ("d", "")
    assert parser.thinking
    assert parser.feed("ink>x") == ("", "x")
    assert not parser.thinking
