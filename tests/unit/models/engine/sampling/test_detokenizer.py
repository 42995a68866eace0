from __future__ import annotations

import random

import pytest

from models.engine.sampling.detokenizer import Detokenizer


def feed(detokenizer: Detokenizer, pieces: list[bytes]) -> str:
    return "".join(detokenizer.feed(piece) for piece in pieces if not detokenizer.stopped) + detokenizer.finish()


def test_a_character_cut_between_tokens_comes_whole() -> None:
    detokenizer = Detokenizer()
    assert [detokenizer.feed(piece) for piece in ("你".encode()[:1], "你".encode()[1:2], "你".encode()[2:])] == ["", "", "你"]


def test_an_unfinished_character_at_the_end_is_dropped() -> None:
    detokenizer = Detokenizer()
    assert detokenizer.feed("a你".encode()[:3]) + detokenizer.finish() == "a"


def test_bytes_that_are_no_character_become_a_replacement_mark() -> None:
    detokenizer = Detokenizer()
    assert detokenizer.feed(b"a\xe4b") + detokenizer.finish() == "a\ufffdb"


def test_a_stop_string_across_tokens_is_cut_off() -> None:
    detokenizer = Detokenizer(["</end>"])
    assert feed(detokenizer, [b"a<", b"/e", b"nd", b"> more"]) == "a"
    assert detokenizer.stopped


def test_text_that_only_begins_a_stop_string_is_given_out() -> None:
    detokenizer = Detokenizer(["</end>"])
    assert feed(detokenizer, [b"a<", b"/e", b"x"]) == "a</ex"
    assert not detokenizer.stopped


def test_what_is_held_back_comes_at_the_end() -> None:
    detokenizer = Detokenizer(["STOP"])
    assert detokenizer.feed(b"abST") == "ab"
    assert detokenizer.finish() == "ST"


def test_the_first_of_several_stop_strings_counts() -> None:
    assert feed(Detokenizer(["cd", "b"]), [b"abcd"]) == "a"


@pytest.mark.parametrize("seed", range(20))
def test_any_cut_gives_the_same_text(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choice("aA你é🙂END") for _ in range(80))
    data = text.encode()
    pieces, at = [], 0
    while at < len(data):
        size = rng.randrange(1, 5)
        pieces.append(data[at : at + size])
        at += size
    assert feed(Detokenizer(), pieces) == text
    assert feed(Detokenizer(["END"]), pieces) == text.split("END")[0]
