"""Parts of long texts that matter for a question."""

from __future__ import annotations

from itertools import pairwise

import pytest

from core.knowledge.relevance import Part, best_parts, parts_of, terms_of

FILLER = "The parties met in the usual place and nothing of note was said.\n" * 12


def text_with(needle: str, at: int, blocks: int = 30) -> str:
    return "".join(f"{needle}\n" if number == at else FILLER for number in range(blocks))


def test_parts_hold_every_line_once_and_know_its_number() -> None:
    text = "\n".join(f"line {number} {'x' * (number % 90)}" for number in range(1, 400))
    parts = parts_of(text)
    assert "\n".join(part.text for part in parts) == text
    assert parts[0].first == 1 and parts[-1].last == 399
    assert all(after.first == before.last + 1 for before, after in pairwise(parts))
    lines = text.split("\n")
    assert all(part.text == "\n".join(lines[part.first - 1 : part.last]) for part in parts)


def test_a_line_without_end_is_cut_within() -> None:
    parts = parts_of("short\n" + "word " * 2_000)
    assert len(parts) > 5 and {(part.first, part.last) for part in parts[1:]} == {(2, 2)}


@pytest.mark.parametrize(("needle", "question"), [
    ("Clause 17: the penalty is 4 percent per week of delay.", "Which penalties are due when it is delayed?"),
    ("第十七条：延迟交付的违约金为每周百分之四。", "违约金是多少？"),
])  # fmt: skip
def test_the_part_with_the_answer_is_chosen_and_the_order_of_the_text_kept(needle: str, question: str) -> None:
    parts = parts_of(text_with(needle, 17))
    chosen = best_parts(question, parts, lambda part: len(part.text), 2_500)
    assert any(needle in part.text for part in chosen)
    assert sum(len(part.text) for part in chosen) <= 2_500
    assert [part.first for part in chosen] == sorted(part.first for part in chosen)


def test_without_words_in_common_the_beginning_is_read() -> None:
    parts = parts_of(text_with("Clause 17", 3))
    chosen = best_parts("", parts, lambda part: len(part.text), 1_500)
    assert chosen[0].first == 1 and len(chosen) == 2


def test_meaning_can_lift_a_part_that_shares_no_word() -> None:
    parts = [Part(number, number, f"about {word}") for number, word in enumerate(("weather", "lunch", "fines"), start=1)]
    by_words = best_parts("weather penalty", parts, lambda part: 1, 1)
    assert [part.first for part in by_words] == [1]
    by_meaning = best_parts("penalty", parts, lambda part: 1, 1, lambda question, texts: [float("fines" in text) for text in texts])
    assert [part.first for part in by_meaning] == [3]
    assert best_parts("weather", parts, lambda part: 1, 1, lambda question, texts: None) == by_words


def test_words_and_pairs_of_chinese_characters_are_terms() -> None:
    assert terms_of("Delayed deliveries 违约金") == ["delay", "deliveri", "违约", "约金"]
