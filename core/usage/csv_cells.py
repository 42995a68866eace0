"""Keep CSV files safe and readable in spreadsheets: in Unicode, and without formulas."""

from __future__ import annotations

from core.characters import first_seen

BOM = "\ufeff"
"""The byte order mark, without which Excel does not read a file as UTF-8."""
_SIGNS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def may_be_formula(text: str) -> bool:
    """Tell whether a cell with this text is a formula, or may become one, in Excel, LibreOffice or Google Sheets.

    Invisible characters before the sign do not make it safe: spreadsheets drop them. A cell that begins with a line break or tab
    counts too, since it may be read as the next cell. See OWASP, CSV injection.
    """
    seen = first_seen(text)
    return text.startswith(_SIGNS, seen) or any(c in "\t\r\n" for c in text[:seen])


def safe_cell(value: object) -> object:
    """Put an apostrophe before text that starts like a formula. Numbers stay numbers."""
    return f"'{value}" if isinstance(value, str) and may_be_formula(value) else value
