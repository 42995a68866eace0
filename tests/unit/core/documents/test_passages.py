"""Passages end where a paragraph or a sentence ends, and say where they are."""

from __future__ import annotations

import random

from core.documents.passages import MAX_WEIGHT, passages_of


def test_a_passage_lies_on_one_page_and_says_which() -> None:
    passages, pages = passages_of("First page.\n\fSecond page.\n\f\n\fFourth page.")
    assert [(each.page, each.text) for each in passages] == [(1, "First page."), (2, "Second page."), (4, "Fourth page.")]
    assert pages == 4


def test_a_passage_begins_at_each_heading_and_names_those_above_it() -> None:
    text = "# Contract\n\n## Prices\n\nFixed until May.\n\n## Delivery\n\nEvery week.\n\n# Annex\n\nDrawings."
    passages, pages = passages_of(text)
    assert [each.heading for each in passages] == ["Contract › Prices", "Contract › Delivery", "Annex"]
    assert pages == 0 and all(text[each.start : each.end] == each.text for each in passages)
    assert [(each.first_line, each.last_line) for each in passages] == [(3, 5), (7, 9), (11, 13)]


def test_short_paragraphs_share_a_passage_and_long_ones_end_at_a_sentence() -> None:
    assert len(passages_of("One.\n\nTwo.\n\nThree.")[0]) == 1
    sentence = "The buyer may end the contract with thirty days' notice."
    passages, _ = passages_of(" ".join([sentence] * 60))
    assert len(passages) > 3 and all(each.text.endswith("notice.") for each in passages)


def test_chinese_ends_at_its_own_full_stops_and_counts_for_more() -> None:
    sentence = "任何一方提前解除合同，应当提前九十日书面通知对方。"
    passages, _ = passages_of(sentence * 60)
    assert all(each.text.endswith("。") and len(each.text) < MAX_WEIGHT / 2 for each in passages)
    assert "".join(each.text for each in passages) == sentence * 60


def test_rows_end_at_lines_and_a_text_without_any_end_is_cut() -> None:
    rows = "\n".join(f"Bank {n},USD,{n}000" for n in range(300))
    passages, _ = passages_of(rows)
    assert all(line.startswith("Bank") for each in passages for line in each.text.split("\n"))
    assert passages[1].first_line == passages[0].last_line + 1
    assert max(len(each.text) for each in passages_of("x" * 2_000)[0]) <= MAX_WEIGHT


def test_no_word_of_any_text_is_lost() -> None:
    seeded = random.Random(7)
    pieces = ["word", "合同", " ", " ", "\n", "\n\n", ". ", "。", "# Title\n", "\f", "，", "x" * 400]
    for _ in range(60):
        text = "".join(seeded.choices(pieces, k=seeded.randrange(1, 400)))
        passages, _ = passages_of(text)
        assert all(text[each.start : each.end] == each.text for each in passages)
        ends = [0, *(each.end for each in passages)]
        starts = [*(each.start for each in passages), len(text)]
        left = "".join(text[end:start] for end, start in zip(ends, starts, strict=True))
        assert not set(left.replace("# Title", "")) - set(" \n\f")


def test_a_text_of_spaces_has_no_passages() -> None:
    assert passages_of(" \n\f \n")[0] == []
