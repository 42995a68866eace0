"""Readable titles of the encodings of text files."""

from __future__ import annotations

from core.knowledge.encodings import ENCODINGS
from pages.shell.words import t


def encoding_titles() -> list[list[str]]:
    """Return each encoding with its title in the reader's language, such as "Big5 · Traditional Chinese"."""
    writing = {
        "UTF-8": t("Unicode"),
        "UTF-16": t("Unicode"),
        "GB18030": t("Simplified Chinese"),
        "Big5": t("Traditional Chinese"),
        "EUC-KR": t("Korean"),
        "Shift_JIS": t("Japanese"),
        "EUC-JP": t("Japanese"),
        "Windows-1250": t("Central European"),
        "Windows-1251": t("Cyrillic"),
        "Windows-1252": t("Western European"),
        "Windows-1253": t("Greek"),
        "Windows-1254": t("Turkish"),
        "Windows-1255": t("Hebrew"),
        "Windows-1256": t("Arabic"),
        "Windows-874": t("Thai"),
        "KOI8-R": t("Cyrillic"),
    }
    return [[name, f"{name} · {writing[name]}"] for name in ENCODINGS]
