"""Texts in the encodings that machines of many countries still use, long and short, and the detected encodings."""

from __future__ import annotations

import time

import pytest

from core.knowledge.encodings import decoded
from data.documents.encoding_detector import CharsetDetector

DETECTOR = CharsetDetector()
SIMPLIFIED = "第三季度的收入增长了百分之十二，主要来自新客户。\n成本没有变化。"
TRADITIONAL = "第三季度的收入增長了百分之十二，主要來自新客戶。\n成本沒有變化。"
KOREAN = "3분기 매출은 12퍼센트 증가했으며 주로 신규 고객에서 발생했습니다.\n비용은 변하지 않았습니다."
JAPANESE = "第3四半期の売上は12パーセント増加し、主に新規顧客によるものでした。\nコストは変わりません。"
RUSSIAN = "Выручка в третьем квартале выросла на двенадцать процентов за счёт новых клиентов.\nРасходы не изменились."
SAMPLES = [
    ("GB18030", "gb18030", SIMPLIFIED),
    ("GB18030", "gbk", "name,城市\n李伟,北京\n张敏,上海\n"),
    ("GB18030", "gb2312", "id;amount\n1;2,50\n2;3,75 上海\n"),
    ("Big5", "big5", TRADITIONAL),
    ("Big5", "cp950", "姓名,城市\n李偉,臺北\n陳怡君,高雄\n"),
    ("EUC-KR", "euc-kr", KOREAN),
    ("EUC-KR", "cp949", "이름,도시\n김철수,서울\n"),
    ("Shift_JIS", "shift_jis", JAPANESE),
    ("Shift_JIS", "cp932", "名前,都市\n田中さん,東京\n"),
    ("EUC-JP", "euc_jp", JAPANESE),
    ("Windows-1251", "cp1251", RUSSIAN),
    ("Windows-1251", "cp1251", "имя;город\nИван;Москва\n"),
    ("KOI8-R", "koi8_r", RUSSIAN),
    ("Windows-1252", "cp1252", "Überblick: für die Prüfung am Fluß\nMenge;Größe\n5;groß\n"),
    ("Windows-1252", "cp1252", "“Zitat” – 5 €"),
    ("Windows-1252", "cp1252", "café"),
    ("Windows-1252", "latin-1", "Señor Núñez: ¿Cómo está? L'élève est créée à Genève."),
    ("Windows-1252", "latin-1", "GRÖSSE;ÜBERTRAG\n1;2\n"),
    ("Windows-1250", "cp1250", "Zażółć gęślą jaźń. Przychody wzrosły o dwanaście procent.\n"),
    ("Windows-1253", "cp1253", "Τα έσοδα του τρίτου τριμήνου αυξήθηκαν κατά δώδεκα τοις εκατό.\n"),
    ("Windows-1255", "cp1255", "ההכנסות ברבעון השלישי עלו בשנים עשר אחוזים.\n"),
    ("Windows-1256", "cp1256", "ارتفعت الإيرادات في الربع الثالث بنسبة اثني عشر في المئة.\n"),
    ("Windows-874", "cp874", "รายได้ในไตรมาสที่สามเพิ่มขึ้นร้อยละสิบสอง\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "codec", "text"), SAMPLES, ids=lambda value: repr(value)[:24])
@pytest.mark.parametrize("times", [1, 30])
def test_a_text_is_read_in_its_encoding(name: str, codec: str, text: str, times: int) -> None:
    found = decoded((text * times).encode(codec), DETECTOR)
    assert found is not None and (found.encoding, found.text) == (name, text * times)


@pytest.mark.parametrize(("name", "codec", "text"), SAMPLES, ids=lambda value: repr(value)[:24])
def test_it_may_stand_at_the_end_of_a_long_plain_file(name: str, codec: str, text: str) -> None:
    plain = "2026-11-29 08:00:00 INFO plain words only\n" * 20_000
    found = decoded((plain + text).encode(codec), DETECTOR)
    assert found is not None and (found.encoding, found.text) == (name, plain + text)


@pytest.mark.parametrize(
    ("codec", "name", "text"),
    [
        ("gb18030", "GB18030", SIMPLIFIED),
        ("big5", "Big5", TRADITIONAL),
        ("euc-kr", "EUC-KR", KOREAN[:-1]),
        ("shift_jis", "Shift_JIS", JAPANESE),
        ("utf-8", "UTF-8", KOREAN[:-1]),
        ("utf-16", "UTF-16", SIMPLIFIED),
    ],
)
@pytest.mark.parametrize("times", [2, 50])
def test_a_file_cut_within_a_character_keeps_its_encoding(codec: str, name: str, text: str, times: int) -> None:
    whole = f"{text}\n" * times + text
    found = decoded(whole.encode(codec)[:-1], DETECTOR)
    assert found is not None and (found.encoding, found.text) == (name, whole[:-1] + "\ufffd")


@pytest.mark.parametrize(
    ("codec", "name", "text"),
    [("gb18030", "GB18030", SIMPLIFIED), ("big5", "Big5", TRADITIONAL), ("euc-kr", "EUC-KR", KOREAN), ("utf-8", "UTF-8", RUSSIAN)],
)
def test_one_bad_byte_in_the_middle_changes_nothing_for_the_others(codec: str, name: str, text: str) -> None:
    found = decoded(f"{text}\n".encode(codec) * 10 + b"bad \xff byte\n" + f"{text}\n".encode(codec) * 10, DETECTOR)
    assert found is not None and found.encoding == name
    assert found.text == f"{text}\n" * 10 + "bad \ufffd byte\n" + f"{text}\n" * 10


def test_a_large_file_is_guessed_by_a_part_of_it() -> None:
    content = SIMPLIFIED.encode("gb18030") * 100_000
    began = time.thread_time()
    assert DETECTOR.guess(content) == "GB18030"
    assert time.thread_time() - began < 3.0


@pytest.mark.parametrize("content", [b"", b"\n\n", b"plain", bytes(range(1, 256)), b"\xff" * 5000, b"\x81" * 70_000, b"\xff\n" * 70_000])
def test_what_is_no_text_is_answered_too(content: bytes) -> None:
    DETECTOR.guess(content)
