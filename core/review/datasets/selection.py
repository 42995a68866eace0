"""Choose ratings, read the conversations of people who agreed, and clean the examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from core.chat.context.records import Applied
from core.people.records import User
from core.privacy.filter import PrivacyFilter
from core.review.cases.records import CaseState
from core.review.datasets.cleaning import Cleaner, Mask, within_tag_limit
from core.review.datasets.examples import Example, LeftOut, Wanted, example_of
from core.review.datasets.holdout import is_held_out
from core.review.datasets.lines import line_of
from core.review.datasets.ports import Rated
from core.review.datasets.records import DatasetSettings, Format, LineSource, Reason, Report, Source
from core.review.training_consent import agreed_people
from core.unit_of_work import UnitOfWorkFactory

PAGE = 200
Progress = Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A finished line, and what is needed to count and check it."""

    content: bytes
    held_out: bool
    example: Example | None
    """Kept only for previews."""
    rated: Rated
    source: Source
    sources: tuple[tuple[str, int], ...]
    """Id and value of each rating that it comes from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    lines: Sequence[Line]
    found: int
    left_out: Mapping[Reason, int]
    masked: int
    holdout_percent: int

    def without(self, gone: Collection[int]) -> Selected:
        """Return the selection without these lines, which were withdrawn meanwhile."""
        if not gone:
            return self
        lines = [line for number, line in enumerate(self.lines) if number not in gone]
        left_out = {**self.left_out, Reason.WITHDRAWN: len(self.lines) - len(lines)}
        return replace(self, lines=lines, left_out=left_out)

    def sources(self) -> list[LineSource]:
        return [
            LineSource(line=number, user_id=line.rated.user_id, conversation_id=line.rated.conversation_id, rating_id=id, rating=rating)
            for number, line in enumerate(self.lines)
            for id, rating in line.sources
        ]

    def report(self) -> Report:
        holdout = sum(line.held_out for line in self.lines)
        return Report(
            found=self.found, left_out={reason: self.left_out[reason] for reason in Reason if self.left_out.get(reason)},
            train=len(self.lines) - holdout, holdout=holdout, holdout_percent=self.holdout_percent,
            people=len({line.rated.user_id for line in self.lines}), masked=self.masked,
            by_tag=_counted(tag for line in self.lines for tag in line.rated.tags),
            by_source=_counted(line.source.value for line in self.lines),
            by_model=_counted(line.rated.model for line in self.lines),
        )  # fmt: skip


class Selection:
    def __init__(self, unit_of_work: UnitOfWorkFactory, privacy: PrivacyFilter, holdout_percent: int) -> None:
        self._unit_of_work = unit_of_work
        self._privacy = privacy
        self._holdout_percent = holdout_percent

    def select(self, settings: DatasetSettings, progress: Progress | None = None) -> Selected:
        """Return every example that stays, the one rated first at the beginning. progress: receives 0 to 1, and may raise to stop."""
        with self._unit_of_work() as work:
            total = max(1, work.rated.count(settings))
        return self._select(settings, self._pages(settings), total, progress, keep_examples=False)

    def sample(self, settings: DatasetSettings, most: int) -> tuple[Selected, int, int]:
        """Do the same with the newest ratings alone; return also how many were read, and how many there are."""
        with self._unit_of_work() as work:
            total = work.rated.count(settings)
            newest = list(work.rated.find(settings, most, newest_first=True))[::-1]
        pages = (newest[at : at + PAGE] for at in range(0, len(newest), PAGE))
        return self._select(settings, pages, max(1, total), None, keep_examples=True), len(newest), total

    def _pages(self, settings: DatasetSettings) -> Iterator[Sequence[Rated]]:
        last: Rated | None = None
        while True:
            with self._unit_of_work() as work:
                page = work.rated.find(settings, PAGE, last)
            if page:
                yield page
                last = page[-1]
            if len(page) < PAGE:
                return

    def _select(
        self, settings: DatasetSettings, pages: Iterator[Sequence[Rated]], total: int, progress: Progress | None, *, keep_examples: bool
    ) -> Selected:
        with self._unit_of_work() as work:
            people = {each.id: each for each in work.users.all()}
            agreed = agreed_people(work, people.values())
        left_out: Counter[Reason] = Counter()
        cleaner = Cleaner(settings, _Masks(self._privacy).of)
        lines: list[Line] = []
        found = read = 0
        for page in pages:
            wanted = [each for rated in page for each in wanted_of(rated, settings)]
            found += len(wanted)
            usable = [each for each in wanted if each.rated.user_id in agreed]
            left_out[Reason.NO_CONSENT] += len(wanted) - len(usable)
            for example in self._read(settings, usable, left_out):
                try:
                    clean = cleaner.cleaned(example, people[example.wanted.rated.user_id])
                except LeftOut as problem:
                    left_out[problem.reason] += 1
                    continue
                lines.append(self._line(clean, settings, keep_example=keep_examples))
            read += len(page)
            if progress is not None:
                progress(read / total)
        stays = within_tag_limit([(line.rated.answer_id, line.rated.tags) for line in lines], settings.tag_limit)
        kept = [line for line, stay in zip(lines, stays, strict=True) if stay]
        left_out[Reason.TAG_LIMIT] += len(lines) - len(kept)
        return Selected(
            lines=kept, found=found, left_out=left_out, masked=cleaner.masked, holdout_percent=self._holdout_percent
        )  # fmt: skip

    def _read(self, settings: DatasetSettings, wanted: Sequence[Wanted], left_out: Counter[Reason]) -> Iterator[Example]:
        """Read the texts of a page at once."""
        with self._unit_of_work() as work:
            threads = work.rated.threads({each.rated.conversation_id for each in wanted})
            cache: dict[Applied, str | None] = {}

            def instructions_of(applied: Applied) -> str | None:
                if applied not in cache:
                    found = work.instructions.get(applied.holder, applied.subject)
                    cache[applied] = found.text if found is not None and found.updated_at == applied.updated_at else None
                return cache[applied]

            examples: list[Example] = []
            for each in wanted:
                try:
                    thread = threads.get(each.rated.conversation_id, {})
                    examples.append(example_of(each, thread, settings, instructions_of, pair=settings.format is Format.DPO))
                except LeftOut as problem:
                    left_out[problem.reason] += 1
        yield from examples

    def _line(self, example: Example, settings: DatasetSettings, *, keep_example: bool) -> Line:
        wanted = example.wanted
        ratings = [(wanted.rated.id, wanted.rated.rating)]
        if wanted.rejected_rating:
            ratings.append((wanted.rejected_rating, -1))
        return Line(
            content=line_of(example, settings), held_out=is_held_out(wanted.rated.conversation_id, self._holdout_percent),
            example=example if keep_example else None, rated=wanted.rated, source=wanted.source, sources=tuple(ratings),
        )  # fmt: skip


def wanted_of(rated: Rated, settings: DatasetSettings) -> list[Wanted]:
    """Return the examples that a rating gives."""
    chosen, pairs = set(settings.sources), settings.format is Format.DPO
    found: list[Wanted] = []
    if Source.CORRECTED in chosen and rated.correction:
        found.append(Wanted(rated=rated, source=Source.CORRECTED, answer_id=rated.answer_id, correction=rated.correction))
    if pairs:
        if Source.OPPOSITE in chosen:
            for answer_id, rating_id in rated.opposites:
                found.append(Wanted(
                    rated=rated, source=Source.OPPOSITE, answer_id=rated.answer_id, rejected_id=answer_id, rejected_rating=rating_id,
                ))  # fmt: skip
        if Source.VOTES in chosen:
            for answer_id in rated.beaten:
                found.append(Wanted(rated=rated, source=Source.VOTES, answer_id=rated.answer_id, rejected_id=answer_id))
        return found
    if rated.rating > 0:
        of_rating = [(Source.ACCEPTED, rated.state is CaseState.KEPT), (Source.VOTES, bool(rated.beaten)), (Source.GOOD, True)]
        if (source := next((each for each, is_one in of_rating if is_one and each in chosen), None)) is not None:
            found.append(Wanted(rated=rated, source=source, answer_id=rated.answer_id))
    elif Source.POOR in chosen:
        found.append(Wanted(rated=rated, source=Source.POOR, answer_id=rated.answer_id, label=False))
    if settings.format is Format.KTO and Source.VOTES in chosen:
        found += [Wanted(rated=rated, source=Source.VOTES, answer_id=each, label=False) for each in rated.beaten]
    return found


class _Masks:
    """Masks every kind of personal data, and what the own patterns of the person's group find."""

    def __init__(self, privacy: PrivacyFilter) -> None:
        self._privacy = privacy
        self._of_group: dict[str, Mask] = {}

    def of(self, person: User) -> Mask:
        if person.group not in self._of_group:
            self._of_group[person.group] = self._privacy.shared(person)
        return self._of_group[person.group]


def _counted(names: Iterator[str]) -> dict[str, int]:
    """Count names, the most frequent first."""
    return dict(sorted(Counter(names).items(), key=lambda item: (-item[1], item[0])))
