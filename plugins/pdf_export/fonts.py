"""Find a font that has the characters of a chat. Only the characters that are used are embedded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTCollection, TTFont

from core.plugins.hookspecs import PluginRefusal

SETTING = "PORTAL_PDF_FONT"
PLACES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
)
"""The paths of fonts, best first. The last ones have no Chinese."""
NO_FONT = "The server has no font for PDF files. Ask an admin to install fonts-noto-cjk, or to name a font file in PORTAL_PDF_FONT."
NO_CHINESE = (
    "This chat has Chinese, Japanese or Korean characters, and the server has no font with them. Ask an admin to install fonts-noto-cjk, "
    "or to name a font file in PORTAL_PDF_FONT."
)
_CJK = ((0x2E80, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))


@dataclass(frozen=True, slots=True)
class Face:
    """A font in a file; number: its index in a collection."""

    path: Path
    number: int = 0


@dataclass(frozen=True, slots=True)
class Fonts:
    text: Face
    bold: Face
    code: Face


def is_cjk(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _CJK)


def find_fonts(text: str) -> Fonts:
    """Return fonts for this text. Raises PluginRefusal if there is none, or none with its Chinese, Japanese or Korean characters."""
    named = os.environ.get(SETTING)
    paths = [Path(each) for each in ([named] if named else PLACES)]
    found = [path for path in paths if path.is_file()]
    if not found:
        raise PluginRefusal(NO_FONT)
    wanted = {ord(each) for each in text if is_cjk(each)}
    for path in found:
        fonts, known = _fonts(path)
        if wanted <= known.keys() or len(wanted & known.keys()) > 0.9 * len(wanted):
            return fonts
    raise PluginRefusal(NO_CHINESE)


def _fonts(path: Path) -> tuple[Fonts, dict[int, str]]:
    """Return the faces of a file and the characters that its text has."""
    if path.suffix.lower() != ".ttc":
        bold, code = _beside(path, "Bold") or path, _beside(path, "Mono") or path
        with TTFont(path, lazy=True) as font:
            return Fonts(Face(path), Face(bold), Face(code)), _characters(font)
    with TTCollection(path, lazy=True) as collection:
        names = [font["name"].getDebugName(4) or "" for font in collection.fonts]
        number = _first(names, "CJK SC", "Sans CJK") or 0
        mono = _first(names, "Mono CJK SC", "Mono")
        known = _characters(collection.fonts[number])
    bold_path = path.with_name(path.name.replace("Regular", "Bold"))
    text = Face(path, number)
    bold_face = Face(bold_path, number) if bold_path.is_file() else text
    return Fonts(text, bold_face, Face(path, mono) if mono is not None else text), known


def _first(names: list[str], *wanted: str) -> int | None:
    """Return the first font with one of these words in its name; the earlier word counts more."""
    for word in wanted:
        for number, name in enumerate(names):
            if word in name and ("Mono" in word or "Mono" not in name):
                return number
    return None


def _beside(path: Path, word: str) -> Path | None:
    """Return DejaVuSans-Bold.ttf beside DejaVuSans.ttf, and the like."""
    for name in (f"{path.stem}-{word}{path.suffix}", f"{path.stem}{word}{path.suffix}", path.name.replace("Regular", word)):
        if name != path.name and (other := path.with_name(name)).is_file():
            return other
    return None


def _characters(font: Any) -> dict[int, str]:
    return dict(font.getBestCmap())
