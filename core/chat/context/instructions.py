"""Store the instructions that apply to every chat: a person's own, and those of their group."""

from __future__ import annotations

from collections.abc import Sequence

from core.access.groups import Groups
from core.characters import halves, without_controls
from core.chat.context.records import MAX_INSTRUCTIONS_LENGTH, Holder, Instructions
from core.clock import Clock
from core.errors import InvalidInput
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory


def applying(work: UnitOfWork, user: User) -> list[Instructions]:
    """Return the instructions that apply to a person's chats: the group's first, then the person's own."""
    found = [work.instructions.get(Holder.GROUP, user.group) if user.group else None, work.instructions.get(Holder.PERSON, user.id)]
    return [each for each in found if each is not None]


class InstructionsService:
    """Reads and writes instructions. People write their own; managers of a group and people who may manage users write those of a group."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, groups: Groups, privacy: PrivacyFilter, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._groups = groups
        self._privacy = privacy
        self._clock = clock

    def applying(self, user: User) -> Sequence[Instructions]:
        """Return the instructions that apply to this person's chats: the group's first, then the person's own."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return applying(work, user)

    def own(self, user: User) -> str:
        """Return the person's own instructions, or ""."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            found = work.instructions.get(Holder.PERSON, user.id)
        return found.text if found else ""

    def set_own(self, user: User, text: str) -> str:
        """Set the person's own instructions and return them as stored; "" removes them. Raises InvalidInput, PersonalData."""
        require(user, Permission.CHAT)
        text = self._checked(user, text)
        with self._unit_of_work() as work:
            self._put(work, user, Holder.PERSON, user.id, text)
            work.commit()
        return text

    def of_group(self, user: User, group_id: str) -> str:
        """Return the instructions of a group that this person manages. Raises NotFound."""
        group = self._groups.get(user, group_id).group
        with self._unit_of_work() as work:
            found = work.instructions.get(Holder.GROUP, group.name)
        return found.text if found else ""

    def set_for_group(self, user: User, group_id: str, text: str) -> str:
        """Set the instructions of a group that this person manages; "" removes them. Raises InvalidInput, NotFound, PersonalData."""
        group = self._groups.get(user, group_id).group
        text = self._checked(user, text)
        with self._unit_of_work() as work:
            self._put(work, user, Holder.GROUP, group.name, text)
            record(work, self._clock(), user.id, "group.instruct", group.name, characters=str(len(text)))
            work.commit()
        return text

    def _put(self, work: UnitOfWork, user: User, holder: Holder, subject: str, text: str) -> None:
        if text:
            work.instructions.put(Instructions(holder=holder, subject=subject, text=text, updated_at=self._clock(), updated_by=user.id))
        else:
            work.instructions.remove(holder, subject)

    def _checked(self, user: User, text: str) -> str:
        """Return the text to store, with personal data masked if the policy requires it. Raises InvalidInput, PersonalData."""
        text = without_controls(text).replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(text) > MAX_INSTRUCTIONS_LENGTH:
            sentence = "The instructions have {n:,} characters; the limit is {limit:,}. Shorten them."
            raise InvalidInput(sentence, n=len(text), limit=MAX_INSTRUCTIONS_LENGTH)
        if halves(text):
            raise InvalidInput("The instructions contain half a character (an unpaired surrogate). Remove it.")
        return self._privacy.check(user, text).text
