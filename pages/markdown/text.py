"""Write any text as Markdown that Streamlit draws as exactly that text.

A backslash escapes a character of Markdown. Streamlit replaces shortcodes such as `:smile:` and `:material_home:`, arrows and bare
addresses later, in the decoded text, where escapes no longer help. So an invisible word joiner is inserted into them.
"""

from __future__ import annotations

import re

JOINER = "\u2060"
"""The word joiner: it has no width, allows no line break, and does not count as white space in a browser's patterns."""

_SIGNS = {ord(sign): f"\\{sign}" for sign in "!\"#%&'()*+,-./:;<=>?@[\\]^_{|}~"}
# Streamlit searches the raw text for formulas and code before it parses Markdown: the raw text must not contain these characters at all.
_SIGNS |= {ord(sign): f"&#{ord(sign)};" for sign in "$`\t\n\r\f"}
_SIGNS |= dict.fromkeys((*range(9), 11, *range(14, 32), 127))  # type: ignore[dict-item]

_SHORTCODE = re.compile(r":(?=[\w+-]*[A-Za-z_+-][\w+-]*:|100:|1234:)", re.ASCII)
_ARROW = re.compile(r"(?<![^\s\ufeff])([<>~-])(?=(?:(?<=<)->|(?<=-)>|(?<=<)-|(?<=-)-|(?<=[<>~])=)(?![^\s\ufeff]))")
_MAY_BE_AN_ARROW = re.compile(r"[-<>~][->=]")
_MAY_BE_AN_ADDRESS = re.compile(r"://|[wW]\.|@")
_ADDRESS = re.compile(r"(https?(?=://)|www(?=\.)|(?<=[\w.+-])(?=@[\w-]))", re.IGNORECASE | re.ASCII)


def escaped(text: str, *, in_link: bool = False) -> str:
    """Return Markdown for one piece of text. Inside a link, addresses do not become links, so they need no joiner."""
    if ":" in text:
        text = _SHORTCODE.sub(f":{JOINER}", text)
    if not in_link and _MAY_BE_AN_ADDRESS.search(text):
        text = _ADDRESS.sub(rf"\1{JOINER}", text)
    if _MAY_BE_AN_ARROW.search(text):
        text = _ARROW.sub(rf"\1{JOINER}", text)
    return text.translate(_SIGNS)


def quoted(text: str) -> str:
    """Escape text for a link's title in quotation marks, where only Markdown's own characters need escapes."""
    return text.translate(_SIGNS)


def literal(text: str) -> str:
    """Return Markdown that shows a whole text as it is, line by line."""
    lines = (escaped(line.strip()) for line in text.split("\n"))
    return "\n\n".join("\\\n".join(part) for part in _paragraphs(lines))


def _paragraphs(lines: object) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for line in lines:  # type: ignore[attr-defined]
        if line:
            parts[-1].append(line)
        elif parts[-1]:
            parts.append([])
    return [part for part in parts if part]
