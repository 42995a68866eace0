"""Write, share, publish and restore prompts, and list those that a person may use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from core.changes.markers import mark
from core.changes.records import Change
from core.characters import halves, is_blank, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.people.accounts import clean_line
from core.people.audit_events import record
from core.people.permissions import Permission, allows, require
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.prompts.records import (
    MAX_PROMPTS,
    MAX_STARTERS,
    MAX_TEXT_LENGTH,
    MAX_TITLE_LENGTH,
    MAX_VERSIONS,
    ListedPrompt,
    Prompt,
    PromptVersion,
    Share,
)
from core.prompts.sharing import group_after_sharing, sees
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

GONE = "This prompt does not exist. It may have been removed."


class PromptLibrary:
    """Manages prompts. People write their own and share them with their group; people who may run models publish them to everyone."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, privacy: PrivacyFilter, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._privacy = privacy
        self._clock = clock

    def list(self, user: User, words: str = "") -> Sequence[ListedPrompt]:
        """List the prompts that this person may use: their own first, then their group's, then the published ones.

        words: list only prompts that contain all of these words in the title, the text or the owner's name.
        """
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            found = [self._listed(work, user, prompt) for prompt in work.prompts.visible(user.id, user.group)]
        wanted = words.casefold().split()
        fits = [each for each in found if _has(each, wanted)]
        return sorted(fits, key=lambda each: (not each.own, each.prompt.share is Share.EVERYONE))

    def starters(self, user: User) -> Sequence[Prompt]:
        """Return the prompts that this person's empty chat offers, their group's before the published ones."""
        found = [each.prompt for each in self.list(user) if each.prompt.starter]
        return sorted(found, key=lambda prompt: prompt.share is Share.EVERYONE)[:MAX_STARTERS]

    def get(self, user: User, prompt_id: str) -> ListedPrompt:
        """Return a prompt. Raises NotFound, also for a prompt that this person may not see."""
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            return self._listed(work, user, _visible(work, user, prompt_id))

    def add(self, user: User, title: str, text: str) -> Prompt:
        """Create a prompt. Raises InvalidInput, PersonalData, and Conflict at the limit."""
        require(user, Permission.CHAT)
        title, text = _checked_title(title), self._checked_text(user, text)
        now = self._clock()
        prompt = Prompt(
            id=uuid4().hex, owner_id=user.id, title=title, text=text, share=Share.OWN, group="", starter=False, version=1,
            created_at=now, updated_at=now,
        )  # fmt: skip
        with self._unit_of_work() as work:
            if work.prompts.count_of(user.id) >= MAX_PROMPTS:
                raise Conflict("You have {number} prompts, which is the limit. Remove one first.", number=MAX_PROMPTS)
            work.prompts.add(prompt)
            work.prompts.add_version(prompt.id, PromptVersion(number=1, title=title, text=text, saved_at=now), MAX_VERSIONS)
            work.commit()
        return prompt

    def change(self, user: User, prompt_id: str, *, title: str | None = None, text: str | None = None) -> Prompt:
        """Change one of the person's prompts and keep the old version. Raises NotFound, NotAllowed, InvalidInput, PersonalData."""
        title = None if title is None else _checked_title(title)
        text = None if text is None else self._checked_text(user, text)
        with self._unit_of_work() as work:
            before = _own(work, user, prompt_id)
            changed = self._newer(work, before, before.title if title is None else title, before.text if text is None else text)
            work.commit()
        return changed

    def versions(self, user: User, prompt_id: str) -> Sequence[PromptVersion]:
        """Return the versions of one of the person's prompts, newest first. Raises NotFound, NotAllowed."""
        with self._unit_of_work() as work:
            return work.prompts.versions(_own(work, user, prompt_id).id)

    def restore(self, user: User, prompt_id: str, number: int) -> Prompt:
        """Restore an old version of one of the person's prompts as a new version. Raises NotFound, NotAllowed."""
        with self._unit_of_work() as work:
            before = _own(work, user, prompt_id)
            found = next((each for each in work.prompts.versions(prompt_id) if each.number == number), None)
            if found is None:
                raise NotFound("This prompt has no version {number}.", number=number)
            changed = self._newer(work, before, found.title, found.text)
            work.commit()
        return changed

    def share(self, user: User, prompt_id: str, share: Share) -> Prompt:
        """Choose who sees a prompt. Raises NotFound, NotAllowed, and InvalidInput for a person without a group.

        Owners may share with their group. Publishing a prompt or withdrawing a published one needs the right to run models.
        """
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            before = _visible(work, user, prompt_id)
            group = group_after_sharing(user, before, share, "Only its owner can share this prompt.")
            changed = replace(before, share=share, group=group, starter=before.starter and share is before.share)
            work.prompts.save(changed)
            if share is not before.share:
                action = {Share.OWN: "prompt.withdraw", Share.GROUP: "prompt.share", Share.EVERYONE: "prompt.publish"}[share]
                record(work, self._clock(), user.id, action, prompt_id, **({"group": group} if group else {}))
                if share is Share.EVERYONE:
                    mark(work, self._clock(), Change.PROMPT, prompt_id, version=str(changed.version))
            work.commit()
        return changed

    def set_starter(self, user: User, prompt_id: str, on: bool) -> Prompt:
        """Offer a shared prompt in the empty chats of people who can see it, or stop offering it.

        Managers of its group and people who may run models may do this. Raises NotFound, NotAllowed.
        """
        require(user, Permission.CHAT)
        with self._unit_of_work() as work:
            before = _visible(work, user, prompt_id)
            if not _may_start(work, user, before):
                raise NotAllowed("Starters are chosen by the managers of the group and by admins, among prompts that are shared.")
            changed = replace(before, starter=on)
            work.prompts.save(changed)
            record(work, self._clock(), user.id, "prompt.starter", prompt_id, on="yes" if on else "no")
            work.commit()
        return changed

    def remove(self, user: User, prompt_id: str) -> None:
        """Remove one of the person's prompts with its versions. Raises NotFound, NotAllowed."""
        with self._unit_of_work() as work:
            _own(work, user, prompt_id)
            work.prompts.remove(prompt_id)
            record(work, self._clock(), user.id, "prompt.remove", prompt_id)
            work.commit()

    def _newer(self, work: UnitOfWork, before: Prompt, title: str, text: str) -> Prompt:
        """Save the next version, unless nothing has changed."""
        if (title, text) == (before.title, before.text):
            return before
        now = self._clock()
        changed = replace(before, title=title, text=text, version=before.version + 1, updated_at=now)
        work.prompts.save(changed)
        work.prompts.add_version(before.id, PromptVersion(number=changed.version, title=title, text=text, saved_at=now), MAX_VERSIONS)
        if before.share is Share.EVERYONE:
            mark(work, now, Change.PROMPT, before.id, version=str(changed.version))
        return changed

    def _listed(self, work: UnitOfWork, user: User, prompt: Prompt) -> ListedPrompt:
        owner = user if prompt.owner_id == user.id else work.users.get(prompt.owner_id)
        return ListedPrompt(
            prompt,
            owner_name=(owner.full_name or owner.name) if owner else "",
            own=prompt.owner_id == user.id,
            may_publish=allows(user, Permission.RUN_MODELS),
            may_start=_may_start(work, user, prompt),
        )

    def _checked_text(self, user: User, text: str) -> str:
        require(user, Permission.CHAT)
        text = without_controls(text).replace("\r\n", "\n").replace("\r", "\n").strip()
        if is_blank(text):
            raise InvalidInput("A prompt needs a text.")
        if len(text) > MAX_TEXT_LENGTH:
            raise InvalidInput("The prompt has {n:,} characters; the limit is {limit:,}. Shorten it.", n=len(text), limit=MAX_TEXT_LENGTH)
        if halves(text):
            raise InvalidInput("The prompt contains half a character (an unpaired surrogate). Remove it.")
        return self._privacy.check(user, text).text


def _checked_title(title: str) -> str:
    title = clean_line(title)
    if not 1 <= len(title) <= MAX_TITLE_LENGTH:
        raise InvalidInput("A prompt needs a title of 1 to {most} characters.", most=MAX_TITLE_LENGTH)
    return title


def _visible(work: UnitOfWork, user: User, prompt_id: str) -> Prompt:
    """Return and lock a prompt that this person may see."""
    require(user, Permission.CHAT)
    prompt = work.prompts.lock(prompt_id)
    if prompt is None or not sees(user, prompt):
        raise NotFound(GONE)
    return prompt


def _own(work: UnitOfWork, user: User, prompt_id: str) -> Prompt:
    """Return and lock one of the person's prompts. Raises NotFound, NotAllowed."""
    prompt = _visible(work, user, prompt_id)
    if prompt.owner_id != user.id:
        raise NotAllowed("Only its owner can change this prompt. Make a copy of your own.")
    return prompt


def _may_start(work: UnitOfWork, user: User, prompt: Prompt) -> bool:
    if prompt.share is Share.OWN:
        return False
    if allows(user, Permission.RUN_MODELS):
        return True
    return prompt.share is Share.GROUP and any(
        group.name == prompt.group and user.name in group.managers for group in work.groups.all()
    )  # fmt: skip


def _has(listed: ListedPrompt, words: Sequence[str]) -> bool:
    text = f"{listed.prompt.title} {listed.prompt.text} {listed.owner_name}".casefold()
    return all(word in text for word in words)
