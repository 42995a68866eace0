"""Let people see, change, delete and export their memories."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from uuid import uuid4

from core.characters import halves, is_blank, one_line
from core.chat.memory.facts import is_known
from core.chat.memory.recall import is_on
from core.chat.memory.records import MAX_DISMISSED, MAX_MEMORIES, MAX_MEMORY_LENGTH, Memory, MemoryMode, MemoryState, MemoryUse
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.detectors import find
from core.privacy.filter import PrivacyFilter
from core.privacy.records import Kind
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

GONE = "This memory no longer exists. It may have been deleted."
FORBIDDEN = "Memory is switched off for the whole portal. An admin can change that in its settings (PORTAL_MEMORY)."
_HELD = "Your memories are under a legal hold and cannot be deleted. Ask an admin."


class Memories:
    """Manages the caller's own memories. Nobody else can read them, not even admins."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, privacy: PrivacyFilter, clock: Clock, mode: MemoryMode) -> None:
        self._unit_of_work = unit_of_work
        self._privacy = privacy
        self._clock = clock
        self._mode = mode

    def use(self, user: User) -> MemoryUse:
        """Return whether memory is available to this person, and whether it is on."""
        if not self.available(user):
            return MemoryUse(available=False, on=False)
        with self._unit_of_work() as work:
            return MemoryUse(available=True, on=is_on(work, user, self._mode))

    def available(self, user: User) -> bool:
        """Tell whether the settings and this person's role and group allow memory."""
        try:
            self._check(user)
        except NotAllowed:
            return False
        return True

    def set_use(self, user: User, on: bool) -> None:
        """Switch memory on or off for this person. Accepted memories stay. Raises NotAllowed."""
        self._check(user)
        with self._unit_of_work() as work:
            work.memories.set_switch(user.id, on, self._clock())
            record(work, self._clock(), user.id, "memory.switch", user.name, on="yes" if on else "no")
            work.commit()

    def proposed(self, user: User) -> Sequence[Memory]:
        """Return the proposals that wait for this person's decision, oldest first."""
        return self._listed(user, MemoryState.PROPOSED)

    def accepted(self, user: User, words: str = "") -> Sequence[Memory]:
        """Return the accepted memories, newest first. words: return only memories that contain all of these words."""
        wanted = words.casefold().split()
        found = [each for each in self._listed(user, MemoryState.ACCEPTED) if all(word in each.text.casefold() for word in wanted)]
        return found[::-1]

    def texts(self, user: User, ids: Collection[str]) -> Sequence[Memory]:
        """Return those of the person's memories with these ids that still exist."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return work.memories.by_ids(user.id, ids)

    def add(self, user: User, text: str) -> Memory:
        """Store a memory that the person wrote. Raises NotAllowed, InvalidInput, PersonalData, Conflict."""
        self._check(user)
        text = self._checked(user, text)
        now = self._clock()
        memory = Memory(id=uuid4().hex, user_id=user.id, text=text, state=MemoryState.ACCEPTED, created_at=now, updated_at=now)
        with self._unit_of_work() as work:
            self._check_room(work, user, text)
            work.memories.add(memory)
            work.commit()
        return memory

    def accept(self, user: User, memory_id: str, text: str | None = None) -> Memory:
        """Accept a proposal, unchanged or with the person's wording. Raises as `add` does, and NotFound."""
        self._check(user)
        words = None if text is None else self._checked(user, text)
        with self._unit_of_work() as work:
            found = self._own(work, user, memory_id)
            words = found.text if words is None else words
            if found.state is MemoryState.ACCEPTED:
                return found
            self._check_room(work, user, words)
            changed = replace(found, text=words, state=MemoryState.ACCEPTED, updated_at=self._clock(), conversation_id=None)
            work.memories.save(changed)
            work.commit()
        return changed

    def edit(self, user: User, memory_id: str, text: str) -> Memory:
        """Change the text of an accepted memory. Raises NotAllowed, NotFound, InvalidInput, PersonalData, Conflict."""
        self._check(user)
        text = self._checked(user, text)
        with self._unit_of_work() as work:
            found = self._own(work, user, memory_id)
            if found.state is not MemoryState.ACCEPTED:
                raise Conflict("This fact is not remembered yet. Accept it with the new words.")
            if found.text != text:
                found = replace(found, text=text, updated_at=self._clock())
                work.memories.save(found)
                work.commit()
        return found

    def dismiss(self, user: User, memory_id: str) -> None:
        """Dismiss a proposal, so that it is not made again. Raises NotFound, and Conflict for an accepted memory."""
        with self._unit_of_work() as work:
            found = self._own(work, user, memory_id)
            if found.state is MemoryState.ACCEPTED:
                raise Conflict("This fact is remembered. Delete it instead.")
            work.memories.save(replace(found, state=MemoryState.DISMISSED, updated_at=self._clock()))
            dismissed = work.memories.of_user(user.id, (MemoryState.DISMISSED,))
            if len(dismissed) > MAX_DISMISSED:
                work.memories.remove([each.id for each in dismissed[:-MAX_DISMISSED]])
            work.commit()

    def remove(self, user: User, memory_id: str) -> None:
        """Delete a memory for good. Raises NotFound, and Conflict under a legal hold."""
        with self._unit_of_work() as work:
            self._own(work, user, memory_id)
            self._remove(work, user, [memory_id])
            work.commit()

    def clear(self, user: User) -> int:
        """Delete all accepted, proposed and dismissed memories; returns how many. Raises Conflict under a legal hold."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            ids = [each.id for each in work.memories.of_user(user.id, tuple(MemoryState))]
            if ids:
                self._remove(work, user, ids)
                work.commit()
        return len(ids)

    def export(self, user: User) -> bytes:
        """Return all accepted, proposed and dismissed memories of the person as JSON. Raises NotAllowed."""
        require(user, Permission.CHAT)
        require(user, Permission.EXPORT)
        change = self._privacy.exported(user)
        with self._unit_of_work() as work:
            found = work.memories.of_user(user.id, tuple(MemoryState))
            record(work, self._clock(), user.id, "memory.export", user.name, count=str(len(found)))
            work.commit()
        rows = [
            {"id": each.id, "state": each.state.value, "text": change(each.text), "created_at": each.created_at.isoformat(),
             "updated_at": each.updated_at.isoformat()}
            for each in found
        ]  # fmt: skip
        return json.dumps({"memories": rows}, ensure_ascii=False, indent=1).encode()

    def _listed(self, user: User, state: MemoryState) -> list[Memory]:
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return list(work.memories.of_user(user.id, (state,)))

    def _check(self, user: User) -> None:
        require(user, Permission.CHAT)
        if self._mode is MemoryMode.OFF:
            raise NotAllowed(FORBIDDEN)
        require(user, Permission.MEMORY)

    def _checked(self, user: User, text: str) -> str:
        """Return the text to store, with personal data masked if the policy requires it."""
        text = one_line(text)
        if is_blank(text) or halves(text):
            raise InvalidInput("Write the fact as one short sentence.")
        if len(text) > MAX_MEMORY_LENGTH:
            raise InvalidInput("The fact has {n:,} characters; the limit is {limit:,}. Shorten it.", n=len(text), limit=MAX_MEMORY_LENGTH)
        if find(text, {Kind.SECRET}):
            raise InvalidInput("A memory cannot hold a password or key, because models would read it in every chat.")
        return self._privacy.check(user, text).text

    def _check_room(self, work: UnitOfWork, user: User, text: str) -> None:
        known = work.memories.of_user(user.id, (MemoryState.ACCEPTED,))
        if len(known) >= MAX_MEMORIES:
            raise Conflict("You have {number} memories, which is the limit. Delete some first.", number=MAX_MEMORIES)
        if is_known(text, (each.text for each in known)):
            raise Conflict("This fact is already remembered.")

    def _own(self, work: UnitOfWork, user: User, memory_id: str) -> Memory:
        require(user, Permission.CHAT)
        found = work.memories.for_change(memory_id)
        if found is None or found.user_id != user.id:
            raise NotFound(GONE)
        return found

    def _remove(self, work: UnitOfWork, user: User, ids: Sequence[str]) -> None:
        """Delete memories of the person and record it in the audit log without their text."""
        if work.retention.is_held(user.id):
            raise Conflict(_HELD)
        work.memories.remove(ids)
        record(work, self._clock(), user.id, "memory.delete", user.name, count=str(len(ids)))
