"""Clean up messages of llama.cpp and chat templates for people: no escape codes, no folders of the build, no C++."""

from __future__ import annotations

import re

MAX_LENGTH = 300
_CODES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b.?")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SOURCE = re.compile(r"(?:[\w.+-]*/)+([\w.+-]+\.(?:c|cc|cpp|h|hpp|cu|cuh|inl|m|mm|py)\b)(:\d+)?(?::\d+)?")
_FUNCTION = re.compile(r"^(?:(?:\w+::)*\w+: |error loading model(?: \w+)?: )+")
_ASSERTION = re.compile(r"\b(GGML_ASSERT|GGML_ABORT|assert|Assertion)\b.*")
CHECK = "a check inside llama.cpp failed"


def without_codes(text: str) -> str:
    """Remove what a terminal would obey; line breaks stay."""
    return _CONTROLS.sub("", _CODES.sub("", text))


def plain_reason(text: str) -> str:
    """Return one line for use in a sentence, without a full stop; of a failed assertion, only that there was one."""
    line = " ".join(without_codes(text.replace("\t", " ")).split()).rstrip(". ")
    if _ASSERTION.search(line):
        source = _SOURCE.search(line)
        return f"{CHECK} ({source[1]})" if source else CHECK
    line = _SOURCE.sub(lambda found: found[1], _FUNCTION.sub("", line))
    return line[:MAX_LENGTH]
