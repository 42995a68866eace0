"""Find the tokens that a grammar allows next. The work for each token is bounded; beyond that the answer fails."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ModelFailed
from models.engine.sampling.token_texts import END, PART, REST, TokenTexts
from models.grammar.rules import Grammar
from models.grammar.stacks import OutOfWork, Stacks, State

AT_ONCE = 250_000
"""Most visits, of about a microsecond, of the answer at one time; it delays the other answers of its step as long."""
PER_TOKEN = 10_000
"""Most visits per token in the long run."""
_CHUNK = 1024


class GrammarSampler:
    """Follows a grammar token by token. Only the decode thread uses it. Raises ModelFailed if the grammar becomes too costly to follow."""

    def __init__(self, grammar: Grammar, texts: TokenTexts) -> None:
        self._texts = texts
        with _bounded:
            self._stacks = Stacks(grammar, AT_ONCE)
        self._state: State = self._stacks.start
        self._part = b""
        """The first bytes of an unfinished character."""

    def allows(self, token: int) -> bool:
        with _bounded:
            return self._after(token) is not None

    def accept(self, token: int) -> None:
        """Go on with a token that it allows."""
        with _bounded:
            following = self._after(token)
        if following is None:
            raise ValueError(f"token {token} does not follow the grammar")
        state, self._part = following
        self._state = self._stacks.trimmed(state)
        self._stacks.left = min(AT_ONCE, self._stacks.left + PER_TOKEN)

    def fitting(self, tokens: NDArray[Any], most: int = _CHUNK) -> list[int]:
        """Return those of the tokens that it allows, the first `most` of them."""
        fitting = list[int]()
        with _bounded:
            for token in tokens[self._beginning_well(tokens)].tolist():
                if self._after(token) is not None:
                    fitting.append(token)
                    if len(fitting) == most:
                        break
        return fitting

    def _beginning_well(self, tokens: NDArray[Any]) -> NDArray[np.bool_]:
        """Tell which of the tokens begin, or may begin, with a character that is allowed."""
        first = self._texts.firsts()[tokens]
        if self._part:
            return np.asarray(first == REST)
        bounds, allowed = self._stacks.allowed_positions(self._state)
        well = allowed[np.searchsorted(bounds, first, "right") - 1] & (first >= 0)
        if allowed[np.searchsorted(bounds, 0x80, "right") - 1 :].any():
            well |= first == PART
        if self._state.accepting:
            well |= first == END
        return np.asarray(well)

    def _after(self, token: int) -> tuple[State, bytes] | None:
        """Return what follows the token: the state and the part of a character that it ends with; None where it is not allowed."""
        if self._texts.ends(token):
            return (self._state, b"") if self._state.accepting and not self._part else None
        data = self._texts.piece(token)
        if not data:
            return None
        part = b""
        data = self._part + data
        try:
            text = data.decode()
        except UnicodeDecodeError as problem:
            if problem.reason != "unexpected end of data":
                return None
            text, part = data[: problem.start].decode(), data[problem.start :]
        state = self._stacks.read(self._state, text)
        if state is None or (part and not self._stacks.allows_any(state, *_range_of(part))):
            return None
        return state, part


def _range_of(part: bytes) -> tuple[int, int]:
    """Return the first and the last character that may begin with these bytes."""
    length = 2 if part[0] < 0xE0 else 3 if part[0] < 0xF0 else 4
    low = part[0] & (0xFF >> (length + 1))
    for byte in part[1:]:
        low = low << 6 | byte & 0x3F
    missing = 6 * (length - len(part))
    least = {2: 0x80, 3: 0x800, 4: 0x10000}[length]
    return max(low << missing, least), min((low + 1 << missing) - 1, 0x10FFFF)


class _Bounded:
    """`with _bounded:` around work that may be too much."""

    def __enter__(self) -> None:
        """Begin without cost."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, OutOfWork):
            raise ModelFailed(
                "The answer ends here: its format allows too many continuations at once. Use fewer optional parts, and start "
                "alternatives differently."
            ) from None


_bounded = _Bounded()
