"""Every reader of ZIP files refuses one that is damaged anywhere, with a sentence."""

from __future__ import annotations

import io
import time
import zipfile

import pytest

from core.chat.imports.reading import read_export
from core.chat.imports.records import Losses
from core.errors import InvalidInput
from core.grounding.batch.archives import images_in
from core.zip_files import lists_more_than, unpacked

METHODS = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]


def zipped(method: int) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        archive.writestr("conversations.json", "[1, 2, 3]" * 200)
    return made.getvalue()


@pytest.mark.parametrize("method", METHODS)
def test_damage_at_any_byte_ends_in_words(method: int) -> None:
    whole = zipped(method)
    for place in range(0, len(whole), 3):
        damaged = whole[:place] + bytes(byte ^ 0xFF for byte in whole[place : place + 3]) + whole[place + 3 :]
        with pytest.raises(InvalidInput):
            read_export(damaged, Losses())
        try:
            found = list(images_in("images.zip", damaged, 100_000, 1_000_000))
        except InvalidInput:
            continue
        assert all(isinstance(content, bytes) for _, content in found)


def listed(names: int, length: int = 0, comment: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for number in range(names):
            archive.writestr(f"{number}{'x' * length}", b"")
        archive.comment = comment
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "too_many"),
    [
        (listed(100), False),
        (listed(100, comment=b"PK about this"), False),
        (listed(1_000), True),
        (listed(100, length=1_000), True),
        (listed(70_000), True),
        (b"PK\3\4 no list at all", False),
        (b"PK\5\6", False),
    ],
    ids=["few", "a comment", "many", "long names", "more than the old format counts", "no list", "cut off"],
)
def test_a_list_that_is_too_long_is_seen_before_it_is_read(content: bytes, too_many: bool) -> None:
    assert lists_more_than(content, 100) is too_many


def test_an_entry_that_says_that_it_is_too_large_is_not_unpacked() -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(200_000_000))
    with zipfile.ZipFile(io.BytesIO(made.getvalue())) as archive:
        began = time.thread_time()
        assert unpacked(archive, archive.getinfo("a"), 100_000_000) is None
        assert time.thread_time() - began < 0.05
