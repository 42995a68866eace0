"""Rankings are combined, and neighbours merged."""

from __future__ import annotations

from core.documents.ranking import fused, merged
from core.documents.records import FoundPassage


def found(start: int, end: int, score: float, document: str = "d", page: int = 1) -> FoundPassage:
    return FoundPassage(
        collection_id="c", collection="C", document_id=document, document="D.pdf", start=start, end=end, page=page, first_line=1,
        last_line=1, heading="", text="x" * (end - start), score=score,
    )  # fmt: skip


def test_a_passage_that_both_rankings_like_comes_before_the_first_of_one() -> None:
    assert fused([["a", "b", "c"], ["d", "b", "e"]])[0] == "b"
    assert fused([["a", "b"]]) == ["a", "b"] and fused([]) == []


def test_neighbours_become_one_passage_where_the_better_one_stood() -> None:
    result = merged([found(0, 10, 0.9), found(50, 60, 0.8), found(12, 20, 0.7)], 100)
    assert [(each.start, each.end, each.score) for each in result] == [(0, 20, 0.9), (50, 60, 0.8)]
    assert result[0].text == "x" * 10 + "\n\n" + "x" * 8


def test_a_passage_between_two_joins_both() -> None:
    result = merged([found(0, 10, 0.9), found(22, 30, 0.8), found(11, 20, 0.7)], 100)
    assert [(each.start, each.end) for each in result] == [(0, 30)]


def test_passages_of_other_pages_and_documents_stay_apart_and_so_do_long_ones() -> None:
    assert len(merged([found(0, 10, 0.9), found(11, 20, 0.8, page=2)], 100)) == 2
    assert len(merged([found(0, 10, 0.9), found(11, 20, 0.8, document="e")], 100)) == 2
    assert len(merged([found(0, 10, 0.9), found(11, 20, 0.8)], 15)) == 2
