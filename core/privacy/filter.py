"""Apply the policy of a person's group to requests and answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache

from core.clock import Clock
from core.errors import InvalidInput, NotFound
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.privacy.detectors import find
from core.privacy.masking import OWN_HOLDS, StreamMask, masked
from core.privacy.ports import OwnPatterns
from core.privacy.records import EVERY_GROUP, Action, Finding, Kind, PrivacyPolicy
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

REFUSED = "This contains personal data ({kinds}), which your group may not send to a model. Remove it and try again."

MAX_KEPT = 8_000
"""Most characters of a text whose masked form is kept: a list that is drawn again and again would search each text again."""

privacy_seen: ContextVar[list[Kind] | None] = ContextVar("privacy_seen", default=None)
"""Where the edge wants the kinds of data that a request held; None: it does not ask."""


class PersonalData(InvalidInput):
    """The text holds personal data, and the policy of the group refuses it."""

    code = "personal_data"


@dataclass(frozen=True, slots=True)
class Checked:
    """A text of a request after its check."""

    text: str
    """Masked, if the policy masks."""
    action: Action
    found: tuple[tuple[Kind, str], ...] = ()
    """Each value that was found, for its author alone: what it is and what it was."""


class PrivacyFilter:
    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, patterns: OwnPatterns | None = None) -> None:
        """patterns: None: own patterns cannot be used."""
        self._unit_of_work = unit_of_work
        self._patterns = patterns
        self._clock = clock

    # For admins

    def policies(self, actor: User) -> Sequence[PrivacyPolicy]:
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            return work.policies.all()

    def put(self, actor: User, policy: PrivacyPolicy) -> None:
        """Set the policy of a group, or of every group. Raises InvalidInput for a pattern that cannot be used, NotFound for a group."""
        require(actor, Permission.MANAGE_PEOPLE)
        if self._patterns is not None:
            self._patterns.check(policy.patterns)
        elif policy.patterns:
            raise InvalidInput("Own patterns cannot be used here.")
        with self._unit_of_work() as work:
            if policy.group != EVERY_GROUP and all(group.name != policy.group for group in work.groups.all()):
                raise NotFound("This group does not exist. It may have been removed.")
            work.policies.put(policy)
            details = {"input": policy.input, "output": policy.output, "kinds": ", ".join(sorted(policy.kinds))}
            record(work, self._clock(), actor.id, "privacy.put", policy.group, **details, patterns=str(len(policy.patterns)))
            work.commit()

    def remove(self, actor: User, group: str) -> None:
        """Remove a policy. Raises NotFound."""
        require(actor, Permission.MANAGE_PEOPLE)
        with self._unit_of_work() as work:
            if not work.policies.remove(group):
                raise NotFound("There is no policy for this group.")
            record(work, self._clock(), actor.id, "privacy.remove", group)
            work.commit()

    # Requests

    def check(self, user: User, text: str) -> Checked:
        """Check a text of a request. Raises PersonalData if the policy refuses it."""
        with self._unit_of_work() as work:
            return self.check_in(work, user, text)

    def check_in(self, work: UnitOfWork, user: User, text: str) -> Checked:
        """Check like `check`, in the unit of work of the caller."""
        policy = work.policies.of_group(user.group)
        if policy is None or policy.input is Action.OFF:
            return Checked(text, Action.OFF)
        return self._checked(policy, text)

    def incoming(self, user: User) -> Callable[[str], str] | None:
        """Return a function that checks and masks each text of a request; None if they stay as they are. It raises PersonalData."""
        return self._incoming(self._policy(user))

    def both(self, user: User) -> tuple[Callable[[str], str] | None, Callable[[], StreamMask] | None]:
        """Return what `incoming` and `outgoing` return, for a request and its answer."""
        policy = self._policy(user)
        return self._incoming(policy), self._outgoing(policy)

    # Answers and exports

    def outgoing(self, user: User) -> Callable[[], StreamMask] | None:
        """Return a function that makes a mask for the stream of an answer; None if answers stay as they are."""
        return self._outgoing(self._policy(user))

    def exported(self, user: User) -> Callable[[str], str]:
        """Return a function that masks a text of an export."""
        policy = self._policy(user)
        if policy is None or policy.output is Action.OFF:
            return lambda text: text
        return lambda text: masked(text, self._find(policy, text))

    def shared(self, user: User) -> Callable[[str], str]:
        """Return a function that masks a text that its author shares: every kind of personal data, and the own patterns of the group."""
        return self.of_group(user.group)

    def of_group(self, group: str) -> Callable[[str], str]:
        """Return a function that masks every kind of personal data, and what the own patterns of a group find."""
        policy = self._policy_of(group)
        if policy is None or not policy.patterns or self._patterns is None:
            return lambda text: _masked_before(text) if len(text) <= MAX_KEPT else _masked_whole(text)
        wide = PrivacyPolicy(input=Action.MASK, patterns=policy.patterns)
        return lambda text: masked(text, self._find(wide, text))

    def _policy(self, user: User) -> PrivacyPolicy | None:
        return self._policy_of(user.group)

    def _policy_of(self, group: str) -> PrivacyPolicy | None:
        with self._unit_of_work() as work:
            return work.policies.of_group(group)

    def _incoming(self, policy: PrivacyPolicy | None) -> Callable[[str], str] | None:
        if policy is None or policy.input is Action.OFF:
            return None
        return lambda text: self._checked(policy, text).text

    def _outgoing(self, policy: PrivacyPolicy | None) -> Callable[[], StreamMask] | None:
        if policy is None or policy.output is Action.OFF:
            return None
        hold = OWN_HOLDS if policy.patterns and Kind.OWN in policy.kinds else 0
        return lambda: StreamMask(lambda text: self._find(policy, text), hold)

    def _checked(self, policy: PrivacyPolicy, text: str) -> Checked:
        found = self._find(policy, text)
        if not found:
            return Checked(text, Action.OFF)
        kinds = sorted({each.kind for each in found})
        if (seen := privacy_seen.get()) is not None:
            seen += [kind for kind in kinds if kind not in seen]
        if policy.input is Action.REFUSE:
            raise PersonalData(REFUSED, kinds=", ".join(kinds))
        values = tuple((each.kind, text[each.start : each.end]) for each in found)
        return Checked(masked(text, found) if policy.input is Action.MASK else text, policy.input, values)

    def _find(self, policy: PrivacyPolicy, text: str) -> list[Finding]:
        patterns = self._patterns
        if patterns is None or not policy.patterns:
            return find(text, policy.kinds)
        return find(text, policy.kinds, lambda text: patterns.find(policy.patterns, text))


def _masked_whole(text: str) -> str:
    return masked(text, find(text, frozenset(Kind)))


_masked_before = lru_cache(maxsize=1024)(_masked_whole)
