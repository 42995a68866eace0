"""Decide which addresses become links, and write the links. A link says on hover that it leaves the portal, and shows its target."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pages.markdown.text import escaped, quoted

MAX_LENGTH = 2_000

_URL = r"[\w.~:/?#\[\]@!$&'()*+,;=%-]"
_IN_TEXT = re.compile(
    rf"(?<![A-Za-z0-9])(?P<web>(?:https?://|www\.)[A-Za-z0-9\[]{_URL}{{1,{MAX_LENGTH}}})"
    r"|(?P<mail>(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+)",
    re.IGNORECASE | re.ASCII,
)
_TARGET = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\])(?P<port>:\d{1,5})?(?P<rest>[/?#].*)?",
    re.IGNORECASE | re.DOTALL,
)
_UNSAFE = re.compile(r"[^\w.~:/?#@!$&'()*+,;=%-]", re.ASCII)
_ENDING = re.compile(r"[.,;:!?\"'*_~&]$")
_LIKE_AN_ADDRESS = re.compile(r"(?:^|[^\w@-])(?:https?://|www\.)?(?:[\w-]+\.)+[a-z]{2,24}(?![\w.-]*@)", re.IGNORECASE)


def target(address: str) -> str | None:
    """Return the URL of a link to this address; None if it must not be a link. Only http and https without a user name are allowed."""
    found = _TARGET.fullmatch(address.strip())
    if found is None or len(address) > MAX_LENGTH:
        return None
    rest = _UNSAFE.sub(_percent, found["rest"] or "")
    # Streamlit replaces ":material/" in the raw text; for a server both spellings are the same.
    rest = rest.replace(":material/", ":materi%61l/")
    return f"{found['scheme'].lower()}://{found['host']}{found['port'] or ''}{rest}"


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))


def link(label: str, plain_label: str, address: str, leaving: str) -> str:
    """Return a link in Markdown. label: Markdown; plain_label: its text. leaving: the word before the address shown on hover.

    If the label looks like another address, the real host follows it in brackets.
    """
    written = f'[{label}](<{address.replace("&", "&amp;")}> "{quoted(f"{leaving} {address}".strip())}")'
    host = _host(address)
    if plain_label and _LIKE_AN_ADDRESS.search(plain_label) and host not in plain_label.casefold():
        return f"{written} \\({escaped(host)}\\)"
    return written


def _host(address: str) -> str:
    found = _TARGET.fullmatch(address)
    return found["host"].casefold() if found else ""


def split(text: str) -> Iterator[tuple[str, str]]:
    """Split a text into pieces: ("text" | "web" | "mail", piece)."""
    at = 0
    if "://" in text or "@" in text or "www." in text.casefold():
        for found in _IN_TEXT.finditer(text):
            kind = found.lastgroup or ""
            piece = _without_ending(found[0]) if kind == "web" else found[0].rstrip(".-_")
            if kind == "web" and target(absolute(piece)) is None:
                continue
            if found.start() > at:
                yield "text", text[at : found.start()]
            yield kind, piece
            at = found.start() + len(piece)
    if at < len(text):
        yield "text", text[at:]


def absolute(address: str) -> str:
    """Return the address with a scheme; "www." gets http://."""
    return f"http://{address}" if address[:4].casefold() == "www." else address


def _without_ending(address: str) -> str:
    """Remove the end that belongs to the surrounding sentence: punctuation, and closing brackets without an opening one."""
    while True:
        shorter = address
        if _ENDING.search(address):
            shorter = address[:-1]
        for opening, closing in ("()", "[]"):
            if address.endswith(closing) and address.count(closing) > address.count(opening):
                shorter = address[:-1]
        if shorter == address:
            return address
        address = shorter
