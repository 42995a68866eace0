"""Define what raters are asked after the thumb, and check what they answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from core.characters import cut, one_line, without_controls
from core.clock import Clock
from core.errors import Conflict, InvalidInput
from core.people.audit_events import record
from core.people.permissions import Permission, require
from core.people.records import User
from core.review.records import RatingDetails, RatingForm
from core.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_REASON = 40
MAX_REASONS = 12
"""Most reasons for good ratings, and for poor ones."""
MAX_PASSAGE = 1000
MAX_BETTER_ANSWER = 20_000
MAX_SCORE = 5
VERSIONS_LISTED = 50
_ADDRESS = re.compile(r"\]\([^)\s]*\)")
_NOT_WORDS = re.compile(r"[\W_]+")


class RatingForms:
    """Reads the rating form, and stores new versions of it."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    def current(self, user: User) -> RatingForm:
        """Return the form that raters get now."""
        require(user, Permission.RATE)
        with self._unit_of_work() as work:
            return current_form(work)

    def versions(self, user: User) -> Sequence[RatingForm]:
        """List the saved versions, newest first."""
        require(user, Permission.SET_UP_REVIEW)
        with self._unit_of_work() as work:
            return work.rating_forms.versions(VERSIONS_LISTED)

    def save(self, user: User, form: RatingForm) -> RatingForm:
        """Store the next version. form.version: the version that it is based on. Returns the present one if nothing differs.

        Raises InvalidInput, and Conflict if somebody has saved a version since.
        """
        require(user, Permission.SET_UP_REVIEW)
        now = self._clock()
        with self._unit_of_work() as work:
            present = current_form(work)
            if form.version != present.version:
                raise Conflict("Someone else has changed the form. Look at it again, then repeat your change.")
            wanted = replace(
                form, good_reasons=_reasons(form.good_reasons), poor_reasons=_reasons(form.poor_reasons), saved_at=present.saved_at,
                saved_by=present.saved_by,
            )  # fmt: skip
            if wanted == present:
                return present
            saved = replace(wanted, version=present.version + 1, saved_at=now, saved_by=user.name)
            work.rating_forms.add(saved, user.id)
            record(work, now, user.id, "rating_form.save", str(saved.version))
            work.commit()
        return saved


def current_form(work: UnitOfWork) -> RatingForm:
    return work.rating_forms.newest() or RatingForm()


def checked(work: UnitOfWork, details: RatingDetails, rating: int, answer: str) -> RatingDetails:
    """Return the details as they are stored. Raises InvalidInput for what the form does not ask, or what is not in the answer."""
    if details.is_empty:
        return RatingDetails()
    version = details.form_version
    form = current_form(work) if version is None else work.rating_forms.get(version) or (RatingForm() if version == 0 else None)
    if form is None:
        raise InvalidInput("The rating form has no version {version}. Read the form again.", version=str(version))
    for reason in details.reasons:
        if reason not in form.reasons(rating):
            raise InvalidInput("{reason} is not a reason in the rating form. Read the form again.", reason=reason[:MAX_REASON])
    if details.score is not None and not 1 <= details.score <= MAX_SCORE:
        raise InvalidInput("A score must be between 1 and {most}.", most=MAX_SCORE)
    unasked = (
        ("score", details.score, form.asks_score), ("passage", details.passage, form.asks_passage),
        ("better_answer", details.better_answer, form.asks_better_answer),
    )  # fmt: skip
    for name, given, asked in unasked:
        if given not in (None, "") and not asked:
            raise InvalidInput("The rating form does not ask for {field}. Read the form again.", field=name)
    if len(details.better_answer) > MAX_BETTER_ANSWER:
        raise InvalidInput("A better answer can have at most {limit} characters.", limit=MAX_BETTER_ANSWER)
    return RatingDetails(
        form_version=form.version, reasons=tuple(dict.fromkeys(details.reasons)), score=details.score,
        passage=_passage(details.passage, answer), better_answer=without_controls(details.better_answer).strip(),
    )  # fmt: skip


def _passage(given: str, answer: str) -> str:
    """Return a passage on one line. Only letters and digits are compared: people mark what they see, without Markdown."""
    if len(given) > MAX_PASSAGE:
        raise InvalidInput("A passage can have at most {limit} characters.", limit=MAX_PASSAGE)
    passage = one_line(without_controls(given))
    if passage and _letters(passage) not in _letters(_ADDRESS.sub("]", answer)):
        raise InvalidInput("This passage is not in the answer. Mark it again.")
    return passage


def _letters(text: str) -> str:
    return _NOT_WORDS.sub("", text).casefold()


def _reasons(given: Iterable[str]) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for reason in given:
        if len(reason) > MAX_REASON:
            raise InvalidInput("A reason can have at most {limit} characters.", limit=MAX_REASON)
        if cleaned := cut(one_line(reason), MAX_REASON):
            kept.setdefault(cleaned.casefold(), cleaned)
    if len(kept) > MAX_REASONS:
        raise InvalidInput("A form can have at most {limit} reasons for good ratings, and as many for poor ones.", limit=MAX_REASONS)
    return tuple(kept.values())
