"""Find personal data by shape and check digit. Every pattern is bounded, so that a hostile text costs no more than a long one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator

from core.privacy.check_digits import is_iban, is_id_number, is_luhn
from core.privacy.records import Finding, Kind

Find = Callable[[str], Iterator[tuple[int, int]]]
"""Yields where a text holds something."""

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0x2010: 0x2D, 0x2011: 0x2D, 0x2013: 0x2D, 0xA0: 0x20}
"""Full-width letters and digits, and other hyphens and spaces, one for one."""
_ALONE, _ENDS = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"


def _bare(text: str) -> str:
    return re.sub(r"[ \-]", "", text)


_ID = re.compile(rf"{_ALONE}[1-9][0-9]{{16}}[0-9Xx]{_ENDS}")
_CARD = re.compile(rf"{_ALONE}[1-9][0-9]{{3}}(?:[ \-]?[0-9]{{4}}){{2,3}}(?:[ \-]?[0-9]{{1,3}})?{_ENDS}")
_IBAN = re.compile(rf"{_ALONE}[A-Z]{{2}}[0-9]{{2}}(?: ?[A-Z0-9]{{4}}){{2,7}}(?: ?[A-Z0-9]{{1,3}})?{_ENDS}")
_PHONE = re.compile(
    r"(?<![A-Za-z0-9.])(?:(?:\+|00)86[ \-]?)?1[3-9][0-9](?:[ \-]?[0-9]{4}){2}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])\+[1-9][0-9]{0,2}(?:[ \-]?\(?[0-9]{2,4}\)?){2,5}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9\-])0[1-9][0-9]{1,2}-[1-9][0-9]{6,7}(?![A-Za-z0-9\-])"
)
_EMAIL = re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])")
_SECRET = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,16000}(?:-----END [A-Z ]{0,30}-----)?"
    r"|(?<![A-Za-z0-9])(?:"
    r"eyJ[A-Za-z0-9_\-]{5,3000}\.eyJ[A-Za-z0-9_\-]{5,3000}(?:\.[A-Za-z0-9_\-]{0,1000})?"
    r"|(?:sk|pk|rk|hf|ghp|gho|ghs|glpat|github_pat|xox[abprs])[_\-][A-Za-z0-9_\-]{16,300}"
    r"|AKIA[0-9A-Z]{16}(?![A-Za-z0-9])|AIza[A-Za-z0-9_\-]{35}"
    r"|(?i:password|passwd|pwd|secret|token|api[_\-]?key)[\"']?[=:][\"']?[^\s\"',;]{8,200}"
    r")"
)


def _cards(text: str) -> Iterator[tuple[int, int]]:
    for found in _CARD.finditer(text):
        if 13 <= len(bare := _bare(found[0])) <= 19 and is_luhn(bare):
            yield found.span()


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    for found in _IBAN.finditer(text):
        # Words in capitals may follow an IBAN: leave out groups until the check digits are right.
        end = found.end()
        while end - found.start() >= 15:
            if is_iban(_bare(text[found.start() : end])):
                yield found.start(), end
                break
            end = text.rfind(" ", found.start(), end)
            if end < 0:
                break


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for found in _PHONE.finditer(text):
        if 8 <= sum(each.isdigit() for each in found[0]) <= 15:
            yield found.span()


_FINDERS: dict[Kind, Find] = {
    Kind.ID_NUMBER: lambda text: (found.span() for found in _ID.finditer(text) if is_id_number(found[0])),
    Kind.PHONE: _phones,
    Kind.BANK_CARD: _cards,
    Kind.IBAN: _ibans,
    Kind.EMAIL: lambda text: (found.span() for found in _EMAIL.finditer(text)),
    Kind.SECRET: lambda text: (found.span() for found in _SECRET.finditer(text)),
}


def find(text: str, kinds: Collection[Kind], own: Find | None = None) -> list[Finding]:
    """Return the findings in a text, in order and without overlaps: the first to start wins, then the longer one."""
    plain = text.translate(_WIDE)
    found = [Finding(*span, kind) for kind, finder in _FINDERS.items() if kind in kinds for span in finder(plain)]
    if own is not None and Kind.OWN in kinds:
        found += [Finding(start, end, Kind.OWN) for start, end in own(text) if end > start]
    kept: list[Finding] = []
    for each in sorted(found, key=lambda each: (each.start, -each.end)):
        if not kept or each.start >= kept[-1].end:
            kept.append(each)
    return kept
