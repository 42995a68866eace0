from __future__ import annotations

import random
import time

import pytest

from core.privacy.detectors import find
from core.privacy.masking import StreamMask, masked
from core.privacy.records import Finding, Kind

HOLDS = {
    Kind.ID_NUMBER: ["11010519491231002X", "440524188001010014", "１１０１０５１９４９１２３１００２Ｘ"],
    Kind.PHONE: ["13800138000", "+86 138 0013 8000", "0086-13800138000", "010-62345678", "+49 170 1234567", "+1 (212) 555 0199"],
    Kind.BANK_CARD: ["4111111111111111", "4111 1111 1111 1111", "6222-0212-3456-7890-128", "378282246310005"],
    Kind.IBAN: ["DE89370400440532013000", "GB82 WEST 1234 5698 7654 32", "FR1420041010050500013M02606"],
    Kind.EMAIL: ["ann.smith@example.com", "a+b@mail.example.co.uk", "li@bank.example.cn"],
    Kind.SECRET: [
        "sk-abcdefghijklmnopqrstuvwx",
        "AKIAIOSFODNN7EXAMPLE",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
        'password="hunter2hunter2',
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEow/+=\nabc\n-----END RSA PRIVATE KEY-----",
    ],
}
CASES = [(kind, value) for kind, values in HOLDS.items() for value in values]
HARMLESS = [
    "110105194912310021",
    "11010519491331002X",
    "4111 1111 1111 1112",
    "DE89370400440532013001",
    "The year 2024 had 366 days and 12.5 % growth of 1,234,567.89 in Q3.",
    "ann@localhost and @mention",
    "Version 1.38001.38000",
    "order 12345678",
    "The EU AND US AGREED IN 2024 ON 27 ITEMS",
    "task-abcdefghijklmnopqrstuvwx",
    "在2024年第三季度，收入为1234567.89元。",
]


def all_of(text: str) -> list[Finding]:
    return find(text, set(Kind))


@pytest.mark.parametrize(("kind", "value"), CASES)
@pytest.mark.parametrize("around", ["{}", "call {} now", "电话{}。", "({})", "a\n{}\nb", "{},{}"])
def test_what_is_personal_is_found_whatever_stands_around_it(kind: Kind, value: str, around: str) -> None:
    text = around.replace("{}", value)
    found = all_of(text)
    assert found and {each.kind for each in found} == {kind}
    assert value[:40] not in masked(text, found)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_it_stays(text: str) -> None:
    assert masked(text, all_of(text)) == text


def test_kinds_that_a_policy_leaves_out_stay() -> None:
    text = "13800138000 ann@example.com"
    assert masked(text, find(text, {Kind.EMAIL})) == "13800138000 [E-MAIL]"


@pytest.mark.parametrize("seed", range(100))
def test_a_text_in_pieces_is_masked_like_the_whole(seed: int) -> None:
    dice = random.Random(seed)
    parts = [dice.choice([*HARMLESS, *(value for _, value in CASES), "Hello World", "你好"]) for _ in range(6)]
    text = dice.choice([" ", "，", "\n", ". "]).join(parts)
    stream, shown = StreamMask(all_of), ""
    at = 0
    while at < len(text):
        size = dice.choice([1, 1, 2, 3, 7, 30])
        shown += stream.feed(text[at : at + size])
        at += size
    assert shown + stream.finish() == masked(text, all_of(text))


def test_plain_words_are_not_held_back() -> None:
    stream = StreamMask(all_of)
    assert stream.feed("The answer is forty ") == "The answer is forty "
    assert stream.feed("two, of course.\n") == "two, of course.\n"
    assert stream.feed("中文没有空格") == "中文没有空格"


def test_an_endless_run_is_let_through_in_the_end() -> None:
    stream = StreamMask(all_of)
    shown = sum(len(stream.feed("a" * 100)) for _ in range(300))
    assert shown > 10_000 and shown + len(stream.finish()) == 30_000


@pytest.mark.parametrize("piece", ["1", "1 ", "a@", "a.", "-----BEGIN ", "eyJ", "A1 ", "+1 (2", "password=", "sk-"])
def test_a_hostile_text_takes_no_longer_than_its_length(piece: str) -> None:
    started = time.monotonic()
    all_of(piece * (200_000 // len(piece)))
    assert time.monotonic() - started < 30, "it takes less than a second; what backtracks takes hours"
