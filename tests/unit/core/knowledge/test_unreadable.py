"""Files that no model can read, refused in words that say what to do."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.errors import InvalidInput
from core.knowledge.unreadable import refuse_known


def packed(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "text")
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("q3.xlsx", packed("[Content_Types].xml", "xl/workbook.xml"), "spreadsheet.*CSV"),
        ("q3.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "spreadsheet.*CSV"),
        ("talk.pptx", packed("ppt/presentation.xml"), "presentation.*PDF"),
        ("old.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500, "before 2007.*docx"),
        ("all.zip", packed("a.txt"), "archive.*Unpack"),
        ("all.tar.gz", b"\x1f\x8b\x08" + b"\0" * 30, "archive"),
        ("scan.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image"),
        ("call.wav", b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0", "audio"),
    ],
)
def test_a_known_kind_is_named_with_what_to_do(name: str, content: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as refused:
        refuse_known(name, content)
    assert str(refused.value).startswith(name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("report.docx", packed("word/document.xml")),
        ("BMW.txt", b"BMW raised its forecast"),
        ("gif.txt", b"GIF8 is how such pictures begin"),
        ("pk.txt", b"Packages"),
        ("data.csv", b"a,b\n1,2"),
        ("paper.pdf", b"%PDF-1.7"),
    ],
)
def test_others_pass(name: str, content: bytes) -> None:
    refuse_known(name, content)
