"""Model text on the page: printed here and nowhere else, so that what it may do is decided in one place.

It may be Markdown with code, tables and formulas. It may not load anything, link anywhere, or carry HTML or Streamlit's own
directives: whoever can put words into a model's mouth (a document, another person) could otherwise make the reader's browser
send what was said to a server of theirs. Addresses are shown as code, to be read and copied.

A text is cut into code, formulas and prose by the rules below; code and formulas are written out in one canonical form, so that
Markdown cannot see the borders elsewhere, and prose is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_FENCE = re.compile(r"^[ \t>]*(?P<run>`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]{0,30})[^\n`]*$")
_DISPLAY = re.compile(r"\$\$|\\[\[\]]")
_INLINE = re.compile(
    r"\\\((?P<parens>[^\n]{1,2000}?)\\\)"
    r"|(?P<escape>\\[!-/:-@\[-`{-~])"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?P<code>[^\n]+?)(?<!`)(?P=ticks)(?!`)"
    r"|(?<!\$)\$(?=[^\s$])(?P<math>(?:\\.|[^$\\\n`]){0,2000}?(?<=[^\s\\]))\$(?![\d$])"
    r"|!?\[(?P<label>[^\[\]\n]*)\]\(\s*<?(?P<target>[^\s()<>]+)>?[^()\n]*\)"
    r"|(?P<address>\b(?:https?|ftp)://[^\s<>`|]+|\bwww\.[^\s<>`|]+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+)"
    r"|(?P<live>[<\[\]$`])"
    r"|(?P<directive>:(?=[a-zA-Z_-]+[/:\[]))"
)
_MATH_THAT_REACHES_OUT = re.compile(r"\\(?:href|url|includegraphics|html\w*|def|gdef|edef|xdef|let|newcommand|renewcommand)\b")
_ADDRESS_START = re.compile(r"((?:https?|ftp)(?=://)|www(?=\.)|(?<=[\w.+-])(?=@))", re.IGNORECASE)
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_ENDING = re.compile(r"[.,;:!?\"'*_~]+$")


def show(text: str, *, caret: bool = False, instead: DeltaGenerator | None = None) -> DeltaGenerator:
    """Print model text; returns its place. caret: it is still being written. instead: the place of a text that this one replaces."""
    markdown = instead.markdown if instead else st.markdown
    return markdown(f"{safe(text)} ▍" if caret else _finished(text), anchors=False)


def plain(text: str) -> str:
    """Any text, made to show as itself where Streamlit reads Markdown: labels, captions, titles."""
    return _literal(" ".join(text.split()))


def _literal(text: str) -> str:
    # Addresses become links even where every sign is escaped; an invisible word joiner breaks them.
    return _PUNCTUATION.sub(r"\\\1", _ADDRESS_START.sub("\\1\u2060", text))


@lru_cache(maxsize=1024)
def _finished(text: str) -> str:
    """Remembered: a page shows its finished answers again at every rerun."""
    return safe(text)


def safe(text: str) -> str:
    """The Markdown that shows `text` and loads nothing."""
    out: list[str] = []
    prose: list[str] = []
    lines = iter(text.replace("\r\n", "\n").replace("\0", "").split("\n"))
    for line in lines:
        fence = _FENCE.match(line)
        if fence is None:
            prose.append(line)
            continue
        indent = len(line) - len(line.lstrip(" \t>"))
        out += [_prose("\n".join(prose)), _code(_until(lines, fence["run"]), fence["language"], indent)]
        prose = []
    return "\n".join([*out, _prose("\n".join(prose))])


def _until(lines: Iterator[str], run: str) -> list[str]:
    """The lines of a fenced block; one that is not closed (yet) reaches to the end."""
    closing = re.compile(rf"^[ \t>]*{re.escape(run[0])}{{{len(run)},}}[ \t]*$")
    block: list[str] = []
    for line in lines:
        if closing.match(line):
            break
        block.append(line)
    return block


def _code(block: list[str], language: str, indent: int) -> str:
    """At the left margin, with a fence longer than any inside, a block is code whatever stands around it."""
    body = "\n".join(re.sub(rf"^[ \t>]{{0,{indent}}}", "", line) for line in block)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", body)), default=0))
    return f"\n{fence}{language}\n{body}\n{fence}\n"


def _prose(text: str) -> str:
    """Prose with its displayed formulas, each on lines of its own."""
    out: list[str] = []
    end, opened = 0, None
    for sign in _DISPLAY.finditer(text):
        if opened is None:
            opened = sign if sign[0] != "\\]" else None
            continue
        if (opened[0], sign[0]) not in (("$$", "$$"), ("\\[", "\\]")):
            continue
        formula = text[opened.end() : sign.start()].strip()
        line = text.rfind("\n", 0, opened.start()) + 1
        # Inside a code span, or with a paragraph between its signs, this is no formula.
        if formula and "`" not in formula and "\n\n" not in formula and text.count("`", line, opened.start()) % 2 == 0:
            out += [_inline(text[end : opened.start()]), _formula(formula, display=True)]
            end = sign.end()
            opened = None
        else:
            opened = sign if sign[0] == "$$" else None
    return "".join([*out, _inline(text[end:])])


def _inline(text: str) -> str:
    return _INLINE.sub(_one, text)


def _one(found: re.Match[str]) -> str:
    if found["escape"]:
        return found["escape"]
    if found["code"] is not None:
        return _span(found["code"], found["ticks"])
    if (formula := found["parens"] or found["math"]) is not None:
        return _formula(formula, display=False)
    if found["target"] is not None:
        label = _inline(found["label"])
        return f"{label} ({_address(found['target'])})" if label else _address(found["target"])
    if found["address"]:
        return _address(found["address"])
    return {"<": "&lt;"}.get(found[0], f"\\{found[0]}")


def _span(code: str, ticks: str) -> str:
    # A table cuts its cells before it looks for code: what a bar separates is not code there.
    if "|" in code and "](" in code:
        return _literal(code)
    return f"{ticks}{code}{ticks}"


def _formula(formula: str, *, display: bool) -> str:
    if _MATH_THAT_REACHES_OUT.search(formula) or "$" in formula.replace("\\$", "") or "](" in formula:
        return _literal(formula)
    return f"\n\n$$\n{formula}\n$$\n\n" if display else f"${formula.strip()}$"


def _address(address: str) -> str:
    ending = match[0] if (match := _ENDING.search(address)) else ""
    bare = address[: len(address) - len(ending)].replace("`", "")
    return f"`{bare}`{_PUNCTUATION.sub(_escaped, ending)}"


def _escaped(found: re.Match[str]) -> str:
    return f"\\{found[0]}"
