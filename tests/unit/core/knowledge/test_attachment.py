"""Names and contents as people's machines and hostile clients send them."""

from __future__ import annotations

import pytest

from core.errors import InvalidInput
from core.knowledge.attachment import NAME_CHARS, clean_name, is_document, read_as, text_of, with_files

CHINESE = "第三季度的收入增长了百分之十二，主要来自新客户。\n成本没有变化。"
GERMAN = "Überblick: für die Prüfung am Fluß\nMenge;Größe\n5;groß\n"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"a,b\r\n1,2\r\n", "a,b\n1,2\n"),
        (b"old\rMac", "old\nMac"),
        (CHINESE.encode(), CHINESE),
        (CHINESE.encode("utf-8-sig"), CHINESE),
        (CHINESE.encode("utf-16"), CHINESE),
        (b"\xfe\xff" + CHINESE.encode("utf-16-be"), CHINESE),
        (CHINESE.encode("gb18030"), CHINESE),
        ("name,城市\n李伟,北京\n".encode("gb18030"), "name,城市\n李伟,北京\n"),
        (GERMAN.encode("cp1252"), GERMAN),
        ("“Zitat” – 5 €".encode("cp1252"), "“Zitat” – 5 €"),
        (b"page one\fpage two\tx", "page one\fpage two\tx"),
        ("🙂 ok".encode(), "🙂 ok"),
        (b"\x1b[2Jcleared", "cleared"),
        (b"\x1b[32mINFO\x1b[0m started\r\n\x1b[1;31mERROR\x1b[0m failed\r\n\x1a", "INFO started\nERROR failed\n"),
        (b"one\x0btwo\x07", "one\ntwo"),
        (b"NA\bAM\bME\bE: man pages", "NAME: man pages"),
        (b"8=FIX.4.4\x0135=D\x0149=A\x01", "8=FIX.4.4 35=D 49=A "),
        ("Größe ".encode() * 20 + "Maß".encode()[:-1], "Größe " * 20 + "Ma\ufffd"),
        ("Größe ".encode() * 20 + b"bad \xff byte", "Größe " * 20 + "bad \ufffd byte"),
        (CHINESE.encode("utf-8-sig")[:-1], CHINESE[:-1] + "\ufffd"),
        (CHINESE.encode("utf-16")[:-1], CHINESE[:-1] + "\ufffd"),
        ("half a pair \ud800".encode("utf-16", "surrogatepass"), "half a pair \ufffd"),
        ("a;b\n1;2\n".encode("utf-16-le"), "a;b\n1;2\n"),
        ("Menge;Größe\n".encode("utf-16-be"), "Menge;Größe\n"),
    ],
)
def test_text_is_read_as_it_was_written(content: bytes, text: str) -> None:
    assert text_of("a.txt", content) == text


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", b"%PDF-1.7\n\x00\x01\x02", b"PK\x03\x04\x14\x00", b"\x7fELF\x02\x01\x01", b"\x00" * 9,
        b"text with a \x00 in it", b"\xff\xfea",
        bytes(range(256)), b"\xef\xbb\xbf\xff\xff",
    ],
    ids=lambda content: repr(content[:8]),
)  # fmt: skip
def test_what_is_no_text_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(InvalidInput, match=r"photo\.txt cannot be read"):
        text_of("photo.txt", content)


def test_a_text_is_read_in_the_encoding_that_somebody_chose() -> None:
    assert text_of("a.txt", "價格".encode("big5"), "Big5") == "價格"
    assert read_as("a.txt", b"plain", "EUC-KR").encoding == "EUC-KR"


@pytest.mark.parametrize(
    ("content", "encoding", "says"),
    [
        ("價格".encode("big5"), "UTF-8", "a.txt cannot be read as UTF-8. Choose another encoding."),
        (b"x", "latin-9", "Choose one of these encodings: UTF-8, UTF-16, GB18030"),
        (b"a\x00b", "GB18030", "a.txt cannot be read. Attach"),
    ],
)
def test_an_encoding_that_does_not_fit_is_refused(content: bytes, encoding: str, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        text_of("a.txt", content, encoding)
    assert says in str(caught.value)


@pytest.mark.parametrize("content", [b"", b" \r\n\t ", b"\xef\xbb\xbf", "\u200b\ufeff".encode(), b"\x1b[0m\x1a"])
def test_nothing_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="is empty"):
        text_of("a.txt", content)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("report.csv", "report.csv"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\Zahlen.csv", "Zahlen.csv"),
        ("  two\n lines .txt ", "two lines .txt"),
        ("bell\x07\u202etxt.csv", "bell txt.csv"),
        ("报告.csv", "报告.csv"),
        (".env", ".env"),
    ],
)
def test_a_name_is_one_line_without_folders(given: str, name: str) -> None:
    assert clean_name(given) == name


def test_a_long_name_keeps_its_ending() -> None:
    name = clean_name("x" * 500 + ".csv")
    assert len(name) == NAME_CHARS and name.endswith("….csv")


@pytest.mark.parametrize("name", ["", "/", "..", "a/", " . ", "\x00"])
def test_a_file_without_a_name(name: str) -> None:
    with pytest.raises(InvalidInput, match="needs a name"):
        clean_name(name)


def test_the_model_reads_files_before_the_question() -> None:
    assert with_files("Sum?", [("a.csv", "1\n2\n"), ("b.csv", "3")]) == (
        "[file: a.csv]\n1\n2\n[end of a.csv]\n\n[file: b.csv]\n3\n[end of b.csv]\n\nSum?"
    )
    assert with_files("", [("a.txt", "x")]) == "[file: a.txt]\nx\n[end of a.txt]"
    assert with_files("Why?", []) == "Why?"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.7\n1 0 obj"),
        ("no ending", b"%PDF-2.0\n"),
        ("A.PDF", b"\x00\x01 sent by a scanner" + b" " * 900 + b"%PDF-1.4"),
        ("a.docx", b"PK\x03\x04\x14\x00...word/document.xml..."),
        ("a.zip", b"PK\x03\x04\x14\x00...word/document2.xml..."),
    ],
)
def test_a_document_is_known_by_its_content(name: str, content: bytes) -> None:
    assert is_document(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"plain text"),
        ("a.pdf", b" " * 1024 + b"%PDF-1.7"),
        ("notes.md", b"A PDF begins with %PDF-1.7"),
        ("a.docx", b"plain text about word/document.xml"),
        ("a.docx", b"PK\x03\x04\x14\x00...xl/workbook.xml..."),
        ("a.docx", b""),
    ],
)
def test_a_name_makes_no_document(name: str, content: bytes) -> None:
    assert not is_document(name, content)
