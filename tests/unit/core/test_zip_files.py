"""Every reader of ZIP files refuses one that is damaged anywhere, with a sentence."""

from __future__ import annotations

import io
import zipfile

import pytest

from core.chat.imports.reading import read_export
from core.chat.imports.records import Losses
from core.errors import InvalidInput
from core.grounding.batch.archives import images_in

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
