"""Hide the names of raters from reviewers, and reveal them for a reason and for a while."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from core.characters import cut, one_line
from core.chat.records import Message
from core.clock import Clock
from core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from core.notices.giving import name_revealed
from core.people.audit_events import record
from core.people.permissions import Permission, require, reviewed_groups
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.review.cases.records import CaseEvent, CaseEventKind, ReviewCase
from core.review.records import Feedback
from core.unit_of_work import UnitOfWorkFactory

REVEALED_FOR = timedelta(minutes=30)
MAX_WHY = 200
NAME = "[NAME]"
"""What stands in place of a person's own name. It is part of the text, so it is the same in every language."""
LOOKS_LISTED = 100


class RevealReason(StrEnum):
    ASK_BACK = "ask_back"
    CHECK = "check"
    INCIDENT = "incident"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Who saw a rater's name, when and why, as the rater reads it."""

    number: int
    """The number of the case."""
    question: str | None
    viewer_name: str
    at: datetime
    reason: RevealReason
    why: str


class ReviewNames:
    """Hides names in ratings and cases, and remembers who saw them."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, privacy: PrivacyFilter, clock: Clock, *, hidden: bool = True) -> None:
        """hidden: whether this portal hides names at all."""
        self._unit_of_work = unit_of_work
        self._privacy = privacy
        self._clock = clock
        self.hidden = hidden

    def reveal(self, user: User, number: int, reason: RevealReason, why: str) -> datetime:
        """Show the names of a case to this reviewer for REVEALED_FOR, and return when that ends.

        The rater gets a notice, and reads on My feedback who looked, when and why.
        Raises InvalidInput without words, NotFound, NotAllowed for an API key, and Conflict if this portal hides no names.
        """
        require(user, Permission.REVIEW_FEEDBACK)
        if user.key is not None:
            raise NotAllowed("An API key cannot reveal names. Sign in, and reveal them on the Cases page.")
        if not self.hidden:
            raise Conflict("This portal does not hide the names of raters.")
        words = cut(one_line(why), MAX_WHY)
        if not words:
            raise InvalidInput("Say in a few words why you need the names. The person reads it.")
        now = self._clock()
        with self._unit_of_work() as work:
            case = work.cases.get(number, reviewed_groups(user))
            if case is None:
                raise NotFound("This case does not exist. The rating may have been withdrawn.")
            work.cases.record(
                CaseEvent(case_id=case.id, at=now, kind=CaseEventKind.REVEALED, actor_id=user.id, before=reason.value, after=words)
            )
            if case.feedback.user_id != user.id:
                name_revealed(work, now, case.feedback.user_id, case.feedback.conversation_id)
            record(work, now, user.id, "case.reveal", str(number), reason=reason.value)
            work.commit()
        return now + REVEALED_FOR

    def looks(self, user: User, limit: int = LOOKS_LISTED) -> Sequence[Look]:
        """List who saw the person's own name in reviews, newest first."""
        require(user, Permission.RATE)
        with self._unit_of_work() as work:
            found = work.cases.reveals_of_rater(user.id, limit)
        return [
            Look(
                number=case.number, question=case.feedback.question, viewer_name=event.actor_name or "", at=event.at,
                reason=RevealReason(event.before), why=event.after,
            )
            for case, event in found
        ]  # fmt: skip

    def of_case(self, user: User, case: ReviewCase) -> ReviewCase:
        """Return a case as this person may see it: with names only while they are revealed."""
        if not self.hidden:
            return case
        until = self._shown_until(user, case.id)
        return replace(case, names_until=until) if until else self.of_cases([case])[0]

    def of_cases(self, cases: Iterable[ReviewCase]) -> list[ReviewCase]:
        """Return cases without names, for lists and exports."""
        return [replace(each, feedback=self.of_rating(each.feedback)) for each in cases] if self.hidden else list(cases)

    def of_rating(self, rating: Feedback) -> Feedback:
        """Return a rating without the rater's name, and without names in its texts. Notes are the reviewers' own and stay."""
        if not self.hidden or rating.names_hidden:
            return rating
        hide, said = self.hide(rating), rating.details
        return replace(
            rating, user_name="", user_full_name="", names_hidden=True, comment=hide(rating.comment),
            question=hide(rating.question) if rating.question else rating.question,
            answer=hide(rating.answer) if rating.answer else rating.answer,
            details=replace(said, passage=hide(said.passage), better_answer=hide(said.better_answer)),
        )  # fmt: skip

    def of_branch(self, rating: Feedback, branch: Sequence[Message]) -> tuple[Message, ...]:
        """Return the chat of a rating without names. rating: with the rater's name."""
        if not self.hidden:
            return tuple(branch)
        hide = self.hide(rating)
        return tuple(
            replace(
                each, text=hide(each.text), reasoning=hide(each.reasoning), steps=(),
                files=tuple(replace(file, name=hide(file.name)) for file in each.files),
            )
            for each in branch
        )  # fmt: skip

    def hide(self, rating: Feedback) -> Callable[[str], str]:
        """Return a function that takes the rater's name and all personal data out of a text. It changes nothing if names are shown."""
        if not self.hidden:
            return lambda text: text
        change, own = self._privacy.of_group(rating.group), own_name(rating.user_full_name, rating.user_name)
        # A name within a mail address goes with the address.
        return lambda text: (own.sub(NAME, change(text)) if own else change(text)) if text else text

    def audited(self, rating: Feedback) -> dict[str, str]:
        """Return the details of an audit event that name the rater; none if names are hidden."""
        return {} if self.hidden else {"person": rating.user_name}

    def _shown_until(self, user: User, case_id: str) -> datetime | None:
        if user.key is not None:
            return None
        now = self._clock()
        with self._unit_of_work() as work:
            at = work.cases.revealed_at(case_id, user.id, now - REVEALED_FOR)
        return at + REVEALED_FOR if at else None


@lru_cache(maxsize=1024)
def own_name(full_name: str, name: str) -> re.Pattern[str] | None:
    """Return a pattern for a person's name as it stands in texts: whole and the sign-in name in any case, its parts with a capital."""
    parts = [each for each in re.split(r"\s+", full_name) if len(each) > 1 and each[0].isupper()]
    whole = [r"\s+".join(map(re.escape, full_name.split()))] if len(full_name.strip()) > 1 else []
    any_case = [f"(?i:{each})" for each in (*whole, *([re.escape(name)] if len(name) > 2 else []))]
    words = [*any_case, *map(re.escape, parts)]
    if not words:
        return None
    # Chinese has no spaces between words; elsewhere a name is a word of its own.
    return re.compile("|".join(each if _is_cjk(each) else rf"(?<!\w){each}(?!\w)" for each in words))


def _is_cjk(text: str) -> bool:
    return all("\u2e80" <= each <= "\u9fff" for each in text.removeprefix("(?i:") if each.isalpha())
