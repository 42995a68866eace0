"""Choose the memories that the model reads for an answer.

While all of a person's memories fit the budget, the model reads all of them. Otherwise the first question of a chat selects the
memories at its start. They stay for the whole chat, so that the prefix of its prompts can be reused. Memories that only a later
question needs are read with that question.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from core.chat.context.window import Window
from core.chat.memory.records import Memory, MemoryMode, MemoryState, Recalled
from core.chat.records import Message
from core.errors import PortalError
from core.inference.vectors import EmbeddingRequest
from core.models.records import ModelKind
from core.people.permissions import Permission, allows
from core.people.records import User
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

log = logging.getLogger(__name__)

SHARE = 8
"""Memories take at most 1/SHARE of the context."""
BEST = 5
"""How many of the best memories for a later question may be read with it."""


def is_on(work: UnitOfWork, user: User, mode: MemoryMode) -> bool:
    """Tell whether memory is used in a person's chats."""
    if mode is MemoryMode.OFF or not allows(user, Permission.MEMORY):
        return False
    chosen = work.memories.switch(user.id)
    return mode is MemoryMode.ON if chosen is None else chosen


class Recall:
    """Chooses the memories that the model reads for an answer."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, mode: MemoryMode, budget: int) -> None:
        """budget: the most tokens that the memories of a prompt may take."""
        self._unit_of_work = unit_of_work
        self._mode = mode
        self._budget = budget

    def recall(self, window: Window, branch: Sequence[Message], question: str) -> Recalled:
        """Return the memories to read for a person's question. branch: the messages before the question."""
        user = window.user
        with self._unit_of_work() as work:
            if not is_on(work, user, self._mode):
                return Recalled()
            known = tuple(work.memories.of_user(user.id, (MemoryState.ACCEPTED,)))
        if not known:
            return Recalled()
        most = min(self._budget, window.model.context // SHARE)
        size = _Size(window, known, most)
        if sum(map(size.of, known)) <= most:
            return Recalled(opening=known)
        before = _opened_with(branch)
        ranked = _ranked(window, known, question)
        if kept := _filled([each for each in known if each.id in before], size, most):
            there = {each.id for each in kept}
            others = [each for each in ranked[:BEST] if each.id not in there]
            return Recalled(opening=kept, asked=_filled(others, size, most // 4))
        chosen = {each.id for each in _filled(ranked, size, most)}
        return Recalled(opening=tuple(each for each in known if each.id in chosen))


def _opened_with(branch: Sequence[Message]) -> frozenset[str]:
    """Return the ids of the memories that opened the prompt of the chat's last answer."""
    contexts = (each.context for each in reversed(branch) if each.context is not None and each.context.memories)
    newest = next(contexts, None)
    return frozenset(each.id for each in newest.memories if not each.asked) if newest else frozenset()


class _Size:
    """Estimates the tokens of a memory from the total of all, to avoid hundreds of calls of the tokenizer."""

    def __init__(self, window: Window, known: Sequence[Memory], most: int) -> None:
        whole = "\n- ".join(each.text for each in known)
        length = len(whole.encode())
        # Skip counting if all would fit even with one token per byte.
        self._each = 1.0 if length <= most else window.count_text(whole) / length

    def of(self, memory: Memory) -> float:
        return self._each * (len(memory.text.encode()) + 3)


def _filled(memories: Sequence[Memory], size: _Size, most: float) -> tuple[Memory, ...]:
    """Return the leading memories that fit together."""
    found: list[Memory] = []
    for each in memories:
        if (most := most - size.of(each)) < 0:
            break
        found.append(each)
    return tuple(found)


def _ranked(window: Window, known: Sequence[Memory], question: str) -> list[Memory]:
    """Return the memories ordered by similarity to the question; without an embedding model, newest first."""
    newest = sorted(known, key=lambda each: each.updated_at, reverse=True)
    if not question.strip():
        return newest
    try:
        if all(model.kind is not ModelKind.EMBEDDING for model in window.gateway.models(window.user)):
            return newest
        texts = (question, *(each.text for each in newest))
        rows = window.gateway.embed(window.user, EmbeddingRequest(inputs=texts, user_id=window.user.id, truncate=True)).result().rows
    except PortalError as problem:
        log.info("the memories of %s are chosen by age: %s", window.user.id, problem)
        return newest
    asked, vectors = rows[0], rows[1:]
    near = {each.id: sum(a * b for a, b in zip(asked, row, strict=True)) for each, row in zip(newest, vectors, strict=True)}
    return sorted(newest, key=lambda each: near[each.id], reverse=True)
