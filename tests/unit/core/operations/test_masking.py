from __future__ import annotations

import random
import time

import pytest

from core.operations.masking import MASK, MAX_LENGTH, mask


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("login failed, password=hunter2 for ann", "hunter2"),
        ('{"password": "correct horse", "user": "ann"}', "correct horse"),
        ("{'api_key': 'abc-123', 'n': 1}", "abc-123"),
        ("PORTAL_MASTER_KEY=c2VjcmV0 was set", "c2VjcmV0"),
        ("the passphrase is opensesame", "opensesame"),
        ("refresh_token: r3fr3sh", "r3fr3sh"),
        ("密码是 打开芝麻，请勿外传", "打开芝麻"),
        ("口令：abc123。", "abc123"),
        ("Password：Geheim1", "Geheim1"),
        ("Authorization: Bearer abc.def", "abc.def"),
        ("{'authorization': 'ApiKey Zm9vOmJhcg=='}", "Zm9vOmJhcg"),
        ("sent Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("sent Bearer q1w2e3r4t5", "q1w2e3r4t5"),
        ("Cookie: portal_session=abcdef; theme=dark", "abcdef"),
        ("Set-Cookie: sid=zzz; HttpOnly", "zzz"),
        ("could not reach postgresql://portal:pa55@db/portal", "pa55"),
        ("https://elastic:p@ss@es.example:9200 is down", "p@ss"),
        ("key sk-abcdefghijklmnop used", "abcdefghijklmnop"),
        ("hf_ABCDEFGHIJKLMNOPQRST", "ABCDEFGHIJ"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "c2lnbmF0dXJl"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
        ("the key MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= is used", "MDEyMzQ1"),
        ("mail to ann.lee+work@mail.example.com failed", "ann.lee"),
        ("请联系张三zhang.san@例子.com", "zhang.san"),
        ("电话13800138000已登记", "13800138000"),
        ("手机 +86 138 0013 8000", "0013"),
        ("座机010-62345678", "62345678"),
        ("call (555) 123-4567 or 555-123-4567", "4567"),
        ("call +49 30 901820", "901820"),
        ("身份证11010519491231002X有效", "11010519491231002X"),
        ("SSN 078-05-1120", "078-05-1120"),
        ("card 4111 1111 1111 1111 declined", "4111"),
        ("银行卡6222021234567890128", "6222021234567890128"),
        ("IBAN DE89 3704 0044 0532 0130 00", "3704"),
        ("(psycopg.errors.NotNullViolation)\nDETAIL:  Failing row contains (7, what I asked\non two lines).", "two lines"),
        ("sqlite3.IntegrityError [parameters: ('what I asked',)]", "what I asked"),
        ("failed to parse field [rating]. Preview of field's value: 'what I wrote'", "what I wrote"),
    ],
)
def test_a_secret_or_a_person_s_data_is_masked(text: str, secret: str) -> None:
    masked = mask(text)
    assert secret not in masked and MASK in masked


@pytest.mark.parametrize(
    "text",
    [
        "turn 0f9c138001380004bb8e4f4d8a31c2b7 ended: done",
        "completion_tokens: 12, tokens: 40, prompt_tokens=7",
        "index glm-portal-message-v2-1763733600000000000 is complete",
        "2026-11-21T10:00:00.123456+00:00 answered 200 in 12 ms",
        "PORTAL_MASTER_KEY must be 32 bytes in base64",
        "model GLM-4-9B Q4_K_M is ready on 127.0.0.1:8501",
        "loaded 6222021234567 bytes; 1234567890123456 more",
        "basic authentication is used",
        "模型已就绪，共 40 层",
        "listening on http://localhost:8501",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize(
    "piece",
    ["a", "1", "1-", "a.", "a@", "-----BEGIN PRIVATE KEY-----", "password", "password=", "://a", "DETAIL:", "eyJaaaaa.", "AB12 ", "+1 "],
)
def test_a_hostile_line_takes_little_time(piece: str) -> None:
    began = time.thread_time()
    mask(piece * (1_000_000 // len(piece)))
    assert time.thread_time() - began < 1.5


def test_noise_of_all_kinds_takes_little_time() -> None:
    noise = random.Random(5)
    letters = "ab1 .-_@:/+=(){}[]\"'\n密码是password=eyJ"
    began = time.thread_time()
    for _ in range(10):
        mask("".join(noise.choices(letters, k=MAX_LENGTH)))
    assert time.thread_time() - began < 5


def test_a_long_text_keeps_its_beginning_and_its_end() -> None:
    text = "first line\n" + "middle of it\n" * 10_000 + "ValueError: the cause"
    masked = mask(text)
    assert masked.startswith("first line") and masked.endswith("the cause")
    assert "characters left out" in masked and len(masked) < MAX_LENGTH + 100


def test_half_a_surrogate_pair_does_not_break_a_line() -> None:
    assert mask("a \ud83d b").encode("utf-8") == rb"a \ud83d b"
