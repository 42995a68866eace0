"""Read the text of a PDF."""

from __future__ import annotations

import sys
from io import BytesIO
from typing import Any

from pypdf import PdfReader, _cmap, apply_configuration
from pypdf.generic import DictionaryObject, _font

from data.documents.formats.normal_text import normal
from data.documents.formats.refusal import Refused

# Encodings of CJK fonts that pypdf does not know, by the names of the PDF standard.
_CODECS = {
    "gbk": "GBKp-EUC", "euc_kr": "KSC-EUC KSCpc-EUC", "cp949": "KSCms-UHC KSCms-UHC-HW", "johab": "KSC-Johab", "cp950": "B5pc",
    "big5hkscs": "HKscs-B5", "cp932": "83pv-RKSJ 90msp-RKSJ 90pv-RKSJ Add-RKSJ Ext-RKSJ", "euc_jp": "EUC",
    "utf-16-be": "UniKS-UTF16 UniJIS2004-UTF16", "utf-8": "UniGB-UTF8 UniCNS-UTF8 UniJIS-UTF8 UniJIS2004-UTF8 UniKS-UTF8",
    "utf-32-be": "UniGB-UTF32 UniCNS-UTF32 UniJIS-UTF32 UniJIS2004-UTF32 UniKS-UTF32",
}  # fmt: skip
_KNOWN = {f"/{name}-{way}": codec for codec, names in _CODECS.items() for name in names.split() for way in "HV"}
_IDENTITY = ("/Identity-H", "/Identity-V")
_COLLECTIONS = ("GB1", "CNS1", "Japan1", "Japan2", "Korea1", "KR")
"""Adobe's glyph collections, whose numbers are not characters."""
_UNKNOWN = "\ufffd"
_MAX_UNKNOWN = 5
"""Refuse a document if at least one in this many characters cannot be identified."""


_get_encoding = _cmap.get_encoding


def _encoding(font: DictionaryObject) -> tuple[Any, dict[Any, Any]]:
    """Read a font as pypdf does, but give U+FFFD for characters that the font does not identify, for which pypdf would invent one."""
    encoding, characters = _get_encoding(font)
    return encoding, characters if _identifies_characters(font) else _Unknown(characters)


def _identifies_characters(font: DictionaryObject) -> bool:
    if font.get("/Subtype") != "/Type0" or "/ToUnicode" in font:
        return True
    encoding, parts = font.get("/Encoding"), font.get("/DescendantFonts")
    if encoding in _IDENTITY:
        info = parts[0].get_object().get("/CIDSystemInfo") if parts else None
        return info is None or str(info.get_object().get("/Ordering")) not in _COLLECTIONS
    return isinstance(encoding, str) and (encoding in _cmap._predefined_cmap or "-UCS2-" in encoding)


class _Unknown(dict[Any, Any]):
    """Gives U+FFFD for characters that the font does not identify."""

    def get(self, key: Any, default: Any = None) -> Any:
        return _UNKNOWN if isinstance(key, str) and not key.isspace() else super().get(key, default)


def pdf_text(content: bytes, most_chars: int) -> str:
    """Return the text of a PDF. The time limit bounds nested drawings; pypdf's own limit would silently leave out the rest."""
    pages: list[str] = []
    _cmap._predefined_cmap |= _KNOWN
    vars(_font)["get_encoding"] = _encoding
    with apply_configuration(xform_maximum_invocations_per_extraction=sys.maxsize, jbig2dec_binary=None):
        for page in PdfReader(BytesIO(content)).pages:
            pages.append(normal(page.extract_text()).strip("\n"))
            most_chars -= len(pages[-1]) + 1
            if most_chars < 0:
                raise Refused("long")
    if sum(page.count(_UNKNOWN) for page in pages) * _MAX_UNKNOWN > sum(len("".join(page.split())) for page in pages):
        raise Refused("fonts")
    return "\n\f".join(pages) if any(page.strip() for page in pages) else ""
