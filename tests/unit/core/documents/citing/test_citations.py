"""Citations in the text of an answer."""

from __future__ import annotations

import pytest

from core.documents.citing.citations import Part, cited, parts
from pages.markdown.growing import whole


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Thirty days [1]. In writing [2].", [1, 2]),
        ("Both [2, 1] and [2].", [2, 1]),
        ("三十天【1】。", [1]),
        ("One [1][3], none [9].", [1, 3]),
        ("Code `a[1]` and\n```\nb[2]\n```\n", []),
        ("A year [2024] and a list [a].", []),
        ("", []),
    ],
)
def test_cited_numbers_of_sources_that_exist(text: str, numbers: list[int]) -> None:
    assert cited(text, 3) == numbers


def test_a_text_is_split_at_its_citations() -> None:
    assert list(parts("a [1, 2] b")) == [Part("a "), Part("[1]", 1), Part("[2]", 2), Part(" b")]
    assert list(parts("none")) == [Part("none")]


def test_citations_become_badges_and_those_of_no_source_are_struck_out() -> None:
    assert whole("Thirty days [1].", sources=2) == "Thirty days :blue-badge[1]\\."
    assert whole("Sixty [3].", sources=2) == "Sixty :orange[~~\\[3\\]~~]\\."
    assert whole("三十天【2】", sources=2) == "三十天:blue-badge[2]"


@pytest.mark.parametrize("text", ["`a[1]`", "```\na[1]\n```", "[1](https://example.com)"])
def test_code_and_links_are_no_citations(text: str) -> None:
    assert "badge" not in whole(text, sources=2)


def test_numbers_in_brackets_stay_text_without_sources() -> None:
    assert whole("A list [1].") == "A list \\[1\\]\\."


def test_a_model_cannot_write_a_badge_itself() -> None:
    assert ":blue-badge[" not in whole(":blue-badge[1] :red[x]", sources=None)
