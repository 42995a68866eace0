"""Evaluate an admin's regular expression in a separate process: some never end on certain texts, and cannot be stopped."""

from __future__ import annotations

import re
import subprocess
import sys

from core.errors import InvalidInput

LIMIT_S = 5.0
MAX_PATTERN_LENGTH = 500
_CODE = """
import re, sys
pattern, text = sys.stdin.buffer.read().decode().split("\\0", 1)
sys.exit(0 if re.search(pattern, text) else 1)
"""


class ProcessPatternFinder:
    """Implements core's PatternFinder."""

    def check(self, pattern: str) -> None:
        try:
            if len(pattern) > MAX_PATTERN_LENGTH or "\0" in pattern:
                raise re.error("too long")
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as problem:
            raise InvalidInput("{pattern} is not a usable regular expression: {why}.", pattern=repr(pattern[:80]), why=problem) from None

    def found(self, pattern: str, text: str) -> bool:
        self.check(pattern)
        asked = f"{pattern}\0{text}".encode(errors="replace")
        try:
            done = subprocess.run([sys.executable, "-I", "-S", "-c", _CODE], input=asked, timeout=LIMIT_S, capture_output=True, check=False)
        except subprocess.TimeoutExpired:
            raise InvalidInput("The pattern {pattern} took too long. Write a simpler one.", pattern=repr(pattern[:80])) from None
        return done.returncode == 0
